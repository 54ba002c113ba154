//! Where inputs come from.

use std::path::{Component, Path};

use gadus_model::Cid;
use gadus_ports::Origin;
use serde_json::Value;

use super::data_url;
use super::supported::Problem;
use crate::types::{InputSource, Task};

mod s3;

pub(super) use self::s3::is_one_object;
pub use self::s3::s3_source;

/// An input, as far as its document tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By content.
    Cid(Cid),
    /// In the document itself.
    Inline(Vec<u8>),
    /// In the document itself, a directory as a compressed tar.
    Archive(Vec<u8>),
    /// Elsewhere.
    Origin(Origin),
}

/// Reads one input of a task.
pub(super) fn read(task: &Task, input: &InputSource) -> Result<Source, Problem> {
    let place = &input.target;
    let wrong = |what: String| {
        Problem::task(task, format!("invalid input sources: input for `{place}`: {what}"))
    };
    let text = |key: &str| {
        let value = input.source.param(key).and_then(Value::as_str).map(str::trim);
        value.filter(|text| !text.is_empty()).ok_or_else(|| wrong(format!("missing '{key}'")))
    };
    if input.source.is("ipfs") {
        let written = text("CID")?;
        let cid = written.strip_prefix("ipfs://").unwrap_or(written);
        return match cid.parse::<Cid>() {
            Ok(cid) => Ok(Source::Cid(cid)),
            Err(error) => Err(wrong(format!("'{cid}' is no CID: {error}"))),
        };
    }
    if input.source.is("urlDownload") {
        let origin = url(text("URL")?).map_err(&wrong)?;
        return Ok(Source::Origin(origin));
    }
    if input.source.is("s3") {
        let origin = s3::read(&input.source, wrong)?;
        return Ok(Source::Origin(Origin::S3(Box::new(origin))));
    }
    if input.source.is("local") || input.source.is("localDirectory") {
        let path = text("SourcePath")?;
        let asks = |key: &str| input.source.param(key).cloned().unwrap_or_default();
        if asks("ReadWrite") == Value::Bool(true) {
            return Err(Problem::Unsupported {
                what: "an input that the job may write to".to_owned(),
                hint: "leave ReadWrite out: inputs are content, and what a job makes is an output",
            });
        }
        let created = asks("CreateAs");
        if !created
            .as_str()
            .is_none_or(|as_| as_.is_empty() || as_.eq_ignore_ascii_case("noCreate"))
        {
            return Err(Problem::Unsupported {
                what: format!("creating an input ({created})"),
                hint: "leave CreateAs out, and name what is there",
            });
        }
        return Ok(Source::Origin(local(path).map_err(&wrong)?));
    }
    if !input.source.is("inline") {
        return Err(Problem::Unsupported {
            what: format!("the input source {}", input.source.kind),
            hint: "add the data with `gadus add` and name its CID in a source of type ipfs",
        });
    }
    let data = data_url::parse(text("URL")?)
        .map_err(|why| wrong(format!("its URL is no data: URL: {why}")))?;
    if data.media_type == "application/gzip" {
        return Ok(Source::Archive(data.bytes));
    }
    Ok(Source::Inline(data.bytes))
}

/// An origin by its URI: `http:`, `https:` (with `#sha256=` and 64 hexadecimal digits, where its
/// bytes are known), `s3:` (see [`s3_source`]) or `file:`.
///
/// # Errors
/// What is wrong with it, for people.
pub fn origin(uri: &str) -> Result<Origin, String> {
    if uri.starts_with("s3://") {
        let origin = s3::origin(&s3_source(uri)?)?;
        return Ok(Origin::S3(Box::new(origin)));
    }
    match uri.strip_prefix("file://") {
        Some(path) => local(path),
        None => url(uri),
    }
}

fn url(text: &str) -> Result<Origin, String> {
    let text = text.trim_matches([' ', '\'', '"']);
    let mut url: reqwest::Url = text.parse().map_err(|e| format!("'{text}' is no URL: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("'{text}' is neither an http nor an https URL"));
    }
    let sha256 = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256="));
    let sha256 = sha256.map(digest).transpose()?;
    url.set_fragment(None);
    Ok(Origin::Url { url: url.into(), sha256 })
}

fn digest(hex: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("'{hex}' is no SHA-256: that has 64 hexadecimal digits");
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(wrong());
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

fn local(path: &str) -> Result<Origin, String> {
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    let path = Path::new(path);
    if !path.is_absolute() || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(format!("'{}' is no absolute path", path.display()));
    }
    if !path.components().all(plain) {
        return Err(format!("'{}' must not contain ..", path.display()));
    }
    Ok(Origin::Path(path.to_owned()))
}
