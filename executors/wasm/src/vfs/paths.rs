//! From a path to what stands there. A path never leads out of the directory it begins in, be it
//! by `..`, by a slash at its beginning, or through a link.

use super::fault::Fault;
use super::overlay::Overlay;
use super::place::Place;
use super::{LINKS_MAX, NAME_MAX_BYTES, PATH_MAX_BYTES};
use crate::kill::KillSwitch;
use crate::wasi::abi::{Errno, FileType};

/// Names that one path may lead through, those of its links included: each may be a block to read.
const STEPS_MAX: u32 = 4096;

/// Which links at the end of a path are followed; those on the way always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// All.
    All,
    /// Those with a slash behind them: what they lead to is meant.
    BeforeSlash,
    /// None: the name itself is meant, whatever has it.
    None,
}

impl Follow {
    /// As a call's flags have it.
    pub(super) fn asked(follow: bool) -> Self {
        if follow { Self::All } else { Self::BeforeSlash }
    }

    fn follows_last(self, has_slash: bool) -> bool {
        match self {
            Self::All => true,
            Self::BeforeSlash => has_slash,
            Self::None => false,
        }
    }
}

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Found {
    /// The directory that has, or would have, the last name.
    pub(super) dir: Place,
    /// The last name; `.` for a path that leads to the directory itself.
    pub(super) name: String,
    /// What stands there, if anything.
    pub(super) target: Option<Place>,
    /// It ends with a slash: only a directory will do.
    pub(super) wants_dir: bool,
}

impl Found {
    /// What stands there.
    ///
    /// # Errors
    /// `ENOENT`; `ENOTDIR` when only a directory would do.
    pub(super) fn existing(self, overlay: &Overlay) -> Result<Place, Fault> {
        let place = self.target.ok_or(Errno::Noent)?;
        if self.wants_dir && place.kind(overlay)? != FileType::Directory {
            return Err(Errno::Notdir.into());
        }
        Ok(place)
    }

    /// Whether it leads to a directory by no name of its own.
    pub(super) fn is_dot(&self) -> bool {
        self.name == "."
    }
}

/// Follows a path from a directory. A link at its end is followed where `follow` says so.
///
/// # Errors
/// `ENOTCAPABLE` for a way out, `ENOENT` and `ENOTDIR` on the way, `ELOOP`, `ENAMETOOLONG`,
/// `EINVAL`; `Broken` when an input cannot be read, `Killed` when the guest is to end before.
pub(super) fn resolve(
    overlay: &Overlay,
    kill: &KillSwitch,
    base: &Place,
    path: &str,
    follow: Follow,
) -> Result<Found, Fault> {
    check(path)?;
    let (mut rest, mut at) = (path.to_owned(), 0);
    let (mut links_left, mut steps_left) = (LINKS_MAX, STEPS_MAX);
    // From the base down to where we are.
    let mut way = vec![base.clone()];
    loop {
        steps_left = steps_left.checked_sub(1).ok_or(Errno::Loop)?;
        kill.check()?;
        let (name, after) = match rest[at..].split_once('/') {
            Some((name, after)) => (name, Some(after.trim_start_matches('/'))),
            None => (&rest[at..], None),
        };
        let is_last = after.is_none_or(str::is_empty);
        let wants_dir = after.is_some();
        let here = way.last().unwrap_or(base);
        if name == ".." {
            if way.len() < 2 {
                return Err(Errno::Notcapable.into());
            }
            way.pop();
        } else if name != "." {
            let entry = here.entry(overlay, checked(name)?)?;
            let target = match &entry {
                Some(place) => place.target(overlay)?,
                None => None,
            };
            if let Some(target) = target
                && (!is_last || follow.follows_last(wants_dir))
            {
                links_left = links_left.checked_sub(1).ok_or(Errno::Loop)?;
                (rest, at) = (through(target, after)?, 0);
                continue;
            }
            if is_last {
                let (dir, name) = (here.clone(), name.to_owned());
                return Ok(Found { dir, name, target: entry, wants_dir });
            }
            let entry = entry.ok_or(Errno::Noent)?;
            if entry.kind(overlay)? != FileType::Directory {
                return Err(Errno::Notdir.into());
            }
            way.push(entry);
        }
        if is_last {
            let here = way.pop().unwrap_or_else(|| base.clone());
            let target = Some(here.clone());
            return Ok(Found { dir: here, name: ".".to_owned(), target, wants_dir: true });
        }
        at = rest.len() - after.map_or(0, str::len);
    }
}

fn checked(name: &str) -> Result<&str, Fault> {
    if name.len() > NAME_MAX_BYTES { Err(Errno::Nametoolong.into()) } else { Ok(name) }
}

/// The path that is left once a link is followed.
fn through(target: &str, after: Option<&str>) -> Result<String, Fault> {
    check(target)?;
    Ok(match after {
        None => target.to_owned(),
        Some(after) if target.len() + after.len() > 2 * PATH_MAX_BYTES => {
            return Err(Errno::Nametoolong.into());
        }
        Some(after) => format!("{target}/{after}"),
    })
}

/// A path is relative, and neither empty nor longer than any may be.
fn check(path: &str) -> Result<(), Fault> {
    let errno = match path {
        "" => Errno::Noent,
        _ if path.starts_with('/') => Errno::Notcapable,
        _ if path.len() > PATH_MAX_BYTES => Errno::Nametoolong,
        _ if path.contains('\0') => Errno::Inval,
        _ => return Ok(()),
    };
    Err(errno.into())
}
