//! Pythons with packages from PyPI in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use gadus_e2e::skip;

/// A Python with some packages, installed once into the cache of this user under a name; skips
/// where that cannot be.
pub(crate) fn python(about: &str, name: &str, packages: &[&str]) -> Option<PathBuf> {
    let home = || std::env::var("HOME").map(|home| format!("{home}/.cache/gadus"));
    let cache = std::env::var("GADUS_CACHE").or_else(|_| home()).unwrap();
    let venv = Path::new(&cache).join(name);
    let python = venv.join("bin/python");
    let is_whole = venv.join("is-whole");
    if is_whole.exists() {
        return Some(python);
    }
    let made =
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).and_then(|()| {
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
            run(Command::new(&python).args(pip).args(packages))
        });
    match made {
        Ok(()) => {
            std::fs::write(is_whole, "").unwrap();
            Some(python)
        }
        Err(why) => {
            skip(about, &why);
            None
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("no python3: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(said.lines().last().unwrap_or("it ends without a word").to_owned())
}
