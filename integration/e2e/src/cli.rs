//! The command line, as a person uses it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The binary under test: `GADUS_BIN`, else the one beside the tests.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GADUS_BIN") {
        return PathBuf::from(path);
    }
    let mut dir = std::env::current_exe().expect("a path of this test");
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    let path = dir.join("gadus");
    assert!(path.exists(), "{} is missing: run `cargo build -p gadus`", path.display());
    path
}

/// A command of the binary under test. Nothing of the caller's own configuration reaches it.
#[must_use]
pub fn command() -> Command {
    own_environment(Command::new(binary()))
}

/// The same in a network namespace, which needs root.
#[must_use]
pub fn command_in(netns: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", netns]).arg(binary());
    own_environment(command)
}

/// The same with nothing but itself: no node, no data directory, and, for root, a network namespace
/// without a single interface that is up. `home` is an empty directory.
#[must_use]
pub fn command_alone(home: &Path) -> Command {
    let mut command = match crate::skip::is_root() {
        true => {
            let mut command = Command::new("unshare");
            command.arg("--net").arg(binary());
            command
        }
        false => Command::new(binary()),
    };
    command.env("HOME", home).env("GADUS_API", "127.0.0.1:9");
    command
}

fn own_environment(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GADUS_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// What a command said.
#[derive(Debug)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// Data.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Output {
    /// Its data, when it went well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:#?}");
        self.stdout
    }

    /// Its data as JSON, when it went well.
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

/// Runs `gadus ARGS` against a node's API.
pub fn gadus<S: AsRef<OsStr>>(api: &str, args: &[S]) -> Output {
    run(command().env("GADUS_API", api).args(args))
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().expect("it runs");
    Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
