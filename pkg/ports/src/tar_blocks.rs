//! The blocks of a tar around the content of its entries, as trees travel in it both ways: GNU's
//! headers, which have a place for names of any length. Dates and owners are left out, so that one
//! tree is always one stream of bytes.

use bytes::Bytes;
use tar::{EntryType, Header};

/// Bytes of a block, to which everything in a tar is padded.
const BLOCK: usize = 512;
/// Bytes of a name that a header holds.
const NAME_MAX: usize = 100;

/// What an entry is.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// A directory.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A link that says this.
    Symlink(&'a str),
}

/// The header of an entry, with what goes before it when its names are long. Without a `mode`, a
/// directory's is 755 and a file's 644.
#[must_use]
pub fn header(path: &str, kind: Kind<'_>, mode: Option<u32>) -> Bytes {
    let (entry, size, usual, target) = match kind {
        Kind::Directory => (EntryType::Directory, 0, 0o755, ""),
        Kind::File(size) => (EntryType::Regular, size, 0o644, ""),
        Kind::Symlink(target) => (EntryType::Symlink, 0, 0o777, target),
    };
    let slash = if matches!(kind, Kind::Directory) { "/" } else { "" };
    let path = format!("{path}{slash}");
    let mut out = Vec::with_capacity(BLOCK);
    if target.len() > NAME_MAX {
        long(EntryType::GNULongLink, target, &mut out);
    }
    if path.len() > NAME_MAX {
        long(EntryType::GNULongName, &path, &mut out);
    }
    // Set byte by byte: the crate's own setters tidy paths, and a link's target is content.
    let mut header = bare(entry, size, mode.unwrap_or(usual));
    put(&mut header.as_old_mut().name, &path);
    put(&mut header.as_old_mut().linkname, target);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.into()
}

/// What follows this many bytes of content: zeros up to the next block.
#[must_use]
pub fn padding(bytes: u64) -> Bytes {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or_default();
    Bytes::from_static(&[0; BLOCK]).slice(..(BLOCK - over) % BLOCK)
}

/// What ends an archive.
#[must_use]
pub fn end() -> Bytes {
    Bytes::from_static(&[0; 2 * BLOCK])
}

/// An entry that says why the archive ends here, before the end that it lacks: a comment for the
/// whole archive, as POSIX has them (pax, "global extended header").
#[must_use]
pub fn broken(why: &Broken) -> Bytes {
    let mut records = Vec::new();
    for (key, text) in [(WHY, Some(&why.message)), (HINT, why.hint.as_ref())] {
        if let Some(text) = text {
            record(key, text, &mut records);
        }
    }
    let mut header = bare(EntryType::XGlobalHeader, records.len() as u64, 0o644);
    put(&mut header.as_old_mut().name, "pax_global_header");
    header.set_cksum();
    let padding = padding(records.len() as u64);
    [&header.as_bytes()[..], &records, &padding].concat().into()
}

/// Why an archive breaks off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Broken {
    /// What happened and why.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Broken {
    /// Reads what [`broken`] wrote; `None` for a comment of anybody else.
    #[must_use]
    pub fn parse(records: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        for record in tar::PaxExtensions::new(records).flatten() {
            let Ok((key, text)) = record.key().and_then(|k| Ok((k, record.value()?))) else {
                continue;
            };
            match key {
                WHY => text.clone_into(&mut found.message),
                HINT => found.hint = Some(text.to_owned()),
                _ => {}
            }
        }
        (!found.message.is_empty()).then_some(found)
    }
}

const WHY: &str = "GADUS.broken";
const HINT: &str = "GADUS.hint";

/// A record of an extended header: its whole length, which counts its own digits, `key=text`.
fn record(key: &str, text: &str, out: &mut Vec<u8>) {
    let rest = key.len() + text.len() + " =\n".len();
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}={text}\n").as_bytes());
}

fn bare(entry: EntryType, size: u64, mode: u32) -> Header {
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
    let mut header = bare(entry, text.len() as u64 + 1, 0o644);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_are_read_back() {
        let long = "directory/".repeat(30);
        let entries: [(&str, Kind<'_>); 4] = [
            ("d", Kind::Directory),
            ("d/f", Kind::File(3)),
            (&format!("{long}f"), Kind::File(0)),
            ("d/l", Kind::Symlink(&long)),
        ];
        let mut bytes = Vec::new();
        for (path, kind) in entries {
            bytes.extend_from_slice(&header(path, kind, None));
            if let Kind::File(size) = kind {
                bytes.extend((0..size).map(|_| b'x'));
                bytes.extend_from_slice(&padding(size));
            }
        }
        bytes.extend_from_slice(&end());
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut archive = tar::Archive::new(&bytes[..]);
        let read = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let target = entry.link_name_bytes().map(|target| text(&target));
            (text(&entry.path_bytes()), entry.size(), target.unwrap_or_default())
        });
        let expected = [
            ("d/".to_owned(), 0, String::new()),
            ("d/f".to_owned(), 3, String::new()),
            (format!("{long}f"), 0, String::new()),
            ("d/l".to_owned(), 0, long.clone()),
        ];
        assert_eq!(read.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn why_an_archive_breaks_off_is_read_back() {
        for length in (0..120).chain([980, 990, 995]) {
            let why = Broken { message: "é".repeat(length + 1), hint: Some("x".repeat(length)) };
            let bytes = [broken(&why), end()].concat();
            let mut archive = tar::Archive::new(&bytes[..]);
            let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(entry.header().entry_type(), EntryType::XGlobalHeader);
            let mut records = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut records).unwrap();
            assert_eq!(Broken::parse(&records), Some(why), "{length}");
        }
        assert_eq!(Broken::parse(b"18 comment=somebo\n"), None);
    }

    #[test]
    fn content_is_padded_to_whole_blocks() {
        assert_eq!([0, 1, 511, 512, 513].map(|n| padding(n).len()), [0, 511, 1, 0, 511]);
    }
}
