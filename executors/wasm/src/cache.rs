//! Compiled modules on disk, by module CID, in one directory per engine.
//!
//! A file is named `CID.CRC32.BYTES.cwasm`, so that writing it is one rename, and listing the
//! directory once at start tells everything. Its content is executed as machine code: the
//! directory is private, and a file that is not exactly what was written is thrown away. The
//! checksum guards against accidents; nobody but this user can write there on purpose.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gadus_model::{Cid, Failure, FailureKind};
use parking_lot::Mutex;

/// The cache of one engine.
pub(crate) struct DiskCache {
    dir: PathBuf,
    bytes_max: u64,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    entries: BTreeMap<Cid, Entry>,
    bytes: u64,
    clock: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    crc: u32,
    bytes: u64,
    used: u64,
}

impl DiskCache {
    /// Opens `root/key`, where `key` names the engine and its settings, and forgets the caches of
    /// other engines.
    ///
    /// # Errors
    /// `EngineDown` when the directory cannot be made private or listed.
    pub(crate) fn open(root: &Path, key: &str, bytes_max: u64) -> Result<Self, Failure> {
        let dir = root.join(key);
        let index = make_private(root)
            .and_then(|()| remove_others(root, key))
            .and_then(|()| make_private(&dir))
            .and_then(|()| scan(&dir))
            .map_err(|error| unusable(root, &error))?;
        let cache = Self { dir, bytes_max, index: Mutex::new(index) };
        cache.evict(None);
        Ok(cache)
    }

    /// Whether a compiled module is here, from memory alone.
    pub(crate) fn has(&self, module: &Cid) -> bool {
        self.index.lock().entries.contains_key(module)
    }

    /// The path of a compiled module whose content was just found intact; `None` when there is
    /// none, or none any more.
    pub(crate) fn path(&self, module: &Cid) -> Option<PathBuf> {
        let entry = {
            let mut index = self.index.lock();
            index.clock += 1;
            let clock = index.clock;
            let entry = index.entries.get_mut(module)?;
            entry.used = clock;
            *entry
        };
        let path = self.file(module, &entry);
        match check(&path, &entry) {
            Ok(()) => Some(path),
            Err(error) => {
                tracing::warn!(%module, %error, "a cached module is damaged and is removed");
                self.remove(module);
                None
            }
        }
    }

    /// Keeps a compiled module. Failing to costs a compilation later, so it is only logged.
    pub(crate) fn put(&self, module: &Cid, compiled: &[u8]) {
        let crc = crc32fast::hash(compiled);
        let entry = Entry { crc, bytes: compiled.len() as u64, used: 0 };
        if entry.bytes > self.bytes_max {
            return;
        }
        if let Err(error) = write_whole(&self.dir, &self.file(module, &entry), compiled) {
            tracing::warn!(%module, %error, dir = %self.dir.display(), "a compiled module is not kept");
            return;
        }
        let old = {
            let mut index = self.index.lock();
            index.clock += 1;
            let entry = Entry { used: index.clock, ..entry };
            index.bytes += entry.bytes;
            let old = index.entries.insert(*module, entry);
            index.bytes -= old.map_or(0, |old| old.bytes);
            old
        };
        if let Some(old) = old.filter(|old| (old.crc, old.bytes) != (entry.crc, entry.bytes)) {
            remove_file(&self.file(module, &old));
        }
        self.evict(Some(module));
    }

    /// Throws a compiled module away.
    pub(crate) fn remove(&self, module: &Cid) {
        let removed = {
            let mut index = self.index.lock();
            let removed = index.entries.remove(module);
            index.bytes -= removed.map_or(0, |entry| entry.bytes);
            removed
        };
        if let Some(entry) = removed {
            remove_file(&self.file(module, &entry));
        }
    }

    /// Throws the least recently used away until the rest fits. What a guest runs stays mapped.
    fn evict(&self, keep: Option<&Cid>) {
        loop {
            let oldest = {
                let index = self.index.lock();
                if index.bytes <= self.bytes_max {
                    return;
                }
                let others = index.entries.iter().filter(|(module, _)| Some(*module) != keep);
                others.min_by_key(|(_, entry)| entry.used).map(|(module, _)| *module)
            };
            let Some(oldest) = oldest else { return };
            self.remove(&oldest);
        }
    }

    fn file(&self, module: &Cid, entry: &Entry) -> PathBuf {
        self.dir.join(format!("{module}.{:08x}.{}.cwasm", entry.crc, entry.bytes))
    }
}

fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let metadata = fs::symlink_metadata(dir)?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is not a directory of this user's own"));
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// What other versions of the engine compiled is of no use, and would stay for ever.
fn remove_others(root: &Path, key: &str) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|name| {
            name.len() == key.len() && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if ours && name != key && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Reads the directory's names, oldest first, and removes what is none of ours: the leftovers of
/// a crash.
fn scan(dir: &Path) -> io::Result<Index> {
    let mut found: Vec<(SystemTime, Cid, Entry)> = Vec::new();
    for file in fs::read_dir(dir)? {
        let file = file?;
        let metadata = file.metadata()?;
        let name = file.file_name();
        match name.to_str().and_then(parse_name) {
            Some((module, entry)) if metadata.is_file() && metadata.len() == entry.bytes => {
                found.push((metadata.modified()?, module, entry));
            }
            Some(_) | None => remove_file(&file.path()),
        }
    }
    found.sort_by_key(|(modified, ..)| *modified);
    let mut index = Index::default();
    for (_, module, entry) in found {
        index.clock += 1;
        index.bytes += entry.bytes;
        let old = index.entries.insert(module, Entry { used: index.clock, ..entry });
        index.bytes -= old.map_or(0, |old| old.bytes);
    }
    Ok(index)
}

fn parse_name(name: &str) -> Option<(Cid, Entry)> {
    let mut parts = name.split('.');
    let (module, crc, bytes) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next() != Some("cwasm") || parts.next().is_some() {
        return None;
    }
    let crc = u32::from_str_radix(crc, 16).ok()?;
    let entry = Entry { crc, bytes: bytes.parse().ok()?, used: 0 };
    Some((module.parse().ok()?, entry))
}

fn check(path: &Path, entry: &Entry) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut crc = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
        bytes += read as u64;
    }
    if bytes != entry.bytes || crc.finalize() != entry.crc {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong"));
    }
    // The order of use survives a restart through this.
    file.set_modified(SystemTime::now())
}

fn write_whole(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two writers of one module write the same; each needs a name of its own until the rename.
    let partial = dir.join(format!("{:016x}.partial", unique()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        remove_file(&partial);
    }
    written
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    (u64::from(std::process::id()) << 32) | NEXT.fetch_add(1, Ordering::Relaxed)
}

fn remove_file(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file of the module cache stays");
    }
}

fn unusable(dir: &Path, error: &io::Error) -> Failure {
    let message = format!("the module cache {} cannot be used: {error}", dir.display());
    Failure::new(FailureKind::EngineDown, message)
        .with_hint("give gadus a data directory that belongs to its user and has room")
}

#[cfg(test)]
mod tests;
