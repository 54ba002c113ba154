//! Nodes over fakes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gadus_api::{Service, Submission};
use gadus_auth::NodeKey;
use gadus_model::codec::{RAW, cid_of};
use gadus_model::job::JOB_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::view::JobView;
use gadus_model::{
    Code, Context, Engine, Image, Job, JobId, JobType, Limits, NodeInfo, Partition, Resources, Task,
};
use gadus_node::{Node, NodeConfig, Parts, Server};
use gadus_ports::fake::{
    FakeContent, FakeExecutor, FakeImages, FakeNetwork, MemoryStore, NoSources,
};
use gadus_ports::{CrashAt, Executor, ImageResolver};
use gadus_protocol::requester::Approved;
use uuid::Uuid;

pub(crate) const CAPACITY: Resources =
    Resources { cpu_millis: 4_000, memory_bytes: 4 << 30, disk_bytes: 100 << 30, gpus: 0 };

/// One node and the fakes under it.
pub(crate) struct Host {
    pub(crate) key: Arc<NodeKey>,
    pub(crate) config: NodeConfig,
    pub(crate) content: Arc<FakeContent>,
    pub(crate) wasm: Arc<FakeExecutor>,
    pub(crate) docker: Arc<FakeExecutor>,
    pub(crate) registry: Arc<FakeImages>,
    pub(crate) requester_store: Arc<MemoryStore>,
    pub(crate) compute_store: Arc<MemoryStore>,
    pub(crate) node: Option<Arc<Node>>,
    _scratch: tempfile::TempDir,
}

impl Host {
    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().expect("the node runs")
    }

    pub(crate) async fn start(&mut self, network: &Arc<FakeNetwork>) {
        let server = Server::new(self.content.clone());
        let transport = network.join(self.key.id(), server.clone());
        let executors: Vec<Arc<dyn Executor>> = vec![self.wasm.clone(), self.docker.clone()];
        let images: Vec<Arc<dyn ImageResolver>> = vec![self.docker.clone(), self.registry.clone()];
        let parts = Parts {
            sources: Arc::new(NoSources),
            sidecar: None,
            publisher: None,
            key: self.key.clone(),
            transport: transport.clone(),
            exchange: transport.clone(),
            log_exchange: transport,
            content: self.content.clone(),
            executors,
            images,
            requester_store: self.requester_store.clone(),
            compute_store: self.compute_store.clone(),
            server,
        };
        self.node = Some(Node::start(self.config.clone(), parts).await.unwrap());
    }

    /// Ends the process as a crash does: what was not durable is gone.
    pub(crate) async fn crash(&mut self) {
        if let Some(node) = self.node.take() {
            node.shutdown().await;
        }
        self.requester_store = Arc::new(self.requester_store.restart());
        self.compute_store = Arc::new(self.compute_store.restart());
    }
}

/// A requester (number 0) and some compute nodes.
pub(crate) struct Cluster {
    pub(crate) network: Arc<FakeNetwork>,
    pub(crate) hosts: Vec<Host>,
}

pub(crate) fn limits() -> Limits {
    Limits { lease_ms: 10_000, sync_ms: 1_000, disconnect_ms: 60_000, ..Limits::default() }
}

impl Cluster {
    pub(crate) async fn start(computes: usize) -> Self {
        let network = FakeNetwork::new();
        let mut hosts = Vec::new();
        for n in 0..=computes {
            let mut host = host(u8::try_from(n).unwrap() + 1, n == 0, n != 0);
            host.start(&network).await;
            hosts.push(host);
        }
        let cluster = Self { network, hosts };
        cluster.until_known(computes).await;
        cluster
    }

    /// One node that is both.
    pub(crate) async fn alone() -> Self {
        let network = FakeNetwork::new();
        let mut host = host(1, true, true);
        host.start(&network).await;
        let cluster = Self { network, hosts: vec![host] };
        cluster.until_known(1).await;
        cluster
    }

    pub(crate) fn requester(&self) -> &Node {
        self.hosts[0].node()
    }

    /// Waits until the requester has heard of as many compute nodes.
    pub(crate) async fn until_known(&self, computes: usize) {
        let engines = |nodes: &[gadus_api::NodeEntry]| {
            nodes.iter().filter(|n| !n.info.engines.is_empty()).count()
        };
        while engines(&self.requester().nodes().await.unwrap()) < computes {
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn submit(&self, job: Job) -> JobId {
        let submission = Submission { job, force: false };
        self.requester().submit(submission).await.unwrap().job
    }

    /// Submits, and waits for the end.
    pub(crate) async fn run(&self, job: Job) -> Arc<JobView> {
        let id = self.submit(job).await;
        self.end(id).await
    }

    pub(crate) async fn end(&self, id: JobId) -> Arc<JobView> {
        let view = self.requester().wait(id, Duration::from_secs(3_600)).await.unwrap();
        assert!(view.state.is_terminal(), "it did not end: {view:#?}");
        view
    }

    /// Waits until a job looks as wanted.
    pub(crate) async fn until(&self, id: JobId, wanted: impl Fn(&JobView) -> bool) -> Arc<JobView> {
        loop {
            let view = self.requester().job(&id.to_string(), None).await.unwrap();
            if wanted(&view) {
                return view;
            }
            assert!(!view.state.is_terminal(), "it ended first: {view:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn host(n: u8, requester: bool, compute: bool) -> Host {
    let scratch = tempfile::tempdir().unwrap();
    let key = Arc::new(NodeKey::from_seed([n; 32]));
    let capacity = if compute { CAPACITY } else { Resources::default() };
    let info = NodeInfo {
        id: key.id(),
        name: format!("host-{n}"),
        version: "test".to_owned(),
        labels: BTreeMap::from([("host".to_owned(), n.to_string())]),
        engines: BTreeMap::new(),
        capacity,
        available: capacity,
        job_max: capacity,
        gpus: Vec::new(),
        running: 0,
        networked_jobs: false,
        publishers: vec!["ipfs".to_owned()],
        addresses: Vec::new(),
    };
    let config = NodeConfig {
        requester,
        compute,
        limits: limits(),
        info,
        owners: None,
        approved: Approved::default(),
        price: 0,
        scratch_dir: scratch.path().to_owned(),
        fetch_wait: Duration::from_secs(1),
        gateway_wait: Duration::from_secs(1),
        probe_every: Duration::from_secs(5),
        reap_every: Duration::from_secs(60),
        inbox_max: 1_024,
        keeps_max: 16,
        relays_max: 16,
        verdicts_max: 100,
        requester_crash_at: CrashAt::default(),
        compute_crash_at: CrashAt::default(),
        commit: String::new(),
        built_at: String::new(),
    };
    Host {
        key,
        config,
        content: FakeContent::new(),
        wasm: FakeExecutor::new(Engine::Wasm),
        docker: FakeExecutor::new(Engine::Docker),
        registry: FakeImages::new(),
        requester_store: Arc::new(MemoryStore::new()),
        compute_store: Arc::new(MemoryStore::new()),
        node: None,
        _scratch: scratch,
    }
}

/// A Wasm job whose script is its arguments.
pub(crate) fn wasm_job(script: &[&str]) -> Job {
    let module = cid_of(RAW, b"module");
    job(Code::Wasm { module, entry: "_start".to_owned() }, script)
}

/// A docker job.
pub(crate) fn docker_job(script: &[&str]) -> Job {
    let image = Image::Reference("busybox".to_owned());
    let mut job = job(Code::Docker { image, entrypoint: None, workdir: None }, script);
    job.context.image_reference = Some("busybox".to_owned());
    job
}

fn job(code: Code, script: &[&str]) -> Job {
    let id = JobId(Uuid::new_v4());
    let task = Task {
        v: TASK_VERSION,
        code,
        args: script.iter().map(|s| (*s).to_owned()).collect(),
        env: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        partition: Partition::default(),
        nonce: Vec::new(),
        det: None,
    };
    Job {
        v: JOB_VERSION,
        id,
        version: 1,
        name: id.to_string(),
        namespace: "default".to_owned(),
        kind: JobType::Batch.kind(1),
        priority: 0,
        tasks: BTreeMap::from([("main".to_owned(), task)]),
        context: Context::default(),
        document: "{}".to_owned(),
        idempotency_key: None,
    }
}
