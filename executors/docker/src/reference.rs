//! Names of images, as people write them
//! (<https://github.com/distribution/reference>).

use gadus_model::{Failure, FailureKind};

const HUB: &str = "docker.io";
const NAME_MAX: usize = 255;
const TAG_MAX: usize = 128;

/// A name of an image. Everything in it is fit to stand in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `sha256:…`: an image id, or a digest whose repository nobody named.
    Id(String),
    /// A repository with a tag or a digest or both; the digest counts.
    Name {
        /// With its registry: `docker.io/library/busybox`.
        repository: String,
        tag: String,
        digest: Option<String>,
    },
}

impl Reference {
    /// Reads a name; `latest` is the tag where none is given.
    ///
    /// # Errors
    /// `Invalid`, saying what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        parse(text).map_err(|why| {
            Failure::new(FailureKind::Invalid, format!("'{text}' is no image name: {why}"))
                .with_hint("write it as [REGISTRY/]NAME[:TAG], or NAME@sha256:…")
        })
    }

    /// What to ask the engine or a registry for.
    pub(crate) fn to_pull(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Name { repository, digest: Some(digest), .. } => format!("{repository}@{digest}"),
            Self::Name { repository, tag, digest: None } => format!("{repository}:{tag}"),
        }
    }
}

/// Whether a text is `sha256:` and 64 lower-case hex digits.
pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    if is_digest(text) {
        return Ok(Reference::Id(text.to_owned()));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
        Some(_) => return Err("what follows the @ is no sha256 digest"),
        None => (text, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (rest, "latest"),
    };
    if !is_tag(tag) {
        return Err("its tag has characters that no tag may have, or too many");
    }
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path.to_owned()),
        Some(_) => (HUB, name.to_owned()),
        None => (HUB, format!("library/{name}")),
    };
    if path.len() + registry.len() >= NAME_MAX {
        return Err("it is too long");
    }
    if !path.split('/').all(is_component) {
        return Err("names are lower-case letters, digits, and single separators between them");
    }
    Ok(Reference::Name { repository: format!("{registry}/{path}"), tag: tag.to_owned(), digest })
}

fn is_registry(first: &str) -> bool {
    let host = first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    host && !first.starts_with(['.', '-'])
        && !first.contains("..")
        && (first.contains(['.', ':']) || first == "localhost")
}

fn is_component(part: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    inside(*first)
        && inside(*last)
        && bytes.iter().all(|&b| inside(b) || b"._-".contains(&b))
        && !part.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let Some(first) = tag.bytes().next() else { return false };
    tag.len() <= TAG_MAX && word(first) && tag.bytes().all(|b| word(b) || b".-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> String {
        Reference::parse(text).unwrap().to_pull()
    }

    #[test]
    fn short_names_mean_the_hub_and_latest() {
        assert_eq!(full("busybox"), "docker.io/library/busybox:latest");
        assert_eq!(full("a/b:1.2"), "docker.io/a/b:1.2");
        assert_eq!(full("ghcr.io/a/b"), "ghcr.io/a/b:latest");
        assert_eq!(full("127.0.0.1:5000/x:t"), "127.0.0.1:5000/x:t");
        assert_eq!(full("localhost/x"), "localhost/x:latest");
    }

    #[test]
    fn a_digest_wins_over_the_tag() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(
            full(&format!("busybox:1@{digest}")),
            format!("docker.io/library/busybox@{digest}")
        );
        assert_eq!(Reference::parse(&digest).unwrap(), Reference::Id(digest));
    }

    #[test]
    fn what_could_change_a_url_is_refused() {
        let long = "a".repeat(300);
        for text in [
            "",
            " ",
            "a b",
            "Upper",
            "a?x=1",
            "a#b",
            "../x",
            "a/../b",
            "a//b",
            "a%2fb",
            "a:",
            "a:t/",
            "a:ü",
            "a@sha256:12",
            "a@md5:0",
            "-a",
            "a-",
            "./a",
            "..:5/a",
            "a:t?q",
            "evil.com/../x",
            &long,
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }
}
