//! Flags whose value has parts.

use std::str::FromStr;

use gadus_api::types::SpecConfig;

/// `-o NAME:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResultArg {
    /// Its directory in the result.
    pub(crate) name: String,
    /// The absolute path that the job writes to.
    pub(crate) path: String,
}

impl FromStr for ResultArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, path)) if !name.is_empty() && path.starts_with('/') => {
                Ok(Self { name: name.to_owned(), path: path.to_owned() })
            }
            _ => Err("use NAME:/PATH, such as outputs:/outputs".to_owned()),
        }
    }
}

/// `-e NAME=VALUE`, or `-e NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvVar {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for EnvVar {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => match std::env::var(text) {
                Ok(value) => (text, value),
                Err(_) => return Err(format!("{text} is not set here; give it as {text}=VALUE")),
            },
        };
        if name.is_empty() {
            return Err("the name is empty; use NAME=VALUE".to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

/// `-l KEY=VALUE`; a key alone has the empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LabelArg {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for LabelArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            return Err("the key is empty; use KEY=VALUE".to_owned());
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// `-p ipfs`, `-p local`, `-p s3://bucket/key,opt=region=…`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PublisherArg(SpecConfig);

impl PublisherArg {
    pub(crate) fn spec(&self) -> SpecConfig {
        self.0.clone()
    }
}

impl FromStr for PublisherArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let head = parts.next().unwrap_or_default();
        let target = ["target=", "dst=", "destination="];
        let head = target.iter().find_map(|key| head.strip_prefix(key)).unwrap_or(head);
        let mut spec = match head.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                SpecConfig::new("s3").with("Bucket", bucket).with("Key", key)
            }
            Some((scheme, _)) => SpecConfig::new(scheme),
            None => SpecConfig::new(head),
        };
        if spec.kind.is_empty() {
            return Err("the type is empty; use ipfs, local or s3://BUCKET/KEY".to_owned());
        }
        for part in parts {
            let option = part.strip_prefix("opt=").or_else(|| part.strip_prefix("option="));
            match option.and_then(|option| option.split_once('=')) {
                Some((key, value)) => spec = spec.with(&capitalised(key), value),
                None => return Err(format!("'{part}' is not known; use opt=KEY=VALUE")),
            }
        }
        Ok(Self(spec))
    }
}

fn capitalised(key: &str) -> String {
    let mut letters = key.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read() {
        let result: ResultArg = "outputs:/out".parse().unwrap();
        assert_eq!((result.name.as_str(), result.path.as_str()), ("outputs", "/out"));
        let var: EnvVar = "K=a=b".parse().unwrap();
        assert_eq!((var.name.as_str(), var.value.as_str()), ("K", "a=b"));
        let label: LabelArg = "canary".parse().unwrap();
        assert_eq!((label.key.as_str(), label.value.as_str()), ("canary", ""));
        let publisher: PublisherArg = "s3://b/k,opt=region=eu".parse().unwrap();
        assert_eq!(publisher.spec().param("Region").unwrap(), "eu");
        let publisher: PublisherArg = "dst=s3://b/{jobID}/,opt=encoding=plain".parse().unwrap();
        let expected = SpecConfig::new("s3").with("Bucket", "b").with("Key", "{jobID}/");
        assert_eq!(publisher.spec(), expected.with("Encoding", "plain"));
        assert_eq!("ipfs".parse::<PublisherArg>().unwrap().spec(), SpecConfig::new("ipfs"));
    }

    #[test]
    fn nonsense_is_refused_with_a_way_out() {
        let error = "outputs".parse::<ResultArg>().unwrap_err();
        assert!(error.contains("outputs:/outputs"), "{error}");
        assert!("outputs:rel".parse::<ResultArg>().is_err());
        assert!("=v".parse::<EnvVar>().is_err());
        let error = "GADUS_SURELY_NOT_SET".parse::<EnvVar>().unwrap_err();
        assert!(error.contains("GADUS_SURELY_NOT_SET=VALUE"), "{error}");
        assert!("=v".parse::<LabelArg>().is_err());
        assert!("".parse::<PublisherArg>().is_err());
        assert!("s3://b/k,region=eu".parse::<PublisherArg>().is_err());
    }
}
