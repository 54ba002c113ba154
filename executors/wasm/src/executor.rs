//! The executor: modules, threads and the ticker behind the port.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gadus_model::{Cid, Code, Engine, EngineInfo, ExecutionId, Failure, FailureKind};
use gadus_ports::{ExecCode, ExecRequest, Executor, Finished, LogSink, Warmth};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use wasmtime::Linker;

use crate::cache::DiskCache;
use crate::config::WasmConfig;
use crate::guest::RunLimits;
use crate::kill::KillSwitch;
use crate::loaded::Loaded;
use crate::modules::Modules;
use crate::pool::ThreadPool;
use crate::run::Run;
use crate::ticker::Ticker;
use crate::{engine, wasi};

/// What a guest's thread needs besides the Wasm stack, for our side of its calls.
const HOST_STACK_BYTES: usize = 2 << 20;

/// Runs Wasm modules: [`gadus_ports::Executor`] over wasmtime.
pub struct WasmExecutor {
    id: String,
    core: Arc<Core>,
    modules: Arc<Modules>,
    threads: ThreadPool,
    permits: Arc<Semaphore>,
}

/// What a run holds on to.
struct Core {
    engine: wasmtime::Engine,
    config: WasmConfig,
    ticker: Ticker,
    running: AtomicUsize,
}

/// What an executor has done and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WasmStats {
    /// Modules compiled since the start.
    pub compiles: u64,
    /// Modules found compiled on disk since the start.
    pub disk_hits: u64,
    /// Guests that run now.
    pub running: usize,
}

impl WasmExecutor {
    /// Makes the engine, and opens the cache of compiled modules.
    ///
    /// # Errors
    /// `EngineDown` when wasmtime does not start or the cache directory cannot be used.
    pub fn new(config: WasmConfig) -> Result<Arc<Self>, Failure> {
        let (engine, allocator) = engine::build(&config)?;
        tracing::info!(?allocator, "wasm engine ready");
        Self::over(engine, config)
    }

    /// The same over an engine that is there.
    ///
    /// # Errors
    /// As [`WasmExecutor::new`].
    pub(crate) fn over(engine: wasmtime::Engine, config: WasmConfig) -> Result<Arc<Self>, Failure> {
        let id = engine::id();
        let disk = DiskCache::open(
            &config.cache_dir,
            &compiled_form(&engine, &id),
            config.cache_max_bytes,
        )?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(|error| down(&format!("{error:#}")))?;
        let ticker = Ticker::start(engine.weak(), Duration::from_millis(config.tick_ms.max(1)))
            .map_err(|error| down(&error.to_string()))?;
        let stack = usize::try_from(config.stack_max_bytes).unwrap_or(usize::MAX);
        let threads = config.threads.max(1);
        tracing::info!(engine = id, threads, "wasm executor ready");
        Ok(Arc::new(Self {
            id,
            modules: Arc::new(Modules::new(engine.clone(), linker, disk, &config)),
            threads: ThreadPool::new(threads, stack.saturating_add(HOST_STACK_BYTES)),
            permits: Arc::new(Semaphore::new(threads)),
            core: Arc::new(Core { engine, config, ticker, running: AtomicUsize::new(0) }),
        }))
    }

    /// What it has done and does.
    #[must_use]
    pub fn stats(&self) -> WasmStats {
        let (compiles, disk_hits) = self.modules.counts();
        WasmStats { compiles, disk_hits, running: self.core.running.load(Ordering::Relaxed) }
    }

    /// Runs a prepared module on the calling thread: the least that a run can cost, for
    /// comparison. Nothing can stop it but its timeout. Not for a thread that drives async tasks,
    /// which it would block.
    ///
    /// # Errors
    /// As [`Executor::run`], and `Internal` when the module is not in memory.
    pub fn call_blocking(
        &self,
        request: &ExecRequest,
        sink: Arc<dyn LogSink>,
    ) -> Result<Finished, Failure> {
        let (module, _) = wasm(&request.code)?;
        let loaded = self.modules.loaded(module).ok_or_else(|| {
            Failure::new(FailureKind::Internal, format!("the module {module} is not prepared"))
        })?;
        let run = self.core.run(loaded, request.clone(), sink, Arc::default())?;
        self.core.finish(run)
    }
}

#[cfg(test)]
impl WasmExecutor {
    /// Takes all places that compilations have.
    pub(crate) async fn hold_compiles(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.modules.hold_compiles().await
    }
}

impl Core {
    fn run(
        &self,
        loaded: Arc<Loaded>,
        request: ExecRequest,
        sink: Arc<dyn LogSink>,
        kill: Arc<KillSwitch>,
    ) -> Result<Run, Failure> {
        let entry = wasm(&request.code)?.1.to_owned();
        loaded.check_entry(&entry)?;
        let limits = RunLimits::of(&request.limits, &self.config)?;
        Ok(Run { loaded, entry, request, limits, sink, kill })
    }

    fn finish(&self, run: Run) -> Result<Finished, Failure> {
        let _ticking = self.ticker.hold();
        let _running = Running::count(&self.running);
        run.finish(&self.engine, &self.config)
    }
}

#[async_trait]
impl Executor for WasmExecutor {
    fn engine(&self) -> Engine {
        Engine::Wasm
    }

    async fn probe(&self) -> Result<EngineInfo, Failure> {
        Ok(EngineInfo { id: self.id.clone(), arch: "any".to_owned() })
    }

    fn warmth(&self, code: &Code) -> Warmth {
        let warm = match code {
            Code::Wasm { module, .. } => self.modules.is_warm(module),
            Code::Docker { .. } => false,
        };
        Warmth { warm, image_digest: None }
    }

    async fn prepare(&self, code: &ExecCode, module: Option<Bytes>) -> Result<(), Failure> {
        let (cid, entry) = wasm(code)?;
        self.modules.ready(cid, module).await?.check_entry(entry)
    }

    async fn run(
        &self,
        request: ExecRequest,
        sink: Arc<dyn LogSink>,
        stop: CancellationToken,
    ) -> Result<Finished, Failure> {
        let (module, _) = wasm(&request.code)?;
        let ready = async {
            let loaded = self.modules.ready(module, None).await?;
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            Ok::<_, Failure>((loaded, permit.map_err(|_| internal("it shuts down"))?))
        };
        let (loaded, permit) = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(stopped()),
            ready = ready => ready?,
        };
        let kill: Arc<KillSwitch> = Arc::default();
        // Whoever drops this future wants no result: the guest must not run on for nobody.
        let _guard = StopOnDrop(Arc::clone(&kill));
        let run = self.core.run(loaded, request, sink, Arc::clone(&kill))?;
        let (done, mut finished) = oneshot::channel();
        let core = Arc::clone(&self.core);
        let work = Box::new(move || {
            let result = core.finish(run);
            drop(permit);
            // The receiver is gone when the run was dropped, and then nobody wants it.
            let _ = done.send(result);
        });
        self.threads.submit(work).map_err(|error| internal(&format!("no thread: {error}")))?;
        let result = tokio::select! {
            biased;
            result = &mut finished => result,
            () = stop.cancelled() => {
                kill.stop();
                finished.await
            }
        };
        result.map_err(|_| internal("the engine broke down in it"))?
    }

    fn survives_restart(&self) -> bool {
        false
    }

    async fn reap(&self, _: &BTreeSet<ExecutionId>) -> Result<Vec<ExecutionId>, Failure> {
        // Guests are threads of this process, and files lie in scratch directories of the node's.
        Ok(Vec::new())
    }
}

struct StopOnDrop(Arc<KillSwitch>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn count(running: &'a AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::Relaxed);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Names everything that a compiled module depends on: our settings, wasmtime's, and the CPU.
fn compiled_form(engine: &wasmtime::Engine, id: &str) -> String {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn wasm(code: &ExecCode) -> Result<(&Cid, &str), Failure> {
    match code {
        ExecCode::Wasm { module, entry } => Ok((module, entry)),
        ExecCode::Docker { reference, .. } => Err(Failure::new(
            FailureKind::Invalid,
            format!("'{reference}' is an image, and the Wasm engine runs modules"),
        )),
    }
}

fn stopped() -> Failure {
    Failure::new(FailureKind::Interrupted, "stopped before the program began")
}

fn internal(why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("the Wasm program could not be run: {why}"))
}

fn down(why: &str) -> Failure {
    Failure::new(FailureKind::EngineDown, format!("wasmtime does not start: {why}"))
}
