//! `add`, `get`, `cat`, `ls`.

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use gadus_model::Cid;
use gadus_ports::Layout;

use crate::cli::{AddArgs, CatArgs, Format, GetArgs, LsArgs};
use crate::content_path::ContentPath;
use crate::download::fetch;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::upload::{add_path, add_stdin};

use super::node::ids;

/// CBOR, DAG-CBOR and DAG-JSON in the multicodec table.
const PLAIN_CODECS: [u64; 3] = [0x51, 0x71, 0x0129];

pub(super) async fn add(session: &Session, args: &AddArgs) -> Result<Exit, Failure> {
    let uri = args.path.to_str().filter(|path| is_url(path));
    let added = if let Some(uri) = uri {
        let layout = args.layout();
        if args.check || layout != Layout::default() {
            return Err(Failure::usage("a URL is added as the node fetches it")
                .hint("download it, and add the file with these flags"));
        }
        let fetched = session.client.import_from(uri).await;
        fetched.map_err(|e| Failure::call(format!("fetch {uri}"), &e))?
    } else if args.path == Path::new("-") {
        add_stdin(session, args.layout(), args.check).await?
    } else {
        add_path(session, &args.path, args.layout(), args.check).await?
    };
    if args.format.output == Format::Table {
        session.printer.talk(&format!(
            "{}, {}",
            render::count(added.files, "file"),
            render::bytes(added.bytes)
        ));
        if args.check {
            session.printer.talk("checked: it has the same CID here");
        }
    }
    session.printer.object(args.format.output, &added, || added.cid.clone())?;
    Ok(Exit::Success)
}

fn is_url(path: &str) -> bool {
    let is =
        |scheme: &str| path.get(..scheme.len()).is_some_and(|p| p.eq_ignore_ascii_case(scheme));
    ["https://", "http://", "s3://"].into_iter().any(is)
}

pub(super) async fn get(session: &Session, args: &GetArgs) -> Result<Exit, Failure> {
    let place = destination(session, &args.what, args.output_dir.as_deref()).await?;
    let unpacked = fetch(session, &args.what, &place, args.unpack).await?;
    let links = match unpacked.links {
        0 => String::new(),
        n => format!(", {}", render::count(n, "symlink")),
    };
    session.printer.talk(&format!(
        "fetched {}{links}, {}, to {}",
        render::count(unpacked.files, "file"),
        render::bytes(unpacked.bytes),
        place.display()
    ));
    Ok(Exit::Success)
}

/// Where something goes: a file that is fetched to a directory that is there goes into it.
async fn destination(
    session: &Session,
    what: &ContentPath,
    wanted: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let Some(wanted) = wanted else {
        return Ok(PathBuf::from(what.last_name()));
    };
    if !wanted.is_dir() {
        return Ok(wanted.to_owned());
    }
    let listing = session.client.list(&what.cid, &what.path).await;
    let listing = listing.map_err(|e| Failure::call(format!("find {what}"), &e))?;
    Ok(if listing.kind == "directory" { wanted.to_owned() } else { wanted.join(what.last_name()) })
}

pub(super) async fn cat(session: &Session, args: &CatArgs) -> Result<Exit, Failure> {
    let what = &args.what;
    let failed = |e| Failure::call(format!("read {what}"), &e);
    // Of a directory the gateway would give the page that a browser shows.
    let listing = session.client.list(&what.cid, &what.path).await.map_err(failed)?;
    match listing.kind.as_str() {
        "directory" => {
            return Err(Failure::usage(format!("{what} is a directory")).hint(format!(
                "list it with `gadus ls {what}`, fetch it with `gadus get {what}`"
            )));
        }
        "symlink" => {
            return Err(Failure::usage(format!("{what} is a symlink to '{}'", listing.target))
                .hint("print what it leads to, by its own path"));
        }
        _ => {}
    }
    let reply = match is_plain(&listing.cid) {
        true => session.client.dag_json(&what.cid, &what.path).await,
        false => session.client.cat(&what.cid, &what.path).await,
    };
    let mut reply = reply.map_err(failed)?;
    while let Some(chunk) = reply.bytes.try_next().await.map_err(failed)? {
        session.printer.bytes(&chunk)?;
    }
    Ok(Exit::Success)
}

/// Whether a CID is that of data without files, which people read as JSON.
fn is_plain(cid: &str) -> bool {
    cid.parse().is_ok_and(|cid: Cid| PLAIN_CODECS.contains(&cid.codec()))
}

pub(super) async fn ls(session: &Session, args: &LsArgs) -> Result<Exit, Failure> {
    let listing = session.client.list(&args.what.cid, &args.what.path).await;
    let listing = listing.map_err(|e| Failure::call(format!("list {}", args.what), &e))?;
    let printer = &session.printer;
    if printer.is_quiet() && args.format.output == Format::Table {
        return ids(session, listing.entries.iter().map(|entry| entry.cid.as_str()));
    }
    printer.object(args.format.output, &listing, || {
        render::listing(&listing, args.what.last_name(), printer.width())
    })?;
    Ok(Exit::Success)
}
