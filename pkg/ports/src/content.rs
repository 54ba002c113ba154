//! The seam to content: blocks, UnixFS trees, pins and quarantine.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use gadus_model::{Caps, Cid, ExecutionId, JobId, NodeId};
use tokio::io::AsyncRead;

use crate::dag::{CarPart, Resolved};
use crate::input::InputNode;
use crate::keeping::Keeping;
use crate::layout::Layout;
use crate::transport::BlockExchange;

/// Bytes as they come.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, ContentError>> + Send>>;

/// Reads bytes that come from outside.
pub type BoxRead = Pin<Box<dyn AsyncRead + Send>>;

/// Where blocks that are not public yet live: the outputs of one execution. They are invisible
/// to `has`, `get`, the gateway and other peers until they are promoted.
pub type NamespaceId = ExecutionId;

/// Content by CID. Every block is verified before it touches the store.
#[async_trait]
pub trait Content: Keeping {
    /// Whether a public block is here. From memory, or one index look-up: called for bids.
    fn has(&self, cid: &Cid) -> bool;

    /// How many bytes of a tree are not here, as far as local blocks tell: 0 when all of it is,
    /// `size_hint` (or 1) when its root is not.
    fn bytes_missing(&self, root: &Cid, size_hint: u64) -> u64;

    /// Bytes of a whole tree, as its root block tells; `None` when that is not here, or tells
    /// nothing that can be read. Whoever made the root may have lied: good for an estimate only.
    async fn tree_bytes(&self, root: &Cid) -> Option<u64>;

    /// A public block, or one of a namespace.
    ///
    /// # Errors
    /// `Io` when the store cannot be read.
    async fn block(
        &self,
        cid: &Cid,
        namespace: Option<NamespaceId>,
    ) -> Result<Option<Bytes>, ContentError>;

    /// Stores public blocks, durably, each verified against its CID.
    ///
    /// # Errors
    /// `HashMismatch`, `BlockTooBig`, `Full`, `Io`; then none of them is stored.
    async fn put(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ContentError>;

    /// Sees to it that a whole tree is here, and pinned: what is missing is fetched
    /// from the peers, many blocks in flight.
    ///
    /// # Errors
    /// `Missing` when nobody has a block within `wait`; `HashMismatch` names a lying peer only in
    /// the log, since another may do better.
    async fn fetch(
        &self,
        root: Cid,
        from: FetchFrom,
        pinning: Pinning,
    ) -> Result<Fetched, ContentError>;

    /// Writes a tree to `dest` (which must not exist), read-only, file by file.
    ///
    /// # Errors
    /// `Missing`, `Malformed`, `UnsafeName`, `Io`.
    async fn materialise(&self, root: Cid, dest: PathBuf) -> Result<(), ContentError>;

    /// A public tree that is all here, to be read where it lies. What it leads to may wait for a
    /// disk; it does not keep the tree, so that must be pinned.
    ///
    /// # Errors
    /// `Missing`, `Malformed`, `HashMismatch`, `Io`.
    async fn input(&self, root: Cid) -> Result<InputNode, ContentError>;

    /// Imports what an execution made into its namespace, durably. The outputs are hostile:
    /// walked by directory descriptors, no link followed, regular files and directories and
    /// symlinks (kept as links) only.
    ///
    /// # Errors
    /// `TooMuchOutput`, `UnsafeOutput`, `Full`, `Io`.
    async fn import_result(
        &self,
        namespace: NamespaceId,
        tree: ResultTree,
    ) -> Result<ImportedResult, ContentError>;

    /// Makes a namespace's blocks public and pins `root`.
    ///
    /// # Errors
    /// `Io`, `Full`.
    async fn promote(
        &self,
        namespace: NamespaceId,
        root: Cid,
        pinning: Pinning,
    ) -> Result<(), ContentError>;

    /// Forgets a namespace's blocks.
    ///
    /// # Errors
    /// `Io`.
    async fn discard(&self, namespace: NamespaceId) -> Result<(), ContentError>;

    /// Imports one file from a stream, which tells no mode.
    ///
    /// # Errors
    /// `Io`, `Full`.
    async fn import_file(&self, bytes: BoxRead, layout: Layout) -> Result<Imported, ContentError>;

    /// Imports a tree from a tar stream. The tree's one top-level entry is the root; several, and
    /// they are wrapped in a directory.
    ///
    /// # Errors
    /// `Malformed`, `UnsafeName`, `Io`, `Full`; nothing half-written is pinned.
    async fn import_tar(&self, tar: BoxRead, layout: Layout) -> Result<Imported, ContentError>;

    /// Imports a CAR (v1, or the v1 in a v2) block by block, each verified; pins its roots.
    ///
    /// # Errors
    /// `Malformed` (also for a block that is neither in it nor here), `HashMismatch`,
    /// `BlockTooBig`, `Full`, `Io`; then nothing of it is kept.
    async fn import_car(&self, car: BoxRead) -> Result<Imported, ContentError>;

    /// What stands at a path under a root; missing blocks are fetched where `from` is given.
    ///
    /// # Errors
    /// `Missing`, `NoSuchPath`, `Malformed`.
    async fn open(
        &self,
        root: Cid,
        path: &str,
        from: Option<FetchFrom>,
    ) -> Result<Node, ContentError>;

    /// Where a path under a root leads. Missing blocks on the way, and a DAG-PB block at its end,
    /// are fetched where `from` is given; a block at its end of another codec is not looked at.
    ///
    /// # Errors
    /// `Missing`, `NoSuchPath`, `Malformed`.
    async fn resolve(
        &self,
        root: Cid,
        path: &str,
        from: Option<FetchFrom>,
    ) -> Result<Resolved, ContentError>;

    /// What stands at a path as a CAR (v1), depth first: the blocks on the way from the root, then
    /// those of the part. Its one root is what stands there. Identity CIDs are no blocks. Missing
    /// blocks are fetched where `from` is given; an error below the first of them ends the stream.
    ///
    /// # Errors
    /// As [`Content::resolve`].
    async fn export_car(
        &self,
        root: Cid,
        path: &str,
        part: CarPart,
        from: Option<FetchFrom>,
    ) -> Result<ByteStream, ContentError>;

    /// Pins a tree that is here.
    ///
    /// # Errors
    /// `Io`.
    async fn pin(&self, root: Cid, pinning: Pinning) -> Result<(), ContentError>;

    /// Drops every pin of a reason.
    ///
    /// # Errors
    /// `Io`.
    async fn unpin(&self, reason: &PinReason) -> Result<(), ContentError>;

    /// All pins: (root, reason).
    ///
    /// # Errors
    /// `Io`.
    async fn pins(&self) -> Result<Vec<(Cid, PinReason)>, ContentError>;
}

/// Whom to ask for what is missing.
#[derive(Clone)]
pub struct FetchFrom {
    /// How to reach them.
    pub exchange: Arc<dyn BlockExchange>,
    /// In the order to ask; several are asked at once.
    pub peers: Vec<NodeId>,
    /// Blocks of this namespace of the peer are wanted too (its owner may read them).
    pub namespace: Option<NamespaceId>,
    /// How long a block may be nowhere before it counts as missing.
    pub wait: Duration,
}

/// Why a tree is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinReason {
    /// A person added it.
    User,
    /// An input of an execution.
    Input(ExecutionId),
    /// The result of an execution.
    Result(ExecutionId),
    /// The task of a job, as a record that others read. What it links to is kept for other reasons,
    /// so the block is pinned as a leaf: under its CID with the codec `raw`.
    Task(JobId),
    /// A verdict of another requester that a person has this node count, with all that is behind it.
    Verdict,
}

/// Why a tree is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinning {
    /// Why.
    pub reason: PinReason,
    /// How long from now; absent means for ever.
    pub term_ms: Option<u64>,
}

impl Pinning {
    /// A result, for so many milliseconds; 0 means for ever.
    #[must_use]
    pub fn result(execution: ExecutionId, retention_ms: u64) -> Self {
        let term_ms = Some(retention_ms).filter(|ms| *ms > 0);
        Self { reason: PinReason::Result(execution), term_ms }
    }
}

impl From<PinReason> for Pinning {
    /// For ever.
    fn from(reason: PinReason) -> Self {
        Self { reason, term_ms: None }
    }
}

impl From<&PinReason> for Pinning {
    /// For ever.
    fn from(reason: &PinReason) -> Self {
        reason.clone().into()
    }
}

/// What a fetch moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes that came over the network.
    pub bytes: u64,
    /// The same, by peer.
    pub by_peer: Vec<(NodeId, u64)>,
}

/// What an import made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its root (the first, for a CAR).
    pub root: Cid,
    /// All roots, each once.
    pub roots: Vec<Cid>,
    /// Bytes of file content.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// What an execution made, to be imported.
#[derive(Clone, Debug)]
pub struct ResultTree {
    /// All of stdout that is kept.
    pub stdout: Bytes,
    /// All of stderr that is kept.
    pub stderr: Bytes,
    /// Goes into the file `exitCode`, as decimal digits without a newline.
    pub exit_code: i32,
    /// Output directories: (name in the result, directory here).
    pub outputs: Vec<(String, PathBuf)>,
    /// What they may come to.
    pub caps: Caps,
}

/// A result, imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedResult {
    /// The result directory.
    pub result: Cid,
    /// Its file `stdout`.
    pub stdout: Cid,
    /// Its file `stderr`.
    pub stderr: Cid,
    /// Bytes of all of it.
    pub bytes: u64,
    /// All its blocks, when they come to no more than
    /// [`INLINE_BYTES_MAX`](gadus_model::message::INLINE_BYTES_MAX); empty otherwise.
    pub inline: Vec<(Cid, Bytes)>,
    /// Outputs that are empty, and other things a user should know.
    pub warnings: Vec<String>,
}

/// What stands at a path.
pub enum Node {
    /// A file.
    File {
        /// Its own CID.
        cid: Cid,
        /// Its bytes.
        size: u64,
        /// Its permissions, where they were kept.
        mode: Option<u32>,
        /// Opens it from an offset, for a length.
        reader: Arc<dyn FileReader>,
    },
    /// A directory.
    Directory {
        /// Its own CID.
        cid: Cid,
        /// Its entries, sorted by name.
        entries: Vec<DirEntry>,
        /// Its permissions, where they were kept.
        mode: Option<u32>,
    },
    /// A symbolic link.
    Symlink {
        /// Its own CID.
        cid: Cid,
        /// Where it points.
        target: String,
    },
}

/// Reads a file of a tree.
pub trait FileReader: Send + Sync {
    /// The bytes from `offset`, at most `length` of them.
    fn read(&self, offset: u64, length: u64) -> ByteStream;
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// Its name.
    pub name: String,
    /// Its CID.
    pub cid: Cid,
    /// What it is, where the entry alone tells or its block is here.
    pub kind: EntryKind,
    /// Bytes of the whole tree under it, as the link says; for a raw block, of the file.
    pub size: u64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Its block is not here.
    Unknown,
}

/// What goes wrong with content.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// Nobody has a block.
    #[error("nobody has block {cid} (asked {asked} peers for {waited_ms} ms)")]
    Missing {
        /// Which.
        cid: Cid,
        /// How many were asked.
        asked: usize,
        /// For how long.
        waited_ms: u64,
    },
    /// Nobody who could be asked has a block, and a store that may have it could not be asked.
    #[error("nobody has block {cid}, and {trouble}")]
    Unreachable {
        /// Which block.
        cid: Cid,
        /// Which store, and why it gave no answer.
        trouble: Box<str>,
    },
    /// Bytes are not what their CID says.
    #[error("the bytes given for block {cid} have another hash")]
    HashMismatch {
        /// Which.
        cid: Cid,
    },
    /// A block is larger than any may be.
    #[error("block {cid} has {bytes} bytes, the limit is {max}")]
    BlockTooBig {
        /// Which.
        cid: Cid,
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// A block is not what its place says.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// The block, archive or stream.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A name that would lead out of its directory.
    #[error("the name '{name}' is not allowed in a tree: {why}")]
    UnsafeName {
        /// The name, escaped.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing stands at the path.
    #[error("no '{name}' under {cid}")]
    NoSuchPath {
        /// The first name that is not there.
        name: String,
        /// The directory that lacks it.
        cid: Cid,
    },
    /// An output is something that cannot be published.
    #[error("output '{path}' {why}")]
    UnsafeOutput {
        /// Where.
        path: String,
        /// What it is.
        why: String,
    },
    /// The outputs exceed the job's caps.
    #[error("the outputs have more than {max} {what}")]
    TooMuchOutput {
        /// `bytes` or `files`.
        what: &'static str,
        /// The cap.
        max: u64,
    },
    /// The store's quota or the disk is used up.
    #[error("no room left for content: {why}")]
    Full {
        /// Which limit, and where.
        why: String,
    },
    /// The disk or a stream failed.
    #[error("{doing} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
