//! Removes containers, and goes on trying.

use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::RemoveContainerOptionsBuilder;
use gadus_model::Failure;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::engine::Engine;
use crate::fault::Fault;

/// Removals that run at once: more would only slow down the containers that start meanwhile.
const AT_ONCE: usize = 2;
/// A removal that fails is tried again for so long; what is left then is the reaper's.
const KEEP_TRYING: Duration = Duration::from_secs(300);

/// Kills a container and everything in it, and removes it.
///
/// # Errors
/// What the last try met, when none succeeded within `patience`.
pub(crate) async fn remove(
    engine: &Engine,
    container: &str,
    patience: Duration,
    retry: Duration,
) -> Result<(), Failure> {
    let until = Instant::now() + patience;
    let mut pause = retry;
    loop {
        let failure = match try_remove(engine, container).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        if Instant::now() >= until {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(retry * 16);
    }
}

async fn try_remove(engine: &Engine, container: &str) -> Result<(), Failure> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let docker = engine.client().await?;
    let Err(error) = docker.remove_container(container, Some(options)).await else { return Ok(()) };
    let fault = Fault::of(&error);
    if fault.is_not_found() {
        return Ok(());
    }
    Err(engine.failure_of(&format!("remove container {container}"), &fault))
}

/// Ended containers, removed while others run.
pub(crate) struct Removals {
    queue: mpsc::Sender<Ended>,
    pending: watch::Sender<usize>,
    /// Removing takes the disk as much as telling how the job ended does, and that goes first.
    pause: Duration,
}

struct Ended {
    container: String,
    /// When it may go.
    due: Instant,
}

impl Removals {
    /// `max`: how many may wait; `pause`: how long each does at least.
    pub(crate) fn new(engine: Arc<Engine>, max: usize, pause: Duration, retry: Duration) -> Self {
        let (queue, waiting) = mpsc::channel(max);
        let (pending, _) = watch::channel(0);
        tokio::spawn(work(engine, waiting, pending.clone(), retry));
        Self { queue, pending, pause }
    }

    /// Has it removed soon. Waits only where too many wait already.
    pub(crate) async fn queue(&self, container: String) {
        self.pending.send_modify(|n| *n += 1);
        let due = Instant::now() + self.pause;
        if self.queue.send(Ended { container, due }).await.is_err() {
            self.pending.send_modify(|n| *n -= 1);
        }
    }

    /// Waits until nothing is left to remove.
    pub(crate) async fn idle(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        _ = self.pending.subscribe().wait_for(|n| *n == 0).await;
    }
}

async fn work(
    engine: Arc<Engine>,
    mut waiting: mpsc::Receiver<Ended>,
    pending: watch::Sender<usize>,
    retry: Duration,
) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(Ended { container, due }) = waiting.recv().await {
        // The pause is the same for all, so nobody waits for another's.
        sleep_until(due).await;
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
        let (engine, pending) = (Arc::clone(&engine), pending.clone());
        tokio::spawn(async move {
            if let Err(failure) = remove(&engine, &container, KEEP_TRYING, retry).await {
                tracing::warn!(container, %failure, "a container is left to the reaper");
            }
            drop(turn);
            pending.send_modify(|n| *n -= 1);
        });
    }
}
