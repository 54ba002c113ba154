//! A tree from files that come one after the other, each with its path.

use std::collections::BTreeMap;
use std::io;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use gadus_ports::{BoxRead, ContentError};
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

use super::{Budget, Importer, link};
use crate::error::{io_error, malformed};
use crate::unixfs::{Built, name};

/// An entry of the tree: the names of its path, and what it is.
pub(crate) enum Named {
    Directory(Vec<String>),
    File(Vec<String>, BoxRead),
}

enum Item {
    Directory(Entries),
    File(Built),
}

type Entries = BTreeMap<String, Item>;

/// Imports all of them, on a thread that may wait. Directories are made as they are needed.
///
/// # Errors
/// `UnsafeName`, `Malformed` for two entries at one place, `Io` from the stream, and what the
/// importer says.
pub(crate) fn import(
    importer: &Importer,
    mut entries: BoxStream<'static, io::Result<Named>>,
    budget: &mut Budget,
    depth_max: usize,
) -> Result<Built, ContentError> {
    let runtime = Handle::current();
    let mut root = Entries::new();
    while let Some(entry) = runtime.block_on(entries.next()) {
        let entry = entry.map_err(|e| io_error("reading what is to be imported", e))?;
        budget.take_entry()?;
        match entry {
            Named::Directory(path) => {
                directory(&mut root, &path, depth_max)?;
            }
            Named::File(path, bytes) => {
                let (last, parents) = path.split_last().ok_or_else(nameless)?;
                name::check(last)?;
                let built = importer.file(&mut SyncIoBridge::new(bytes), None, budget)?;
                let parent = directory(&mut root, parents, depth_max)?;
                if parent.insert(last.clone(), Item::File(built)).is_some() {
                    return Err(malformed(format!("'{}'", path.join("/")), "it is there twice"));
                }
            }
        }
    }
    build(importer, root)
}

fn directory<'a>(
    root: &'a mut Entries,
    path: &[String],
    depth_max: usize,
) -> Result<&'a mut Entries, ContentError> {
    if path.len() > depth_max {
        let why = format!("it lies deeper than {depth_max} directories");
        return Err(name::unsafe_name(&path.join("/"), &why));
    }
    let mut at = root;
    for part in path {
        name::check(part)?;
        let below = at.entry(part.clone()).or_insert_with(|| Item::Directory(Entries::new()));
        match below {
            Item::Directory(entries) => at = entries,
            Item::File(_) => {
                let what = format!("'{}'", path.join("/"));
                return Err(malformed(what, format!("'{part}' is a file and a directory")));
            }
        }
    }
    Ok(at)
}

/// Stores directories from the leaves up.
fn build(importer: &Importer, entries: Entries) -> Result<Built, ContentError> {
    let linked = entries.into_iter().map(|(name, item)| {
        let built = match item {
            Item::File(built) => built,
            Item::Directory(entries) => build(importer, entries)?,
        };
        Ok(link(name, built))
    });
    importer.directory(linked.collect::<Result<_, ContentError>>()?, None)
}

fn nameless() -> ContentError {
    name::unsafe_name("", "it names no entry")
}
