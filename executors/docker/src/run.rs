//! One run: create, start, follow, judge, remove.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, ContainerInspectResponse};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, KillContainerOptionsBuilder,
    WaitContainerOptionsBuilder,
};
use futures::StreamExt as _;
use gadus_model::{Failure, FailureKind, Outcome};
use gadus_ports::{ExecCode, ExecRequest, Finished, LogSink};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::adopt::{self, Place};
use crate::executor::DockerExecutor;
use crate::fault::Fault;
use crate::follow::{End, Following, Standing, log, standing};
use crate::output::{Frames, Output};
use crate::usage::{self, Quota};
use crate::verdict::{self, Ending, Watched};
use crate::{hosts, outputs, program, removal, spec};

/// Tries at creating a container: its image or an earlier container may be just going away.
const CREATE_TRIES: u32 = 20;

/// One execution's container.
struct Run<'a> {
    executor: &'a DockerExecutor,
    request: &'a ExecRequest,
    container: String,
    quota: Quota,
    /// What its memory is limited to.
    memory_bytes: u64,
}

/// A container that runs or ran.
struct Started {
    frames: Frames,
    /// How long ago it started.
    age: Duration,
    watched: Watched,
}

/// Runs a request to its end.
pub(crate) async fn run(
    executor: &DockerExecutor,
    request: &ExecRequest,
    sink: Arc<dyn LogSink>,
    stop: &CancellationToken,
) -> Result<Finished, Failure> {
    let begun = Instant::now();
    let ExecCode::Docker { digest, reference, .. } = &request.code else {
        return Err(Failure::new(FailureKind::Invalid, "this is not a docker task"));
    };
    let image = tokio::select! {
        image = executor.images.prepare(digest, reference) => image?,
        () = stop.cancelled() => return Err(interrupted()),
    };
    let (gpus, _lease) = executor.grant(request.execution, request.limits.resources.gpus).await?;
    let body = spec::container(request, &image, &executor.scope, &executor.limits, &gpus)?;
    let run = Run {
        executor,
        request,
        container: executor.scope.container(request.execution),
        quota: Quota {
            max_bytes: spec::output_max_bytes(&request.limits),
            max_files: request.limits.caps.output_max_files,
        },
        memory_bytes: memory_of(&body),
    };
    let dirs = request.outputs.clone();
    let scratch = spec::needs_hosts(request).then(|| request.scratch.clone());
    blocking(move || {
        outputs::make(&dirs)?;
        scratch.map_or(Ok(()), |scratch| hosts::write(&scratch))
    })
    .await?;
    let started = run.launch(body).await?;
    let start = Instant::now().checked_sub(started.age).unwrap_or_else(Instant::now);
    let prepare = start.saturating_duration_since(begun);
    let outcome = run.follow(started, start, sink, stop).await?;
    Ok(Finished {
        outcome,
        error: String::new(),
        prepare_us: micros(prepare),
        run_us: micros(start.elapsed()),
        fuel: None,
        memory_peak_bytes: None,
    })
}

impl Run<'_> {
    /// Starts the container, or finds the one that an earlier process started.
    async fn launch(&self, mut body: ContainerCreateBody) -> Result<Started, Failure> {
        let engine = &self.executor.engine;
        let docker = engine.client().await?;
        let options = CreateContainerOptionsBuilder::default().name(&self.container).build();
        let mut last = Fault::Failed("its name stays taken".to_owned());
        for _ in 0..CREATE_TRIES {
            let created = docker.create_container(Some(options.clone()), body.clone()).await;
            let Err(error) = created else {
                let dirs = self.request.outputs.clone();
                blocking(move || outputs::clear(&dirs)).await?;
                return self.start(&docker).await;
            };
            last = Fault::of(&error);
            match &last {
                Fault::Refused(409, _) => {
                    if let Some(started) = self.rejoin(&docker).await? {
                        return Ok(started);
                    }
                    tokio::time::sleep(Duration::from_millis(self.executor.limits.engine_retry_ms))
                        .await;
                }
                Fault::Refused(404, why) if why.contains("No such image") => {
                    body.image = Some(self.image_again(body.image.as_deref()).await?);
                }
                Fault::Refused(status, why) => return Err(verdict::refused(*status, why)),
                Fault::Gone(_) | Fault::Forbidden(_) | Fault::Failed(_) => break,
            }
        }
        Err(engine.failure_of(&format!("create container {}", self.container), &last))
    }

    /// Somebody removed the image since it was looked up.
    async fn image_again(&self, gone: Option<&str>) -> Result<String, Failure> {
        let images = &self.executor.images;
        images.catalogue.forget(gone.unwrap_or_default());
        let ExecCode::Docker { digest, reference, .. } = &self.request.code else {
            return Err(Failure::new(FailureKind::Invalid, "this is not a docker task"));
        };
        Ok(images.prepare(digest, reference).await?.id.clone())
    }

    async fn start(&self, docker: &Docker) -> Result<Started, Failure> {
        let options =
            AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        // Before the start, so that the first bytes are not missed.
        let attached = docker.attach_container(&self.container, Some(options)).await;
        let started = match attached {
            Ok(attached) => {
                let started = docker.start_container(&self.container, None).await;
                started.map(|()| attached.output)
            }
            Err(error) => Err(error),
        };
        match started {
            Ok(frames) => Ok(Started { frames, age: Duration::ZERO, watched: Watched::Throughout }),
            Err(error) => {
                self.executor.removals.queue(self.container.clone()).await;
                Err(match Fault::of(&error) {
                    Fault::Refused(status, why) => verdict::refused(status, &why),
                    fault @ (Fault::Gone(_) | Fault::Forbidden(_) | Fault::Failed(_)) => {
                        self.executor.engine.failure_of("start the container", &fault)
                    }
                })
            }
        }
    }

    /// The execution's container is there already. `None` when it is about to go.
    async fn rejoin(&self, docker: &Docker) -> Result<Option<Started>, Failure> {
        let failure = |fault| self.executor.engine.failure_of("look at the container", &fault);
        let (standing, details) = standing(docker, &self.container).await.map_err(failure)?;
        if matches!(standing, Standing::Absent) {
            return Ok(None);
        }
        let labels = details.config.as_ref().and_then(|config| config.labels.clone());
        let owner = self.executor.scope.execution_of(&labels.unwrap_or_default());
        if owner != Some(self.request.execution) {
            let what = format!("a container named {} exists, and is not ours", self.container);
            return Err(Failure::new(FailureKind::Internal, what).with_hint("remove or rename it"));
        }
        tracing::info!(container = self.container, "going on with a container");
        let age = age(&details);
        let (follow, watched) = match standing {
            Standing::Created => return self.start(docker).await.map(Some),
            Standing::Leaving | Standing::Absent => return Ok(None),
            Standing::Running => (true, Watched::Throughout),
            Standing::Exited(_) => (false, Watched::NotByUs),
        };
        Ok(Some(Started { frames: log(docker, &self.container, follow), age, watched }))
    }

    /// From the start to the removal.
    async fn follow(
        &self,
        started: Started,
        start: Instant,
        sink: Arc<dyn LogSink>,
        stop: &CancellationToken,
    ) -> Result<Outcome, Failure> {
        let limits = &self.executor.limits;
        let mut following = Following {
            engine: &self.executor.engine,
            limits,
            container: &self.container,
            stop,
            deadline: self.request.limits.timeout.and_then(|timeout| start.checked_add(timeout)),
            output: Output::new(sink),
            frames: started.frames,
            torn: false,
            watched: started.watched,
        };
        let excess = usage::watch(self.roots(), self.quota, Duration::from_millis(limits.usage_ms));
        let failure = match following.until_end(excess).await {
            Ok(End::Exited(code)) => {
                let Following { watched, output, .. } = following;
                let judged = self.judge(code, watched, output.into_stderr_head()).await;
                self.executor.removals.queue(self.container.clone()).await;
                return judged;
            }
            Ok(End::Vanished) => {
                let what = "its container was removed by somebody else";
                return Err(Failure::new(FailureKind::Interrupted, what));
            }
            Ok(End::Stopped) => interrupted(),
            Ok(End::TimedOut) => {
                let limit = self.request.limits.timeout.unwrap_or_default();
                let what = format!("it ran longer than its {} s", limit.as_secs_f64());
                Failure::new(FailureKind::Timeout, what).with_hint("give it more time")
            }
            Ok(End::Excess(failure)) => failure,
            Err(failure) => {
                self.executor.removals.queue(self.container.clone()).await;
                return Err(failure);
            }
        };
        self.put_down().await?;
        Err(failure)
    }

    /// Judges an ended container, once its outputs are in order.
    async fn judge(
        &self,
        code: i64,
        watched: Watched,
        stderr_head: Vec<u8>,
    ) -> Result<Outcome, Failure> {
        let memory_bytes = self.memory_bytes;
        let mut ending = Ending { code, oom_killed: false, watched, stderr_head, memory_bytes };
        let mut details = ContainerInspectResponse::default();
        if code != 0 {
            details = self.details(&mut ending).await?;
            let state = details.state.as_ref();
            ending.oom_killed = state.and_then(|state| state.oom_killed).unwrap_or_default();
        }
        self.take_over(Some(self.quota)).await?;
        let outcome = verdict::judge(&ending)?;
        if let (true, Some(program)) = (program::is_suspect(code), &details.path) {
            let docker = self.executor.engine.client().await?;
            let why = program::why_not_runnable(&docker, &self.container, program).await;
            if let Some(why) = why {
                return Err(verdict::not_started(why));
            }
        }
        Ok(outcome)
    }

    /// Everything about an ended container. An engine that is gone by now may have been going when
    /// the container ended, so its word is no longer enough.
    async fn details(&self, ending: &mut Ending) -> Result<ContainerInspectResponse, Failure> {
        let limits = &self.executor.limits;
        let give_up = Instant::now() + Duration::from_millis(limits.engine_patience_ms);
        loop {
            let failure = match self.executor.engine.client().await {
                Ok(docker) => match standing(&docker, &self.container).await {
                    Ok((_, details)) => return Ok(details),
                    Err(fault) => self.executor.engine.failure_of("look at the container", &fault),
                },
                Err(failure) => failure,
            };
            ending.watched = Watched::NotByEngine;
            if Instant::now() >= give_up {
                return Err(failure);
            }
            tokio::time::sleep(Duration::from_millis(limits.engine_retry_ms)).await;
        }
    }

    /// Makes the outputs ours, and holds them to the quota, if one is given.
    async fn take_over(&self, quota: Option<Quota>) -> Result<(), Failure> {
        let roots = self.roots();
        if roots.is_empty() {
            return Ok(());
        }
        let engine = &self.executor.engine;
        let places = self.places();
        let foreign = adopt::is_needed();
        if foreign {
            adopt::directories(engine, &self.container, &places).await?;
        }
        let Some(quota) = quota else { return Ok(()) };
        blocking(move || quota.check(&usage::measure(&roots, quota))).await?;
        if foreign {
            adopt::files(engine, &self.container, &places).await?;
        }
        Ok(())
    }

    /// Kills the container and everything in it, and removes it.
    async fn put_down(&self) -> Result<(), Failure> {
        let Self { executor, container, .. } = self;
        let limits = &executor.limits;
        if adopt::is_needed() && !self.request.outputs.is_empty() {
            end(&executor.engine.client().await?, container, limits.drain_ms).await;
            if let Err(failure) = self.take_over(None).await {
                tracing::warn!(container, %failure, "outputs stay behind");
            }
        }
        let patience = Duration::from_millis(limits.engine_patience_ms);
        let retry = Duration::from_millis(limits.engine_retry_ms);
        let removed = removal::remove(&executor.engine, container, patience, retry).await;
        if removed.is_err() {
            executor.removals.queue(container.clone()).await;
        }
        removed
    }

    fn roots(&self) -> Vec<PathBuf> {
        self.request.outputs.iter().map(|output| output.host.clone()).collect()
    }

    fn places(&self) -> Vec<Place> {
        let outputs = self.request.outputs.iter();
        outputs.map(|o| Place { host: o.host.clone(), guest: o.guest.clone() }).collect()
    }
}

/// Kills a container and waits until it has ended.
pub(crate) async fn end(docker: &Docker, container: &str, wait_ms: u64) {
    let kill = KillContainerOptionsBuilder::default().signal("KILL").build();
    // It may have ended by itself just now.
    _ = docker.kill_container(container, Some(kill)).await;
    let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
    let mut ended = std::pin::pin!(docker.wait_container(container, Some(options)));
    _ = timeout(Duration::from_millis(wait_ms), ended.next()).await;
}

fn interrupted() -> Failure {
    Failure::new(FailureKind::Interrupted, "it was stopped")
}

fn memory_of(body: &ContainerCreateBody) -> u64 {
    let memory = body.host_config.as_ref().and_then(|host| host.memory);
    memory.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()
}

/// How long ago it started, by the engine's clock, which is this machine's.
fn age(details: &ContainerInspectResponse) -> Duration {
    let started = details.state.as_ref().and_then(|state| state.started_at.as_deref());
    let started: Option<jiff::Timestamp> = started.and_then(|text| text.parse().ok());
    started
        .and_then(|started| Duration::try_from(jiff::Timestamp::now() - started).ok())
        .unwrap_or_default()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| {
        Failure::new(FailureKind::Internal, format!("a task of gadus failed: {panic}"))
    })?
}
