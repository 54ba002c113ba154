//! An engine, images, and an executor to try.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use bollard::{API_DEFAULT_VERSION, Docker};
use gadus_docker::{DockerConfig, DockerExecutor, DockerLimits};
use gadus_model::{Caps, ExecutionId, Failure, FailureKind, Network, NodeId, Outcome, Resources};
use gadus_ports::{
    ExecCode, ExecLimits, ExecRequest, Executor as _, Finished, ImageResolver as _, LogSink,
    OutputDir, StdStream,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) const ROOT_IMAGE: &str = "gadus-test:root";
pub(crate) const NOBODY_IMAGE: &str = "gadus-test:nobody";

pub(crate) fn ops(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(script)
}

/// Runs a script to its end, and gives what it says.
pub(crate) fn script(path: &Path, args: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = Command::new(path);
    command.args(args).envs(env.iter().copied()).stderr(Stdio::inherit());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{} {args:?} failed", path.display());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs a command when this process ends, however it does: a pipe to a shell closes then.
#[expect(clippy::zombie_processes, reason = "the shell outlives this process, by design")]
pub(crate) fn at_exit(command: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' INT TERM; cat >/dev/null; {command}")]);
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = shell.spawn().unwrap();
    std::mem::forget(child.stdin.take());
}

/// A directory for an engine or a registry; gone with this process.
pub(crate) fn state_dir(stop_script: &str) -> PathBuf {
    let dir = tempfile::Builder::new().prefix("gadus-engine-").tempdir().unwrap().keep();
    // An ordinary user has to reach the socket in it.
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (script, quoted) = (ops(stop_script), dir.display());
    at_exit(&format!("'{}' stop '{quoted}'; rm -rf '{quoted}'", script.display()));
    dir
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What a test needs is missing.
pub(crate) fn skip(what: &str) {
    assert!(std::env::var("CI").is_err_and(|_| true), "{what}");
    // Not println: the harness would swallow it, since the test passes.
    _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIP: {what}\n").as_bytes());
}

/// The socket of the engine that the tests share.
pub(crate) fn socket() -> Option<&'static str> {
    static SOCKET: OnceLock<Option<String>> = OnceLock::new();
    let socket = SOCKET.get_or_init(|| {
        let given = std::env::var("GADUS_TEST_DOCKER_SOCK").ok();
        let socket = given.or_else(|| {
            let dir = can_start_an_engine().then(|| state_dir("docker-engine.sh"))?;
            Some(script(&ops("docker-engine.sh"), &["start", &dir.to_string_lossy()], &[]))
        })?;
        // An ordinary user may not reach the script; root has run it for them.
        if is_root() {
            script(&ops("test-image.sh"), &[&socket], &[]);
        }
        Some(socket)
    });
    if socket.is_none() {
        skip("no docker engine: set GADUS_TEST_DOCKER_SOCK, or install docker.io and be root");
    }
    socket.as_deref()
}

pub(crate) fn can_start_an_engine() -> bool {
    let found = Command::new("dockerd").arg("--version").stdout(Stdio::null()).status();
    is_root() && found.is_ok_and(|status| status.success())
}

/// An executor with a scratch directory, as a node of its own.
pub(crate) struct Bench {
    pub(crate) executor: Arc<DockerExecutor>,
    pub(crate) docker: Docker,
    pub(crate) config: DockerConfig,
    dir: TempDir,
}

impl Bench {
    /// At the shared engine, with short intervals.
    pub(crate) async fn new() -> Option<Self> {
        Some(Self::at(socket()?, |_| {}).await)
    }

    /// At some engine, with limits of its own.
    pub(crate) async fn at(socket: &str, tune: impl FnOnce(&mut DockerLimits)) -> Self {
        Self::of(socket, |config| tune(&mut config.limits)).await
    }

    /// At some engine, told something else.
    pub(crate) async fn of(socket: &str, tune: impl FnOnce(&mut DockerConfig)) -> Self {
        let key: [u8; 16] = uuid::Uuid::new_v4().into_bytes();
        let mut config = DockerConfig::new("test", NodeId([key, key].concat().try_into().unwrap()));
        config.socket = Some(socket.to_owned());
        config.limits.usage_ms = 50;
        tune(&mut config);
        let docker = Docker::connect_with_unix(socket, 60, API_DEFAULT_VERSION).unwrap();
        let docker = docker.negotiate_version().await.unwrap();
        let executor = DockerExecutor::connect(config.clone());
        Self { executor, docker, config, dir: tempfile::tempdir().unwrap() }
    }

    /// Another process for the same node.
    pub(crate) fn restarted(&self) -> Arc<DockerExecutor> {
        DockerExecutor::connect(self.config.clone())
    }

    /// A request that runs a shell script.
    pub(crate) async fn sh(&self, text: &str) -> ExecRequest {
        self.request(ROOT_IMAGE, &["/bin/sh", "-c", text]).await
    }

    pub(crate) async fn request(&self, image: &str, args: &[&str]) -> ExecRequest {
        let execution = ExecutionId(uuid::Uuid::new_v4());
        let digest = self.executor.resolve_image(image).await.unwrap();
        ExecRequest {
            execution,
            code: ExecCode::Docker {
                digest,
                reference: image.to_owned(),
                entrypoint: None,
                workdir: None,
            },
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            seed: [0; 32],
            env: BTreeMap::new(),
            mounts: Vec::new(),
            outputs: Vec::new(),
            limits: ExecLimits {
                resources: Resources {
                    cpu_millis: 1000,
                    memory_bytes: 64 << 20,
                    ..Resources::default()
                },
                caps: Caps::default(),
                ..ExecLimits::default()
            },
            network: Network::None,
            scratch: self.dir.path().join(execution.to_string()),
        }
    }

    /// Its own scratch.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn run(&self, request: ExecRequest) -> (Result<Finished, Failure>, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        let sink = Arc::clone(&kept) as Arc<dyn LogSink>;
        let ended = self.executor.run(request, sink, CancellationToken::new()).await;
        (ended, kept)
    }

    /// The output of a script that ends well.
    pub(crate) async fn output_of(&self, text: &str) -> String {
        let (ended, kept) = self.run(self.sh(text).await).await;
        assert_eq!(ended.unwrap().outcome, Outcome::Exit(0), "{}", kept.stderr());
        kept.stdout()
    }

    pub(crate) async fn exit_of(&self, request: ExecRequest) -> i32 {
        self.run(request).await.0.unwrap().outcome.exit_code()
    }

    pub(crate) async fn failure_of(&self, request: ExecRequest) -> (FailureKind, String) {
        let failure = self.run(request).await.0.unwrap_err();
        (failure.kind, failure.message)
    }

    /// Names of this node's containers, ended ones included.
    pub(crate) async fn containers(&self) -> Vec<String> {
        let options = bollard::query_parameters::ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&[("label", vec![format!("org.gadus.node={}", self.config.node)])].into())
            .build();
        let listed = self.docker.list_containers(Some(options)).await.unwrap();
        listed.into_iter().flat_map(|container| container.names.unwrap_or_default()).collect()
    }

    /// Waits until nothing of this node is left, which must be soon.
    pub(crate) async fn is_clean(&self) {
        self.executor.settle().await;
        assert_eq!(self.containers().await, Vec::<String>::new());
    }
}

/// An output that the job sees at `guest`.
pub(crate) fn output(request: &mut ExecRequest, guest: &str) -> PathBuf {
    let host = request.scratch.join("outputs").join(guest.trim_matches('/'));
    let (name, guest) = (guest.trim_matches('/').to_owned(), guest.to_owned());
    request.outputs.push(OutputDir { name, host: host.clone(), guest });
    host
}

/// A sink that keeps everything up to a cap, and can be waited on.
pub(crate) struct Kept {
    seen: watch::Sender<Seen>,
}

#[derive(Default)]
struct Seen {
    streams: [Vec<u8>; 2],
    /// Bytes of each, kept or not.
    totals: [u64; 2],
    /// How the run ended, if it has.
    ended: Option<String>,
}

const KEPT_MAX: usize = 4 << 20;

impl Default for Kept {
    fn default() -> Self {
        Self { seen: watch::channel(Seen::default()).0 }
    }
}

impl LogSink for Kept {
    fn write(&self, stream: StdStream, bytes: &[u8]) {
        let i = stream as usize;
        self.seen.send_modify(|seen| {
            seen.totals[i] += bytes.len() as u64;
            let room = KEPT_MAX.saturating_sub(seen.streams[i].len()).min(bytes.len());
            seen.streams[i].extend_from_slice(&bytes[..room]);
        });
    }
}

impl Kept {
    pub(crate) fn bytes(&self, stream: StdStream) -> Vec<u8> {
        self.seen.borrow().streams[stream as usize].clone()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.bytes(StdStream::Stdout)).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.bytes(StdStream::Stderr)).into_owned()
    }

    /// Waits until stderr holds some text.
    pub(crate) async fn says(&self, text: &str) {
        self.until(|seen| String::from_utf8_lossy(&seen.streams[1]).contains(text)).await;
    }

    /// Waits until a stream has brought so many bytes, and no more.
    pub(crate) async fn sees(&self, stream: StdStream, bytes: u64) {
        self.until(|seen| seen.totals[stream as usize] == bytes).await;
    }

    async fn until(&self, holds: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let seen = seen.wait_for(|seen| holds(seen) || seen.ended.is_some()).await.unwrap();
        assert!(holds(&seen), "it ended before that: {:?}", seen.ended);
    }
}

/// A run in the background.
pub(crate) struct Background {
    pub(crate) kept: Arc<Kept>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: tokio::task::JoinHandle<Result<Finished, Failure>>,
}

pub(crate) fn spawn(executor: &Arc<DockerExecutor>, request: ExecRequest) -> Background {
    let (kept, stop) = (Arc::new(Kept::default()), CancellationToken::new());
    let (executor, sink) = (Arc::clone(executor), Arc::clone(&kept) as Arc<dyn LogSink>);
    let stopped = stop.clone();
    let told = Arc::clone(&kept);
    let task = tokio::spawn(async move {
        let ended = executor.run(request, sink, stopped).await;
        told.seen.send_modify(|seen| seen.ended = Some(format!("{ended:?}")));
        ended
    });
    Background { kept, stop, task }
}
