//! Headers of tar entries: GNU's, which have a place for names of any length. Dates and owners
//! are left out, so that one tree is always one stream of bytes.

use tar::{EntryType, Header};

use super::scan::Kind;

/// Bytes of a block, to which everything in a tar is padded.
pub(super) const BLOCK_BYTES: usize = 512;
/// Bytes of a name that a header holds.
const NAME_MAX: usize = 100;

/// The header of an entry, with what goes before it when its names are long.
pub(super) fn blocks(name: &str, kind: &Kind) -> Vec<u8> {
    let (entry, size, mode, target) = match kind {
        Kind::Directory => (EntryType::Directory, 0, 0o755, ""),
        Kind::File(size) => (EntryType::Regular, *size, 0o644, ""),
        Kind::Symlink(target) => (EntryType::Symlink, 0, 0o777, target.as_str()),
    };
    let slash = if matches!(kind, Kind::Directory) { "/" } else { "" };
    let name = format!("{name}{slash}");
    let mut out = Vec::with_capacity(BLOCK_BYTES);
    if target.len() > NAME_MAX {
        long(EntryType::GNULongLink, target, &mut out);
    }
    if name.len() > NAME_MAX {
        long(EntryType::GNULongName, &name, &mut out);
    }
    // Set byte by byte: the crate's own setters tidy paths, and a link's target is content.
    let mut header = header(entry, size, mode);
    put(&mut header.as_old_mut().name, &name);
    put(&mut header.as_old_mut().linkname, target);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out
}

/// What follows this many bytes of content.
pub(super) fn padding(bytes: u64) -> usize {
    let over = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or_default();
    (BLOCK_BYTES - over) % BLOCK_BYTES
}

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
    out.resize(out.len().next_multiple_of(BLOCK_BYTES), 0);
}

fn put(field: &mut [u8; NAME_MAX], text: &str) {
    let length = text.len().min(NAME_MAX);
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}
