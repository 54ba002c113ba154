use clap::Parser;
use insta::assert_json_snapshot;

use super::*;
use crate::cli::{Cli, Command, DockerCommand, WasmCommand};

const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

fn document_of(words: &[&str]) -> Result<Value, Failure> {
    let cli = Cli::try_parse_from(["gadus"].iter().chain(words)).unwrap();
    let inputs = |flags: &TaskFlags| {
        flags.inputs.iter().map(|input| ipfs_input(CID, &input.target)).collect()
    };
    match cli.command {
        Command::Docker(DockerCommand::Run(args)) => docker(&args, inputs(&args.task)),
        Command::Wasm(WasmCommand::Run(args)) => {
            wasm(&args, &format!("ipfs://{CID}"), inputs(&args.task))
        }
        _ => panic!("{words:?}"),
    }
}

#[test]
fn the_least_docker_job_is_bacalhaus() {
    assert_json_snapshot!(document_of(&["docker", "run", "ubuntu"]).unwrap(), @r#"
    {
      "Type": "batch",
      "Priority": 0,
      "Count": 1,
      "Tasks": [
        {
          "Name": "main",
          "Engine": {
            "Type": "docker",
            "Params": {
              "Image": "ubuntu"
            }
          }
        }
      ]
    }
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one long document, written out")]
fn every_docker_flag_has_its_place() {
    let document = document_of(&[
        "docker",
        "run",
        "-i",
        "./in:/in",
        "-o",
        "outputs:/outputs",
        "-e",
        "K=a=b",
        "--cpu",
        "2",
        "--memory",
        "1Gi",
        "--disk",
        "5Gb",
        "--gpu",
        "1",
        "--network",
        "http",
        "--domain",
        "example.com",
        "-p",
        "s3://bucket/key,opt=region=eu",
        "--timeout",
        "1h",
        "--queue-timeout",
        "5m",
        "--entrypoint",
        "/bin/sh",
        "--workdir",
        "/w",
        "--name",
        "n",
        "--namespace",
        "ns",
        "--count",
        "3",
        "--priority",
        "-2",
        "-l",
        "env=test",
        "--constraint",
        "region=eu,gpu in (a100,h100),!spot,cores>8",
        "busybox:1.37",
        "--",
        "-c",
        "exit 3",
    ]);
    let expected = json!({
        "Name": "n", "Namespace": "ns", "Type": "batch", "Priority": -2, "Count": 3,
        "Constraints": [
            {"Key": "region", "Operator": "in", "Values": ["eu"]},
            {"Key": "gpu", "Operator": "in", "Values": ["a100", "h100"]},
            {"Key": "spot", "Operator": "!"},
            {"Key": "cores", "Operator": "gt", "Values": ["8"]},
        ],
        "Labels": {"env": "test"},
        "Tasks": [{
            "Name": "main",
            "Engine": {"Type": "docker", "Params": {
                "Image": "busybox:1.37", "Entrypoint": ["/bin/sh"], "Parameters": ["-c", "exit 3"],
                "WorkingDirectory": "/w",
            }},
            "Publisher": {"Type": "s3", "Params": {
                "Bucket": "bucket", "Key": "key", "Region": "eu",
            }},
            "Env": {"K": "a=b"},
            "InputSources": [
                {"Source": {"Type": "ipfs", "Params": {"CID": CID}}, "Alias": "", "Target": "/in"},
            ],
            "ResultPaths": [{"Name": "outputs", "Path": "/outputs"}],
            "Resources": {"CPU": "2", "Memory": "1Gi", "Disk": "5Gb", "GPU": "1"},
            "Network": {"Type": "http", "Domains": ["example.com"]},
            "Timeouts": {"QueueTimeout": 300, "TotalTimeout": 3600},
        }],
    });
    assert_eq!(document.unwrap(), expected);
}

#[test]
fn a_wasm_job_names_its_module_by_content() {
    let document = document_of(&[
        "wasm",
        "run",
        "--target",
        "all",
        "-i",
        "./x:/in.txt",
        "main.wasm",
        "a",
        "b",
        "--",
        "-v",
    ]);
    assert_json_snapshot!(document.unwrap());
}

#[test]
fn the_node_takes_what_the_flags_make() {
    let document = document_of(&["docker", "run", "-o", "outputs:/outputs", "busybox"]).unwrap();
    let read: Job = serde_json::from_value(document.clone()).unwrap();
    assert_eq!((read.kind.as_str(), read.count, read.tasks.len()), ("batch", 1, 1));
    // A file with the same content is the same document.
    let parsed = crate::job_file::parse("x", &document.to_string()).unwrap();
    assert_eq!(parsed, document);
}

#[test]
fn a_bad_constraint_is_told_with_an_example() {
    let failure = document_of(&["docker", "run", "--constraint", "a ~ b", "busybox"]).unwrap_err();
    let Failure::Told(report) = failure else { panic!("told") };
    assert_eq!(report.what, "--constraint 'a ~ b' makes no sense");
    assert!(report.hint.is_some());
}
