//! The result of a task as a directory.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gadus_model::Cid;
use gadus_ports::Content;

use crate::failure::Failure;
use crate::upload::blocking;
use crate::workbench::{Workbench, unreadable};

/// Whether nothing is there yet: seen before the task runs, which may take long.
pub(super) fn is_free(dir: &Path) -> Result<(), Failure> {
    match dir.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::io(format!("read {}", dir.display()), &e)),
        Ok(_) => Err(Failure::usage(format!("{} is there already", dir.display()))
            .hint("name another directory with -o")),
    }
}

/// Writes a result.
pub(super) async fn write(bench: &Workbench, result: Cid, dir: &Path) -> Result<(), Failure> {
    let written = bench.content().materialise(result, dir.to_owned()).await;
    written.map_err(|e| unreadable(format!("the result to write {}", dir.display()), &e))?;
    let dir = dir.to_owned();
    blocking(move || {
        writable(&dir).map_err(|e| Failure::io(format!("write {}", dir.display()), &e))
    })
    .await
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
