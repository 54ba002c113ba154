//! The seam to what knows which image a name means.

use async_trait::async_trait;
use gadus_model::Failure;

/// Finds an image's digest by its name.
#[async_trait]
pub trait ImageResolver: Send + Sync {
    /// The digest of the image that a name means now, `sha256:…`: what a compute node can pull it
    /// by. Of an image for several architectures it is the digest of their index. A name that has
    /// a digest in it means that one.
    ///
    /// # Errors
    /// `EngineDown` where it cannot be told here at all, so that somebody else is to be asked;
    /// `ImageMissing`, `ImagePull`, `Invalid`.
    async fn resolve_image(&self, reference: &str) -> Result<String, Failure>;
}
