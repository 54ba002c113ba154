//! The seams of gadus: what the node's shell asks of the world, as traits.
//!
//! Adapters (`net`, `store`, `data`, `docker`, `wasm`) implement them, the shell (`node`) uses
//! them, and neither knows the other.

#![warn(missing_docs)]

pub mod content;
pub mod contract;
pub mod crash;
mod dag;
pub mod executor;
mod failure;
pub mod fake;
pub mod image;
pub mod input;
pub mod keeping;
pub mod layout;
pub mod publisher;
pub mod sidecar;
pub mod source;
pub mod store;
pub mod tar_blocks;
pub mod transport;

pub use content::{
    BoxRead, ByteStream, Content, ContentError, DirEntry, EntryKind, FetchFrom, Fetched,
    FileReader, Imported, ImportedResult, NamespaceId, Node, PinReason, Pinning, ResultTree,
};
pub use crash::CrashAt;
pub use dag::{CarPart, EntityBytes, Resolved, Scope};
pub use executor::{
    ExecCode, ExecLimits, ExecRequest, Executor, Finished, LogSink, Mount, MountSource, OutputDir,
    StdStream, Warmth,
};
pub use failure::{failure_of, with_source};
pub use image::ImageResolver;
pub use input::{InputDirectory, InputEntry, InputFile, InputKind, InputNode};
pub use keeping::{Bad, Checked, Collected, Keeping, Pin, PinPage, StoreStat};
pub use layout::{Layout, Profile, UnknownProfile};
pub use publisher::{Publication, Publisher, archive_path};
pub use sidecar::Sidecar;
pub use source::{Origin, Pinned, S3Origin, SourceError, Sources};
pub use store::{Folder, JobEntry, JobQuery, Page, Store, StoreError, Ticket, TicketIssuer};
pub use transport::{
    BlockExchange, BlockStream, Inbound, LogChunk, LogExchange, LogRequest, LogStream, Serve,
    Server, Transport, TransportError, Want,
};
