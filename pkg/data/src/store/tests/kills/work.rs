//! What the process does that is killed, and its journal: what it was told, and what it began.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use gadus_model::Cid;
use gadus_ports::PinReason;
use parking_lot::Mutex;

use super::super::*;
use crate::block::dag_pb_cid;
use crate::unixfs::node::{Link, encode};

/// Writers at a time.
const WRITERS: u64 = 3;

/// Something that is kept: its kind, and a number from which its bytes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    pub(super) kind: char,
    pub(super) number: u64,
}

impl Thing {
    /// `s`mall: one block. `t`ree: leaves, some of them large, and a root. `q`uarantined and
    /// `r`esult: the same in a namespace, before and after its promotion.
    pub(super) fn blocks(self) -> Vec<(Cid, Vec<u8>)> {
        let leaf = |nth: u64, bytes: usize| {
            let mut leaf = vec![0; bytes];
            leaf[..8].copy_from_slice(&(self.number * 100 + nth).to_le_bytes());
            (raw_cid(&leaf), leaf)
        };
        let size = |nth: u64| if (self.number + nth).is_multiple_of(5) { 70 << 10 } else { 900 };
        if self.kind == 's' {
            return vec![leaf(0, 300)];
        }
        let mut blocks: Vec<_> = (0..1 + self.number % 7).map(|nth| leaf(nth, size(nth))).collect();
        // Shared with others.
        let shared = format!("shared {}", self.number % 4).into_bytes();
        blocks.push((raw_cid(&shared), shared));
        let link = |(cid, _): &(Cid, Vec<u8>)| Link { cid: *cid, name: String::new(), size: 0 };
        let links: Vec<_> = blocks.iter().map(link).collect();
        let root = encode(links.iter(), &self.number.to_le_bytes());
        blocks.push((dag_pb_cid(&root), root));
        blocks
    }

    pub(super) fn root(self) -> Cid {
        self.blocks().pop().unwrap().0
    }

    pub(super) fn namespace(self) -> NamespaceId {
        namespace(u128::from(self.number))
    }

    pub(super) fn reason(self) -> PinReason {
        match self.kind {
            'r' => PinReason::Result(self.namespace()),
            _ => PinReason::User,
        }
    }
}

/// A file of lines: `+ KIND NUMBER` was acknowledged, `- KIND NUMBER` is about to go.
pub(super) struct Journal(Mutex<File>);

impl Journal {
    pub(super) fn open(dir: &Path) -> Self {
        let file = File::options().create(true).append(true).open(dir.join("journal"));
        Self(Mutex::new(file.unwrap()))
    }

    pub(super) fn note(&self, sign: char, thing: Thing) {
        let line = format!("{sign} {} {}\n", thing.kind, thing.number);
        self.0.lock().write_all(line.as_bytes()).unwrap();
    }

    /// What must be there.
    pub(super) fn kept(dir: &Path) -> Vec<Thing> {
        let mut kept = BTreeMap::new();
        for line in std::fs::read_to_string(dir.join("journal")).unwrap_or_default().lines() {
            let [sign, kind, number] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
            let (kind, number) = (kind.chars().next().unwrap(), number.parse().unwrap());
            kept.insert(Thing { kind, number }, sign == "+");
        }
        kept.into_iter().filter_map(|(thing, is_kept)| is_kept.then_some(thing)).collect()
    }
}

/// Works until it is killed.
pub(super) async fn work(dir: &Path, config: ContentConfig, first: u64) {
    let store = Arc::new(Store::open(dir, &config).unwrap());
    let journal = Arc::new(Journal::open(dir));
    let next = Arc::new(AtomicU64::new(first));
    std::fs::write(dir.join("ready"), "").unwrap();
    for writer in 0..WRITERS {
        let (store, journal, next) = (store.clone(), journal.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                turn(&store, &journal, next.fetch_add(1, Ordering::Relaxed), writer).await;
            }
        });
    }
    loop {
        collect(&store).await;
    }
}

/// Makes a thing, and lets go of most.
async fn turn(store: &Arc<Store>, journal: &Journal, number: u64, writer: u64) {
    let kind = match (number + writer) % 4 {
        0 => 's',
        1 => 't',
        2 => 'q',
        _ => 'r',
    };
    let thing = Thing { kind, number };
    let root = thing.root();
    match kind {
        's' => put_and_pin(store, thing).await,
        't' => import(store, thing, None, Some((root, PinReason::User))).await,
        _ => {
            let held = Thing { kind: 'q', number };
            import(store, thing, Some(thing.namespace()), None).await;
            journal.note('+', held);
            if kind == 'r' {
                journal.note('-', held);
                store.promote(thing.namespace(), root, &thing.reason()).await.unwrap();
            }
        }
    }
    if kind != 'q' {
        journal.note('+', thing);
    }
    if !number.is_multiple_of(5) {
        journal.note('-', thing);
        let_go(store, thing).await;
    }
}

/// Puts and pins side by side, so that one sync serves both, as a requester does with what comes
/// with a proposal. Nothing keeps a block before its pin: a collection that runs between the two
/// takes it. So it counts as kept once it was seen after the pin, or was put again under it.
async fn put_and_pin(store: &Store, thing: Thing) {
    let blocks = || thing.blocks().into_iter().map(|(cid, bytes)| (cid, bytes.into())).collect();
    let root = thing.root();
    let (put, pinned) =
        tokio::join!(store.put_verified(blocks()), store.pin(root, &PinReason::User));
    put.unwrap();
    pinned.unwrap();
    if !store.has(&root) {
        store.put_verified(blocks()).await.unwrap();
    }
}

pub(super) async fn let_go(store: &Store, thing: Thing) {
    match thing.kind {
        'q' => store.discard(thing.namespace()).await.unwrap(),
        'r' => store.unpin(&thing.reason()).await.unwrap(),
        _ => store.release(thing.root(), &PinReason::User).await.unwrap(),
    }
}

async fn import(
    store: &Arc<Store>,
    thing: Thing,
    id: Option<NamespaceId>,
    pin: Option<(Cid, PinReason)>,
) {
    let session = store.session(id);
    let import = move || {
        thing.blocks().iter().try_for_each(|(cid, bytes)| session.put(cid, bytes))?;
        if id.is_some() {
            session.commit_outputs(thing.root())
        } else {
            session.commit(pin.map(|(root, reason)| (root, reason.into())))
        }
    };
    tokio::task::spawn_blocking(import).await.unwrap().unwrap();
}
