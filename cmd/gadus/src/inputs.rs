//! Inputs and modules of a job, brought into the network.

use std::path::Path;

use gadus_api::types::InputSource;
use gadus_ports::Layout;

use crate::content_path::ContentPath;
use crate::document::{InputArg, Source, ipfs_input};
use crate::failure::Failure;
use crate::session::Session;
use crate::upload::add_path;

/// The inputs as they are to be submitted: local ones are added, and paths below a CID become
/// CIDs of their own.
///
/// # Errors
/// For what cannot be read, and what the node says.
pub(crate) async fn resolve(
    session: &Session,
    inputs: &[InputArg],
) -> Result<Vec<InputSource>, Failure> {
    let mut resolved = Vec::with_capacity(inputs.len());
    for InputArg { source, target } in inputs {
        resolved.push(match source {
            Source::Content(path) => ipfs_input(&root_of(session, path).await?, target),
            Source::Local(path) => ipfs_input(&add(session, path).await?, target),
            Source::Other(spec) => {
                InputSource { source: spec.clone(), alias: String::new(), target: target.clone() }
            }
        });
    }
    Ok(resolved)
}

/// The module as a job names it: `ipfs://CID`.
///
/// # Errors
/// For a file that is not there, and what the node says.
pub(crate) async fn module(session: &Session, text: &str) -> Result<String, Failure> {
    let source = Source::read(text)
        .map_err(|why| Failure::usage(format!("'{text}' is no module")).because(why))?;
    let cid = match source {
        Source::Content(path) => root_of(session, &path).await?,
        Source::Local(path) => {
            if path.is_dir() {
                return Err(Failure::usage(format!("'{text}' is a directory, not a module"))
                    .hint("name a .wasm or .wat file"));
            }
            add(session, &path).await?
        }
        Source::Other(spec) if spec.is("urlDownload") || spec.is("s3") => {
            fetch(session, text).await?
        }
        Source::Other(_) => {
            return Err(Failure::usage(format!("'{text}' is no module"))
                .because("modules come from local files, URLs, s3://BUCKET/KEY and ipfs://CID")
                .hint("download it first"));
        }
    };
    Ok(format!("ipfs://{cid}"))
}

/// Has the node fetch a URL: what it is now is what the job runs.
async fn fetch(session: &Session, url: &str) -> Result<String, Failure> {
    let pinned = session.client.import_from(url).await;
    let cid = pinned.map_err(|e| Failure::call(format!("fetch {url}"), &e))?.cid;
    session.printer.talk(&format!("pinned {url} as {cid}"));
    Ok(cid)
}

async fn add(session: &Session, path: &Path) -> Result<String, Failure> {
    let added = add_path(session, path, Layout::default(), false).await?;
    session.printer.talk(&format!("added {} as {}", path.display(), added.cid));
    Ok(added.cid)
}

/// The CID of what stands at a path.
async fn root_of(session: &Session, path: &ContentPath) -> Result<String, Failure> {
    if path.path.is_empty() {
        return Ok(path.cid.clone());
    }
    let listing = session.client.list(&path.cid, &path.path).await;
    listing.map(|l| l.cid).map_err(|e| Failure::call(format!("find {path}"), &e))
}
