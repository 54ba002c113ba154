//! A tree from a tar archive. Nothing is written to a file system: hostile names and links can
//! only spoil the tree, and what would is refused.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read;

use gadus_ports::ContentError;

use super::tar_entry::{TarEntry, TarKind, TarReader};
use super::{Budget, Importer, link};
use crate::error::malformed;
use crate::unixfs::Built;
use crate::unixfs::name::{self, unsafe_name};

/// What stands at a path so far.
enum Item {
    Directory(Entries, Option<u32>),
    File(Built),
    Symlink(Built),
}

type Entries = BTreeMap<String, Item>;

/// Imports a whole archive. The one top-level entry is the root; several are wrapped in a
/// directory, and so are those of an archive that names its root `.`.
///
/// # Errors
/// `Malformed`, `UnsafeName`, `Io`, and what the importer says.
pub(crate) fn import(
    importer: &Importer,
    source: impl Read,
    budget: &mut Budget,
    depth_max: usize,
) -> Result<Built, ContentError> {
    let mut reader = TarReader::new(source);
    let mut root = Entries::new();
    let (mut is_wrapped, mut root_mode) = (false, None);
    while let Some(entry) = reader.next()? {
        budget.take_entry()?;
        let path = path_of(&entry.path, depth_max)?;
        let Some((name, parents)) = path.split_last() else {
            if entry.kind != TarKind::Directory {
                return Err(unsafe_name(&shown(&entry.path), "it names no entry"));
            }
            (is_wrapped, root_mode) = (true, entry.mode);
            continue;
        };
        let item = content(importer, &mut reader, &entry, &root, budget, depth_max)?;
        place(directory_at(&mut root, parents, &entry)?, name, item, &entry)?;
    }
    match root.len() {
        0 if !is_wrapped => Err(malformed("the tar archive", "it is empty")),
        1 if !is_wrapped => match root.pop_first() {
            Some((_, only)) => build(importer, only),
            None => Err(malformed("the tar archive", "it is empty")),
        },
        _ => build(importer, Item::Directory(root, root_mode)),
    }
}

/// Imports what an entry holds.
fn content(
    importer: &Importer,
    reader: &mut TarReader<impl Read>,
    entry: &TarEntry,
    root: &Entries,
    budget: &mut Budget,
    depth_max: usize,
) -> Result<Item, ContentError> {
    match entry.kind {
        TarKind::File => {
            let file = importer.file(reader, entry.mode, budget);
            file.map(Item::File).map_err(|error| cut_short(error, entry))
        }
        TarKind::Directory => Ok(Item::Directory(Entries::new(), entry.mode)),
        TarKind::Symlink => {
            let target = str::from_utf8(&entry.link);
            let target = target.map_err(|_| refused(entry, "is a link to no UTF-8 name"))?;
            if target.is_empty() || target.contains('\0') {
                return Err(refused(entry, "is a link to nothing"));
            }
            importer.symlink(target.as_bytes()).map(Item::Symlink)
        }
        TarKind::HardLink => match find(root, &path_of(&entry.link, depth_max)?) {
            Some(Item::File(built)) => Ok(Item::File(*built)),
            Some(Item::Symlink(built)) => Ok(Item::Symlink(*built)),
            Some(Item::Directory(..)) | None => {
                Err(refused(entry, "is a hard link to no earlier file of the archive"))
            }
        },
        TarKind::Other(kind) => Err(refused(entry, &format!("is {kind}"))),
    }
}

/// The names of a path. `.` is skipped; whatever leads elsewhere is refused.
fn path_of(bytes: &[u8], depth_max: usize) -> Result<Vec<String>, ContentError> {
    let Ok(path) = str::from_utf8(bytes) else {
        return Err(unsafe_name(&shown(bytes), "it is not UTF-8"));
    };
    if path.starts_with('/') {
        return Err(unsafe_name(path, "it is absolute"));
    }
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.len() > depth_max {
        return Err(unsafe_name(path, &format!("it lies deeper than {depth_max} directories")));
    }
    for part in &parts {
        name::check(part)?;
    }
    Ok(parts.into_iter().map(str::to_owned).collect())
}

/// The directory of an entry; parents that the archive has not named yet are made.
fn directory_at<'a>(
    root: &'a mut Entries,
    parents: &[String],
    entry: &TarEntry,
) -> Result<&'a mut Entries, ContentError> {
    let mut at = root;
    for name in parents {
        let new = || Item::Directory(Entries::new(), None);
        match at.entry(name.clone()).or_insert_with(new) {
            Item::Directory(entries, _) => at = entries,
            Item::File(_) | Item::Symlink(_) => {
                return Err(refused(entry, &format!("lies under '{name}', which is no directory")));
            }
        }
    }
    Ok(at)
}

fn place(
    entries: &mut Entries,
    name: &str,
    item: Item,
    entry: &TarEntry,
) -> Result<(), ContentError> {
    match (entries.get_mut(name), &item) {
        (None, _) => {
            entries.insert(name.to_owned(), item);
            Ok(())
        }
        // Named again, or after something in it.
        (Some(Item::Directory(_, mode)), Item::Directory(_, named)) => {
            *mode = *named;
            Ok(())
        }
        _ => Err(refused(entry, "is there twice")),
    }
}

fn find<'a>(root: &'a Entries, path: &[String]) -> Option<&'a Item> {
    let (name, parents) = path.split_last()?;
    let mut at = root;
    for parent in parents {
        match at.get(parent)? {
            Item::Directory(entries, _) => at = entries,
            Item::File(_) | Item::Symlink(_) => return None,
        }
    }
    at.get(name)
}

/// Stores directories from the leaves up.
fn build(importer: &Importer, item: Item) -> Result<Built, ContentError> {
    match item {
        Item::File(built) | Item::Symlink(built) => Ok(built),
        Item::Directory(entries, mode) => {
            let linked = entries.into_iter().map(|(name, item)| {
                let built = build(importer, item)?;
                Ok(link(name, built))
            });
            importer.directory(linked.collect::<Result<_, ContentError>>()?, mode)
        }
    }
}

fn refused(entry: &TarEntry, why: &str) -> ContentError {
    malformed("the tar archive", format!("'{}' {why}", shown(&entry.path)))
}

fn cut_short(error: ContentError, entry: &TarEntry) -> ContentError {
    if let ContentError::Io { source, .. } = &error
        && source.kind() == std::io::ErrorKind::UnexpectedEof
    {
        return refused(entry, "is cut short");
    }
    error
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
