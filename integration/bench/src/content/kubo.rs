//! The same things done by a real Kubo, where `KUBO_BIN` names one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::floor;

/// What it took, and a node to ask for more.
pub(super) struct Kubo {
    node: Node,
    pub(super) add: Duration,
    /// From another node of its kind, over bitswap.
    pub(super) pin: Duration,
    pub(super) cat: Duration,
    pub(super) gateway: Duration,
}

/// One daemon with a repository of its own.
struct Node {
    bin: PathBuf,
    repo: PathBuf,
    daemon: Child,
}

/// Within this time a daemon answers.
const READY_MAX: Duration = Duration::from_secs(60);

impl Kubo {
    /// Measures with a file, where there is a Kubo.
    pub(super) fn beside(dir: &Path, file: &Path) -> anyhow::Result<Option<Self>> {
        let Some(bin) = std::env::var_os("KUBO_BIN").map(PathBuf::from) else { return Ok(None) };
        let node = Node::start(&bin, &dir.join("kubo-one"))?;
        let other = Node::start(&bin, &dir.join("kubo-two"))?;
        let path = file.to_string_lossy();
        floor::settle()?;
        let began = Instant::now();
        let cid = node.say(&["add", "-Q", &path])?;
        let add = began.elapsed();
        let address = node.say(&["id", "-f", "<addrs>"])?;
        let address = address.lines().find(|line| line.starts_with("/ip4/127.")).unwrap_or("");
        other.say(&["swarm", "connect", address])?;
        floor::settle()?;
        let began = Instant::now();
        other.say(&["pin", "add", &cid])?;
        let pin = began.elapsed();
        let began = Instant::now();
        anyhow::ensure!(node.command(&["cat", &cid]).status()?.success(), "ipfs cat failed");
        let cat = began.elapsed();
        let gateway = std::fs::read_to_string(node.repo.join("gateway"))?;
        let gateway = curl(&format!("{}/ipfs/{cid}", gateway.trim()))?;
        Ok(Some(Self { node, add, pin, cat, gateway }))
    }

    pub(super) fn add_tree(&self, tree: &Path) -> anyhow::Result<Duration> {
        floor::settle()?;
        let began = Instant::now();
        self.node.say(&["add", "-Q", "-r", &tree.to_string_lossy()])?;
        Ok(began.elapsed())
    }
}

impl Node {
    fn start(bin: &Path, repo: &Path) -> anyhow::Result<Self> {
        let (bin, repo) = (bin.to_owned(), repo.to_owned());
        let mut command = Command::new(&bin);
        command.env("IPFS_PATH", &repo).stdout(Stdio::null()).stderr(Stdio::null());
        let made = command.args(["init", "--profile=test,unixfs-v1-2025"]).status()?;
        anyhow::ensure!(made.success(), "ipfs init failed");
        let mut daemon = Command::new(&bin);
        daemon.env("IPFS_PATH", &repo).arg("daemon").stdout(Stdio::null()).stderr(Stdio::null());
        let node = Self { daemon: daemon.spawn()?, bin, repo };
        let began = Instant::now();
        while !node.repo.join("gateway").exists() {
            anyhow::ensure!(began.elapsed() < READY_MAX, "the Kubo daemon is not ready");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(node)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.bin);
        command.env("IPFS_PATH", &self.repo).args(args).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn say(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(output.status.success(), "ipfs {}: {why}", args.join(" "));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Downloads to nowhere.
pub(super) fn curl(url: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut curl = Command::new("curl");
    let status = curl.args(["-sSf", "-o", "/dev/null", url]).status()?;
    anyhow::ensure!(status.success(), "curl {url} failed");
    Ok(began.elapsed())
}
