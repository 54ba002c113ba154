//! A real Kubo, where `KUBO_BIN` names one: its repositories stay on this machine, and ask nobody
//! they were not told of.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program.
#[derive(Clone, Debug)]
pub struct KuboProgram(PathBuf);

impl KuboProgram {
    /// The one that `KUBO_BIN` names. Where it names none that is said, and is no failure, not even
    /// under CI: what it would be asked, boxo is asked too.
    #[must_use]
    pub fn named() -> Option<Self> {
        let named = std::env::var_os("KUBO_BIN").map(|path| Self(path.into()));
        if named.is_none() {
            let _ = writeln!(std::io::stderr().lock(), "SKIP a real Kubo: KUBO_BIN names none");
        }
        named
    }

    /// Makes a repository; its settings are those of some profiles.
    pub fn make_repo(&self, repo: &Path, profiles: &[&str]) {
        self.run(repo, &["init", "--profile", &[&["test"], profiles].concat().join(",")]);
        self.run(repo, &["config", "--json", "AutoConf.Enabled", "false"]);
        self.run(repo, &["config", "--json", "Bootstrap", "[]"]);
    }

    /// A command on a repository.
    #[must_use]
    pub fn command(&self, repo: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command.env("IPFS_PATH", repo).env("IPFS_TELEMETRY", "off").stdin(Stdio::null());
        command
    }

    /// Runs one that has to go well: what it says.
    pub fn run(&self, repo: &Path, args: &[&str]) -> String {
        let output = self.command(repo).args(args).output().expect("KUBO_BIN runs");
        let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "ipfs {args:?}: {}", said(&output.stderr));
        said(&output.stdout)
    }
}
