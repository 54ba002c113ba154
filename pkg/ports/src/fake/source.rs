//! A world that is all content.

use async_trait::async_trait;

use crate::source::{Origin, Pinned, SourceError, Sources};

/// Has nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

#[async_trait]
impl Sources for NoSources {
    async fn pin(&self, origin: &Origin) -> Result<Pinned, SourceError> {
        let why = "there are no sources".to_owned();
        Err(SourceError::Unreachable { origin: origin.to_string(), why })
    }
}
