//! A node's key: made at its first start, and kept.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};
use gadus_model::NodeId;

/// An Ed25519 key pair. What prints of it is the public half.
#[derive(Clone)]
pub struct NodeKey(SigningKey);

/// Why a key file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot {doing} the node key {path}")]
    Io {
        /// `read` or `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is there and is no key. It is left as it is: it names this node to others.
    #[error(
        "{path} is not a node key: it has {bytes} bytes, not {KEY_BYTES}; restore it from a copy, or move it away to become a new node"
    )]
    Damaged {
        /// Where.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// Others may read it.
    #[error("{path} can be read by others (mode {mode:o}); make it private with `chmod 600`")]
    Exposed {
        /// Where.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

const KEY_BYTES: usize = 32;

impl NodeKey {
    /// The key of a secret seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Reads the key file, or makes one with `fresh` as its seed where there is none: mode 0600,
    /// whole or not at all, never over a file that is there.
    ///
    /// # Errors
    /// The file cannot be read or written, is no key, or is not private.
    pub fn load_or_create(path: &Path, fresh: [u8; 32]) -> Result<Self, KeyError> {
        match std::fs::read(path) {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::create(path, fresh),
            Err(source) => Err(KeyError::Io { doing: "read", path: path.to_owned(), source }),
        }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, KeyError> {
        let path = path.to_owned();
        let Ok(seed) = <[u8; KEY_BYTES]>::try_from(bytes) else {
            return Err(KeyError::Damaged { path, bytes: bytes.len() });
        };
        let found = std::fs::metadata(&path);
        let found =
            found.map_err(|source| KeyError::Io { doing: "read", path: path.clone(), source })?;
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path, mode });
        }
        Ok(Self::from_seed(seed))
    }

    fn create(path: &Path, seed: [u8; 32]) -> Result<Self, KeyError> {
        let part = path.with_extension("part");
        let write = || {
            let mut options = std::fs::OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&seed)?;
            file.sync_all()?;
            // A link, not a rename: of two processes that start at once, one fails.
            std::fs::hard_link(&part, path)?;
            std::fs::remove_file(&part)?;
            path.parent().map_or(Ok(()), |dir| std::fs::File::open(dir)?.sync_all())
        };
        write().map_err(|source| KeyError::Io { doing: "write", path: path.to_owned(), source })?;
        Ok(Self::from_seed(seed))
    }

    /// The node that this key makes one.
    #[must_use]
    pub fn id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }

    /// The secret itself, for the transport.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).to_bytes().to_vec()
    }
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NodeKey").field(&self.id()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let first = NodeKey::load_or_create(&path, [7; 32]).unwrap();
        let again = NodeKey::load_or_create(&path, [8; 32]).unwrap();
        assert_eq!(first.id(), again.id());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no part is left");
    }

    #[test]
    fn a_damaged_or_exposed_key_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, b"short").unwrap();
        let damaged = NodeKey::load_or_create(&path, [7; 32]);
        assert!(matches!(damaged, Err(KeyError::Damaged { bytes: 5, .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
        std::fs::write(&path, [1; 32]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = NodeKey::load_or_create(&path, [7; 32]);
        assert!(matches!(exposed, Err(KeyError::Exposed { mode: 0o644, .. })));
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = format!("{:?}", NodeKey::from_seed([9; 32]));
        assert!(text.starts_with("NodeKey(n-") && !text.contains("9, 9"));
    }
}
