//! Random histories, with restarts, kills and lost indexes, against a model of a few lines.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(u8),
    Quarantine(u8, u8),
    Promote(u8),
    Discard(u8),
    Pin(u8),
    Unpin(u8),
    Collect,
    Check,
    Flush,
    Restart,
    LoseIndex,
}

fn step() -> impl Strategy<Value = Step> {
    let (block, space) = (0..8_u8, 0..3_u8);
    prop_oneof![
        block.clone().prop_map(Step::Put),
        (space.clone(), block.clone()).prop_map(|(space, block)| Step::Quarantine(space, block)),
        space.clone().prop_map(Step::Promote),
        space.prop_map(Step::Discard),
        block.clone().prop_map(Step::Pin),
        block.prop_map(Step::Unpin),
        Just(Step::Collect),
        Just(Step::Check),
        Just(Step::Flush),
        Just(Step::Restart),
        Just(Step::LoseIndex),
    ]
}

#[derive(Default)]
struct Model {
    public: BTreeSet<u8>,
    quarantined: BTreeMap<u8, BTreeSet<u8>>,
    pins: BTreeSet<(Cid, PinReason)>,
    /// Collected: a lost index may find them again.
    ghosts: BTreeSet<u8>,
}

/// A store with small packs, of which nearly all are worth emptying.
fn sparing(dir: &Path) -> Store {
    let config = ContentConfig { pack_bytes_max: 24 << 10, gc_live_percent_max: 95, ..config() };
    Store::open(dir, &config).unwrap()
}

/// Blocks of several sizes: some outgrow a session's memory.
fn sized(nth: u8) -> (Cid, Bytes) {
    let bytes = vec![nth; 1 + usize::from(nth % 4) * 5_000];
    (raw_cid(&bytes), Bytes::from(bytes))
}

impl Model {
    fn space(&mut self, space: u8) -> BTreeSet<u8> {
        self.quarantined.remove(&space).unwrap_or_default()
    }

    fn see_ghosts(&mut self, store: &Store) {
        let seen = |nth: &u8| store.has(&sized(*nth).0);
        let seen: Vec<u8> = self.ghosts.iter().copied().filter(seen).collect();
        self.public.extend(seen);
    }

    fn check(&self, store: &Store) {
        for nth in 0..8 {
            let (cid, bytes) = sized(nth);
            let is_public = self.public.contains(&nth);
            assert_eq!(store.has(&cid), is_public, "block {nth}");
            assert_eq!(store.get(&cid, None).unwrap(), is_public.then(|| bytes.clone()));
            for space in 0..3 {
                let is_here = is_public
                    || self.quarantined.get(&space).is_some_and(|blocks| blocks.contains(&nth));
                let found = store.get(&cid, Some(namespace(space.into()))).unwrap();
                assert_eq!(found, is_here.then(|| bytes.clone()), "block {nth} of {space}");
            }
        }
        assert_eq!(store.pins().unwrap(), self.pins.iter().cloned().collect::<Vec<_>>());
    }
}

async fn apply(store: &Arc<Store>, model: &mut Model, step: Step) {
    match step {
        Step::Put(nth) => {
            store.put_verified(vec![sized(nth)]).await.unwrap();
            model.public.insert(nth);
        }
        Step::Quarantine(space, nth) => {
            let session = store.session(Some(namespace(space.into())));
            let (cid, bytes) = sized(nth);
            session.put(&cid, &bytes).unwrap();
            tokio::task::spawn_blocking(move || session.commit(None)).await.unwrap().unwrap();
            if !model.public.contains(&nth) {
                model.quarantined.entry(space).or_default().insert(nth);
            }
        }
        Step::Promote(space) => {
            let id = namespace(space.into());
            store.promote(id, sized(0).0, &PinReason::Result(id)).await.unwrap();
            let blocks = model.space(space);
            model.public.extend(blocks);
            model.pins.insert((sized(0).0, PinReason::Result(id)));
        }
        Step::Discard(space) => {
            store.discard(namespace(space.into())).await.unwrap();
            model.space(space);
        }
        Step::Pin(nth) => {
            store.pin(sized(nth).0, &PinReason::User).await.unwrap();
            model.pins.insert((sized(nth).0, PinReason::User));
        }
        Step::Unpin(nth) => {
            store.release(sized(nth).0, &PinReason::User).await.unwrap();
            model.pins.remove(&(sized(nth).0, PinReason::User));
        }
        Step::Collect => {
            collect(store).await;
            let is_kept = |nth: &u8| model.pins.iter().any(|(root, _)| *root == sized(*nth).0);
            let gone: Vec<u8> = model.public.iter().copied().filter(|nth| !is_kept(nth)).collect();
            model.public.retain(is_kept);
            model.ghosts.extend(gone);
        }
        Step::Check => {
            let found = store.check(false).unwrap();
            assert_eq!((found.bad, found.named), (0, Vec::new()));
        }
        Step::Flush => store.inner.flush().unwrap(),
        Step::Restart | Step::LoseIndex => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_is_its_model(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut dir = dir();
            let mut store = Arc::new(sparing(dir.path()));
            let mut model = Model::default();
            for step in steps {
                apply(&store, &mut model, step).await;
                if matches!(step, Step::Restart | Step::LoseIndex) {
                    // Killed: the copy has what was written, synced or not, and no last flush.
                    let next = super::dir();
                    copy_dir(dir.path(), next.path());
                    drop(store);
                    if matches!(step, Step::LoseIndex) {
                        std::fs::remove_file(next.path().join("index.redb")).unwrap();
                    }
                    dir = next;
                    let used = Store::open(dir.path(), &config()).unwrap().used_bytes();
                    store = Arc::new(sparing(dir.path()));
                    assert_eq!(store.used_bytes(), used);
                    if matches!(step, Step::LoseIndex) {
                        model.see_ghosts(&store);
                    }
                }
                model.check(&store);
                check_accounts(&store);
            }
        });
    }
}
