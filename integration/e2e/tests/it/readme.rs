//! The README's blocks, run in order as somebody would who pastes them.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use gadus_e2e::cli::{binary, command, run};
use gadus_e2e::{docker_socket, program, root};

use crate::python::python;

/// Lines that are not run, and why. Everything else is.
const NOT_RUN: [(&str, &str); 3] = [
    ("make demo", "it builds the world and starts a network of its own"),
    ("make test", "it would run this test"),
    ("cargo build", "the binary under test is built, and in PATH"),
];

/// What a block must print, by a command in it.
const PRINTED: [(&str, &[&str]); 17] = [
    ("gadus ls $cid", &["readme.txt", "the quick brown fox jumps over the lazy dog"]),
    ("curl -sS --data-binary", &["\"CID\"", "the quick brown fox"]),
    ("print(requests.get(f\"{api}/ipfs/{cid}\").text)", &["the quick brown fox"]),
    ("wordfreq.wasm 20", &["9 words"]),
    ("gadus wasm run hello.wat", &["Hello, world!"]),
    ("gadus docker run", &[]),
    ("gadus job run job.yaml", &["9 words"]),
    ("gadus wasm run --verify", &["Hello, world!", "verified", "quorum=2/2", "agrees", "VALID"]),
    ("gadus verify job.car --trust", &["verified", "agrees", "a key that you trust"]),
    ("gadus run task.json", &["Hello, world!"]),
    ("gadus run --local task.car", &["Hello, world!"]),
    ("# who bid, who won", &["Completed", "rank 1", "3 of 3 nodes would take it", "9 words"]),
    ("gadus job stop", &[]),
    ("jobs/$id?wait_ms", &["\"Completed\"", "\"ipfs\""]),
    ("print(requests.get(f\"{jobs}/{job}/results\")", &["'Completed'", "'ipfs'"]),
    ("gadus store gc", &["Pinned", "user", "UNTIL", "Packs removed", "Packs read"]),
    ("gadus config default", &["[requester]", "api.listen"]),
];

/// A block of code.
struct Block {
    /// `sh` or `py`.
    language: &'static str,
    /// Where it begins, from 1.
    line: usize,
    text: String,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let language = match line {
            "```sh" => "sh",
            "```python" => "py",
            _ => continue,
        };
        let inner = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let text = inner.flat_map(|line| [line, "\n"]).collect();
        blocks.push(Block { language, line: number + 2, text });
    }
    blocks
}

/// The block without what is not run.
fn runnable(block: &Block, docker: bool) -> String {
    let left_out = |line: &&str| {
        let not_run = NOT_RUN.iter().any(|(begin, _)| line.starts_with(begin));
        not_run || (!docker && line.starts_with("gadus docker run"))
    };
    block.text.lines().filter(|line| !left_out(line)).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn every_block_of_the_readme_runs_as_it_is_pasted() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&readme);
    for (begin, _) in NOT_RUN {
        let has_it = |block: &Block| block.text.lines().any(|line| line.starts_with(begin));
        assert!(blocks.iter().any(has_it), "no block has '{begin}' any more");
    }
    let about = "the README's Python";
    let Some(python) = python(about, "requests-2.32.5", &["requests==2.32.5"]) else { return };
    let socket = docker_socket("the README's container");
    let said = paste(&blocks, &python, socket.as_deref());
    for (command, expected) in PRINTED {
        let nth = blocks.iter().position(|block| block.text.contains(command));
        let nth = nth.unwrap_or_else(|| panic!("no block has '{command}' any more"));
        for part in expected {
            let block = &blocks[nth];
            let printed = &said[nth];
            assert!(printed.contains(part), "line {} prints '{part}':\n{printed}", block.line);
        }
    }
}

/// Runs the blocks in a place of their own; what each of them printed.
fn paste(blocks: &[Block], python: &Path, socket: Option<&str>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let checkout = checkout(dir.path());
    let files: Vec<PathBuf> = blocks
        .iter()
        .enumerate()
        .map(|(nth, block)| {
            let path = dir.path().join(format!("{nth:02}.{}", block.language));
            fs::write(&path, runnable(block, socket.is_some())).unwrap();
            path
        })
        .collect();
    let nodes = dir.path().join("nodes");
    fs::create_dir(&nodes).unwrap();
    // Nothing of this user's configuration reaches the commands.
    let mut bash = Command::new("bash");
    let own = command();
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    bash.arg(root().join("integration/e2e/tests/it/readme.sh")).args(&files);
    bash.current_dir(&checkout).env("PATH", path_with_gadus(dir.path()));
    bash.env("NODE_API", free_address()).env("NODE_DIR", &nodes).env("PYTHON", python);
    bash.env("GADUS_DOCKER_SOCKET", socket.map_or_else(|| "/nowhere".to_owned(), named_image));
    let output = run(&mut bash);
    let mut said = vec![String::new(); blocks.len()];
    let mut nth = None;
    for line in output.stdout.lines() {
        match line.strip_prefix("== ").and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => nth = Some(number),
            None => nth.into_iter().for_each(|nth| writeln!(said[nth], "{line}").unwrap()),
        }
    }
    let at = nth.map_or(0, |nth| blocks[nth].line);
    assert_eq!(output.code, 0, "the block at line {at}:\n{}\n{}", output.stdout, output.stderr);
    said
}

/// What a reader has: the checkout, as far as the README names it, and the programs built.
fn checkout(dir: &Path) -> PathBuf {
    let checkout = dir.join("gadus");
    fs::create_dir_all(checkout.join("target")).unwrap();
    let root = root().canonicalize().unwrap();
    for name in ["ops", "integration"] {
        symlink(root.join(name), checkout.join(name)).unwrap();
    }
    let wordfreq = PathBuf::from(program("wordfreq"));
    symlink(wordfreq.parent().unwrap(), checkout.join("target/programs")).unwrap();
    checkout
}

fn path_with_gadus(dir: &Path) -> String {
    let bin = dir.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(binary(), bin.join("gadus")).unwrap();
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// An address that nobody listens on now.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The engine's socket, once the README's image is in it under its own name: a test has no
/// registry to pull it from.
fn named_image(socket: &str) -> String {
    let engine = format!("unix://{socket}");
    let mut docker = Command::new("docker");
    docker.args(["--host", &engine, "tag", gadus_e2e::IMAGE, "busybox:1.37"]);
    let tagged = run(&mut docker);
    assert_eq!(tagged.code, 0, "{}", tagged.stderr);
    socket.to_owned()
}
