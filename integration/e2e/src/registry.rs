//! A registry of images for tests.

use std::process::{Command, Output};

use crate::programs::root;
use crate::skip::skip;

/// Debian's docker-registry on loopback, with its files in a directory of its own.
pub struct Registry {
    dir: tempfile::TempDir,
    /// `127.0.0.1:PORT`, as names of images begin.
    pub address: String,
}

impl Registry {
    /// Starts one; skips visibly where it is not installed.
    #[must_use]
    pub fn start(about: &str) -> Option<Self> {
        if Command::new("docker-registry").arg("--version").output().is_err() {
            skip(about, "it needs Debian's docker-registry");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        // Whichever port is free: nobody takes it in between on a machine that runs tests.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = free.expect("a free port").port().to_string();
        let mut command = Command::new(root().join("ops/registry.sh"));
        let address = done(command.arg("start").arg(dir.path()).arg(port));
        Some(Self { dir, address })
    }

    /// Moves a copy of an engine's image here under a name, `team/tool:v1`. The image's whole
    /// name, which the engine knows no more.
    #[must_use]
    pub fn take(&self, socket: &str, image: &str, name: &str) -> String {
        let whole = format!("{}/{name}", self.address);
        let docker = |args: &[&str]| {
            done(Command::new("docker").args(["--host", &format!("unix://{socket}")]).args(args))
        };
        docker(&["tag", image, &whole]);
        docker(&["push", "--quiet", &whole]);
        let format = "{{range .RepoDigests}}{{println .}}{{end}}";
        let digests = docker(&["image", "inspect", "--format", format, &whole]);
        let here = digests.lines().filter(|digest| digest.starts_with(&self.address));
        docker(&["rmi", &whole]);
        for digest in here {
            // Gone with the last tag, if it was the last.
            let _ = Command::new("docker")
                .args(["--host", &format!("unix://{socket}"), "rmi", digest])
                .output();
        }
        whole
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let script = root().join("ops/registry.sh");
        // Whatever is left is in a directory that goes away.
        let _ = Command::new(script).arg("stop").arg(self.dir.path()).output();
    }
}

/// What a command says, which must succeed.
fn done(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the command runs");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).trim().to_owned()
}
