//! An executor that does what the job's arguments say: every failure path is a three-line test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{Code, Engine, EngineInfo, ExecutionId, Failure, FailureKind, Image, Outcome};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::executor::{ExecCode, ExecRequest, Executor, Finished, LogSink, StdStream, Warmth};
use crate::image::ImageResolver;

/// Runs nothing. A job's arguments are its script, one step each, in order:
/// `emit=TEXT`, `run=MILLISECONDS`, `exit=CODE`, `trap=CODE`, `fail=MESSAGE`, `invalid=MESSAGE`,
/// `hang`, `write=OUTPUT:TEXT` (a file `f` in that output).
#[derive(Debug)]
pub struct FakeExecutor {
    engine: Engine,
    knobs: Mutex<Knobs>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Knobs {
    down: bool,
    lies: bool,
    image_digest: Option<String>,
}

/// What it was asked to do.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Every run that began.
    pub started: Vec<ExecutionId>,
    /// Runs that are going on.
    pub running: BTreeSet<ExecutionId>,
    /// Runs that were stopped.
    pub stopped: Vec<ExecutionId>,
    /// How often it was asked what it is.
    pub probes: usize,
    /// The environment of the newest run.
    pub env: BTreeMap<String, String>,
}

impl FakeExecutor {
    /// An executor in place of `engine`.
    #[must_use]
    pub fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self { engine, knobs: Mutex::default(), log: Mutex::default() })
    }

    /// Makes it unreachable, or reachable again.
    pub fn set_down(&self, down: bool) {
        self.knobs.lock().down = down;
    }

    /// Has it print another text than it is told to, or the right one again.
    pub fn set_lies(&self, lies: bool) {
        self.knobs.lock().lies = lies;
    }

    /// The digest it has for every image.
    pub fn set_image(&self, digest: Option<&str>) {
        self.knobs.lock().image_digest = digest.map(str::to_owned);
    }

    /// What it was asked to do so far.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.lock().clone()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.knobs.lock().down {
            return Err(Failure::new(FailureKind::EngineDown, "the fake engine is down"));
        }
        Ok(())
    }

    async fn play(&self, request: &ExecRequest, sink: &dyn LogSink) -> Result<Outcome, Failure> {
        for step in &request.args {
            let (verb, rest) = step.split_once('=').unwrap_or((step, ""));
            let number = || rest.parse::<i32>().unwrap_or(0);
            match verb {
                "emit" if self.knobs.lock().lies => sink.write(StdStream::Stdout, b"a lie"),
                "emit" => sink.write(StdStream::Stdout, rest.as_bytes()),
                "complain" => sink.write(StdStream::Stderr, rest.as_bytes()),
                "run" => {
                    let ms = u64::try_from(number()).unwrap_or(0);
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                "exit" => return Ok(Outcome::Exit(number())),
                "trap" => return Ok(Outcome::Trap(rest.to_owned())),
                "fail" => return Err(Failure::new(FailureKind::Internal, rest)),
                "invalid" => return Err(Failure::new(FailureKind::Invalid, rest)),
                "hang" => std::future::pending().await,
                "write" => write(request, rest)?,
                unknown => {
                    let message = format!("the fake knows no step '{unknown}'");
                    return Err(Failure::new(FailureKind::Invalid, message));
                }
            }
        }
        Ok(Outcome::Exit(0))
    }
}

fn write(request: &ExecRequest, rest: &str) -> Result<(), Failure> {
    let (name, text) = rest.split_once(':').unwrap_or((rest, ""));
    let output = request.outputs.iter().find(|o| o.name == name);
    let write = |dir: &std::path::Path| {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("f"), text)
    };
    let written = output.map_or(Ok(()), |output| write(&output.host));
    written.map_err(|e| Failure::new(FailureKind::Internal, e.to_string()))
}

#[async_trait]
impl Executor for FakeExecutor {
    fn engine(&self) -> Engine {
        self.engine
    }

    async fn probe(&self) -> Result<EngineInfo, Failure> {
        self.log.lock().probes += 1;
        self.check()?;
        let arch = if self.engine == Engine::Wasm { "any" } else { "amd64" };
        Ok(EngineInfo { id: format!("fake-{}/1", self.engine), arch: arch.to_owned() })
    }

    fn warmth(&self, code: &Code) -> Warmth {
        let digest = self.knobs.lock().image_digest.clone();
        match code {
            Code::Wasm { .. } => Warmth { warm: true, image_digest: None },
            Code::Docker { image: Image::Reference(_) | Image::Digest(_), .. } => {
                Warmth { warm: digest.is_some(), image_digest: digest }
            }
        }
    }

    async fn prepare(&self, _code: &ExecCode, _module: Option<Bytes>) -> Result<(), Failure> {
        self.check()
    }

    async fn run(
        &self,
        request: ExecRequest,
        sink: Arc<dyn LogSink>,
        stop: CancellationToken,
    ) -> Result<Finished, Failure> {
        let id = request.execution;
        {
            let mut log = self.log.lock();
            log.started.push(id);
            log.running.insert(id);
            log.env.clone_from(&request.env);
        }
        let ended = tokio::select! {
            outcome = self.play(&request, &*sink) => outcome,
            () = stop.cancelled() => {
                self.log.lock().stopped.push(id);
                Err(Failure::new(FailureKind::Interrupted, "it was stopped"))
            }
            () = after(request.limits.timeout) => {
                Err(Failure::new(FailureKind::Timeout, "it took longer than its time limit"))
            }
        };
        self.log.lock().running.remove(&id);
        let outcome = ended?;
        let error = match &outcome {
            Outcome::Trap(code) => format!("wasm trap: {code}"),
            Outcome::Exit(_) | Outcome::OutOfFuel => String::new(),
        };
        Ok(Finished {
            outcome,
            error,
            prepare_us: 0,
            run_us: 1,
            fuel: None,
            memory_peak_bytes: None,
        })
    }

    fn survives_restart(&self) -> bool {
        false
    }

    async fn reap(&self, _keep: &BTreeSet<ExecutionId>) -> Result<Vec<ExecutionId>, Failure> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl ImageResolver for FakeExecutor {
    async fn resolve_image(&self, reference: &str) -> Result<String, Failure> {
        self.check()?;
        let digest = self.knobs.lock().image_digest.clone();
        digest.ok_or_else(|| {
            Failure::new(FailureKind::ImageMissing, format!("no image '{reference}'"))
        })
    }
}

async fn after(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
