//! The threads that hash and write, shared by all imports of a node.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};

use crate::unixfs::CHUNK_BYTES_MAX;

type Job = Box<dyn FnOnce() + Send>;

/// A few threads and a bounded queue before them.
#[derive(Debug)]
pub struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    buffers: Arc<Buffers>,
}

#[derive(Debug)]
struct Queue {
    state: Mutex<QueueState>,
    job_added: Condvar,
    job_taken: Condvar,
    jobs_max: usize,
}

#[derive(Default)]
struct QueueState {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl std::fmt::Debug for QueueState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueState").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(threads: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            job_added: Condvar::new(),
            job_taken: Condvar::new(),
            jobs_max: threads,
        });
        let start = |nth| {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("gadus-hash-{nth}"));
            thread.spawn(move || {
                while let Some(job) = queue.take() {
                    job();
                }
            })
        };
        let threads = (0..threads).map(start).collect::<io::Result<Vec<_>>>()?;
        let buffers = Arc::new(Buffers { free: Mutex::default(), free_max: 2 * threads.len() });
        Ok(Self { queue, threads, buffers })
    }

    /// Hands a job over; waits while all threads are busy and the queue is full.
    pub(crate) fn submit(&self, job: Job) {
        let mut state = self.queue.state.lock();
        while state.jobs.len() >= self.queue.jobs_max {
            self.queue.job_taken.wait(&mut state);
        }
        state.jobs.push_back(job);
        drop(state);
        self.queue.job_added.notify_one();
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.len()
    }

    pub(crate) fn buffers(&self) -> &Arc<Buffers> {
        &self.buffers
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.job_added.notify_all();
        for thread in self.threads.drain(..) {
            // A job that panicked took its thread with it; its import has seen the error.
            let _ = thread.join();
        }
    }
}

impl Queue {
    /// The next job; `None` when there will be none.
    fn take(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                self.job_taken.notify_one();
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.job_added.wait(&mut state);
        }
    }
}

/// Chunk-sized buffers, used again: fresh memory costs as much as writing it.
#[derive(Debug)]
pub(crate) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
    free_max: usize,
}

impl Buffers {
    pub(crate) fn take(&self) -> Vec<u8> {
        let used = self.free.lock().pop();
        used.unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES_MAX))
    }

    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut free = self.free.lock();
        if free.len() < self.free_max {
            free.push(buffer);
        }
    }
}
