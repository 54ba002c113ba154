//! What images the engine has, remembered: a bid never waits for the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bollard::models::ImageInspect;
use parking_lot::RwLock;

use crate::gpu::LIBRARY_PATH;
use crate::reference::Reference;

/// An image that the engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalImage {
    /// `sha256:…` of its configuration.
    pub(crate) id: String,
    /// `docker.io/library/busybox` → `sha256:…`, where it came from a registry or went to one.
    pub(crate) digests: Vec<(String, String)>,
    /// `docker.io/library/busybox:latest`.
    pub(crate) tags: Vec<String>,
    /// GOARCH; empty where it says nothing.
    pub(crate) arch: String,
    /// `linux`.
    pub(crate) os: String,
    /// Paths it declares as volumes.
    pub(crate) volumes: Vec<String>,
    /// Where its programs start.
    pub(crate) workdir: String,
    /// Where its programs look for libraries first, if it says.
    pub(crate) library_path: Option<String>,
    /// Whether it names a program to run.
    pub(crate) has_command: bool,
}

impl LocalImage {
    /// From the engine's answer. Names that are no names (`<none>`) are left out.
    pub(crate) fn new(image: ImageInspect) -> Self {
        let config = image.config.unwrap_or_default();
        let is_some = |list: Option<Vec<String>>| list.is_some_and(|list| !list.is_empty());
        Self {
            id: image.id.unwrap_or_default(),
            digests: digests(&image.repo_digests.unwrap_or_default()),
            tags: tags(&image.repo_tags.unwrap_or_default()),
            arch: image.architecture.unwrap_or_default(),
            os: image.os.unwrap_or_default(),
            workdir: config.working_dir.unwrap_or_default(),
            volumes: config.volumes.unwrap_or_default(),
            library_path: variable(&config.env.unwrap_or_default(), LIBRARY_PATH),
            has_command: is_some(config.cmd) || is_some(config.entrypoint),
        }
    }

    /// The same image under the names that it has now.
    pub(crate) fn renamed(&self, repo_tags: &[String], repo_digests: &[String]) -> Self {
        Self { tags: tags(repo_tags), digests: digests(repo_digests), ..self.clone() }
    }

    /// The digest that pins it: the one its registry has for it, else its id.
    pub(crate) fn digest(&self, repository: &str) -> &str {
        let found = self.digests.iter().find(|(name, _)| name == repository);
        found.or(self.digests.first()).map_or(&self.id, |(_, digest)| digest)
    }
}

fn variable(env: &[String], name: &str) -> Option<String> {
    let find = |pair: &String| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
    env.iter().rev().find_map(find)
}

fn digests(repo_digests: &[String]) -> Vec<(String, String)> {
    let digest = |text: &String| match Reference::parse(text) {
        Ok(Reference::Name { repository, digest: Some(digest), .. }) => Some((repository, digest)),
        Ok(_) | Err(_) => None,
    };
    repo_digests.iter().filter_map(digest).collect()
}

fn tags(repo_tags: &[String]) -> Vec<String> {
    let tag = |text: &String| match Reference::parse(text) {
        Ok(Reference::Name { repository, tag, .. }) => Some(format!("{repository}:{tag}")),
        Ok(Reference::Id(_)) | Err(_) => None,
    };
    repo_tags.iter().filter_map(tag).collect()
}

/// All of them, as of the last look.
#[derive(Default)]
pub(crate) struct Catalogue {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    by_id: BTreeMap<String, Arc<LocalImage>>,
    by_digest: BTreeMap<String, Arc<LocalImage>>,
    by_tag: BTreeMap<String, Arc<LocalImage>>,
}

impl Catalogue {
    /// The image that a digest (or an image id) pins.
    pub(crate) fn pinned(&self, digest: &str) -> Option<Arc<LocalImage>> {
        let known = self.known.read();
        known.by_digest.get(digest).or_else(|| known.by_id.get(digest)).cloned()
    }

    /// The digest of the image that a name means here.
    pub(crate) fn resolve(&self, reference: &Reference) -> Option<String> {
        match reference {
            Reference::Name { repository, digest: None, .. } => {
                let known = self.known.read();
                let image = known.by_tag.get(&reference.to_pull())?;
                Some(image.digest(repository).to_owned())
            }
            Reference::Id(digest) | Reference::Name { digest: Some(digest), .. } => {
                self.pinned(digest).map(|_| digest.clone())
            }
        }
    }

    /// Ids of all images.
    pub(crate) fn ids(&self) -> BTreeSet<String> {
        self.known.read().by_id.keys().cloned().collect()
    }

    /// Remembers an image, in place of what it was before.
    pub(crate) fn insert(&self, image: LocalImage) -> Arc<LocalImage> {
        let image = Arc::new(image);
        let mut known = self.known.write();
        // A tag can have moved here from another image, or away.
        known.forget(&image.id);
        for (_, digest) in &image.digests {
            known.by_digest.insert(digest.clone(), Arc::clone(&image));
        }
        for tag in &image.tags {
            known.by_tag.insert(tag.clone(), Arc::clone(&image));
        }
        known.by_id.insert(image.id.clone(), Arc::clone(&image));
        image
    }

    /// Forgets an image that the engine no longer has.
    pub(crate) fn forget(&self, id: &str) {
        self.known.write().forget(id);
    }
}

impl Known {
    fn forget(&mut self, id: &str) {
        if self.by_id.remove(id).is_some() {
            self.by_digest.retain(|_, image| image.id != id);
            self.by_tag.retain(|_, image| image.id != id);
        }
    }
}

/// Whether a machine runs an image's programs: the same architecture, or its 32-bit ancestor.
pub(crate) fn runs(machine: &str, image: &str) -> bool {
    image.is_empty()
        || machine == image
        || matches!((machine, image), ("amd64", "386") | ("arm64", "arm"))
}

/// This machine's architecture by Go's name for it, as images have it.
pub(crate) fn machine_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, tag: &str, digests: &[(&str, &str)]) -> LocalImage {
        LocalImage {
            id: id.into(),
            tags: vec![format!("docker.io/library/{tag}")],
            digests: digests.iter().map(|(r, d)| ((*r).to_owned(), (*d).to_owned())).collect(),
            ..LocalImage::default()
        }
    }

    fn resolve(catalogue: &Catalogue, name: &str) -> Option<String> {
        catalogue.resolve(&Reference::parse(name).unwrap())
    }

    #[test]
    fn a_registrys_digest_comes_before_the_image_id() {
        let catalogue = Catalogue::default();
        let (r1, r2) = ("docker.io/library/a", "r.io/a");
        catalogue.insert(image("id1", "a:latest", &[(r2, "d2"), (r1, "d1")]));
        catalogue.insert(image("id2", "b:1", &[]));
        assert_eq!(resolve(&catalogue, "a").as_deref(), Some("d1"));
        assert_eq!(resolve(&catalogue, "b:1").as_deref(), Some("id2"));
        assert_eq!(resolve(&catalogue, "b"), None);
        for pin in ["d1", "d2", "id1"] {
            assert_eq!(catalogue.pinned(pin).unwrap().id, "id1");
        }
    }

    #[test]
    fn a_tag_that_moved_means_its_new_image() {
        let catalogue = Catalogue::default();
        catalogue.insert(image("id1", "a:latest", &[]));
        catalogue.insert(image("id2", "a:latest", &[]));
        assert_eq!(resolve(&catalogue, "a").as_deref(), Some("id2"));
        catalogue.forget("id2");
        assert_eq!(resolve(&catalogue, "a"), None);
        assert!(catalogue.pinned("id1").is_some());
    }

    #[test]
    fn nameless_images_keep_their_id() {
        let none = ImageInspect {
            id: Some("x".into()),
            repo_tags: Some(vec!["<none>:<none>".into()]),
            repo_digests: Some(vec!["<none>@<none>".into()]),
            ..ImageInspect::default()
        };
        let image = LocalImage::new(none);
        assert_eq!((image.digest("any"), image.tags.len()), ("x", 0));
    }

    #[test]
    fn an_image_for_another_machine_does_not_run() {
        assert!(runs("amd64", "amd64") && runs("amd64", "386") && runs("amd64", ""));
        assert!(!runs("amd64", "arm64") && !runs("arm64", "amd64"));
    }
}
