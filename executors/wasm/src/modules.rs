//! Modules ready to run: from memory, else from the disk cache, else compiled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use gadus_model::{Cid, Failure, FailureKind};
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, Semaphore, oneshot};
use tokio::time::timeout;
use wasmtime::{Engine, InstancePre, Linker, Module, UnknownImportError};

use crate::cache::DiskCache;
use crate::compiler::{Compiler, unusable};
use crate::config::WasmConfig;
use crate::guest::Guest;
use crate::loaded::{Loaded, LoadedModules};
use crate::outcome::clipped;

/// Modules that are read from disk at once.
const LOADS_MAX: usize = 4;

/// All modules of one engine.
pub(crate) struct Modules {
    engine: Engine,
    linker: Linker<Guest>,
    compiler: Compiler,
    compile_max: Duration,
    disk: DiskCache,
    loaded: Mutex<LoadedModules>,
    /// Who asks for a module while it is being made ready waits for its turn, and then finds it.
    turns: Mutex<HashMap<Cid, Weak<Turn<()>>>>,
    loads: Arc<Semaphore>,
    compiles: Arc<Semaphore>,
    compiled: AtomicU64,
    disk_hits: AtomicU64,
}

impl Modules {
    pub(crate) fn new(
        engine: Engine,
        linker: Linker<Guest>,
        disk: DiskCache,
        config: &WasmConfig,
    ) -> Self {
        Self {
            compiler: Compiler::new(engine.clone(), config),
            engine,
            linker,
            compile_max: Duration::from_millis(config.compile_max_ms),
            disk,
            loaded: Mutex::new(LoadedModules::new(config.loaded_max)),
            turns: Mutex::default(),
            loads: Arc::new(Semaphore::new(LOADS_MAX)),
            compiles: Arc::new(Semaphore::new(config.compiles.max(1))),
            compiled: AtomicU64::new(0),
            disk_hits: AtomicU64::new(0),
        }
    }

    /// The module, if it is in memory.
    pub(crate) fn loaded(&self, module: &Cid) -> Option<Arc<Loaded>> {
        self.loaded.lock().get(module)
    }

    /// Whether running the module needs no compilation, from memory alone.
    pub(crate) fn is_warm(&self, module: &Cid) -> bool {
        self.loaded.lock().has(module) || self.disk.has(module)
    }

    /// How often something was compiled, and how often that was found on disk.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.compiled.load(Ordering::Relaxed), self.disk_hits.load(Ordering::Relaxed))
    }

    /// Makes a module ready. However many ask for it at once, it is compiled once; that goes on
    /// even when they all stop waiting.
    ///
    /// # Errors
    /// `Invalid` for a module that can never run; `Internal` when it is not at hand and its bytes
    /// are not given, no thread is to be had, or compiling it takes too long here.
    pub(crate) async fn ready(
        self: &Arc<Self>,
        module: &Cid,
        given: Option<Bytes>,
    ) -> Result<Arc<Loaded>, Failure> {
        if let Some(loaded) = self.loaded(module) {
            return Ok(loaded);
        }
        let turn = self.turn(module).lock_owned().await;
        if let Some(loaded) = self.loaded(module) {
            return Ok(loaded);
        }
        if self.disk.has(module) {
            let _permit = self.loads.acquire().await.map_err(|_| closed())?;
            let (this, module) = (Arc::clone(self), *module);
            let loading = on_thread("wasm-load", move || Ok(this.load_cached(&module)))?;
            if let Some(loaded) = loading.await.map_err(|_| closed())?? {
                return Ok(loaded);
            }
        }
        let Some(given) = given else {
            return Err(Failure::new(
                FailureKind::Internal,
                format!("the module {module} is no longer compiled here, and must be given again"),
            ));
        };
        self.compile_apart(*module, given, turn).await
    }

    async fn compile_apart(
        self: &Arc<Self>,
        module: Cid,
        given: Bytes,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Arc<Loaded>, Failure> {
        let compiles = Arc::clone(&self.compiles);
        let permit = timeout(self.compile_max, compiles.acquire_owned())
            .await
            .map_err(|_| busy(self.compile_max))?
            .map_err(|_| closed())?;
        let this = Arc::clone(self);
        let work = async move {
            let permit = Arc::new(permit);
            let code = this.compiler.code(given, Arc::clone(&permit)).await?;
            let taking = on_thread("wasm-load", move || {
                let taken = this.take(&module, &code);
                drop((turn, permit));
                taken
            })?;
            taking.await.map_err(|_| closed())?
        };
        // It goes on when nobody waits for it any more: the work is worth doing.
        tokio::spawn(work).await.map_err(|_| closed())?
    }

    #[cfg(test)]
    pub(crate) async fn hold_compiles(&self) -> tokio::sync::OwnedSemaphorePermit {
        let compiles = Arc::clone(&self.compiles);
        let all = u32::try_from(compiles.available_permits()).unwrap();
        compiles.acquire_many_owned(all).await.unwrap()
    }

    fn turn(&self, module: &Cid) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock();
        if let Some(turn) = turns.get(module).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        turns.insert(*module, Arc::downgrade(&turn));
        turn
    }

    /// Takes in code that was made just now.
    fn take(&self, module: &Cid, code: &[u8]) -> Result<Arc<Loaded>, Failure> {
        #[expect(unsafe_code, reason = "the one way to load code")]
        // SAFETY: `Compiler` made it for this engine, in this process or in one of this program's
        // that answers to nobody else.
        let compiled = unsafe { Module::deserialize(&self.engine, code) };
        let compiled = compiled.map_err(|error| {
            let message = format!("the code of the Wasm module cannot be loaded: {error:#}");
            Failure::new(FailureKind::Internal, message)
        })?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let pre = self.link(&compiled)?;
        self.disk.put(module, code);
        Ok(self.keep(module, pre))
    }

    fn load_cached(&self, module: &Cid) -> Option<Arc<Loaded>> {
        let path = self.disk.path(module)?;
        #[expect(unsafe_code, reason = "the one way to use code that was compiled before")]
        // SAFETY: the file lies in a directory that only this user can write, was written whole by
        // `DiskCache::put` from `Module::serialize`, and its checksum was compared just now.
        let read = unsafe { Module::deserialize_file(&self.engine, &path) };
        let linked = match read {
            Ok(compiled) => self.link(&compiled).map_err(|failure| failure.message),
            Err(error) => Err(format!("{error:#}")),
        };
        match linked {
            Ok(pre) => {
                self.disk_hits.fetch_add(1, Ordering::Relaxed);
                Some(self.keep(module, pre))
            }
            Err(error) => {
                tracing::warn!(%module, error, "a cached module cannot be used and is removed");
                self.disk.remove(module);
                None
            }
        }
    }

    fn link(&self, compiled: &Module) -> Result<InstancePre<Guest>, Failure> {
        self.linker.instantiate_pre(compiled).map_err(|error| {
            let Some(unknown) = error.downcast_ref::<UnknownImportError>() else {
                return unusable(&format!("{error:#}"));
            };
            let (name, from) = (clipped(unknown.name(), 100), clipped(unknown.module(), 100));
            unusable(&format!("it imports '{name}' from '{from}', which is unknown here"))
                .with_hint("build it for WASI preview 1 (target wasm32-wasip1), without sockets")
        })
    }

    fn keep(&self, module: &Cid, pre: InstancePre<Guest>) -> Arc<Loaded> {
        let loaded = Arc::new(Loaded::new(pre));
        // Unmapping what goes is not done under the lock.
        let gone = self.loaded.lock().insert(*module, Arc::clone(&loaded));
        drop(gone);
        loaded
    }
}

fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<oneshot::Receiver<Result<T, Failure>>, Failure> {
    let (done, result) = oneshot::channel();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Nobody waits any more: the work itself was worth doing.
            let _ = done.send(work());
        })
        .map_err(|error| {
            Failure::new(FailureKind::Internal, format!("no thread for a Wasm module: {error}"))
        })?;
    Ok(result)
}

fn busy(waited: Duration) -> Failure {
    let message = format!("other Wasm modules were being compiled for {} ms", waited.as_millis());
    Failure::new(FailureKind::Internal, message)
}

fn closed() -> Failure {
    Failure::new(FailureKind::Internal, "loading the Wasm module broke off")
}
