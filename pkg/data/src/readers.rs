//! The threads that read blocks for readers, peers and downloads.
//!
//! They are few and always the same: each keeps some of what it read for its next blocks, so their
//! number is what reading takes of the memory. The runtime's own threads for blocking work are
//! replaced as they come and go, and many short reads make more and more of them.

use std::io;
use std::sync::Arc;

use gadus_ports::ContentError;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::content::finished;

/// A fixed number of threads, and turns at them.
#[derive(Debug)]
pub(crate) struct Readers {
    /// Only its threads for blocking work are used. Absent once it is dropped.
    runtime: Option<Runtime>,
    turns: Arc<Semaphore>,
}

impl Readers {
    /// Makes so many threads, as they are needed.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new(threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name("gadus-read")
            .build()?;
        Ok(Self { runtime: Some(runtime), turns: Arc::new(Semaphore::new(threads)) })
    }

    /// Reads a little: some blocks at most, and nothing that anybody else sends.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ContentError> + Send + 'static,
    ) -> Result<T, ContentError> {
        // Nobody closes it. A turn is over when the thread is free, whoever still waits for it.
        let turn = self.turns.clone().acquire_owned().await;
        let Some(runtime) = &self.runtime else { return work() };
        let reading = runtime.spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        finished(reading.await)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // What is being read is read to its end, and nobody waits for that.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread::{self, ThreadId};

    use super::*;

    #[tokio::test]
    async fn many_reads_share_few_threads() {
        let readers = Arc::new(Readers::new(2).unwrap());
        let both = Arc::new(Barrier::new(2));
        let read = |nth: usize| {
            let (readers, both) = (readers.clone(), both.clone());
            tokio::spawn(async move {
                let work = move || {
                    // The first two meet, so there are two.
                    if nth < 2 {
                        both.wait();
                    }
                    Ok(thread::current().id())
                };
                readers.read(work).await.unwrap()
            })
        };
        let mut threads = HashSet::<ThreadId>::new();
        for reading in (0..200).map(read).collect::<Vec<_>>() {
            threads.insert(reading.await.unwrap());
        }
        assert_eq!(threads.len(), 2);
    }
}
