//! The threads that guests run on: started when needed, at most so many, gone when long idle.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A thread ends after being idle for this long.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// One guest's run.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads. It holds no queue worth the name: callers take one of
/// `threads_max` permits before they submit.
pub(crate) struct ThreadPool {
    shared: Arc<Shared>,
    threads_max: usize,
    stack_bytes: usize,
}

struct Shared {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    idle: usize,
    threads: usize,
    closed: bool,
}

impl ThreadPool {
    /// An empty pool.
    pub(crate) fn new(threads_max: usize, stack_bytes: usize) -> Self {
        let shared =
            Arc::new(Shared { state: Mutex::new(State::default()), ready: Condvar::new() });
        Self { shared, threads_max, stack_bytes }
    }

    /// Runs `work` on a thread that is idle or new, else on the first that becomes free.
    ///
    /// # Errors
    /// When there is no thread at all and the system gives none.
    pub(crate) fn submit(&self, work: Work) -> std::io::Result<()> {
        let mut state = self.shared.state.lock();
        state.waiting.push_back(work);
        if state.waiting.len() <= state.idle || state.threads >= self.threads_max {
            self.shared.ready.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let spawned = std::thread::Builder::new()
            .name("wasm-run".into())
            .stack_size(self.stack_bytes)
            .spawn({
                let shared = Arc::clone(&self.shared);
                move || shared.work()
            });
        let Err(error) = spawned else { return Ok(()) };
        let mut state = self.shared.state.lock();
        state.threads -= 1;
        if state.threads > 0 {
            self.shared.ready.notify_one();
            return Ok(());
        }
        // No thread is left to take it, and no later call should run it late.
        state.waiting.pop_back();
        Err(error)
    }

    /// Threads alive.
    #[cfg(test)]
    pub(crate) fn threads(&self) -> usize {
        self.shared.state.lock().threads
    }
}

impl Shared {
    fn work(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(work) = state.waiting.pop_front() {
                drop(state);
                // A panic is the work's own: whoever waits for it sees its channel close.
                let _ = catch_unwind(AssertUnwindSafe(work));
                state = self.state.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let timed_out = self.ready.wait_for(&mut state, IDLE_MAX).timed_out();
            state.idle -= 1;
            if timed_out && state.waiting.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn it_grows_to_its_bound_and_reuses_idle_threads() {
        let pool = ThreadPool::new(2, 256 << 10);
        let (done, finished) = sync_channel(8);
        let gate = Arc::new(Barrier::new(3));
        for _ in 0..2 {
            let (gate, done) = (Arc::clone(&gate), done.clone());
            pool.submit(Box::new(move || {
                gate.wait();
                done.send(()).unwrap();
            }))
            .unwrap();
        }
        let third = done.clone();
        pool.submit(Box::new(move || third.send(()).unwrap())).unwrap();
        gate.wait();
        for _ in 0..3 {
            finished.recv().unwrap();
        }
        assert_eq!(pool.threads(), 2);
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let pool = ThreadPool::new(1, 256 << 10);
        let (done, finished) = sync_channel(8);
        pool.submit(Box::new(|| std::panic::resume_unwind(Box::new("on purpose")))).unwrap();
        pool.submit(Box::new(move || done.send(()).unwrap())).unwrap();
        finished.recv().unwrap();
        assert_eq!(pool.threads(), 1);
    }

    #[test]
    fn waiting_work_is_done_after_the_pool_is_dropped() {
        let pool = ThreadPool::new(1, 256 << 10);
        let (done, finished) = sync_channel(8);
        for n in 0..4 {
            let done = done.clone();
            pool.submit(Box::new(move || done.send(n).unwrap())).unwrap();
        }
        drop((pool, done));
        assert_eq!(finished.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
