//! `-i SOURCE[:TARGET]`.

use std::path::PathBuf;
use std::str::FromStr;

use gadus_api::types::SpecConfig;

use crate::content_path::ContentPath;

/// Where the job sees an input that names no place, as Bacalhau has it.
const TARGET_DEFAULT: &str = "/inputs";

/// An input as it was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputArg {
    /// Where it is.
    pub(crate) source: Source,
    /// The absolute path that the job sees it at.
    pub(crate) target: String,
}

/// Where an input is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// In the network.
    Content(ContentPath),
    /// On this machine: it is added first.
    Local(PathBuf),
    /// Elsewhere: the server knows whether it can.
    Other(SpecConfig),
}

impl FromStr for InputArg {
    type Err = String;

    /// `SOURCE[:TARGET]`, or Bacalhau's `src=…,dst=…`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Keyed { source, target, options } =
            if text.starts_with("src=") || text.starts_with("source=") {
                Keyed::read(text)?
            } else {
                let (source, target) = split_target(text);
                let (source, target) = (source.to_owned(), target.map(str::to_owned));
                Keyed { source, target, options: Vec::new() }
            };
        if source.is_empty() {
            return Err("the source is empty".to_owned());
        }
        let target = target.unwrap_or_else(|| TARGET_DEFAULT.to_owned());
        let source = Source::read(&source)?;
        let source = options.into_iter().try_fold(source, Source::with_option)?;
        Ok(Self { source, target })
    }
}

impl Source {
    /// Reads a URL or a path.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Local(PathBuf::from(text)));
        };
        Ok(match scheme {
            "ipfs" => Self::Content(text.parse()?),
            "file" => Self::Local(PathBuf::from(rest)),
            "http" | "https" => Self::Other(SpecConfig::new("urlDownload").with("URL", text)),
            "s3" => Self::Other(gadus_api::convert::s3_source(text)?),
            _ => {
                return Err(format!(
                    "'{scheme}://' is no kind of input; use ipfs://CID, https://…, \
                     s3://BUCKET/KEY, or a local path"
                ));
            }
        })
    }

    /// The same with one of Bacalhau's options, which buckets alone have.
    fn with_option(self, (name, value): (String, String)) -> Result<Self, String> {
        let Self::Other(spec) = self else {
            return Err(format!("'opt={name}' goes with s3://BUCKET/KEY alone"));
        };
        let key = match name.as_str() {
            _ if !spec.is("s3") => {
                return Err(format!("'opt={name}' goes with s3://BUCKET/KEY alone"));
            }
            "endpoint" => "Endpoint",
            "region" => "Region",
            "filter" => "Filter",
            "versionID" | "version-id" | "version_id" => "VersionID",
            "checksum-256" | "checksum256" | "checksum_256" => "ChecksumSHA256",
            _ => {
                return Err(format!(
                    "'opt={name}' is not known; use endpoint, region, version-id, checksum-256 or \
                     filter"
                ));
            }
        };
        Ok(Self::Other(spec.with(key, value)))
    }
}

/// Bacalhau's `src=…,dst=…,opt=NAME=VALUE`.
struct Keyed {
    source: String,
    target: Option<String>,
    options: Vec<(String, String)>,
}

/// Splits at the last `:/` that is not the beginning of `://`.
fn split_target(text: &str) -> (&str, Option<&str>) {
    let at = text.rmatch_indices(":/").map(|(at, _)| at).find(|at| {
        let rest = &text[at + 1..];
        !rest.starts_with("//")
    });
    match at {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

impl Keyed {
    fn read(text: &str) -> Result<Self, String> {
        let mut keyed = Self { source: String::new(), target: None, options: Vec::new() };
        for part in text.split(',') {
            let unknown =
                || format!("'{part}' is not known; use src=SOURCE,dst=TARGET,opt=NAME=VALUE");
            match part.split_once('=').ok_or_else(unknown)? {
                ("src" | "source", value) => value.clone_into(&mut keyed.source),
                ("dst" | "target" | "destination", value) => keyed.target = Some(value.to_owned()),
                ("opt" | "option", option) => {
                    let (name, value) = option.split_once('=').ok_or_else(unknown)?;
                    keyed.options.push((name.to_owned(), value.to_owned()));
                }
                _ => return Err(unknown()),
            }
        }
        Ok(keyed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CID: &str = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

    fn read(text: &str) -> Result<(Source, String), String> {
        text.parse::<InputArg>().map(|input| (input.source, input.target))
    }

    #[test]
    fn sources_and_targets_are_told_apart() {
        let content = |path: &str| Source::Content(format!("ipfs://{CID}{path}").parse().unwrap());
        let local = |path: &str| Source::Local(path.into());
        let cases = [
            (format!("ipfs://{CID}"), content(""), "/inputs"),
            (format!("ipfs://{CID}:/data"), content(""), "/data"),
            (format!("ipfs://{CID}/a/b:/data"), content("/a/b"), "/data"),
            (format!("src=ipfs://{CID},dst=/x"), content(""), "/x"),
            ("./local.txt:/in.txt".into(), local("./local.txt"), "/in.txt"),
            ("./a:b".into(), local("./a:b"), "/inputs"),
            ("file:///etc/hosts:/h".into(), local("/etc/hosts"), "/h"),
        ];
        for (text, source, target) in cases {
            assert_eq!(read(&text), Ok((source, target.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_this_release_lacks_goes_to_the_server_by_name() {
        let (source, target) = read("https://host:8080/x:/in").unwrap();
        let Source::Other(spec) = source else { panic!("{source:?}") };
        assert_eq!((spec.kind.as_str(), target.as_str()), ("urlDownload", "/in"));
        assert_eq!(spec.param("URL").unwrap(), "https://host:8080/x");
        let (Source::Other(spec), _) = read("s3://b/k/x").unwrap() else { panic!("s3") };
        assert_eq!(
            (spec.param("Bucket").unwrap(), spec.param("Key").unwrap()),
            (&"b".into(), &"k/x".into())
        );
    }

    #[test]
    fn options_go_with_buckets() {
        let options = "opt=region=eu,option=endpoint=http://127.0.0.1:9000,opt=version-id=v,\
                       opt=checksum-256=abc=";
        let (source, target) = read(&format!("src=s3://b/k,dst=/in,{options}")).unwrap();
        let expected = SpecConfig::new("s3")
            .with("Bucket", "b")
            .with("Key", "k")
            .with("Region", "eu")
            .with("Endpoint", "http://127.0.0.1:9000")
            .with("VersionID", "v")
            .with("ChecksumSHA256", "abc=");
        assert_eq!((source, target.as_str()), (Source::Other(expected), "/in"));
        let (source, target) = read("s3://b/d/?filter=x&endpoint=http://h:9000:/in").unwrap();
        let expected = SpecConfig::new("s3").with("Bucket", "b").with("Key", "d/");
        let expected = expected.with("Filter", "x").with("Endpoint", "http://h:9000");
        assert_eq!((source, target.as_str()), (Source::Other(expected), "/in"));
        for text in
            ["src=s3://b/k,opt=colour=red", "src=https://x/y,opt=region=eu", "src=./a,opt=rw=true"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", ":/x", "ipfs://nope:/x", "git://x:/y", "src=a,mode=b"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
