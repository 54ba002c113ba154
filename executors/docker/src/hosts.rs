//! The hosts file of a container without a network, which the engine leaves empty.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gadus_model::{Failure, FailureKind};

/// What a container takes itself for.
pub(crate) const HOSTNAME: &str = "gadus";
/// Where it looks names up.
pub(crate) const GUEST: &str = "/etc/hosts";

const TEXT: &str = "127.0.0.1\tlocalhost gadus\n::1\tlocalhost ip6-localhost ip6-loopback\n";
/// Whoever the image's user is reads it; nobody else can enter the directory above.
const READABLE: u32 = 0o644;

/// Where it is on this side.
pub(crate) fn file(scratch: &Path) -> PathBuf {
    scratch.join("hosts")
}

/// Writes it, unless it is there: a container that still runs may have it mounted.
///
/// # Errors
/// `DiskFull`, `Internal`.
pub(crate) fn write(scratch: &Path) -> Result<(), Failure> {
    let file = file(scratch);
    write_one(&file).map_err(|error| {
        let full =
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let kind = if full { FailureKind::DiskFull } else { FailureKind::Internal };
        Failure::new(kind, format!("cannot write the hosts file {}: {error}", file.display()))
    })
}

fn write_one(file: &Path) -> io::Result<()> {
    if fs::read(file).is_ok_and(|text| text == TEXT.as_bytes()) {
        return Ok(());
    }
    fs::create_dir_all(file.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    fs::write(file, TEXT)?;
    fs::set_permissions(file, Permissions::from_mode(READABLE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_once_and_everybody_may_read_it() {
        let tmp = tempfile::tempdir().unwrap();
        let scratch = tmp.path().join("execution");
        write(&scratch).unwrap();
        let written = fs::metadata(file(&scratch)).unwrap();
        assert_eq!(written.permissions().mode() & 0o777, READABLE);
        write(&scratch).unwrap();
        let again = fs::metadata(file(&scratch)).unwrap();
        assert_eq!(written.modified().unwrap(), again.modified().unwrap());
        fs::write(file(&scratch), "127").unwrap();
        write(&scratch).unwrap();
        assert_eq!(fs::read_to_string(file(&scratch)).unwrap(), TEXT);
        assert!(TEXT.contains(HOSTNAME));
    }

    #[test]
    fn a_scratch_that_cannot_be_made_is_named() {
        let failure = write(Path::new("/proc/none")).unwrap_err();
        assert!(failure.message.contains("/proc/none/hosts"), "{failure}");
    }
}
