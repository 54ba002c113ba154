//! Fetching trees and files into the file system.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, TryStreamExt};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::cli::UnpackFlags;
use crate::content_path::ContentPath;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::session::Session;
use crate::tree::{Links, Unpacked, Unpacker};
use crate::upload::blocking;

/// Fetches what stands at a path of the network, and makes `destination` of it.
///
/// What is new there appears at once and whole, or not at all; with `force`, files go into a
/// directory that is there already one by one.
///
/// # Errors
/// When `destination` is there already and nothing was said of overwriting; what the node says;
/// what [`Unpacker::unpack`] says.
pub(crate) async fn fetch(
    session: &Session,
    what: &ContentPath,
    destination: &Path,
    flags: UnpackFlags,
) -> Result<Unpacked, Failure> {
    let place = Place::of(destination, flags.force)?;
    let links = if flags.outside_links { Links::All } else { Links::Inside };
    let reply = session
        .client
        .tar(&what.cid, &what.path)
        .await
        .map_err(|e| Failure::call(format!("fetch {what}"), &e))?;
    let bar = session.printer.bytes_bar(&format!("fetching {what}"), reply.length);
    let counter = bar.clone();
    let told = Arc::new(AtomicBool::new(false));
    let tell = told.clone();
    let until_told = Box::pin(async move {
        // Without signals it goes on to its end.
        if interrupted().await.is_err() {
            std::future::pending::<()>().await;
        }
        tell.store(true, Ordering::Relaxed);
    });
    let bytes = reply.bytes.map_err(io::Error::other).inspect_ok(move |chunk| {
        counter.inc(chunk.len() as u64);
    });
    let reader = SyncIoBridge::new(StreamReader::new(bytes.take_until(until_told)));
    let left = place.left();
    let unpacked = blocking(move || place.fill(reader, links)).await;
    bar.finish_and_clear();
    let unpacked = match unpacked {
        Err(_) if told.load(Ordering::Relaxed) => {
            let what = format!("fetching {what} was interrupted");
            return Err(Failure::new(Exit::Interrupted, what).because(left));
        }
        other => other?,
    };
    if let Some(first) = &unpacked.first_skipped {
        let many = crate::render::count(unpacked.links_skipped, "symlink");
        session.printer.warn(&format!(
            "not made, since they lead out of the tree: {many}, the first is {first} \
             (--outside-links makes them)"
        ));
    }
    Ok(unpacked)
}

/// Where a tree goes.
#[derive(Debug)]
enum Place {
    /// Nothing is there: it is made beside it, then renamed.
    New(PathBuf),
    /// Into or over what is there.
    There { path: PathBuf, overwrite: bool },
}

impl Place {
    fn of(destination: &Path, force: bool) -> Result<Self, Failure> {
        let failed = |e: &io::Error| Failure::io(format!("read {}", destination.display()), e);
        let metadata = match fs::symlink_metadata(destination) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::New(destination.to_owned()));
            }
            other => other.map_err(|e| failed(&e))?,
        };
        let is_free = metadata.is_dir() && is_empty(destination).map_err(|e| failed(&e))?;
        if !is_free && !force {
            return Err(Failure::usage(format!("{} is there already", destination.display()))
                .hint("name another place with -o, or overwrite with --force"));
        }
        // The destination is the user's own word: `.` and a symlink are what they lead to.
        let path = fs::canonicalize(destination).map_err(|e| failed(&e))?;
        Ok(Self::There { path, overwrite: force })
    }

    /// What a fetch that was interrupted leaves behind, for messages.
    fn left(&self) -> String {
        match self {
            Self::New(_) => "nothing of it is left".to_owned(),
            Self::There { path, .. } => {
                format!("{} has a part of it; --force fetches it again", path.display())
            }
        }
    }

    fn fill(self, reader: impl io::Read, links: Links) -> Result<Unpacked, Failure> {
        match self {
            Self::New(path) => fill_new(&path, reader, links),
            Self::There { path, overwrite } => {
                let (parent, name) = split(&path)?;
                Unpacker::new(parent, name, overwrite, links)?.unpack(reader)
            }
        }
    }
}

fn fill_new(path: &Path, reader: impl io::Read, links: Links) -> Result<Unpacked, Failure> {
    let failed = |e: &io::Error| Failure::io(format!("write {}", path.display()), e);
    let (parent, name) = split(path)?;
    fs::create_dir_all(parent).map_err(|e| failed(&e))?;
    let staging = tempfile::Builder::new()
        .prefix(".gadus-get-")
        .tempdir_in(parent)
        .map_err(|e| failed(&e))?;
    let unpacked = Unpacker::new(staging.path(), name.clone(), false, links)?.unpack(reader)?;
    let made = staging.path().join(name);
    // A root that is a symlink to somewhere else may have been left out.
    if fs::symlink_metadata(&made).is_ok() {
        fs::rename(made, path).map_err(|e| failed(&e))?;
    }
    Ok(unpacked)
}

fn split(path: &Path) -> Result<(&Path, OsString), Failure> {
    let Some(name) = path.file_name() else {
        return Err(Failure::usage(format!("{} is no place for a tree", path.display())));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((parent.unwrap_or_else(|| Path::new(".")), name.to_owned()))
}

fn is_empty(directory: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(directory)?.next().is_none())
}

#[cfg(test)]
mod tests;
