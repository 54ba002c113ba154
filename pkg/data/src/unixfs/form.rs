//! What a layout comes to: the numbers and forms of its blocks.

use gadus_model::Cid;
use gadus_ports::{Layout, Profile};

use super::node::{Link, link_bytes};
use crate::block::dag_pb_cid;

/// Bytes of a directory, counted as the profile counts them; a larger one becomes a HAMT.
const DIRECTORY_BYTES_MAX: usize = 256 << 10;

/// How blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    profile: Profile,
    /// Permissions go into files and directories.
    pub(crate) keep_modes: bool,
}

impl From<Layout> for Form {
    fn from(Layout { profile, keep_modes }: Layout) -> Self {
        Self { profile, keep_modes }
    }
}

impl Form {
    /// Bytes of a leaf.
    pub(crate) fn chunk_bytes(self) -> usize {
        match self.profile {
            Profile::V1 => 1 << 20,
            Profile::V0 => 256 << 10,
        }
    }

    /// Links of a file's node.
    pub(crate) fn links_max(self) -> usize {
        match self.profile {
            Profile::V1 => 1024,
            Profile::V0 => 174,
        }
    }

    /// Whether leaves are bytes and nothing else. What has a mode is a node.
    pub(crate) fn has_raw_leaves(self) -> bool {
        self.profile == Profile::V1 && !self.keep_modes
    }

    /// The CID of a node.
    pub(crate) fn cid(self, block: &[u8]) -> Cid {
        let cid = dag_pb_cid(block);
        match self.profile {
            Profile::V1 => cid,
            // Only another hash function could be in the way.
            Profile::V0 => Cid::new_v0(*cid.hash()).unwrap_or(cid),
        }
    }

    /// Whether a directory of these entries, and of a message of so many bytes, is a HAMT.
    pub(crate) fn is_hamt(self, entries: &[Link], message_bytes: usize) -> bool {
        let bytes: usize = match self.profile {
            Profile::V1 => message_bytes + entries.iter().map(link_bytes).sum::<usize>(),
            Profile::V0 => entries.iter().map(|e| e.name.len() + e.cid.encoded_len()).sum(),
        };
        bytes > DIRECTORY_BYTES_MAX
    }

    /// A mode as it is kept: of no use when it says nothing, as Kubo has it.
    pub(crate) fn mode(self, mode: Option<u32>) -> Option<u32> {
        mode.filter(|mode| self.keep_modes && *mode != 0)
    }
}
