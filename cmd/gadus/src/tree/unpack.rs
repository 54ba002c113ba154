//! A tree into a directory, safely: the names and links in the stream are not trusted.
//!
//! Every entry is reached from the destination's own descriptor, name by name, and no symlink is
//! ever followed on the way. So neither `..`, nor an absolute name, nor a link that the stream
//! itself made a moment ago leads out of the destination.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use gadus_ports::tar_blocks::Broken;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, fchmod, mkdirat, openat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::plain;

/// A small tree can name the same large file a million times: with less than this left on the disk,
/// nothing more is written.
const DISK_RESERVE_BYTES: u64 = 64 << 20;
/// Bytes between two looks at what is left.
const LOOK_BYTES: u64 = 64 << 20;
/// The permissions of a directory, where nothing else was kept.
const DIRECTORY_MODE: u32 = 0o755;
/// Bytes of a comment that are read.
const COMMENT_BYTES_MAX: u64 = 64 << 10;

/// Which symlinks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Those that stay inside of the tree.
    Inside,
    /// All.
    All,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// Files.
    pub(crate) files: u64,
    /// Symlinks.
    pub(crate) links: u64,
    /// Bytes of all files.
    pub(crate) bytes: u64,
    /// Symlinks that were not made since they lead outside: how many, and the first.
    pub(crate) links_skipped: u64,
    /// `name -> target` of the first of them.
    pub(crate) first_skipped: Option<String>,
}

/// Writes one tree into a directory.
pub(crate) struct Unpacker {
    /// The directory that the root is made in.
    base: OwnedFd,
    /// What the root is called there, whatever the stream calls it.
    root: OsString,
    overwrite: bool,
    links: Links,
    /// The directory that the last entry was in, with its names below `base`.
    last: Option<(Vec<OsString>, OwnedFd)>,
    /// Directories whose modes are not the usual one: they get them when all is in them.
    modes: Vec<(Vec<OsString>, u32)>,
    done: Unpacked,
    /// Bytes until the disk is looked at.
    unlooked: u64,
}

impl Unpacker {
    /// Will make `root` in the directory `base`.
    ///
    /// # Errors
    /// When `base` cannot be opened.
    pub(crate) fn new(
        base: &Path,
        root: OsString,
        overwrite: bool,
        links: Links,
    ) -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = rustix::fs::open(base, flags, Mode::empty())
            .map_err(|e| Failure::io(format!("open {}", base.display()), &e.into()))?;
        Ok(Self {
            base,
            root,
            overwrite,
            links,
            last: None,
            modes: Vec::new(),
            done: Unpacked::default(),
            unlooked: LOOK_BYTES,
        })
    }

    /// Reads a tar to its end.
    ///
    /// # Errors
    /// For what does not belong in a tree, for names that lead elsewhere or stand there already,
    /// and for what the reader and the disk say. What was written so far stays.
    pub(crate) fn unpack(mut self, tar: impl Read) -> Result<Unpacked, Failure> {
        let mut archive = Archive::new(tar);
        let broken = |e: io::Error| Failure::io("read what the node sent", &e);
        let mut top: Option<OsString> = None;
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            if entry.header().entry_type() == EntryType::XGlobalHeader {
                broke_off(&mut entry)?;
                continue;
            }
            let mut names = names(&entry)?;
            let first = std::mem::replace(&mut names[0], self.root.clone());
            if *top.get_or_insert(first.clone()) != first {
                return Err(hostile(&entry, "the stream has more than one tree"));
            }
            self.entry(&mut entry, &names)?;
        }
        if top.is_none() {
            return Err(Failure::usage("the node sent an empty stream"));
        }
        // What is further down first: a parent may be closed by its mode.
        for (names, mode) in std::mem::take(&mut self.modes).into_iter().rev() {
            fchmod(self.directory(&names)?, Mode::from_raw_mode(mode))
                .map_err(|e| Failure::io(format!("write {}", shown(&names)), &e.into()))?;
        }
        Ok(self.done)
    }

    fn entry<R: Read>(
        &mut self,
        entry: &mut Entry<'_, R>,
        names: &[OsString],
    ) -> Result<(), Failure> {
        let failed = |e: Errno| match e {
            // Nothing was there when it began.
            Errno::EXIST => Failure::usage(format!("cannot write {}", shown(names)))
                .because("the tree has this name twice, or somebody made it meanwhile"),
            e => Failure::io(format!("write {}", shown(names)), &e.into()),
        };
        match entry.header().entry_type() {
            EntryType::Directory => {
                self.directory(names)?;
                let mode = entry.header().mode().unwrap_or(DIRECTORY_MODE) & 0o777;
                if mode != DIRECTORY_MODE {
                    self.modes.push((names.to_vec(), mode));
                }
                Ok(())
            }
            EntryType::Regular | EntryType::Continuous => {
                let (parent, name) = self.parent_of(names)?;
                let mode = entry.header().mode().unwrap_or(0o644) & 0o777;
                let file = self.make(&parent, name, |parent, name| {
                    let flags = OFlags::WRONLY
                        | OFlags::CREATE
                        | OFlags::EXCL
                        | OFlags::NOFOLLOW
                        | OFlags::CLOEXEC;
                    openat(parent, name, flags, Mode::from_raw_mode(mode))
                });
                let file = File::from(file.map_err(failed)?);
                let bytes = copy(entry, file, names, &mut self.unlooked)?;
                self.done.files += 1;
                self.done.bytes += bytes;
                self.last = Some((names[..names.len() - 1].to_vec(), parent));
                Ok(())
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                let target = String::from_utf8_lossy(&target).into_owned();
                if self.links == Links::Inside && leads_outside(names.len() - 1, &target) {
                    self.skip_link(names, &target);
                    return Ok(());
                }
                let (parent, name) = self.parent_of(names)?;
                self.make(&parent, name, |parent, name| symlinkat(&target, parent, name))
                    .map_err(failed)?;
                self.done.links += 1;
                Ok(())
            }
            other => Err(hostile(entry, &format!("it is of type {other:?}, which no tree has"))),
        }
    }

    fn skip_link(&mut self, names: &[OsString], target: &str) {
        self.done.links_skipped += 1;
        let text = || format!("{} -> {}", shown(names), plain(target));
        self.done.first_skipped.get_or_insert_with(text);
    }

    /// Makes something new; where overwriting is wanted, in place of what is there.
    fn make<T>(
        &self,
        parent: &OwnedFd,
        name: &OsString,
        make: impl Fn(&OwnedFd, &OsString) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        match make(parent, name) {
            Err(Errno::EXIST) if self.overwrite => {
                unlinkat(parent, name, AtFlags::empty())?;
                make(parent, name)
            }
            result => result,
        }
    }

    /// The directory that an entry belongs in, and the entry's own name.
    fn parent_of<'a>(&mut self, names: &'a [OsString]) -> Result<(OwnedFd, &'a OsString), Failure> {
        // Names are never empty: the root's is the first.
        let (name, parents) = names.split_last().unwrap_or((&names[0], &[]));
        if let Some((last, fd)) = self.last.take()
            && last == parents
        {
            return Ok((fd, name));
        }
        Ok((self.directory(parents)?, name))
    }

    /// Opens a directory, and makes what is missing on the way.
    fn directory(&self, names: &[OsString]) -> Result<OwnedFd, Failure> {
        let failed = |e: Errno| Failure::io(format!("open {}", shown(names)), &e.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut fd = self.base.try_clone().map_err(|e| Failure::io("open a directory", &e))?;
        for name in names {
            fd = match openat(&fd, name, flags, Mode::empty()) {
                Err(Errno::NOENT) => {
                    mkdirat(&fd, name, Mode::from_raw_mode(DIRECTORY_MODE)).map_err(failed)?;
                    openat(&fd, name, flags, Mode::empty()).map_err(failed)?
                }
                // Without following a symlink, one is no directory.
                Err(Errno::NOTDIR | Errno::LOOP) => return Err(in_the_way(&fd, name, names)),
                other => other.map_err(failed)?,
            };
        }
        Ok(fd)
    }
}

/// A comment on the whole stream: an error when it is the node's, which says why it goes no further.
fn broke_off<R: Read>(entry: &mut Entry<'_, R>) -> Result<(), Failure> {
    let mut records = Vec::new();
    let read = entry.take(COMMENT_BYTES_MAX).read_to_end(&mut records);
    read.map_err(|e| Failure::io("read what the node sent", &e))?;
    let Some(Broken { message, hint }) = Broken::parse(&records) else { return Ok(()) };
    let failure = Failure::new(Exit::Refused, "the node could not send all of it");
    let failure = failure.because(message);
    Err(match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

/// The names of an entry's path; at least one.
fn names<R: Read>(entry: &Entry<'_, R>) -> Result<Vec<OsString>, Failure> {
    let path = entry.path().map_err(|e| Failure::io("read a name that the node sent", &e))?;
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.to_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(hostile(entry, "the name leads out of the tree"));
            }
        }
    }
    if names.is_empty() { Err(hostile(entry, "the name is empty")) } else { Ok(names) }
}

/// Whether a symlink `depth` directories below the root leads out of it. Going up is only trusted
/// at the start of a target: behind a name, it starts from wherever that name leads.
fn leads_outside(depth: usize, target: &str) -> bool {
    // The root is one of those directories, and must not be left; a root that is itself a link
    // leads outside whatever its target is.
    let (mut up, mut down) = (0, false);
    for component in Path::new(target).components() {
        match component {
            Component::RootDir | Component::Prefix(_) => return true,
            Component::ParentDir if down => return true,
            Component::ParentDir => up += 1,
            Component::Normal(_) => down = true,
            Component::CurDir => {}
        }
    }
    depth == 0 || (up > 0 && up >= depth)
}

fn copy(
    from: &mut impl Read,
    mut to: File,
    names: &[OsString],
    unlooked: &mut u64,
) -> Result<u64, Failure> {
    let mut buffer = vec![0; 256 << 10];
    let mut copied = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Failure::io("read what the node sent", &e)),
        };
        to.write_all(&buffer[..read])
            .map_err(|e| Failure::io(format!("write {}", shown(names)), &e))?;
        copied += read as u64;
        *unlooked = unlooked.saturating_sub(read as u64);
        if *unlooked == 0 {
            check_room(&to, names, DISK_RESERVE_BYTES)?;
            *unlooked = LOOK_BYTES;
        }
    }
}

fn check_room(file: &File, names: &[OsString], reserve: u64) -> Result<(), Failure> {
    // A disk that does not say is taken at its word when it is full.
    let Ok(disk) = rustix::fs::fstatvfs(file) else { return Ok(()) };
    if disk.f_blocks == 0 || disk.f_bavail.saturating_mul(disk.f_frsize) >= reserve {
        return Ok(());
    }
    let failure = Failure::usage(format!("stopped at {}", shown(names)));
    Err(failure
        .because(format!("less than {} would be left on the disk", crate::render::bytes(reserve)))
        .hint("make room, or choose another disk with -o; `gadus ls` tells how large it is"))
}

fn in_the_way(parent: &OwnedFd, name: &OsString, names: &[OsString]) -> Failure {
    let is_link = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
    let what = if is_link { "a symlink" } else { "no directory" };
    Failure::usage(format!("cannot write below {}", shown(names))).because(format!(
        "'{}' is {what}, and symlinks are not followed",
        plain(&name.to_string_lossy())
    ))
}

fn hostile<R: Read>(entry: &Entry<'_, R>, why: &str) -> Failure {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    Failure::usage(format!("refused to write '{}'", plain(&name))).because(why)
}

fn shown(names: &[OsString]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
    plain(&names.join("/"))
}

#[cfg(test)]
mod tests;
