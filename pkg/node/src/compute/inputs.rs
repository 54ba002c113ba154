//! Bringing an execution's inputs and code here.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use gadus_model::message::Award;
use gadus_model::{Cid, Code, ExecutionId, Failure, FailureKind, Input, NodeId};
use gadus_ports::{
    Content, ContentError, FetchFrom, Mount, MountSource, Node, PinReason, failure_of,
};

use super::World;

/// What was brought.
#[derive(Default)]
pub(super) struct Brought {
    /// Where the job will see the inputs.
    pub(super) mounts: Vec<Mount>,
    /// The module's bytes, unless it is compiled already.
    pub(super) module: Option<Bytes>,
    /// Bytes that had to be fetched.
    pub(super) fetched_bytes: u64,
}

/// The largest module that is read into memory.
const MODULE_MAX_BYTES: u64 = 256 << 20;

/// Fetches what is missing, and reads the module. A container gets its inputs written out
/// read-only; a Wasm guest reads them where they lie.
pub(super) async fn bring(
    world: &World,
    award: &Award,
    requester: NodeId,
    warm: bool,
    scratch: &Path,
) -> Result<Brought, Failure> {
    let id = award.execution.id();
    let mut brought = Brought::default();
    if let Code::Wasm { module, .. } = &award.task.code
        && !warm
    {
        brought.fetched_bytes += fetch(world, award, requester, *module).await?;
        brought.module = Some(read(&*world.content, *module).await?);
    }
    for (n, (guest, input)) in award.task.inputs.iter().enumerate() {
        let cid = &content_of(guest, input)?;
        brought.fetched_bytes += fetch(world, award, requester, *cid).await?;
        let source = match &award.task.code {
            Code::Wasm { .. } => {
                let tree = world.content.input(*cid).await.map_err(|e| failure_of(&e))?;
                MountSource::Tree(tree)
            }
            Code::Docker { .. } => {
                let host = scratch.join("inputs").join(n.to_string());
                materialise(world, id, *cid, &host).await?;
                MountSource::Host(host)
            }
        };
        brought.mounts.push(Mount { source, guest: guest.clone() });
    }
    Ok(brought)
}

/// What an input is of.
///
/// # Errors
/// `Invalid` for what another task is to make.
pub(super) fn content_of(guest: &str, input: &Input) -> Result<Cid, Failure> {
    match input {
        Input::Cid(cid) => Ok(*cid),
        Input::Await(_) => {
            let message = format!("input {guest} awaits another task, which is not supported yet");
            Err(Failure::new(FailureKind::Invalid, message))
        }
    }
}

async fn fetch(world: &World, award: &Award, requester: NodeId, root: Cid) -> Result<u64, Failure> {
    let mut peers = award.context.providers.clone();
    // The requester keeps what was added to it, and asks others for what it lacks: here, where it
    // is this very node.
    match requester == world.node {
        true => peers.extend(world.transport.peers()),
        false => peers.push(requester),
    }
    peers.retain(|peer| *peer != world.node);
    peers.sort_unstable();
    peers.dedup();
    let from = FetchFrom {
        exchange: world.exchange.clone(),
        peers,
        namespace: None,
        wait: world.fetch_wait,
    };
    let reason = PinReason::Input(award.execution.id());
    let fetched =
        world.content.fetch(root, from, reason.into()).await.map_err(|e| failure_of(&e))?;
    Ok(fetched.bytes)
}

async fn materialise(
    world: &World,
    id: ExecutionId,
    root: Cid,
    host: &Path,
) -> Result<(), Failure> {
    // A run that is taken up again after a restart finds its inputs as they were.
    if tokio::fs::try_exists(host).await.unwrap_or(false) {
        return Ok(());
    }
    if let Some(parent) = host.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(|e| super::run::io_failure(id, &e))?;
    }
    let part = host.with_extension("part");
    super::run::remove_dir(part.clone()).await.map_err(|e| super::run::io_failure(id, &e))?;
    world.content.materialise(root, part.clone()).await.map_err(|e| failure_of(&e))?;
    tokio::fs::rename(&part, host).await.map_err(|e| super::run::io_failure(id, &e))
}

/// A module's bytes.
pub(super) async fn read(content: &dyn Content, module: Cid) -> Result<Bytes, Failure> {
    let invalid = |message: String| Failure::new(FailureKind::Invalid, message);
    let node = content.open(module, "", None).await.map_err(|e| failure_of(&e))?;
    let Node::File { size, reader, .. } = node else {
        return Err(invalid(format!("{module} is not a file, so it is no Wasm module")));
    };
    if size > MODULE_MAX_BYTES {
        let message = format!("module {module} has {size} bytes, the limit is {MODULE_MAX_BYTES}");
        return Err(invalid(message));
    }
    let mut bytes = BytesMut::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut stream = reader.read(0, size);
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.map_err(|e: ContentError| failure_of(&e))?);
    }
    Ok(bytes.freeze())
}
