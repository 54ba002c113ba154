//! npm's judge: a script of ours and the packages that it names, installed once into the cache of
//! this user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use gadus_data::raw_cid;
use gadus_e2e::{root, skip};

const FILES: [&str; 3] = ["package.json", "package-lock.json", "judge.mjs"];

/// The judge; `None` where there is no Node, or no registry to install from, which is said.
pub(super) fn command() -> Option<Command> {
    static INSTALLED: LazyLock<Result<(PathBuf, PathBuf), String>> = LazyLock::new(|| {
        let bin = bin()?;
        Ok((bin.join("node"), installed(&bin)?.join("judge.mjs")))
    });
    match &*INSTALLED {
        Ok((node, script)) => {
            let mut command = Command::new(node);
            command.arg(script);
            Some(command)
        }
        Err(why) => {
            skip("npm's judge of content ids", why);
            None
        }
    }
}

/// A folder with a `node` and an `npm`.
fn bin() -> Result<PathBuf, String> {
    let output = Command::new(root().join("ops/node.sh")).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().into())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// A folder of the files and their packages, named by what is in the files: it never changes.
fn installed(bin: &Path) -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("judge-npm");
    let texts = FILES.map(|name| fs::read(sources.join(name)).unwrap());
    let home = || std::env::var("HOME").map(|home| format!("{home}/.cache/gadus"));
    let cache = PathBuf::from(std::env::var("GADUS_CACHE").or_else(|_| home()).unwrap());
    let kept = cache.join(format!("judge-npm-{}", raw_cid(&texts.concat())));
    if kept.exists() {
        return Ok(kept);
    }
    fs::create_dir_all(&cache).unwrap();
    // Installed aside and moved, so that nobody sees half of it.
    let aside = tempfile::tempdir_in(&cache).unwrap();
    for (name, text) in FILES.iter().zip(texts) {
        fs::write(aside.path().join(name), text).unwrap();
    }
    let mut npm = Command::new(bin.join("npm"));
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
    let path = std::env::var("PATH").unwrap_or_default();
    npm.env("PATH", format!("{}:{path}", bin.display())).current_dir(aside.path());
    let output = npm.output().map_err(|error| format!("no npm: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    // It does not move where another run was faster.
    match fs::rename(aside.path(), &kept) {
        Err(error) if !kept.exists() => Err(error.to_string()),
        _ => Ok(kept),
    }
}
