//! Headers of tar entries: GNU's, which have a place for names of any length.

use bytes::Bytes;
use tar::{EntryType, Header};

use super::BLOCK;

/// Bytes of a name that a header holds.
const NAME_MAX: usize = 100;

/// What an entry is.
pub(super) enum Kind<'a> {
    /// A directory.
    Directory,
    /// A file of some size.
    File(u64),
    /// A link to somewhere.
    Symlink(&'a str),
}

/// The header of an entry, with what goes before it when its names are long.
pub(super) fn blocks(path: &str, kind: &Kind<'_>) -> Bytes {
    let (entry, size, mode, target) = match kind {
        Kind::Directory => (EntryType::Directory, 0, 0o755, ""),
        Kind::File(size) => (EntryType::Regular, *size, 0o644, ""),
        Kind::Symlink(target) => (EntryType::Symlink, 0, 0o777, *target),
    };
    let path = match kind {
        Kind::Directory => format!("{path}/"),
        Kind::File(_) | Kind::Symlink(_) => path.to_owned(),
    };
    let mut out = Vec::with_capacity(BLOCK);
    if target.len() > NAME_MAX {
        long(EntryType::GNULongLink, target, &mut out);
    }
    if path.len() > NAME_MAX {
        long(EntryType::GNULongName, &path, &mut out);
    }
    let mut header = header(entry, size, mode);
    put(&mut header.as_old_mut().name, &path);
    put(&mut header.as_old_mut().linkname, target);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.into()
}

/// Dates and owners are left out, so that one tree is always one tar.
fn header(entry: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(entry);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// An entry that carries a long name for the one after it.
fn long(entry: EntryType, text: &str, out: &mut Vec<u8>) {
    let mut header = header(entry, text.len() as u64 + 1, 0o644);
    put(&mut header.as_old_mut().name, "././@LongLink");
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn put(field: &mut [u8; NAME_MAX], text: &str) {
    let length = text.len().min(NAME_MAX);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}
