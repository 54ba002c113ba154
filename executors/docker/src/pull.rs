//! Finds and pulls images.

use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder};
use futures::StreamExt as _;
use gadus_model::{Failure, FailureKind};
use tokio::sync::Semaphore;

use crate::engine::Engine;
use crate::fault::Fault;
use crate::images::{Catalogue, LocalImage, machine_arch, runs};
use crate::reference::Reference;

/// The engine's images, and the way to more.
pub(crate) struct Images {
    pub(crate) catalogue: Catalogue,
    engine: Arc<Engine>,
    pulls: Semaphore,
    stall: Duration,
}

impl Images {
    pub(crate) fn new(engine: Arc<Engine>, pulls_max: usize, stall: Duration) -> Self {
        Self { catalogue: Catalogue::default(), engine, pulls: Semaphore::new(pulls_max), stall }
    }

    /// Looks at everything that the engine has.
    ///
    /// # Errors
    /// `EngineDown`.
    pub(crate) async fn refresh(&self) -> Result<(), Failure> {
        let docker = self.engine.client().await?;
        let doing = "list images";
        let options = ListImagesOptionsBuilder::default().build();
        let listed =
            docker.list_images(Some(options)).await.map_err(|e| self.engine.failure(doing, &e))?;
        let mut gone = self.catalogue.ids();
        for summary in listed {
            gone.remove(&summary.id);
            // An image never changes, but its names do.
            match self.catalogue.pinned(&summary.id) {
                None => _ = self.look_up(&docker, &summary.id).await?,
                Some(known) => {
                    let now = known.renamed(&summary.repo_tags, &summary.repo_digests);
                    if now != *known {
                        self.catalogue.insert(now);
                    }
                }
            }
        }
        gone.iter().for_each(|id| self.catalogue.forget(id));
        Ok(())
    }

    /// The digest for a name: a local image's, else a registry's.
    ///
    /// # Errors
    /// `Invalid`, `ImageMissing`, `ImagePull`, `EngineDown`.
    pub(crate) async fn resolve(&self, name: &str) -> Result<String, Failure> {
        let reference = Reference::parse(name)?;
        if let Reference::Name { digest: Some(digest), .. } = &reference {
            return Ok(digest.clone());
        }
        let docker = self.engine.client().await?;
        if let Some(image) = self.look_up(&docker, &reference.to_pull()).await? {
            return Ok(match &reference {
                Reference::Id(id) => id.clone(),
                Reference::Name { repository, .. } => image.digest(repository).to_owned(),
            });
        }
        if matches!(reference, Reference::Id(_)) {
            return Err(missing(name, "this engine has no image with that id"));
        }
        let asked = docker.inspect_registry_image(&reference.to_pull(), None).await;
        let answer = asked.map_err(|e| self.registry_failure(name, &Fault::of(&e)))?;
        answer.descriptor.digest.ok_or_else(|| {
            Failure::new(
                FailureKind::ImagePull,
                format!("the registry gave no digest for image '{name}'"),
            )
        })
    }

    /// Sees to it that a pinned image is here, and fit for this machine.
    ///
    /// # Errors
    /// `ImageMissing`, `ImagePull`, `EngineDown`; `Invalid` for another architecture's image.
    pub(crate) async fn prepare(
        &self,
        digest: &str,
        name: &str,
    ) -> Result<Arc<LocalImage>, Failure> {
        let image = match self.catalogue.pinned(digest) {
            Some(image) => image,
            None => self.fetch(digest, name).await?,
        };
        let arch = machine_arch();
        if !runs(arch, &image.arch) || !matches!(image.os.as_str(), "" | "linux") {
            return Err(Failure::new(
                FailureKind::Invalid,
                format!(
                    "image '{name}' is made for {}/{}, and this node is linux/{arch}",
                    image.os, image.arch
                ),
            )
            .with_hint("use an image that is made for both, or constrain the job to the image's architecture"));
        }
        Ok(image)
    }

    async fn fetch(&self, digest: &str, name: &str) -> Result<Arc<LocalImage>, Failure> {
        let docker = self.engine.client().await?;
        let reference = Reference::parse(name)?;
        // Whoever waited here may find that the one before has pulled the same.
        let _turn = self.pulls.acquire().await;
        if let Some(image) = self.catalogue.pinned(digest) {
            return Ok(image);
        }
        let Reference::Name { repository, .. } = &reference else {
            let found = self.look_up(&docker, digest).await?;
            return found.ok_or_else(|| missing(name, "this engine has no image with that id"));
        };
        let pinned = format!("{repository}@{digest}");
        for local in [pinned.as_str(), digest] {
            if let Some(image) = self.look_up(&docker, local).await? {
                return Ok(image);
            }
        }
        self.pull(&docker, repository, digest, name).await?;
        let found = self.look_up(&docker, &pinned).await?;
        found.ok_or_else(|| {
            let what = format!("image '{pinned}' was pulled, and the engine does not have it");
            Failure::new(FailureKind::ImagePull, what)
        })
    }

    async fn pull(
        &self,
        docker: &Docker,
        repository: &str,
        digest: &str,
        name: &str,
    ) -> Result<(), Failure> {
        tracing::info!(image = name, digest, "pulling");
        let options =
            CreateImageOptionsBuilder::default().from_image(repository).tag(digest).build();
        let mut progress = std::pin::pin!(docker.create_image(Some(options), None, None));
        loop {
            match tokio::time::timeout(self.stall, progress.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(e))) => return Err(self.registry_failure(name, &Fault::of(&e))),
                Err(_) => {
                    let what = format!(
                        "pulling image '{name}' made no progress for {} s",
                        self.stall.as_secs()
                    );
                    return Err(Failure::new(FailureKind::ImagePull, what));
                }
            }
        }
    }

    /// What the engine has under a name, which the catalogue then knows too.
    async fn look_up(
        &self,
        docker: &Docker,
        name: &str,
    ) -> Result<Option<Arc<LocalImage>>, Failure> {
        match docker.inspect_image(name).await {
            Ok(image) => Ok(Some(self.catalogue.insert(LocalImage::new(image)))),
            Err(error) => match Fault::of(&error) {
                fault if fault.is_not_found() => Ok(None),
                fault => Err(self.engine.failure_of(&format!("look up image '{name}'"), &fault)),
            },
        }
    }

    fn registry_failure(&self, name: &str, fault: &Fault) -> Failure {
        let (status, why) = match fault {
            Fault::Refused(status, why) => (*status, why),
            Fault::Failed(why) => (0, why),
            Fault::Gone(_) | Fault::Forbidden(_) => {
                return self.engine.failure_of(&format!("pull image '{name}'"), fault);
            }
        };
        if is_missing(status, why) {
            return missing(name, why);
        }
        match self.engine.failure_of(&format!("pull image '{name}'"), fault) {
            full if full.kind == FailureKind::DiskFull => full,
            other => Failure { kind: FailureKind::ImagePull, ..other },
        }
    }
}

fn missing(name: &str, why: &str) -> Failure {
    Failure::new(FailureKind::ImageMissing, format!("there is no image '{name}': {why}"))
        .with_hint("check its name and tag; for a private one, the engine has to be logged in")
}

/// Whether a registry said that it has no such image (or will not say that it has), rather than
/// that something went wrong. The engine passes registries' words on, with statuses of its own.
fn is_missing(status: u16, why: &str) -> bool {
    const WORDS: [&str; 7] = [
        "manifest unknown",
        "not found",
        "name unknown",
        "repository name not known",
        "pull access denied",
        "requested access to the resource is denied",
        "no matching manifest",
    ];
    let why = why.to_ascii_lowercase();
    let broken = why.contains("no such host") || why.contains("lookup ");
    !broken && (matches!(status, 401 | 403 | 404) || WORDS.iter().any(|word| why.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_images_and_broken_registries_are_told_apart() {
        assert!(is_missing(404, "x"));
        assert!(is_missing(500, "manifest for a:b not found: manifest unknown: manifest unknown"));
        assert!(is_missing(0, "pull access denied for a, repository does not exist"));
        assert!(is_missing(0, "no matching manifest for linux/amd64 in the manifest list entries"));
        assert!(!is_missing(500, "Get \"https://r/v2/\": dial tcp: lookup r: no such host"));
        assert!(!is_missing(500, "dial tcp 127.0.0.1:1: connect: connection refused"));
    }
}
