//! Two daemons that speak Kubo's RPC and know each other, and nobody else: one beside the nodes, one
//! far away.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use gadus_e2e::{Http, KuboProgram};
use reqwest::Method;
use tempfile::TempDir;

use crate::judge::program;

/// Whose daemons.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// boxo's, which stand in for Kubo's in one process: blocks in memory, bitswap between them.
    Boxo,
    /// Those of the Kubo that `KUBO_BIN` names.
    Kubo,
}

/// The daemons; they end with this.
pub(super) struct Daemons {
    whose: Whose,
    /// The URL of the one beside the nodes.
    pub(super) near: String,
    /// The URL of the other.
    pub(super) far: String,
    running: Vec<Running>,
    dir: TempDir,
}

/// A process, and what it says: it would end if nobody listened.
struct Running(Child, BufReader<ChildStdout>);

impl Daemons {
    /// `None` where they cannot be had here, which is said.
    pub(super) fn start(whose: Whose) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut daemons =
            Self { whose, near: String::new(), far: String::new(), running: Vec::new(), dir };
        match whose {
            Whose::Boxo => daemons.start_boxo("127.0.0.1:0", "127.0.0.1:0")?,
            Whose::Kubo => {
                let ipfs = KuboProgram::named()?;
                let (near, far) = (daemons.near_repo(), daemons.far_repo());
                ipfs.make_repo(&near, &[]);
                ipfs.make_repo(&far, &[]);
                daemons.near = daemons.start_kubo(&ipfs, &near);
                daemons.far = daemons.start_kubo(&ipfs, &far);
                let addresses = ipfs.run(&far, &["id", "-f", "<addrs>"]);
                ipfs.run(&near, &["swarm", "connect", addresses.lines().next().unwrap()]);
            }
        }
        Some(daemons)
    }

    /// The one beside the nodes goes away, as in a power cut.
    pub(super) fn stop_near(&mut self) {
        // Dropped, which kills it. boxo's is one process with the other.
        self.running.remove(0);
    }

    /// It comes back, at the same address.
    pub(super) fn start_near(&mut self) {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        match self.whose {
            Whose::Boxo => self.start_boxo(&address(&self.near), &address(&self.far)).unwrap(),
            Whose::Kubo => {
                let ipfs = KuboProgram::named().unwrap();
                let near = address(&self.near).replace(':', "/tcp/");
                let near = format!("/ip4/{near}");
                ipfs.run(&self.near_repo(), &["config", "Addresses.API", &near]);
                let again = self.start_kubo(&ipfs, &self.near_repo());
                assert_eq!(again, self.near);
            }
        }
    }

    fn near_repo(&self) -> PathBuf {
        self.dir.path().join("near")
    }

    fn far_repo(&self) -> PathBuf {
        self.dir.path().join("far")
    }

    fn start_boxo(&mut self, near: &str, far: &str) -> Option<()> {
        let mut command = Command::new(program::built()?);
        // They end when their input does.
        command.args(["rpc", near, far]).stdin(Stdio::piped());
        let mut running = Running::start(&mut command);
        (self.near, self.far) = (running.line(), running.line());
        self.running.push(running);
        Some(())
    }

    /// Starts one, and waits until it is ready: where it is.
    fn start_kubo(&mut self, ipfs: &KuboProgram, repo: &Path) -> String {
        let mut running = Running::start(ipfs.command(repo).arg("daemon"));
        let mut url = String::new();
        loop {
            let line = running.line();
            if let Some(address) = line.strip_prefix("RPC API server listening on /ip4/") {
                url = format!("http://{}", address.replace("/tcp/", ":"));
            }
            if line == "Daemon is ready" {
                self.running.push(running);
                return url;
            }
        }
    }
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self(child, said)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let bytes = self.1.read_line(&mut line).unwrap();
        assert!(bytes > 0, "the daemon ended before it was ready");
        line.trim().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// What a daemon answers to a call: its status, and its text.
pub(super) fn call(url: &str, call: &str) -> (u16, Vec<u8>) {
    let answer = Http::new(url).send(&Method::POST, &format!("/api/v0/{call}"), &[], Vec::new());
    (answer.status, answer.body)
}
