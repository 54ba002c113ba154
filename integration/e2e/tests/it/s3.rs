//! Buckets of a real server: inputs from them, results into them.

mod publishers;
mod server;
mod sources;

use std::sync::Arc;

use gadus_data::source::{NodeSources, SourceConfig};
use gadus_data::{ContentConfig, EmbeddedContent, S3Config};
use gadus_e2e::{Http, Network, program};
use gadus_model::Cid;
use gadus_ports::{Content as _, Node, Origin, Pinned, S3Origin, SourceError, Sources as _};

use self::server::{Buckets, buckets};

/// A store, and sources that fill it.
struct World {
    _dir: tempfile::TempDir,
    content: EmbeddedContent,
    sources: NodeSources,
}

impl World {
    fn new(account: &S3Config, config: SourceConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
        let sources = NodeSources::new(content.clone(), config, account).unwrap();
        Self { _dir: dir, content, sources }
    }

    async fn pin(&self, origin: S3Origin) -> Result<Pinned, SourceError> {
        self.sources.pin(&Origin::S3(Box::new(origin))).await
    }

    /// Whether nothing is kept.
    async fn is_empty(&self) -> bool {
        self.content.pins().await.unwrap().is_empty()
    }

    /// Paths of the files of a tree, with their sizes.
    async fn files(&self, root: Cid) -> Vec<(String, u64)> {
        let (mut files, mut stack) = (Vec::new(), vec![(String::new(), root)]);
        while let Some((path, cid)) = stack.pop() {
            match self.content.open(cid, "", None).await.unwrap() {
                Node::Directory { entries, .. } => {
                    let below = entries.into_iter().rev();
                    stack.extend(below.map(|entry| (format!("{path}/{}", entry.name), entry.cid)));
                }
                Node::File { size, .. } => files.push((path, size)),
                Node::Symlink { target, .. } => panic!("{path} -> {target}"),
            }
        }
        files
    }
}

/// What a bucket of the test's server holds under a key.
fn at(bucket: &str, key: &str) -> S3Origin {
    S3Origin { bucket: bucket.to_owned(), key: key.to_owned(), ..S3Origin::default() }
}

fn network(buckets: &Arc<Buckets>) -> Network {
    let buckets = buckets.clone();
    Network::start_with(1, move |mut process| {
        // As Amazon's own tools are told.
        process.set_env("AWS_ACCESS_KEY_ID", &buckets.key);
        process.set_env("AWS_SECRET_ACCESS_KEY", &buckets.secret);
        process.set_env("AWS_REGION", &buckets.region);
        process.set_env("AWS_ENDPOINT_URL", &buckets.endpoint);
        process.set_env("GADUS_PUBLISHERS_S3_BUCKETS", "results");
        process
    })
}

#[test]
fn a_job_reads_objects_and_a_person_adds_them() {
    let Some(buckets) = buckets("a job that reads from a bucket") else { return };
    let network = network(&buckets);
    let steps = program("steps");
    let args = ["wasm", "run", &steps, "cat", "/in/a.txt", "-i", "s3://data/d/a.txt:/in"];
    assert_eq!(network.gadus(&args).ok(), "new\n");
    let old = format!("src=s3://data/d/a.txt,dst=/in,opt=version-id={}", buckets.old);
    let args = ["wasm", "run", &steps, "cat", "/in/a.txt", "-i", &old];
    assert_eq!(network.gadus(&args).ok(), "old\n");
    let args = ["wasm", "run", &steps, "cat", "/in/deep/x.csv", "-i", "s3://data/d/:/in"];
    assert_eq!(network.gadus(&args).ok(), "deep\n");
    let cid = network.gadus(&["add", "s3://data/d/?filter=csv$"]).ok();
    assert_eq!(network.gadus(&["cat", &format!("{}/deep/x.csv", cid.trim())]).ok(), "deep\n");
    let refused = network.gadus(&["add", "s3://private/secret"]);
    assert_eq!(refused.code, 123, "{refused:#?}");
    assert!(refused.stderr.contains("access is denied"), "{refused:#?}");
    assert!(refused.stderr.contains("section [s3]"), "{refused:#?}");
}

/// The published result of a job that says something.
fn published(network: &Network, publisher: &str) -> serde_json::Value {
    let steps = program("steps");
    let args = [
        "wasm",
        "run",
        "--verify",
        "attest",
        "--id-only",
        "-p",
        publisher,
        &steps,
        "print",
        "hello",
    ];
    let id = network.gadus(&args).ok();
    let (http, id) = (Http::new(&network.requester.api), id.trim());
    let job = http.get(&format!("/api/v1/orchestrator/jobs/{id}?wait_ms=60000")).ok();
    assert_eq!(job["Job"]["State"]["StateType"], "Completed", "{job:#}");
    let results = http.get(&format!("/api/v1/orchestrator/jobs/{id}/results")).ok();
    assert_eq!(results["Items"].as_array().map(Vec::len), Some(1), "{results:#}");
    results["Items"][0].clone()
}

/// A file of the archive at a URL, which is read as anybody could.
fn unpacked(url: &str, file: &str) -> String {
    let path = url.match_indices('/').nth(2).unwrap().0;
    let answer = Http::new(&url[..path]).get(&url[path..]);
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    let archive = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(archive.path(), &answer.body).unwrap();
    let mut tar = std::process::Command::new("tar");
    let said = tar.arg("-xzOf").arg(archive.path()).arg(file).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn a_result_goes_where_the_job_says_and_whoever_asks_can_read_it() {
    let Some(buckets) = buckets("a job that publishes into a bucket") else { return };
    let network = network(&buckets);
    let item = published(&network, "s3://results/{jobID}/{executionID}");
    assert_eq!(item["Type"], "s3PreSigned", "{item:#}");
    let source = &item["Params"]["SourceSpec"];
    assert_eq!(source["Bucket"], "results", "{item:#}");
    assert_eq!(unpacked(item["Params"]["PreSignedURL"].as_str().unwrap(), "stdout"), "hello\n");
    let tree = published(&network, "s3://results/{jobID},opt=encoding=plain");
    assert_eq!(tree["Type"], "s3", "a tree has no link: {tree:#}");
    let key = tree["Params"]["Key"].as_str().unwrap();
    let cid = network.gadus(&["add", &format!("s3://results/{key}")]).ok();
    assert_eq!(network.gadus(&["cat", &format!("{}/stdout", cid.trim())]).ok(), "hello\n");
    let local = published(&network, "local");
    assert_eq!(local["Type"], "urlDownload", "{local:#}");
    assert_eq!(unpacked(local["Params"]["URL"].as_str().unwrap(), "stdout"), "hello\n");
    let steps = program("steps");
    let elsewhere = ["wasm", "run", "--verify", "attest", "-p", "s3://data/x", &steps];
    let refused = network.gadus(&[&elsewhere[..], &["print", "hello"]].concat());
    assert!(refused.stderr.contains("may not publish into the bucket data"), "{refused:#?}");
    assert!(!refused.stdout.contains("hello"), "it was not even begun: {refused:#?}");
}
