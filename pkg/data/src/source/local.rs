//! Files and directories of the node's own machine. Only what lies in a directory that the
//! operator has allowed: whoever submits a job is not whoever owns the machine.

use std::path::{Path, PathBuf};

use gadus_ports::{ContentError, Layout, Pinned, SourceError};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, openat, openat2, statat};

use super::{SourceConfig, stored};
use crate::EmbeddedContent;
use crate::error::io_error;

/// Imports what is at a path.
pub(super) async fn pin(
    content: &EmbeddedContent,
    config: &SourceConfig,
    path: &Path,
) -> Result<Pinned, SourceError> {
    let origin = format!("file://{}", path.display());
    let Some((base, below)) = allowed(config, path) else {
        return Err(SourceError::Refused {
            origin,
            why: "it lies in no directory that jobs may read".to_owned(),
            hint: "add it with `gadus add`, or have the operator name its directory in \
                   sources.allow_paths"
                .to_owned(),
        });
    };
    let name = below.file_name().or_else(|| base.file_name());
    let name = name.and_then(|name| name.to_str()).map(str::to_owned);
    match import(content, base, below).await {
        Ok(imported) => {
            Ok(Pinned { cid: imported.root, name, bytes: imported.bytes, files: imported.files })
        }
        Err(ContentError::Io { source, .. }) => {
            Err(SourceError::Wrong { origin, why: source.to_string() })
        }
        Err(error @ (ContentError::Malformed { .. } | ContentError::UnsafeName { .. })) => {
            Err(SourceError::Wrong { origin, why: error.to_string() })
        }
        Err(error) => Err(stored(&origin, error)),
    }
}

/// The directory that allows a path, and the path below it.
fn allowed(config: &SourceConfig, path: &Path) -> Option<(PathBuf, PathBuf)> {
    config.allow_paths.iter().find_map(|base| {
        let below = path.strip_prefix(base).ok()?;
        // What is not plain is for the kernel to judge; `..` need not come so far.
        let is_plain = below.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        is_plain.then(|| (base.clone(), below.to_owned()))
    })
}

/// No link is followed below the allowed directory, whoever makes one meanwhile.
async fn import(
    content: &EmbeddedContent,
    base: PathBuf,
    below: PathBuf,
) -> Result<gadus_ports::Imported, ContentError> {
    let Some((parent, name)) = below.parent().zip(below.file_name()) else {
        return content.import_path(base, Layout::default()).await;
    };
    let shown = base.join(&below).display().to_string();
    let failed = |errno| io_error(format!("opening {shown}"), errno);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut dir = openat(CWD, &base, flags, Mode::empty()).map_err(failed)?;
    if !parent.as_os_str().is_empty() {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        dir = openat2(&dir, parent, flags, Mode::empty(), beneath).map_err(failed)?;
    }
    let found = statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
        return Err(failed(rustix::io::Errno::LOOP));
    }
    content.import_at(dir, name.into(), Layout::default()).await
}
