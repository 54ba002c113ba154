//! The directories that a job writes into.
//!
//! Whoever the image's user is, it must be able to write: so each is open to everybody, and safe
//! because nobody but gadus can enter the directory above. That also keeps what a job leaves there,
//! programs with setuid bits say, out of everybody's reach.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gadus_model::{Failure, FailureKind};
use gadus_ports::OutputDir;

const CLOSED: u32 = 0o700;
const OPEN: u32 = 0o777;

/// Makes output directories that are not there yet, and closes the ones above them.
///
/// # Errors
/// `DiskFull`, `Internal`.
pub(crate) fn make(outputs: &[OutputDir]) -> Result<(), Failure> {
    outputs.iter().try_for_each(|output| {
        make_one(&output.host).map_err(|e| failure("make", &output.host, &e))
    })
}

fn make_one(dir: &Path) -> io::Result<()> {
    let parent = dir.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(parent)?;
    fs::set_permissions(parent, Permissions::from_mode(CLOSED))?;
    match fs::create_dir(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        Ok(()) | Err(_) => {}
    }
    if !fs::symlink_metadata(dir)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    fs::set_permissions(dir, Permissions::from_mode(OPEN))
}

/// Empties them: an earlier run whose container is gone may have left something.
///
/// # Errors
/// `Internal`.
pub(crate) fn clear(outputs: &[OutputDir]) -> Result<(), Failure> {
    outputs.iter().try_for_each(|output| {
        clear_one(&output.host).map_err(|e| failure("empty", &output.host, &e))
    })
}

fn clear_one(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn failure(doing: &str, dir: &Path, error: &io::Error) -> Failure {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if full { FailureKind::DiskFull } else { FailureKind::Internal };
    Failure::new(kind, format!("cannot {doing} the output directory {}: {error}", dir.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn everybody_may_write_and_nobody_may_enter() {
        let tmp = tempfile::tempdir().unwrap();
        let host = tmp.path().join("execution/outputs");
        let outputs = [OutputDir { name: "o".into(), host: host.clone(), guest: "/o".into() }];
        make(&outputs).unwrap();
        assert_eq!((mode(&host), mode(host.parent().unwrap())), (0o777, 0o700));
        fs::create_dir(host.join("left")).unwrap();
        fs::write(host.join("left/over"), "x").unwrap();
        std::os::unix::fs::symlink("/etc", host.join("link")).unwrap();
        make(&outputs).unwrap();
        assert!(host.join("left/over").exists(), "a run that goes on keeps what it has written");
        clear(&outputs).unwrap();
        assert_eq!(fs::read_dir(&host).unwrap().count(), 0);
        assert!(Path::new("/etc").exists());
    }

    #[test]
    fn a_link_in_the_place_of_an_output_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let host = tmp.path().join("outputs");
        std::os::unix::fs::symlink("/etc", &host).unwrap();
        let outputs = [OutputDir { name: "o".into(), host, guest: "/o".into() }];
        assert_eq!(make(&outputs).unwrap_err().kind, FailureKind::Internal);
    }
}
