//! Compiling on a thread. It cannot be ended: one that takes too long goes on, unwaited for.

use std::thread;
use std::time::Duration;

use gadus_model::{Failure, FailureKind};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{STACK_BYTES, gave_up, too_slow};

/// What some work on a thread comes to, if it does so in time.
///
/// # Errors
/// As the work has them; `Invalid` when it panics; `Internal` when it takes too long, or no thread
/// is to be had.
pub(super) async fn within<T: Send + 'static>(
    max: Duration,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (done, result) = oneshot::channel();
    thread::Builder::new()
        .name("wasm-compile".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Nobody waits any more: the work itself was worth doing.
            let _ = done.send(work());
        })
        .map_err(|error| {
            Failure::new(FailureKind::Internal, format!("no thread for a Wasm module: {error}"))
        })?;
    match timeout(max, result).await {
        // The sender is only dropped by a panic.
        Ok(result) => result.map_err(|_| gave_up())?,
        Err(_) => Err(too_slow(max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_is_given_up() {
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let work = move || {
            // An error means that the test is over.
            let _ = waits.recv();
            Ok(())
        };
        let failure = within(Duration::from_secs(300), work).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.kind.is_retryable());
        assert!(failure.message.contains("longer than 300000 ms"), "{}", failure.message);
        drop(go_on);
    }

    #[tokio::test]
    async fn a_compiler_that_breaks_down_is_the_modules_fault() {
        let work = || std::panic::resume_unwind(Box::new(()));
        let failure = within::<()>(Duration::from_secs(300), work).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains("gave up"), "{}", failure.message);
    }
}
