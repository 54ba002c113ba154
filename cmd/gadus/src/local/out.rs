//! The result of a task as a directory.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gadus_model::Cid;
use gadus_ports::Content;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::upload::blocking;
use crate::workbench::Workbench;

/// Whether nothing is there yet: seen before the task runs, which may take long.
pub(super) fn is_free(dir: &Path) -> Result<(), Failure> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent
        && !parent.is_dir()
    {
        return Err(Failure::usage(format!("there is no directory {}", parent.display()))
            .hint("make it first, or name another with -o"));
    }
    match dir.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::io(format!("read {}", dir.display()), &e)),
        Ok(_) => Err(Failure::usage(format!("{} is there already", dir.display()))
            .hint("name another directory with -o")),
    }
}

/// Writes a result.
pub(super) async fn write(bench: &Workbench, result: Cid, dir: &Path) -> Result<(), Failure> {
    let writing = async {
        let written = bench.content().materialise(result, dir.to_owned()).await;
        written.map_err(|e| {
            Failure::usage(format!("failed to write {}", dir.display())).because(e.to_string())
        })?;
        let dir = dir.to_owned();
        blocking(move || {
            writable(&dir).map_err(|e| Failure::io(format!("write {}", dir.display()), &e))
        })
        .await
    };
    tokio::select! {
        written = writing => written,
        Ok(()) = interrupted() => {
            let failure = Failure::new(Exit::Interrupted, "it was interrupted");
            Err(failure.because(format!("{} has a part of the result", dir.display())))
        }
    }
}

/// Inputs are written so that nobody changes them; a result is its owner's.
fn writable(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            writable(&entry.path())?;
        } else if kind.is_file() {
            let mode = entry.metadata()?.permissions().mode() & 0o777;
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode | 0o200))?;
        }
    }
    Ok(())
}
