//! One node as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cli::{self, Output};

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes jobs.
    Requester,
    /// Runs jobs.
    Compute,
    /// Both.
    Both,
}

/// A node that runs, or ran: its directory stays until the test ends.
pub struct Process {
    /// Its name.
    pub name: String,
    /// Everything it keeps.
    pub data_dir: PathBuf,
    role: Role,
    args: Vec<String>,
    env: Vec<(String, String)>,
    netns: Option<String>,
    child: Option<Child>,
    /// `http://HOST:PORT`.
    pub api: String,
    /// A multiaddress on loopback that others can dial.
    pub peer: String,
}

/// How long a node may take to be ready; generous, since machines are shared.
const READY_MAX: Duration = Duration::from_secs(60);

impl Process {
    /// Prepares a node below `dir`; [`Process::start`] runs it.
    #[must_use]
    pub fn new(dir: &Path, name: &str, role: Role) -> Self {
        Self {
            name: name.to_owned(),
            data_dir: dir.join(name),
            role,
            args: Vec::new(),
            env: Vec::new(),
            netns: None,
            child: None,
            api: String::new(),
            peer: String::new(),
        }
    }

    /// One more argument of `serve`, for this and later starts.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// In a network namespace, where it listens on every address.
    #[must_use]
    pub fn in_netns(mut self, netns: &str) -> Self {
        self.netns = Some(netns.to_owned());
        self
    }

    fn command(&self) -> Command {
        self.netns.as_ref().map_or_else(cli::command, |netns| cli::command_in(netns))
    }

    /// Runs `gadus ARGS` against its API, where it is.
    pub fn gadus(&self, args: &[&str]) -> Output {
        cli::run(self.command().env("GADUS_API", &self.api).args(args))
    }

    /// What `gadus ARGS --output json` says against it.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        self.gadus(&[args, &["--output", "json"]].concat()).json()
    }

    /// A variable of its environment, for this and later starts.
    pub fn set_env(&mut self, key: &str, value: &str) {
        self.env.retain(|(k, _)| k != key);
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// Takes a variable away again.
    pub fn clear_env(&mut self, key: &str) {
        self.env.retain(|(k, _)| k != key);
    }

    fn log_path(&self) -> PathBuf {
        self.data_dir.with_extension("log")
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Starts it without waiting for it.
    pub fn spawn(&mut self) {
        let log = fs::File::create(self.log_path()).expect("a log file");
        let mut command = self.command();
        command.args(["serve", "--network", "test", "--name", &self.name, "--data-dir"]);
        command.arg(&self.data_dir);
        let api = if self.api.is_empty() { "127.0.0.1:0" } else { &self.api[7..] };
        command.args(["--api", api]);
        let port = self.peer.split('/').nth(4).unwrap_or("0");
        let ip = if self.netns.is_some() { "0.0.0.0" } else { "127.0.0.1" };
        command.args(["--listen", &format!("/ip4/{ip}/tcp/{port}")]);
        match self.role {
            Role::Requester => {
                command.arg("--requester");
            }
            Role::Compute => {
                command.arg("--compute");
            }
            Role::Both => {}
        }
        command.args(&self.args).envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("gadus starts"));
    }

    /// Starts it and waits until it is ready. Ports are the same at every start.
    pub fn start(&mut self) {
        assert!(self.try_start(), "{} ended:\n{}", self.name, self.log());
    }

    /// The same, for a node that may end before it is ready. Whether it is.
    pub fn try_start(&mut self) -> bool {
        self.spawn();
        let began = Instant::now();
        loop {
            let log = self.log();
            let api = log.split_whitespace().find(|word| word.starts_with("http://127."));
            let peer = log.split_whitespace().find(|word| word.starts_with("/ip4/127."));
            if let (Some(api), Some(peer)) = (api, peer) {
                (self.api, self.peer) = (api.to_owned(), peer.to_owned());
                return true;
            }
            if self.has_ended() {
                return false;
            }
            assert!(began.elapsed() < READY_MAX, "{} is not ready:\n{log}", self.name);
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, and waits. Its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let _ = Command::new("kill").arg(child.id().to_string()).status();
        child.wait().ok().and_then(|status| status.code())
    }

    /// Whether it has ended, or was never started.
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|end| end.is_some()))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Option<std::process::ExitStatus> {
        self.child.take().and_then(|mut child| child.wait().ok())
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What a failing test needs most.
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("--- {}:\n{tail}\n", self.name).as_bytes(),
            );
        }
        self.kill();
    }
}
