//! How files and directories become blocks: what decides the CID of a tree beside its content.

use std::fmt;
use std::str::FromStr;

/// A frozen set of rules; two who use the same one come to the same CIDs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `unixfs-v1-2025`: CIDv1, raw leaves of 1 MiB, at most 1024 links a node, a directory becomes
    /// a HAMT when its block would exceed 256 KiB (IPIP-499). Results are always made so.
    #[default]
    V1,
    /// `unixfs-v0-2015`: Kubo's old defaults. CIDv0, DAG-PB leaves of 256 KiB, at most 174 links a
    /// node, a directory becomes a HAMT when its names and CIDs exceed 256 KiB.
    V0,
}

impl Profile {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V0];

    /// Its name, as Kubo and IPIP-499 have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "unixfs-v1-2025",
            Self::V0 => "unixfs-v0-2015",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no profile's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile '{0}'; the profiles are unixfs-v1-2025 and unixfs-v0-2015")]
pub struct UnknownProfile(pub String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let found = Self::ALL.into_iter().find(|profile| profile.as_str() == name);
        found.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

/// What an import is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The rules.
    pub profile: Profile,
    /// Permissions of files and directories are kept (and are part of the CID). As with Kubo's
    /// `--preserve-mode`, leaves are then DAG-PB in every profile.
    pub keep_modes: bool,
}
