//! Advances the engine's epoch while something runs, and costs nothing while nothing does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use wasmtime::EngineWeak;

/// The thread that ticks, and how many guests it ticks for.
pub(crate) struct Ticker {
    state: Arc<State>,
    thread: Thread,
}

#[derive(Default)]
struct State {
    running: AtomicUsize,
    parked: AtomicBool,
    closed: AtomicBool,
    ticks: AtomicUsize,
}

/// While it lives, the epoch advances.
pub(crate) struct Ticking(Arc<State>);

impl Ticker {
    /// Starts the thread, parked.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(engine: EngineWeak, tick: Duration) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        let handle: JoinHandle<()> = thread::Builder::new().name("wasm-ticker".into()).spawn({
            let state = Arc::clone(&state);
            move || state.tick(&engine, tick)
        })?;
        Ok(Self { state, thread: handle.thread().clone() })
    }

    /// Makes the epoch advance. The thread is woken only when it had gone to sleep, which it does
    /// a whole tick after the last guest ended: guests in a row wake it once.
    pub(crate) fn hold(&self) -> Ticking {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(Arc::clone(&self.state))
    }

    /// How often the epoch has advanced.
    #[cfg(test)]
    pub(crate) fn ticks(&self) -> usize {
        self.state.ticks.load(Ordering::SeqCst)
    }
}

impl State {
    fn tick(&self, engine: &EngineWeak, tick: Duration) {
        while !self.closed.load(Ordering::SeqCst) {
            if self.running.load(Ordering::SeqCst) == 0 {
                self.parked.store(true, Ordering::SeqCst);
                // Whoever came between the two looks at `running` and `parked` is seen here.
                if self.running.load(Ordering::SeqCst) == 0 && !self.closed.load(Ordering::SeqCst) {
                    thread::park();
                }
                self.parked.store(false, Ordering::SeqCst);
                continue;
            }
            thread::sleep(tick);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
            self.ticks.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;

    #[test]
    fn it_ticks_while_held_and_parks_after() {
        let engine = Engine::default();
        let ticker = Ticker::start(engine.weak(), Duration::from_millis(1)).unwrap();
        for _ in 0..3 {
            let before = ticker.ticks();
            let held = ticker.hold();
            while ticker.ticks() < before + 3 {
                thread::yield_now();
            }
            drop(held);
            while !ticker.state.parked.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            assert_eq!(ticker.state.running.load(Ordering::SeqCst), 0);
        }
    }
}
