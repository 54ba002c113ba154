//! The executor as the node sees it.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use bytes::Bytes;
use gadus_model::{
    Code, Engine as EngineKind, EngineInfo, ExecutionId, Failure, FailureKind, Image,
};
use gadus_ports::{ExecCode, ExecRequest, Executor, Finished, ImageResolver, LogSink, Warmth};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::adopt::{self, Place};
use crate::config::{DockerConfig, DockerLimits};
use crate::engine::Engine;
use crate::gpu::{Driver, GPUS, GpuAccess, Grant, Held, Lease, Leases, Stage};
use crate::pull::Images;
use crate::reference::Reference;
use crate::removal::{self, Removals};
use crate::run;
use crate::scope::Scope;

/// Tries at finding GPUs free: those of a container are its own until the engine has seen its end.
const LEASE_TRIES: u32 = 10;

/// Runs jobs in containers of one docker engine. See the crate's documentation.
pub struct DockerExecutor {
    pub(crate) engine: Arc<Engine>,
    pub(crate) images: Arc<Images>,
    pub(crate) removals: Removals,
    pub(crate) scope: Scope,
    pub(crate) leases: Leases,
    pub(crate) gpu_access: GpuAccess,
    pub(crate) limits: DockerLimits,
    /// Executions that this process runs: the reaper leaves them alone.
    active: Mutex<BTreeSet<ExecutionId>>,
}

impl DockerExecutor {
    /// An executor for the engine behind a socket. It works whether or not the engine is there
    /// yet: [`Executor::probe`] tells, and everything recovers when the engine comes. Must be
    /// called in a tokio runtime.
    #[must_use]
    pub fn connect(config: DockerConfig) -> Arc<Self> {
        let DockerConfig { socket, network, node, gpus, gpu_access, limits } = config;
        let engine =
            Arc::new(Engine::new(socket.as_deref(), Duration::from_millis(limits.request_ms)));
        let stall = Duration::from_millis(limits.pull_stall_ms);
        let images = Arc::new(Images::new(Arc::clone(&engine), limits.pulls_max.max(1), stall));
        let retry = Duration::from_millis(limits.engine_retry_ms);
        let pause = Duration::from_millis(limits.removal_pause_ms);
        let every = Duration::from_millis(limits.images_refresh_ms);
        tokio::spawn(keep_fresh(Arc::downgrade(&images), every));
        Arc::new(Self {
            removals: Removals::new(Arc::clone(&engine), limits.removals_max.max(1), pause, retry),
            engine,
            images,
            scope: Scope::new(network, node),
            leases: Leases::new(gpus),
            gpu_access,
            limits,
            active: Mutex::new(BTreeSet::new()),
        })
    }

    /// Waits until every ended container is removed: before a process ends that wants to leave
    /// nothing behind. (What is left is reaped at the next start.)
    pub async fn settle(&self) {
        self.removals.idle().await;
    }

    /// GPUs for an execution, for as long as the lease is kept. Those of a container that is just
    /// going are waited for a moment.
    ///
    /// # Errors
    /// As [`Leases::lease`] and [`Driver::find`]; `EngineDown`.
    pub(crate) async fn grant(
        &self,
        execution: ExecutionId,
        count: u32,
    ) -> Result<(Grant, Lease<'_>), Failure> {
        let lease = self.lease(execution, count).await?;
        let driver = match &self.gpu_access {
            GpuAccess::Direct(place) if count > 0 => {
                let place = place.clone();
                Some(run::blocking(move || Driver::find(&place)).await?)
            }
            GpuAccess::Direct(_) | GpuAccess::Toolkit => None,
        };
        Ok((Grant { uuids: lease.uuids.clone(), driver }, lease))
    }

    async fn lease(&self, execution: ExecutionId, count: u32) -> Result<Lease<'_>, Failure> {
        if count == 0 {
            return self.leases.lease(execution, 0, Held::default());
        }
        let mut tries = if count as usize > self.leases.count() { 1 } else { LEASE_TRIES };
        loop {
            let mut held = self.held(execution).await?;
            if let Some(own) = held.own.take_if(|own| own.stage == Stage::Created) {
                // Nothing ran in it, and its GPUs may be another's by now.
                let patience = Duration::from_millis(self.limits.engine_patience_ms);
                let retry = Duration::from_millis(self.limits.engine_retry_ms);
                removal::remove(&self.engine, &own.container, patience, retry).await?;
            }
            tries -= 1;
            match self.leases.lease(execution, count, held) {
                Err(_) if tries > 0 => {
                    tokio::time::sleep(Duration::from_millis(self.limits.engine_retry_ms)).await;
                }
                leased => return leased,
            }
        }
    }

    /// What containers have, whichever node's they are.
    async fn held(&self, execution: ExecutionId) -> Result<Held, Failure> {
        let docker = self.engine.client().await?;
        let labelled = HashMap::from([("label".to_owned(), vec![GPUS.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&labelled).build();
        let listed = docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|e| self.engine.failure("list containers", &e))?;
        let now = jiff::Timestamp::now().as_second();
        Ok(Held::of(&listed, now, |labels| self.scope.execution_of(labels) == Some(execution)))
    }

    async fn reap_one(&self, container: &ContainerSummary) -> Result<Option<ExecutionId>, Failure> {
        let labels = container.labels.clone().unwrap_or_default();
        let (Some(execution), Some(id)) = (self.scope.execution_of(&labels), &container.id) else {
            return Ok(None);
        };
        if adopt::is_needed() {
            let places = writable(container);
            run::end(&self.engine.client().await?, id, self.limits.drain_ms).await;
            if let Err(failure) = adopt::directories(&self.engine, id, &places).await {
                tracing::debug!(%execution, %failure, "an orphan's outputs stay as they are");
            }
        }
        let retry = Duration::from_millis(self.limits.engine_retry_ms);
        let patience = Duration::from_millis(self.limits.engine_patience_ms);
        removal::remove(&self.engine, id, patience, retry).await?;
        Ok(Some(execution))
    }
}

#[async_trait]
impl Executor for DockerExecutor {
    fn engine(&self) -> EngineKind {
        EngineKind::Docker
    }

    async fn probe(&self) -> Result<EngineInfo, Failure> {
        let docker = self.engine.client().await?;
        let version = docker
            .version()
            .await
            .map_err(|e| self.engine.failure("ask the engine what it is", &e))?;
        let os = version.os.unwrap_or_default();
        if os != "linux" {
            let what = format!("the docker engine runs {os} containers, and gadus needs linux");
            return Err(Failure::new(FailureKind::EngineDown, what));
        }
        let arch = version.arch.unwrap_or_default();
        // A node starts to bid after this: it should know what it has.
        self.images.refresh().await?;
        let id = format!("docker/{} {os}/{arch}", version.version.unwrap_or_default());
        Ok(EngineInfo { id, arch })
    }

    fn warmth(&self, code: &Code) -> Warmth {
        let Code::Docker { image, .. } = code else { return Warmth::default() };
        let catalogue = &self.images.catalogue;
        let image_digest = match image {
            Image::Digest(digest) => catalogue.pinned(digest).map(|_| digest.clone()),
            Image::Reference(name) => {
                Reference::parse(name).ok().and_then(|reference| catalogue.resolve(&reference))
            }
        };
        Warmth { warm: image_digest.is_some(), image_digest }
    }

    async fn prepare(&self, code: &ExecCode, _module: Option<Bytes>) -> Result<(), Failure> {
        match code {
            ExecCode::Docker { digest, reference, .. } => {
                self.images.prepare(digest, reference).await.map(drop)
            }
            ExecCode::Wasm { .. } => {
                Err(Failure::new(FailureKind::Invalid, "the docker engine runs no Wasm modules"))
            }
        }
    }

    async fn run(
        &self,
        request: ExecRequest,
        sink: Arc<dyn LogSink>,
        stop: CancellationToken,
    ) -> Result<Finished, Failure> {
        let _active = Active::enter(&self.active, request.execution)?;
        run::run(self, &request, sink, &stop).await
    }

    fn survives_restart(&self) -> bool {
        true
    }

    async fn reap(&self, keep: &BTreeSet<ExecutionId>) -> Result<Vec<ExecutionId>, Failure> {
        let docker = self.engine.client().await?;
        let options =
            ListContainersOptionsBuilder::default().all(true).filters(&self.scope.filter()).build();
        let listed = docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|e| self.engine.failure("list containers", &e))?;
        let mut reaped = Vec::new();
        for container in listed {
            let labels = container.labels.clone().unwrap_or_default();
            let execution = self.scope.execution_of(&labels);
            // Looked at only now: a run may have begun since the caller made its list.
            let stays =
                execution.is_none_or(|id| keep.contains(&id) || self.active.lock().contains(&id));
            if stays {
                continue;
            }
            match self.reap_one(&container).await {
                Ok(execution) => reaped.extend(execution),
                Err(failure) if failure.kind == FailureKind::EngineDown => return Err(failure),
                Err(failure) => tracing::warn!(%failure, "an orphan is left for the next round"),
            }
        }
        Ok(reaped)
    }
}

#[async_trait]
impl ImageResolver for DockerExecutor {
    async fn resolve_image(&self, reference: &str) -> Result<String, Failure> {
        self.images.resolve(reference).await
    }
}

/// What a container could write of ours.
fn writable(container: &ContainerSummary) -> Vec<Place> {
    let mounts = container.mounts.iter().flatten();
    mounts
        .filter(|mount| mount.rw == Some(true))
        .filter_map(|mount| {
            let (host, guest) = (mount.source.as_ref()?, mount.destination.as_ref()?);
            Some(Place { host: PathBuf::from(host), guest: guest.clone() })
        })
        .collect()
}

/// An execution runs once at a time; while it does, it is listed.
struct Active<'a> {
    all: &'a Mutex<BTreeSet<ExecutionId>>,
    execution: ExecutionId,
}

impl<'a> Active<'a> {
    fn enter(
        all: &'a Mutex<BTreeSet<ExecutionId>>,
        execution: ExecutionId,
    ) -> Result<Self, Failure> {
        if all.lock().insert(execution) {
            return Ok(Self { all, execution });
        }
        Err(Failure::new(FailureKind::Internal, format!("{execution} runs already")))
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.execution);
    }
}

/// Looks at the engine's images now and then, as long as somebody wants to know.
async fn keep_fresh(images: Weak<Images>, every: Duration) {
    while let Some(images) = images.upgrade() {
        if let Err(failure) = images.refresh().await {
            tracing::debug!(%failure, "images are as of the last look");
        }
        drop(images);
        tokio::time::sleep(every).await;
    }
}
