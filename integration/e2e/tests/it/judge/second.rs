//! A second opinion: where boxo and we had the same mistake, npm's importer would hardly have it too.
//!
//! Its judge leaves modes out, and says why.

use gadus_ports::{Layout, Profile};

use super::asked::Whose;
use super::tree::Tree;
use super::{BLOCK_BYTES_MAX, hold_to, seeds};

/// Each profile in turn.
fn any(seed: u64) -> Layout {
    let profile = if seed.is_multiple_of(2) { Profile::V1 } else { Profile::V0 };
    Layout { profile, keep_modes: false }
}

#[test]
fn random_trees() {
    let test = "second::random_trees";
    hold_to(Whose::Npm, seeds(300), test, any, |_, rng| (Tree::random(rng), None));
}

/// Where each profile's own count comes to as much as it may, a byte or two less, or more.
#[test]
fn directories_around_the_size_where_they_become_hamts() {
    let test = "second::directories_around_the_size_where_they_become_hamts";
    hold_to(Whose::Npm, seeds(10), test, any, |seed, rng| {
        let bytes = BLOCK_BYTES_MAX - 2 + usize::try_from(seed % 5).unwrap();
        let kind = if bytes > BLOCK_BYTES_MAX { "hamt-shard" } else { "directory" };
        let tree = match any(seed).profile {
            Profile::V1 => Tree::directory_of(rng, bytes),
            Profile::V0 => Tree::directory_of_names(rng, bytes),
        };
        (tree, Some(kind))
    });
}

#[test]
fn hamts_of_several_levels() {
    hold_to(Whose::Npm, seeds(2), "second::hamts_of_several_levels", any, |_, rng| {
        (Tree::wide(rng, 6_000), Some("hamt-shard"))
    });
}
