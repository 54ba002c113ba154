//! The file that keeps a node's key.
//!
//! ```text
//! gadus node key 1
//! secret 64 hex digits
//! public 64 hex digits
//! ```
//!
//! The public half says nothing new: it shows damage to the secret one, which would otherwise make
//! the node somebody else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::key::NodeKey;

const FIRST_LINE: &str = "gadus node key 1";
/// A key file is far smaller.
const FILE_BYTES_MAX: u64 = 4_096;
/// Permissions of others; a key file has none.
const OTHERS: u32 = 0o077;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system refused.
    #[error("cannot {doing} the key file {path}")]
    Io {
        /// `read`, `create` and so on.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no key file, or not any more.
    #[error(
        "the key file {path} is damaged: {why}; restore it from a backup, or move it away to start \
         as a new node"
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Others can read or write it.
    #[error("the key file {path} is open to other users (mode {mode:03o}); run: chmod 600 {path}")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl NodeKey {
    /// Loads the key of a file, or makes one at the first start: with mode 0600, whole or not at
    /// all, never over another. Of two that start at once, both get the same key.
    ///
    /// # Errors
    /// `Damaged`, `Exposed`, `Io`; an existing file is never touched.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match load(path) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        let key = Self::generate();
        match create(path, &key) {
            Ok(()) => Ok(key),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => load(path),
            Err(source) => Err(KeyFileError::Io { doing: "create", path: path.to_owned(), source }),
        }
    }
}

fn load(path: &Path) -> Result<NodeKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { doing: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
    parse(&bytes)
        .map_err(|why| KeyFileError::Damaged { path: path.to_owned(), why: why.to_owned() })
}

fn parse(bytes: &[u8]) -> Result<NodeKey, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let mut lines = text.split('\n');
    if lines.next() != Some(FIRST_LINE) {
        return Err("it does not begin as a key file does");
    }
    let secret = field(lines.next(), "secret ").ok_or("the secret key is not whole")?;
    let public = field(lines.next(), "public ").ok_or("the public key is not whole")?;
    if (lines.next(), lines.next()) != (Some(""), None) {
        return Err("something follows the keys, or the last line is cut off");
    }
    let key = NodeKey::from_seed(secret);
    if key.id().0 != public {
        return Err("its public and secret keys do not belong together");
    }
    Ok(key)
}

fn field(line: Option<&str>, name: &str) -> Option<[u8; 32]> {
    let digits = line?.strip_prefix(name)?;
    // One form only, so that a changed letter case is damage too.
    if digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    hex::decode(digits).ok()?.try_into().ok()
}

fn text(key: &NodeKey) -> String {
    let (secret, public) = (hex::encode(key.seed()), hex::encode(key.id().0));
    format!("{FIRST_LINE}\nsecret {secret}\npublic {public}\n")
}

/// Writes the whole file beside its place, then links it there, which fails if the place is taken.
fn create(path: &Path, key: &NodeKey) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    let draft = directory.join(format!(".key-{:016x}", rand::random::<u64>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .write_all(text(key).as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    linked?;
    removed?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
