//! Tar archives, entry by entry: ustar, PAX and GNU long names. Read here rather than by the `tar`
//! crate's iterator because that one gathers long names of any size in memory.

use std::io::{self, Read};

use gadus_ports::ContentError;
use tar::{EntryType, Header};

use crate::error::{io_error, malformed};

const BLOCK_BYTES: usize = 512;
/// Bytes of an extension: long names, long link targets and PAX records.
const EXTENSION_BYTES_MAX: u64 = 64 << 10;

/// What an entry says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TarEntry {
    pub(crate) kind: TarKind,
    pub(crate) path: Vec<u8>,
    /// The target of a link.
    pub(crate) link: Vec<u8>,
    /// Bytes of content that follow.
    pub(crate) bytes: u64,
    /// Permissions, where the header tells.
    pub(crate) mode: Option<u32>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TarKind {
    File,
    Directory,
    Symlink,
    HardLink,
    /// Devices, FIFOs, sparse files and whatever else, by name.
    Other(&'static str),
}

/// Reads an archive.
pub(crate) struct TarReader<R> {
    source: R,
    /// Bytes of the current entry's content that nobody has read, and padding after it.
    content_left: u64,
    padding: u64,
}

/// Extensions that hold for the next entry.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    bytes: Option<u64>,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, content_left: 0, padding: 0 }
    }

    /// The next entry; what is left of the last one's content is skipped. `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<TarEntry>, ContentError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size().map_err(|e| bad(&e.to_string()))?;
            self.set_content(size);
            let kind = header.entry_type();
            if kind.is_gnu_longname() {
                extensions.path = Some(trimmed(self.extension()?));
            } else if kind.is_gnu_longlink() {
                extensions.link = Some(trimmed(self.extension()?));
            } else if kind.is_pax_local_extensions() {
                let records = self.extension()?;
                pax(&records, &mut extensions)?;
            } else if !kind.is_pax_global_extensions() {
                // Global records are comments and defaults: none that we use.
                if let Some(bytes) = extensions.bytes {
                    self.set_content(bytes);
                }
                let link = || header.link_name_bytes().unwrap_or_default().into_owned();
                return Ok(Some(TarEntry {
                    kind: kind_of(kind, &header),
                    path: extensions.path.unwrap_or_else(|| header.path_bytes().into_owned()),
                    link: extensions.link.unwrap_or_else(link),
                    bytes: self.content_left,
                    mode: header.mode().ok().map(|mode| mode & 0o7777),
                }));
            }
        }
    }

    fn set_content(&mut self, bytes: u64) {
        self.content_left = bytes;
        self.padding = bytes.wrapping_neg() % BLOCK_BYTES as u64;
    }

    /// The next header; `None` at the end, which is a block of zeros or of nothing.
    fn header(&mut self) -> Result<Option<Header>, ContentError> {
        let mut block = [0; BLOCK_BYTES];
        let read = (&mut self.source).take(BLOCK_BYTES as u64).read(&mut block).map_err(broken)?;
        if read == 0 {
            return Ok(None);
        }
        self.source.read_exact(&mut block[read..]).map_err(broken)?;
        if block == [0; BLOCK_BYTES] {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        // The sum of all bytes, those of the sum itself taken as spaces.
        let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum();
        if header.cksum().ok() != Some(sum + 8 * u32::from(b' ')) {
            return Err(bad("the checksum of a header is wrong"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self) -> Result<Vec<u8>, ContentError> {
        if self.content_left > EXTENSION_BYTES_MAX {
            return Err(bad(&format!("a name has more than {EXTENSION_BYTES_MAX} bytes")));
        }
        let mut bytes = vec![0; usize::try_from(self.content_left).unwrap_or_default()];
        self.source.read_exact(&mut bytes).map_err(broken)?;
        self.content_left = 0;
        Ok(bytes)
    }

    fn skip(&mut self) -> Result<(), ContentError> {
        let bytes = self.content_left.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.source).take(bytes), &mut io::sink());
        (self.content_left, self.padding) = (0, 0);
        match skipped.map_err(broken)? {
            all if all == bytes => Ok(()),
            _ => Err(bad("it ends in the middle of an entry")),
        }
    }
}

/// Reads the content of the current entry. An archive that ends early is an error, not a short
/// file.
impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.content_left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let most = usize::try_from(self.content_left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.source.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.content_left -= read as u64;
        Ok(read)
    }
}

fn kind_of(kind: EntryType, header: &Header) -> TarKind {
    let is_file = kind.is_file() || kind.is_contiguous();
    // Old archives mark a directory by a slash alone.
    if kind.is_dir() || is_file && header.path_bytes().ends_with(b"/") {
        return TarKind::Directory;
    }
    let others = [
        (kind.is_character_special() || kind.is_block_special(), "a device"),
        (kind.is_fifo(), "a FIFO"),
        (kind.is_gnu_sparse(), "a sparse file (make the archive without -S)"),
    ];
    match others.into_iter().find(|(is_it, _)| *is_it) {
        _ if is_file => TarKind::File,
        _ if kind.is_symlink() => TarKind::Symlink,
        _ if kind.is_hard_link() => TarKind::HardLink,
        Some((_, name)) => TarKind::Other(name),
        None => TarKind::Other("of an unknown kind"),
    }
}

/// PAX records: `length key=value\n`, where the length counts all of the record
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>).
fn pax(mut records: &[u8], extensions: &mut Extensions) -> Result<(), ContentError> {
    while !records.is_empty() {
        let (key, value, rest) =
            pax_record(records).ok_or_else(|| bad("a PAX record is malformed"))?;
        records = rest;
        match key {
            b"path" => extensions.path = Some(value.to_vec()),
            b"linkpath" => extensions.link = Some(value.to_vec()),
            b"size" => {
                let bytes = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                extensions.bytes = Some(bytes.ok_or_else(|| bad("a PAX size is no number"))?);
            }
            _ if key.starts_with(b"GNU.sparse.") => {
                return Err(bad("it holds a sparse file; make the archive without -S"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let length: usize = str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

/// Without the zero that ends a GNU name.
fn trimmed(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(zero) = name.iter().position(|byte| *byte == 0) {
        name.truncate(zero);
    }
    name
}

fn bad(why: &str) -> ContentError {
    malformed("the tar archive", why)
}

fn broken(error: io::Error) -> ContentError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return bad("it ends in the middle of an entry");
    }
    io_error("reading the tar archive", error)
}
