//! Results on their way to a server that says whatever a test wants.

use gadus_model::{Cid, ExecutionId, JobId, NodeId, PublisherSpec};
use gadus_ports::Publication;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::ContentConfig;
use crate::import::named::Named;

/// A store with one tree in it.
pub(in crate::publish) async fn content(
    files: &[(&str, &[u8])],
) -> (TempDir, EmbeddedContent, Cid) {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    let files: Vec<_> = files
        .iter()
        .map(|(path, bytes)| {
            let path = path.split('/').map(str::to_owned).collect();
            let bytes = std::io::Cursor::new(bytes.to_vec());
            Ok(Named::File(path, Box::pin(bytes)))
        })
        .collect();
    let imported = content.import_named(futures::stream::iter(files).boxed()).await.unwrap();
    (dir, content, imported.root)
}

pub(in crate::publish) fn publication(result: Cid, to: PublisherSpec) -> Publication {
    Publication {
        execution: ExecutionId(Uuid::from_u128(2)),
        job: JobId(Uuid::from_u128(1)),
        node: NodeId([7; 32]),
        result,
        to,
    }
}
