//! boxo's gateway, served by the judge.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::judge::program;

/// A gateway that runs; it ends with this.
pub(super) struct Theirs {
    child: Child,
    /// `http://HOST:PORT`.
    pub(super) address: String,
}

impl Theirs {
    /// Over the blocks of archives; `None` where there is no judge.
    pub(super) fn start(archives: &[PathBuf]) -> Option<Self> {
        let mut command = Command::new(program::built()?);
        command.args(["gateway", "127.0.0.1:0"]).args(archives);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("http://"), "the judge said '{line}'");
        Some(Self { child, address: line.trim().to_owned() })
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
