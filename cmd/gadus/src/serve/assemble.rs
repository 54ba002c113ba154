//! The table of contents of the system: what a node is made of, from the key up.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gadus_auth::NodeKey;
use gadus_data::publish::NodePublishers;
use gadus_data::source::NodeSources;
use gadus_data::upstream::{Kubo, KuboOffers};
use gadus_data::{ContentConfig, EmbeddedContent};
use gadus_docker::{DockerConfig, DockerExecutor, DriverPlace, GpuAccess, Registries};
use gadus_model::{Gpu, NodeId, NodeInfo};
use gadus_net::Net;
use gadus_node::{JobFolder, Node, NodeConfig, Parts, Server};
use gadus_ports::{CrashAt, Executor, ImageResolver, Sidecar, StoreError};
use gadus_store::{LogStore, StoreConfig};
use gadus_wasm::WasmExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::capacity;
use super::settings::Settings;
use crate::failure::Failure;

/// A node that runs in this process.
pub(crate) struct Running {
    node: Arc<Node>,
    net: Arc<Net>,
    content: Arc<EmbeddedContent>,
    api: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Puts the parts together. Each that fails says what, why and what to do next.
    pub(crate) async fn start(settings: Settings) -> Result<Self, Failure> {
        make_private(&settings.data_dir)?;
        let listener = listen(&settings.api_listen).await?;
        let key = Arc::new(load_key(&settings.data_dir)?);
        let content = Arc::new(open_content(&settings)?);
        let kubo = Kubo::of_config(&settings.content);
        let kubo = kubo.map_err(|why| Failure::usage("content.ipfs is wrong").because(why))?;
        let offers = settings.data_dir.join("kubo");
        let sidecar = kubo.map(|kubo| KuboOffers::start(content.as_ref().clone(), kubo, offers));
        let sidecar = sidecar.map(|offers| Arc::new(offers) as Arc<dyn Sidecar>);
        let sources = sources(&settings, &content)?;
        let api = listener.local_addr().map_err(|e| Failure::io("listen for the API", &e))?;
        let publishers = publishers(&settings, &content, api)?;
        let requester_store = open_log(&settings, key.id(), "requester")?;
        let compute_store = open_log(&settings, key.id(), "compute")?;
        let server = Server::new(content.clone());
        let net = Net::start(settings.net.clone(), key.seed(), server.clone()).await;
        let net = net.map_err(|e| {
            failed("join the network", &e).hint("choose another address with --listen")
        })?;
        let own = content.clone();
        let (gpu_access, gpus) = gpus(&settings).await;
        let docker = docker(&settings, key.id(), gpu_access, gpus.clone());
        let parts = Parts {
            key: key.clone(),
            transport: net.clone(),
            exchange: net.clone(),
            log_exchange: net.clone(),
            content,
            sources,
            publisher: Some(publishers),
            sidecar,
            executors: executors(&settings, docker.clone())?,
            images: images(&settings, docker),
            requester_store,
            compute_store,
            server,
        };
        let config = node_config(&settings, key.id(), gpus);
        let node = Node::start(config, parts).await.map_err(|e| failed("start the node", &e))?;
        let stop = CancellationToken::new();
        let serving = gadus_api::serve(listener, node.clone(), settings.api, stop.clone());
        Ok(Self { node, net, content: own, api, stop, serving: tokio::spawn(serving) })
    }

    /// What people see when it is ready.
    pub(crate) fn banner(&self) -> String {
        use gadus_ports::Transport;
        let addresses = self.net.addresses().join("\n  ");
        format!("node {} is ready\nAPI http://{}\npeers\n  {addresses}", self.node.id(), self.api)
    }

    /// Where the API is.
    pub(crate) fn api(&self) -> SocketAddr {
        self.api
    }

    /// The multiaddresses that other nodes can dial.
    pub(crate) fn addresses(&self) -> Vec<String> {
        use gadus_ports::Transport;
        self.net.addresses()
    }

    /// Waits until the log fails; for ever while it does not.
    pub(crate) async fn fatal(&self) -> Option<StoreError> {
        match self.node.fatal() {
            Some(fatal) => match fatal.await {
                Ok(error) => Some(error),
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Ends everything, the face first.
    pub(crate) async fn shutdown(self) {
        self.stop.cancel();
        // It ends with an error only when it never served.
        let _ = self.serving.await;
        self.node.shutdown().await;
        self.net.shutdown().await;
        if let Err(error) = self.content.settle().await {
            tracing::warn!(%error, "what is new in the content store will be read from its packs");
        }
    }
}

fn failed(doing: &str, error: &dyn std::error::Error) -> Failure {
    let failure = Failure::usage(format!("failed to {doing}")).because(error.to_string());
    let mut cause = error.source();
    let mut failure = failure;
    while let Some(error) = cause {
        failure = failure.because(error.to_string());
        cause = error.source();
    }
    failure
}

/// What a node keeps is its own business: keys, content, other people's jobs.
fn make_private(dir: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| {
        Failure::io(format!("make the data directory {}", dir.display()), &e)
            .hint("choose another with --data-dir")
    })
}

async fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        let hint = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program has this port: stop it, or choose another with --api"
            }
            _ => "give --api as HOST:PORT, such as 127.0.0.1:1234",
        };
        Failure::io(format!("listen for the API on {address}"), &e).hint(hint)
    })
}

fn load_key(data_dir: &Path) -> Result<NodeKey, Failure> {
    let key = NodeKey::load_or_create(&data_dir.join("key"));
    key.map_err(|e| failed("load the node's key", &e))
}

fn open_content(settings: &Settings) -> Result<EmbeddedContent, Failure> {
    let dir = settings.data_dir.join("content");
    let config = ContentConfig { crash_at: crash_at("content"), ..settings.content.clone() };
    let content = EmbeddedContent::open(dir, config);
    content.map_err(|e| failed("open the content store", &e))
}

fn sources(settings: &Settings, content: &EmbeddedContent) -> Result<Arc<NodeSources>, Failure> {
    let sources = NodeSources::new(content.clone(), settings.sources.clone(), &settings.s3);
    let sources = sources.map_err(|why| Failure::usage("failed to set up sources").because(why))?;
    Ok(Arc::new(sources))
}

fn publishers(
    settings: &Settings,
    content: &EmbeddedContent,
    api: SocketAddr,
) -> Result<Arc<NodePublishers>, Failure> {
    let publishers = NodePublishers::new(content, &settings.publishers, &settings.s3, api);
    let publishers =
        publishers.map_err(|why| Failure::usage("failed to set up publishers").because(why))?;
    Ok(Arc::new(publishers))
}

fn open_log(settings: &Settings, node: NodeId, role: &str) -> Result<Arc<LogStore>, Failure> {
    let dir = settings.data_dir.join(role);
    let mut folder = JobFolder::new(node, settings.limits.clone());
    let config = StoreConfig { crash_at: crash_at(role), ..settings.store.clone() };
    LogStore::open(dir, &config, &mut folder)
        .map_err(|e| failed(&format!("open the {role}'s log"), &e))
}

/// Where a test wants this process to die: `GADUS_CRASH_AT=requester:store.after_sync:3`.
fn crash_at(role: &str) -> Option<String> {
    let wanted = std::env::var("GADUS_CRASH_AT").ok()?;
    let (of, point) = wanted.split_once(':')?;
    (of == role).then(|| point.to_owned())
}

/// How containers get at GPUs, and those that jobs may have: containers alone are given any.
async fn gpus(settings: &Settings) -> (GpuAccess, Vec<Gpu>) {
    let Some(docker) = settings.docker.as_ref() else { return (GpuAccess::Toolkit, Vec::new()) };
    let access = match docker.gives_gpus {
        true => GpuAccess::Direct(DriverPlace {
            root: PathBuf::from("/"),
            libraries: docker.driver_dir.clone(),
        }),
        false => GpuAccess::Toolkit,
    };
    let gpus = if settings.compute { gadus_docker::gpus(&access).await } else { Vec::new() };
    if settings.compute && docker.gives_gpus && gpus.is_empty() {
        tracing::warn!("docker.gpu.access is \"direct\", and this machine has no GPU to give");
    }
    (access, gpus)
}

fn docker(
    settings: &Settings,
    node: NodeId,
    gpu_access: GpuAccess,
    gpus: Vec<Gpu>,
) -> Option<Arc<DockerExecutor>> {
    let docker = settings.docker.as_ref()?;
    Some(DockerExecutor::connect(DockerConfig {
        socket: docker.socket.clone(),
        network: settings.net.network.clone(),
        node,
        gpus,
        gpu_access,
        limits: docker.limits.clone(),
    }))
}

fn executors(
    settings: &Settings,
    docker: Option<Arc<DockerExecutor>>,
) -> Result<Vec<Arc<dyn Executor>>, Failure> {
    let mut executors: Vec<Arc<dyn Executor>> = Vec::new();
    if let Some(wasm) = &settings.wasm
        && settings.compute
    {
        let wasm = WasmExecutor::new(wasm.clone());
        let wasm = wasm.map_err(|e| Failure::usage("failed to start Wasm").because(e.message))?;
        executors.push(wasm);
    }
    executors.extend(docker.map(|docker| docker as Arc<dyn Executor>));
    Ok(executors)
}

/// What knows the digest of an image: the engine here, and where there is none its registry.
fn images(settings: &Settings, docker: Option<Arc<DockerExecutor>>) -> Vec<Arc<dyn ImageResolver>> {
    let mut images: Vec<Arc<dyn ImageResolver>> = Vec::new();
    images.extend(docker.map(|docker| docker as Arc<dyn ImageResolver>));
    if let Some(limits) = &settings.registry {
        images.push(Arc::new(Registries::new(limits.clone())));
    }
    images
}

fn node_config(settings: &Settings, id: NodeId, gpus: Vec<Gpu>) -> NodeConfig {
    let machine = capacity::machine(&settings.data_dir, &gpus);
    let capacity = match settings.compute {
        true => capacity::offered(&machine, &settings.capacity),
        false => gadus_model::Resources::default(),
    };
    let name = settings.name.clone().unwrap_or_else(|| id.to_string());
    let shell = settings.shell;
    NodeConfig {
        requester: settings.requester,
        compute: settings.compute,
        limits: settings.limits.clone(),
        info: NodeInfo {
            id,
            labels: labels(settings, &name, &gpus),
            name,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engines: std::collections::BTreeMap::new(),
            capacity,
            available: capacity,
            job_max: settings.job_max.unwrap_or(capacity),
            gpus,
            running: 0,
            networked_jobs: settings.networked_jobs,
            publishers: Vec::new(),
            addresses: Vec::new(),
        },
        owners: settings.owners.clone(),
        approved: settings.approved.clone(),
        price: settings.price,
        scratch_dir: settings.data_dir.join("scratch"),
        fetch_wait: shell.fetch_wait,
        gateway_wait: shell.gateway_wait,
        probe_every: shell.probe_every,
        reap_every: shell.reap_every,
        inbox_max: shell.inbox_max,
        keeps_max: shell.keeps_max,
        relays_max: shell.relays_max,
        verdicts_max: shell.verdicts_max,
        requester_crash_at: CrashAt::new(crash_at("requester").as_deref()),
        compute_crash_at: CrashAt::new(crash_at("compute").as_deref()),
        commit: option_env!("GADUS_COMMIT").unwrap_or_default().to_owned(),
        built_at: option_env!("GADUS_BUILT_AT").unwrap_or_default().to_owned(),
    }
}

/// The labels that every node has, as Bacalhau names them, and the operator's own.
fn labels(
    settings: &Settings,
    name: &str,
    gpus: &[Gpu],
) -> std::collections::BTreeMap<String, String> {
    let mut labels = std::collections::BTreeMap::from([
        ("name".to_owned(), name.to_owned()),
        ("os_type".to_owned(), std::env::consts::OS.to_owned()),
        ("os_arch".to_owned(), goarch().to_owned()),
    ]);
    for gpu in gpus {
        labels.insert(format!("GPU-{}", gpu.index), gpu.name.replace(' ', "-"));
        labels.insert(format!("GPU-{}-Memory", gpu.index), format!("{}-MiB", gpu.memory_mib));
    }
    labels.extend(settings.labels.clone());
    labels
}

/// Go's name for this machine's architecture, which images and Bacalhau's labels use.
fn goarch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
