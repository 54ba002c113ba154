//! Where bad input is tried.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gadus_e2e::{Http, Network, Output, docker_socket, gadus, program};

use super::Seen;

/// Generous, since machines are shared.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// A requester and a compute node, which runs containers where there is an engine.
pub(super) struct Place {
    pub(super) network: Network,
    pub(super) socket: Option<String>,
}

impl Place {
    pub(super) fn new() -> Self {
        let socket = docker_socket("bad input of docker jobs");
        let network = Network::start_with(1, |mut process| {
            process.set_env("GADUS_DOCKER_SOCKET", socket.as_deref().unwrap_or("/nowhere"));
            process.set_env("GADUS_NODE_LIMITS_PROBE_MS", "200");
            process.set_env("GADUS_WASM_COMPILE_MEMORY_MAX_BYTES", "400000000");
            // Nobody has it, however long one waits.
            process.set_env("GADUS_NODE_LIMITS_FETCH_WAIT_MS", "300");
            process.set_env("GADUS_NODE_LIMITS_GATEWAY_WAIT_MS", "300");
            process
        });
        let place = Self { network, socket };
        if place.socket.is_some() {
            place.until_docker(&place.network.requester.api);
        }
        place
    }

    pub(super) fn dir(&self) -> &Path {
        self.network.dir.path()
    }

    pub(super) fn http(&self) -> Http {
        Http::new(&self.network.requester.api)
    }

    pub(super) fn gadus(&self, args: &[&str]) -> Output {
        self.network.gadus(args)
    }

    /// A file of this name; its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    }

    /// `gadus wasm run steps.wasm ARGS`.
    pub(super) fn steps(&self, args: &[&str]) -> Seen {
        Seen::of(
            self.gadus(&[&["wasm", "run", "--verify", "attest", &program("steps")], args].concat()),
        )
    }

    /// `gadus wasm run` of a module in text.
    pub(super) fn wasm_text(&self, module: &str, args: &[&str]) -> Seen {
        let file = self.file("module.wat", module);
        Seen::of(self.gadus(&[&["wasm", "run", "--verify", "attest", &file], args].concat()))
    }

    pub(super) fn until(&self, what: &str, so: impl FnMut() -> bool) {
        self.network.until(WAIT_MAX, what, so);
    }

    /// Waits until a node's requester knows a node that runs containers.
    pub(super) fn until_docker(&self, api: &str) {
        self.until("a node with docker", || {
            gadus(api, &["node", "list", "--output", "json"]).stdout.contains("\"docker\"")
        });
    }
}

/// A small disk, until it is dropped.
pub(super) struct Tmpfs {
    pub(super) path: PathBuf,
}

impl Tmpfs {
    pub(super) fn mount(path: &Path, size: &str) -> Self {
        std::fs::create_dir_all(path).expect("a directory");
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        let args = ["-t", "tmpfs", "-o", &options, "tmpfs"];
        let mounted = mount.args(args).arg(path).status();
        assert!(mounted.is_ok_and(|status| status.success()), "a tmpfs is mounted");
        Self { path: path.to_owned() }
    }

    /// Fills it but for so many bytes; what with.
    pub(super) fn leave(&self, bytes: u64) -> PathBuf {
        let path = self.path.join("ballast");
        let mut file = File::create(&path).expect("a file");
        let block = vec![1; 1 << 20];
        let mut length = 0;
        while file.write_all(&block).is_ok() {
            length += block.len() as u64;
        }
        file.set_len(length - bytes).expect("a shorter file");
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Whoever still has it open does not hold it up.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

/// Bytes that nothing makes smaller, the same for the same seed.
pub(super) fn noise(seed: u64, bytes: &mut [u8]) {
    let mut state = seed;
    for chunk in bytes.chunks_mut(8) {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (state ^ (state >> 29)).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}
