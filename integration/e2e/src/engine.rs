//! Docker engines for tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::root;
use crate::skip::skip;

/// An image that runs as root.
pub const IMAGE: &str = "gadus-test:root";
/// The same as a user without a name in most systems: 65534.
pub const IMAGE_NOBODY: &str = "gadus-test:nobody";

/// The socket of the engine that was started for the tests, with the test images in it; skips
/// visibly where there is none.
#[must_use]
pub fn docker_socket(about: &str) -> Option<String> {
    let socket = std::env::var("GADUS_TEST_DOCKER_SOCK").ok().filter(|path| !path.is_empty());
    match &socket {
        Some(socket) => import_images(socket),
        None => skip(about, "it needs a docker engine in GADUS_TEST_DOCKER_SOCK"),
    }
    socket
}

/// Imports the test images, which takes a second at most.
fn import_images(socket: &str) {
    let imported = Command::new(root().join("ops/test-image.sh")).arg(socket).output();
    let imported = imported.expect("ops/test-image.sh runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
}

/// An engine of one test's own, which may do with it what it likes.
pub struct Engine {
    dir: PathBuf,
    /// Its socket.
    pub socket: String,
}

impl Engine {
    /// Starts one below `dir`, with the test images.
    #[must_use]
    pub fn start(dir: &Path) -> Self {
        let engine = Self {
            dir: dir.to_owned(),
            socket: dir.join("docker.sock").to_string_lossy().into_owned(),
        };
        engine.again();
        import_images(&engine.socket);
        engine
    }

    /// Kills the daemon; its containers live on.
    pub fn kill(&self) {
        self.script(&["kill"], &["KILL"]);
    }

    /// Starts it again.
    pub fn again(&self) {
        self.script(&["start"], &[]);
    }

    fn script(&self, action: &[&str], rest: &[&str]) {
        let script = root().join("ops/docker-engine.sh");
        let done = Command::new(script).args(action).arg(&self.dir).args(rest).output();
        let done = done.expect("ops/docker-engine.sh runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let script = root().join("ops/docker-engine.sh");
        // Whatever is left is in a directory that goes away.
        let _ = Command::new(script).arg("stop").arg(&self.dir).output();
    }
}
