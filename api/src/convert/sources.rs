//! Where inputs come from.

use gadus_model::Cid;
use serde_json::Value;

use super::data_url;
use super::supported::Problem;
use crate::types::{InputSource, Task};

/// An input, as far as its document tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// By content.
    Cid(Cid),
    /// In the document itself.
    Inline(Vec<u8>),
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
        let cid = text("CID")?;
        return match cid.parse::<Cid>() {
            Ok(cid) => Ok(Source::Cid(cid)),
            Err(error) => Err(wrong(format!("'{cid}' is no CID: {error}"))),
        };
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
        return Err(Problem::Unsupported {
            what: "an inline input of type application/gzip".to_owned(),
            hint: "add the data with `gadus add` and name its CID in a source of type ipfs",
        });
    }
    Ok(Source::Inline(data.bytes))
}
