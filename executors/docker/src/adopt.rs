//! Makes what a container left behind readable and removable for a gadus that is not root.
//!
//! The image's user is seldom gadus's, and an ordinary user can neither empty another's directory
//! nor read its private files. The engine can do both for us: an archive put into a container sets
//! the owner and mode of directories that are already there, and an archive taken from it holds
//! what no one else may read. A root gadus needs none of this.

use std::fs::{self, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures::TryStreamExt as _;
use gadus_model::{Failure, FailureKind};
use rustix::process::{getegid, geteuid};
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::engine::Engine;

/// Directories below each other that are opened up: each round opens one more level at least.
const ROUNDS_MAX: usize = 64;
const OPEN: u32 = 0o777;

/// Whether this process needs it.
pub(crate) fn is_needed() -> bool {
    !geteuid().is_root()
}

/// A directory of ours and where the container had it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
}

/// Opens all directories. Afterwards the tree can be walked and removed. The container must have
/// ended.
///
/// # Errors
/// What the engine says; `Internal`.
pub(crate) async fn directories(
    engine: &Engine,
    container: &str,
    places: &[Place],
) -> Result<(), Failure> {
    let docker = engine.client().await?;
    for place in places {
        for _ in 0..ROUNDS_MAX {
            let host = place.host.clone();
            let archive = blocking(move || {
                let closed = closed_directories(&host)?;
                if closed.is_empty() { Ok(None) } else { archive_of(&closed).map(Some) }
            });
            let Some(archive) = archive.await.map_err(|e| failure(&place.host, &e))? else { break };
            let options = UploadToContainerOptionsBuilder::default().path(&place.guest).build();
            let body = bollard::body_full(archive.into());
            docker
                .upload_to_container(container, Some(options), body)
                .await
                .map_err(|e| engine.failure("open the job's directories", &e))?;
        }
    }
    Ok(())
}

/// Replaces each file that we may not read by a copy that we may. Directories must be open.
///
/// # Errors
/// Likewise.
pub(crate) async fn files(
    engine: &Engine,
    container: &str,
    places: &[Place],
) -> Result<(), Failure> {
    let docker = engine.client().await?;
    for place in places {
        let host = place.host.clone();
        let private = blocking(move || private_files(&host)).await;
        for relative in private.map_err(|e| failure(&place.host, &e))? {
            let guest = format!("{}/{}", place.guest.trim_end_matches('/'), relative.display());
            copy_out(&docker, container, guest, place.host.join(&relative))
                .await
                .map_err(|e| failure(&place.host.join(&relative), &e))?;
        }
    }
    Ok(())
}

async fn copy_out(
    docker: &Docker,
    container: &str,
    guest: String,
    host: PathBuf,
) -> io::Result<()> {
    let options = DownloadFromContainerOptionsBuilder::default().path(&guest).build();
    let bytes = docker.download_from_container(container, Some(options)).map_err(io::Error::other);
    let reader = SyncIoBridge::new(StreamReader::new(Box::pin(bytes)));
    blocking(move || {
        let mut archive = tar::Archive::new(reader);
        let entry = archive.entries()?.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let size = entry.size();
        let parent = host.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let copy = parent.join(format!(".gadus-{}", uuid::Uuid::new_v4()));
        let mut file = fs::File::create_new(&copy)?;
        io::copy(&mut entry.take(size), &mut file)?;
        fs::rename(&copy, &host)
    })
    .await
}

/// Directories in which we could not remove something, relative to the root, as far as one can
/// see: what lies below a closed one shows in the next round.
fn closed_directories(root: &Path) -> io::Result<Vec<PathBuf>> {
    let me = geteuid().as_raw();
    let mut closed = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(relative) = todo.pop() {
        let path = root.join(&relative);
        let meta = fs::symlink_metadata(&path)?;
        if meta.uid() == me && meta.mode() & 0o700 != 0o700 {
            fs::set_permissions(&path, Permissions::from_mode(0o700))?;
        }
        if meta.uid() != me && (meta.mode() & 0o007 != 0o007 || meta.mode() & 0o1000 != 0) {
            closed.push(relative.clone());
        }
        match fs::read_dir(&path) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry?;
                    // In a directory that may be listed and not entered, nothing more is known.
                    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        todo.push(relative.join(entry.file_name()));
                    }
                }
            }
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {}
            Err(e) => return Err(e),
        }
    }
    Ok(closed)
}

/// Regular files that we may not read.
fn private_files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let me = geteuid().as_raw();
    let mut private = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(relative) = todo.pop() {
        for entry in fs::read_dir(root.join(&relative))? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let name = relative.join(entry.file_name());
            if meta.is_dir() {
                todo.push(name);
            } else if meta.is_file() && meta.uid() != me && meta.mode() & 0o004 == 0 {
                private.push(name);
            } else if meta.is_file() && meta.uid() == me && meta.mode() & 0o400 == 0 {
                fs::set_permissions(entry.path(), Permissions::from_mode(0o600))?;
            }
        }
    }
    Ok(private)
}

/// An archive that holds nothing but directories, ours and open.
fn archive_of(directories: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for directory in directories {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        header.set_mode(OPEN);
        header.set_uid(geteuid().as_raw().into());
        header.set_gid(getegid().as_raw().into());
        archive.append_data(&mut header, Path::new(".").join(directory), io::empty())?;
    }
    archive.into_inner()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot take over what the job wrote at {}: {error}", path.display());
    Failure::new(FailureKind::Internal, what)
}
