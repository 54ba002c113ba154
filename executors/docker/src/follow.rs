//! Follows a container from its start to its end, whatever happens to the engine meanwhile.
//!
//! The engine's `wait` is not trusted alone: ends have been known to go unreported. The state is
//! looked at now and then too, and soon after the output has ended.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum};
use bollard::query_parameters::{LogsOptionsBuilder, WaitContainerOptionsBuilder};
use futures::StreamExt as _;
use gadus_model::Failure;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::DockerLimits;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::output::{Frames, Output};
use crate::verdict::Watched;

/// Once a container's output has ended, so should the container have: look after this time.
const AFTER_OUTPUT: Duration = Duration::from_secs(1);

/// A container that is followed.
pub(crate) struct Following<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a DockerLimits,
    pub(crate) container: &'a str,
    pub(crate) stop: &'a CancellationToken,
    /// When its time is up.
    pub(crate) deadline: Option<Instant>,
    pub(crate) output: Output,
    pub(crate) frames: Frames,
    /// Whether the frames broke off, so that the log has to be read instead.
    pub(crate) torn: bool,
    pub(crate) watched: Watched,
}

/// How following ended.
pub(crate) enum End {
    /// With this code.
    Exited(i64),
    /// We are to stop it.
    Stopped,
    /// Its time is up.
    TimedOut,
    /// It used more than it may.
    Excess(Failure),
    /// Somebody else removed it.
    Vanished,
}

enum Seen {
    End(End),
    /// The engine does not answer any more.
    Lost,
}

/// What the engine says of a container.
pub(crate) enum Standing {
    /// Made, never started.
    Created,
    Running,
    /// Being removed.
    Leaving,
    Exited(i64),
    Absent,
}

impl Following<'_> {
    /// Until the end; `excess` ends when the job has used too much of something.
    ///
    /// # Errors
    /// `EngineDown` for an engine that stays away.
    pub(crate) async fn until_end(
        &mut self,
        excess: impl Future<Output = Failure>,
    ) -> Result<End, Failure> {
        let mut excess = pin!(excess);
        loop {
            let docker = self.engine.client().await;
            let seen = match docker {
                Ok(docker) => self.attend(&docker, excess.as_mut()).await,
                Err(_) => Seen::Lost,
            };
            match seen {
                Seen::End(End::Exited(code)) => {
                    self.drain().await;
                    return Ok(End::Exited(code));
                }
                Seen::End(end) => return Ok(end),
                Seen::Lost => {
                    if let Some(end) = self.regain().await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    async fn attend(
        &mut self,
        docker: &Docker,
        mut excess: Pin<&mut impl Future<Output = Failure>>,
    ) -> Seen {
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut wait = pin!(docker.wait_container(self.container, Some(options)));
        let every = Duration::from_millis(self.limits.inspect_ms.max(1));
        let mut look = interval_at(Instant::now() + every, every);
        let mut has_output = true;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Seen::End(End::Stopped),
                () = until(self.deadline) => return Seen::End(End::TimedOut),
                failure = excess.as_mut() => return Seen::End(End::Excess(failure)),
                frame = self.frames.next(), if has_output => {
                    has_output = self.take(frame);
                    if !has_output {
                        look.reset_after(AFTER_OUTPUT);
                    }
                }
                answer = wait.next() => return waited(answer),
                _ = look.tick() => match standing(docker, self.container).await {
                    Ok((Standing::Exited(code), _)) => return Seen::End(End::Exited(code)),
                    Ok((Standing::Absent | Standing::Leaving, _)) => return Seen::End(End::Vanished),
                    Ok((Standing::Created | Standing::Running, _)) => {}
                    Err(fault) => {
                        if matches!(fault, Fault::Gone(_)) {
                            return Seen::Lost;
                        }
                    }
                }
            }
        }
    }

    /// Takes what output is still to come. What the live stream does not give is in the log.
    async fn drain(&mut self) {
        let patience = Duration::from_millis(self.limits.drain_ms);
        for attempt in 0..2 {
            if attempt > 0 && self.replay(false).await.is_err() {
                break;
            }
            let rest = async {
                while !self.torn {
                    let frame = self.frames.next().await;
                    if !self.take(frame) {
                        break;
                    }
                }
            };
            if timeout(patience, rest).await.is_ok() && !self.torn {
                return;
            }
        }
        tracing::warn!(container = self.container, "the end of its output may be missing");
    }

    /// Takes a frame; `false` when there are no more.
    fn take(&mut self, frame: Option<Result<LogOutput, Error>>) -> bool {
        let Some(frame) = frame else { return false };
        self.torn = !frame.is_ok_and(|frame| self.output.take(&frame));
        !self.torn
    }

    /// Waits for an engine that is away. `None` when the container still runs.
    async fn regain(&mut self) -> Result<Option<End>, Failure> {
        tracing::warn!(container = self.container, "the docker engine went away");
        let give_up = Instant::now() + Duration::from_millis(self.limits.engine_patience_ms);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(Some(End::Stopped)),
                () = until(self.deadline) => return Ok(Some(End::TimedOut)),
                () = sleep(Duration::from_millis(self.limits.engine_retry_ms)) => {}
            }
            let failure = match self.look_again().await {
                Ok(end) => return Ok(end),
                Err(failure) => failure,
            };
            if Instant::now() >= give_up {
                return Err(failure);
            }
        }
    }

    async fn look_again(&mut self) -> Result<Option<End>, Failure> {
        let docker = self.engine.client().await?;
        let (standing, _) = standing(&docker, self.container)
            .await
            .map_err(|fault| self.engine.failure_of("find the container again", &fault))?;
        match standing {
            Standing::Running => {
                self.replay(true).await?;
                Ok(None)
            }
            Standing::Exited(code) => {
                self.watched = Watched::NotByEngine;
                self.replay(false).await?;
                self.drain().await;
                Ok(Some(End::Exited(code)))
            }
            Standing::Created | Standing::Leaving | Standing::Absent => Ok(Some(End::Vanished)),
        }
    }

    /// Reads the output from its start, out of the engine's log.
    async fn replay(&mut self, follow: bool) -> Result<(), Failure> {
        let docker = self.engine.client().await?;
        self.frames = log(&docker, self.container, follow);
        self.output.rewind();
        self.torn = false;
        Ok(())
    }
}

/// The output of a container from its start; with `follow` until it ends.
pub(crate) fn log(docker: &Docker, container: &str, follow: bool) -> Frames {
    let options = LogsOptionsBuilder::default().follow(follow).stdout(true).stderr(true).build();
    Box::pin(docker.logs(container, Some(options)))
}

/// How a container stands, and everything that the engine says of it.
pub(crate) async fn standing(
    docker: &Docker,
    container: &str,
) -> Result<(Standing, ContainerInspectResponse), Fault> {
    let details = match docker.inspect_container(container, None).await {
        Ok(details) => details,
        Err(error) => match Fault::of(&error) {
            fault if fault.is_not_found() => {
                return Ok((Standing::Absent, ContainerInspectResponse::default()));
            }
            fault => return Err(fault),
        },
    };
    let standing = details.state.as_ref().map_or(Standing::Running, of_state);
    Ok((standing, details))
}

fn of_state(state: &ContainerState) -> Standing {
    let code = state.exit_code.unwrap_or_default();
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) => Standing::Created,
        Some(ContainerStateStatusEnum::EXITED) => Standing::Exited(code),
        Some(ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD) => {
            Standing::Leaving
        }
        Some(
            ContainerStateStatusEnum::RUNNING
            | ContainerStateStatusEnum::PAUSED
            | ContainerStateStatusEnum::RESTARTING
            | ContainerStateStatusEnum::STOPPING
            | ContainerStateStatusEnum::EMPTY,
        )
        | None => Standing::Running,
    }
}

type Waited = Option<Result<bollard::models::ContainerWaitResponse, Error>>;

/// What an answer to `wait` means. An exit code other than 0 comes as an error.
fn waited(answer: Waited) -> Seen {
    match answer {
        Some(Ok(end)) => Seen::End(End::Exited(end.status_code)),
        Some(Err(Error::DockerContainerWaitError { code, error })) if error.is_empty() => {
            Seen::End(End::Exited(code))
        }
        Some(Err(error)) if Fault::of(&error).is_not_found() => Seen::End(End::Vanished),
        Some(Err(_)) | None => Seen::Lost,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_ends_the_wait_and_nothing_else_does() {
        let exit = |code| Some(Err(Error::DockerContainerWaitError { error: String::new(), code }));
        assert!(matches!(waited(exit(137)), Seen::End(End::Exited(137))));
        let broken = Error::IOError { err: std::io::ErrorKind::BrokenPipe.into() };
        assert!(matches!(waited(Some(Err(broken))), Seen::Lost));
        assert!(matches!(waited(None), Seen::Lost));
        let gone = Error::DockerResponseServerError { status_code: 404, message: String::new() };
        assert!(matches!(waited(Some(Err(gone))), Seen::End(End::Vanished)));
    }
}
