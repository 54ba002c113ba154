//! A real Kubo, where `KUBO_BIN` names one: `ipfs add` says what it gives.

use std::path::{Path, PathBuf};

use gadus_e2e::KuboProgram;
use gadus_ports::{Layout, Profile};
use tempfile::TempDir;

use super::asked::{Verdict, Whose};
use super::tree::Tree;
use super::{any, hold_to, newest, scratch, seeds};

/// A Kubo with a repository for each profile.
pub(super) struct Kubo {
    program: KuboProgram,
    dir: TempDir,
    asked: Option<(PathBuf, Layout)>,
}

impl Kubo {
    pub(super) fn start() -> Option<Self> {
        let program = KuboProgram::named()?;
        let kubo = Self { program, dir: tempfile::tempdir_in(scratch()).unwrap(), asked: None };
        for profile in [Profile::V1, Profile::V0] {
            kubo.program.make_repo(&kubo.repo(profile), &[profile.as_str()]);
        }
        Some(kubo)
    }

    pub(super) fn ask(&mut self, path: &Path, layout: Layout) {
        self.asked = Some((path.to_owned(), layout));
    }

    pub(super) fn answer(&mut self) -> Verdict {
        let (path, layout) = self.asked.take().unwrap();
        let mut args = vec!["add", "--quieter", "--recursive", "--hidden"];
        args.extend(match layout.keep_modes {
            // The newer profile would have raw leaves otherwise, which have no room for a mode; and
            // where it keeps modes, it reads back what it has stored.
            true => ["--preserve-mode", "--raw-leaves=false", "--pin=false"].as_slice(),
            false => &["--only-hash"],
        });
        args.extend(["--", path.to_str().unwrap()]);
        Verdict::of(self.program.run(&self.repo(layout.profile), &args).trim())
    }

    fn repo(&self, profile: Profile) -> PathBuf {
        self.dir.path().join(profile.as_str())
    }
}

#[test]
fn random_trees() {
    hold_to(Whose::Kubo, seeds(300), "kubo::random_trees", any, |_, rng| (Tree::random(rng), None));
}

#[test]
fn hamts() {
    hold_to(Whose::Kubo, seeds(4), "kubo::hamts", any, |_, rng| (Tree::wide(rng, 9_000), None));
}

#[test]
fn directories_around_the_size_where_they_become_hamts() {
    let test = "kubo::directories_around_the_size_where_they_become_hamts";
    hold_to(Whose::Kubo, seeds(5), test, newest, |seed, rng| {
        let bytes = super::BLOCK_BYTES_MAX - 2 + usize::try_from(seed % 5).unwrap();
        (Tree::directory_of(rng, bytes), None)
    });
    let old = |_| Layout { profile: Profile::V0, keep_modes: false };
    hold_to(Whose::Kubo, seeds(5), test, old, |seed, rng| {
        let bytes = super::BLOCK_BYTES_MAX - 2 + usize::try_from(seed % 5).unwrap();
        (Tree::directory_of_names(rng, bytes), None)
    });
}
