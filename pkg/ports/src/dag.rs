//! What is asked of trees as blocks: where a path leads, and parts of a tree as a CAR.

use gadus_model::Cid;

use crate::content::EntryKind;

/// Where a path leads, block by block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The root, then for each name the block that it leads to; shards of a directory between them
    /// do not count.
    pub roots: Vec<Cid>,
    /// What stands at the end: the last of the roots.
    pub cid: Cid,
    /// What it is; [`EntryKind::Unknown`] for what is no UnixFS.
    pub kind: EntryKind,
    /// Names that lead to a place within the last block (DAG-CBOR, DAG-JSON), not to a block of
    /// its own.
    pub inside: Vec<String>,
}

/// Which blocks of a tree a CAR has, besides those on the way to it
/// (<https://specs.ipfs.tech/http-gateways/trustless-gateway/>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarPart {
    /// How much of what stands at the path.
    pub scope: Scope,
    /// Of a file, under [`Scope::Entity`], the bytes whose blocks are wanted.
    pub bytes: EntityBytes,
    /// Blocks that are met again are sent again.
    pub dups: bool,
}

/// How much of what stands at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Its first block.
    Block,
    /// A file with all its blocks, a directory with those of its list, another node alone.
    Entity,
    /// Everything below it.
    #[default]
    All,
}

/// A range of a file, both ends included. Negative ends count from the end of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntityBytes {
    /// The first byte.
    pub from: i64,
    /// The last one; none for all that follows.
    pub to: Option<i64>,
}

impl EntityBytes {
    /// Of a file of some size: where it begins, and where it ends (excluded).
    #[must_use]
    pub fn of(self, size: u64) -> (u64, u64) {
        let place = |end: i64| match end {
            0.. => end.unsigned_abs(),
            _ => size.saturating_sub(end.unsigned_abs()),
        };
        let end = match self.to {
            None => size,
            // Before the file there is no last byte.
            Some(to) if to < 0 && to.unsigned_abs() > size => 0,
            Some(to) => place(to).saturating_add(1).min(size),
        };
        (place(self.from).min(end), end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        let cases = [
            ((0, None), (0, 10)),
            ((3, Some(5)), (3, 6)),
            ((3, Some(3)), (3, 4)),
            ((0, Some(i64::MAX)), (0, 10)),
            ((-4, None), (6, 10)),
            ((-99, None), (0, 10)),
            ((-99, Some(-3)), (0, 8)),
            ((2, Some(-3)), (2, 8)),
            ((0, Some(-99)), (0, 0)),
            ((12, None), (10, 10)),
            ((5, Some(2)), (3, 3)),
            ((i64::MIN, Some(i64::MIN)), (0, 0)),
        ];
        for ((from, to), expected) in cases {
            assert_eq!(EntityBytes { from, to }.of(10), expected, "{from} to {to:?}");
        }
    }
}
