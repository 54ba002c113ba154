//! One guest, from its instance to its end, on the thread that calls this.

use std::sync::Arc;
use std::time::Instant;

use gadus_model::{Failure, FailureKind, Outcome};
use gadus_ports::{ExecRequest, Finished, LogSink};
use wasmtime::{Engine, Instance, Store};

use crate::config::WasmConfig;
use crate::guest::{Guest, MemoryLimits, RunLimits};
use crate::kill::KillSwitch;
use crate::loaded::Loaded;
use crate::outcome;
use crate::wasi::Wasi;

/// One run, ready to go.
pub(crate) struct Run {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) entry: String,
    pub(crate) request: ExecRequest,
    pub(crate) limits: RunLimits,
    pub(crate) sink: Arc<dyn LogSink>,
    pub(crate) kill: Arc<KillSwitch>,
}

impl Run {
    /// Runs to the end. The epoch must be advancing.
    ///
    /// # Errors
    /// Environmental failures, as in [`gadus_ports::Executor::run`].
    pub(crate) fn finish(self, engine: &Engine, config: &WasmConfig) -> Result<Finished, Failure> {
        let began = Instant::now();
        let mut store = self.store(engine)?;
        let started = Instant::now();
        let deadline = self.limits.timeout.and_then(|timeout| started.checked_add(timeout));
        if let Some(deadline) = deadline {
            self.kill.stop_at(deadline);
        }
        let ended = match self.loaded.pre.instantiate(&mut store) {
            Ok(instance) => self.call(&mut store, instance),
            Err(error) => {
                let refused = store.data().memory.refused_at_start;
                match outcome::of_start(&error, refused, &self.limits) {
                    Some(failure) => return Err(failure),
                    None => Err(error),
                }
            }
        };
        let run_us = micros(started, Instant::now());
        let (outcome, error) = match ended {
            Ok(()) => (Outcome::Exit(0), String::new()),
            Err(error) => outcome::of_error(&error, &self.limits, config.stack_max_bytes)?,
        };
        self.settle(store.data_mut())?;
        let fuel_left = store.get_fuel().unwrap_or_default();
        Ok(Finished {
            outcome,
            error,
            prepare_us: micros(began, started),
            run_us,
            fuel: Some(self.fuel().saturating_sub(fuel_left)),
            memory_peak_bytes: Some(store.data().memory.memory_peak_bytes()),
        })
    }

    fn store(&self, engine: &Engine) -> Result<Store<Guest>, Failure> {
        let guest = Guest {
            wasi: Wasi::new(&self.request, &self.sink, &self.limits, &self.kill)?,
            memory: MemoryLimits::new(&self.limits),
            kill: Arc::clone(&self.kill),
        };
        let mut store = Store::new(engine, guest);
        store.limiter(|guest| &mut guest.memory);
        store.epoch_deadline_callback(|guest| guest.data().tick().map_err(wasmtime::Error::new));
        store.set_epoch_deadline(1);
        store.set_fuel(self.fuel()).map_err(|error| {
            Failure::new(FailureKind::Internal, format!("fuel cannot be given: {error:#}"))
        })?;
        Ok(store)
    }

    fn call(&self, store: &mut Store<Guest>, instance: Instance) -> wasmtime::Result<()> {
        if self.entry != "_start" && self.entry != "_initialize" && self.loaded.has_initialize() {
            instance.get_typed_func::<(), ()>(&mut *store, "_initialize")?.call(&mut *store, ())?;
        }
        // It was looked up before: `Loaded::check_entry`.
        let entry = instance
            .get_func(&mut *store, &self.entry)
            .ok_or_else(|| wasmtime::Error::msg("the entry is gone"))?;
        let results = entry.ty(&*store).results().len();
        if results == 0 {
            return entry.typed::<(), ()>(&*store)?.call(&mut *store, ());
        }
        // What an entry returns means nothing: only an exit code is a result.
        entry.call(&mut *store, &[], &mut vec![wasmtime::Val::I32(0); results])
    }

    /// The guest came to a result: what it made is written out.
    fn settle(&self, guest: &mut Guest) -> Result<(), Failure> {
        if guest.wasi.unsupported > 0 {
            let (execution, calls) = (self.request.execution, guest.wasi.unsupported);
            tracing::info!(%execution, calls, "the program asked for what WASI has not here");
        }
        guest.wasi.vfs.export()
    }

    /// Fuel is always counted; without a limit there is more than anyone burns in a century.
    fn fuel(&self) -> u64 {
        self.limits.fuel_max.unwrap_or(u64::MAX)
    }
}

fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from((to - from).as_micros()).unwrap_or(u64::MAX)
}
