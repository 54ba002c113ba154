//! The index: a database that can always be made again from the packs, so it is written lazily
//! and never on the path of a put.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gadus_model::{Cid, ExecutionId, JobId};
use gadus_ports::NamespaceId;
use parking_lot::RwLock;
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    TableHandle as _,
};
use serde::{Deserialize, Serialize};

use super::pack::MAGIC_BYTES;
use super::record::{Entry, Extent, Reason, Term};
use super::state::{Loc, Namespaces, PinChange, Position, Space};
use crate::block::Key;

// A table's name carries the version of what is in it.
const BLOCKS: TableDefinition<'_, &[u8; 32], (u32, u64, u32)> = TableDefinition::new("blocks-1");
const NAMESPACES: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("namespaces-2");
/// Since when, and until when: microseconds since the Unix epoch.
const PINS: TableDefinition<'_, &[u8], (u64, Option<u64>)> = TableDefinition::new("pins-2");
/// Packs with records of namespaces that were published since.
const PUBLISHED: TableDefinition<'_, (u32, &[u8; 16]), ()> = TableDefinition::new("published-1");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta-2");
/// What gadus before 0.2 had: such an index lacks what the packs tell.
const OLD_META: &str = "meta-1";
/// Namespaces in one record of a checkpoint.
const KNOWN_MAX: usize = 4_096;
/// Digests in one.
const HIDDEN_MAX: usize = 1_024;

/// How far the index knows the packs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Log records before this are in it.
    pub(crate) position: Position,
    /// What blocks cost of the quota.
    pub(crate) stored_bytes: u64,
    /// A check has forgotten blocks: a pinned tree may lack some.
    #[serde(default)]
    pub(crate) has_holes: bool,
    /// Where each bulk pack ends.
    pub(crate) bulk_ends: Vec<(u32, u64)>,
}

/// What is new since the last write.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) meta: Meta,
    /// Absent means that the block is gone, and so for namespaces.
    pub(crate) blocks: Vec<(Key, Option<Loc>)>,
    pub(crate) namespaces: Vec<(NamespaceId, Option<Space>)>,
    pub(crate) published: Vec<(u32, NamespaceId)>,
    pub(crate) removed_packs: Vec<u32>,
    pub(crate) pins: Vec<PinChange>,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Index {
    db: RwLock<Option<Database>>,
    /// How often it was opened again.
    reopened: AtomicU64,
    path: PathBuf,
    cache_bytes: usize,
}

/// A pin as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredPin {
    pub(crate) reason: Reason,
    pub(crate) root: Cid,
    pub(crate) term: Term,
}

type Fallible<T> = Result<T, redb::Error>;

impl Index {
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Fallible<Self> {
        let cache_bytes = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        let db = database(path, cache_bytes)?;
        let old = db.begin_read()?.list_tables()?.any(|table| table.name() == OLD_META);
        if old {
            return Err(redb::Error::Corrupted("an older gadus made it".to_owned()));
        }
        let write = db.begin_write()?;
        write.open_table(BLOCKS)?;
        write.open_table(NAMESPACES)?;
        write.open_table(PINS)?;
        write.open_table(PUBLISHED)?;
        write.open_table(META)?;
        write.commit()?;
        let (db, path) = (RwLock::new(Some(db)), path.to_owned());
        Ok(Self { db, reopened: AtomicU64::new(0), path, cache_bytes })
    }

    /// Does something with the database; once more after it was opened again, where the disk had
    /// failed it before, a full one too: it takes nothing then, and gives only what it remembers.
    /// It is as it was when it was last written.
    fn with<T>(&self, act: impl Fn(&Database) -> Fallible<T>) -> Fallible<T> {
        let before = self.reopened.load(Ordering::Acquire);
        // Whoever looks at rows may look into the index meanwhile.
        match self.db.read_recursive().as_ref().map(&act) {
            Some(Err(redb::Error::PreviousIo | redb::Error::DatabaseClosed)) | None => {}
            Some(done) => return done,
        }
        self.reopen(before)?;
        let db = self.db.read_recursive();
        act(db.as_ref().ok_or(redb::Error::DatabaseClosed)?)
    }

    /// Opens it again, unless somebody has since it was opened for the `before`th time.
    fn reopen(&self, before: u64) -> Fallible<()> {
        // Whoever reads waits.
        let mut db = self.db.write();
        if self.reopened.load(Ordering::Acquire) == before || db.is_none() {
            // It can be open once.
            drop(db.take());
            *db = Some(database(&self.path, self.cache_bytes)?);
            self.reopened.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    fn read(&self) -> Fallible<ReadTransaction> {
        self.with(|db| Ok(db.begin_read()?))
    }

    pub(crate) fn get(&self, key: &Key) -> Fallible<Option<Loc>> {
        self.with(|db| {
            // What is found must not outlive its transaction: the page could be freed under it.
            let table = db.begin_read()?.open_table(BLOCKS)?;
            let found = table.get(&key.0)?;
            Ok(found.map(|found| Loc::from(found.value())))
        })
    }

    /// What it knows, apart from blocks and pins.
    pub(crate) fn load(&self) -> Fallible<(Meta, Namespaces)> {
        let read = self.read()?;
        let meta = match read.open_table(META)?.get("meta")? {
            Some(bytes) => decode(bytes.value())?,
            None => Meta::default(),
        };
        let mut namespaces = HashMap::new();
        for row in read.open_table(NAMESPACES)?.iter()? {
            let (id, blocks) = row?;
            let (root, rows): (Option<Cid>, Vec<Row>) = decode(blocks.value())?;
            let blocks = rows.into_iter().map(Row::parts).collect();
            namespaces.insert(ExecutionId(uuid_of(*id.value())), Space { root, blocks });
        }
        Ok((meta, namespaces))
    }

    /// Shows all pins, by reason, until the look answers false. It may take its time: what is
    /// written meanwhile is not shown.
    pub(crate) fn each_pin(&self, look: &mut dyn FnMut(StoredPin) -> bool) -> Fallible<()> {
        for row in self.read()?.open_table(PINS)?.iter()? {
            let (key, term) = row?;
            let Some((reason, root)) = parse_pin(key.value()) else { continue };
            let (made_us, until_us) = term.value();
            if !look(StoredPin { reason, root, term: Term { made_us, until_us } }) {
                break;
            }
        }
        Ok(())
    }

    /// Public blocks, in the order of their keys, after one of them.
    pub(crate) fn rows_after(&self, after: Option<Key>, max: usize) -> Fallible<Vec<(Key, Loc)>> {
        let table = self.read()?.open_table(BLOCKS)?;
        let from = after.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(&key.0));
        let mut rows = Vec::new();
        for row in table.range::<&[u8; 32]>((from, Bound::Unbounded))?.take(max) {
            let (key, loc) = row?;
            rows.push((Key(*key.value()), Loc::from(loc.value())));
        }
        Ok(rows)
    }

    /// All that cannot be told from blocks alone, as of one moment, as records.
    pub(crate) fn export(
        &self,
        out: &mut dyn FnMut(Entry) -> io::Result<()>,
    ) -> Fallible<io::Result<()>> {
        let read = self.read()?;
        let meta: Meta = match read.open_table(META)?.get("meta")? {
            Some(bytes) => decode(bytes.value())?,
            None => Meta::default(),
        };
        let extent = |(pack, to): &(u32, u64)| Extent { pack: *pack, from: MAGIC_BYTES, to: *to };
        let extents: Vec<_> = meta.bulk_ends.iter().map(extent).collect();
        let mut records: Vec<Entry> = extents
            .chunks(KNOWN_MAX)
            .map(|part| Entry::Commit { extents: part.to_vec() })
            .collect();
        let (mut quarantined, mut published) = (Vec::new(), BTreeSet::new());
        for row in read.open_table(PUBLISHED)?.iter()? {
            published.insert(ExecutionId(uuid_of(*row?.0.value().1)));
        }
        for row in read.open_table(NAMESPACES)?.iter()? {
            let (id, space) = row?;
            let namespace = ExecutionId(uuid_of(*id.value()));
            let (root, blocks): (Option<Cid>, Vec<Row>) = decode(space.value())?;
            quarantined.push(namespace);
            records.extend(root.map(|root| Entry::Outputs { namespace, root }));
            if published.contains(&namespace) {
                records.extend(blocks.chunks(HIDDEN_MAX).map(|part| Entry::Hidden {
                    namespace,
                    digests: part.iter().map(|row| row.0).collect(),
                }));
            }
        }
        let published: Vec<_> = published.into_iter().collect();
        let known = |quarantined: &[_], published: &[_]| Entry::Known {
            quarantined: quarantined.to_vec(),
            published: published.to_vec(),
        };
        records.extend(quarantined.chunks(KNOWN_MAX).map(|part| known(part, &[])));
        records.extend(published.chunks(KNOWN_MAX).map(|part| known(&[], part)));
        let mut written = records.into_iter().try_for_each(&mut *out);
        for row in read.open_table(PINS)?.iter()? {
            let (key, term) = row?;
            let (made_us, until_us) = term.value();
            if let Some((reason, root)) = parse_pin(key.value())
                && written.is_ok()
            {
                let term = Some(Term { made_us, until_us });
                written = out(Entry::Pin { root, reason, term });
            }
        }
        Ok(written.and_then(|()| out(Entry::End { position: meta.position })))
    }

    /// Roots that are pinned for users and as inputs.
    pub(crate) fn roots_in_use(&self, roots_max: usize) -> Fallible<Vec<Cid>> {
        let read = self.read()?;
        // The reasons' tags come first in the keys.
        let results = pin_key(&Reason::Result(ExecutionId(uuid_of([0; 16]))), None);
        let rows = read.open_table(PINS)?.range(..results.as_slice())?;
        let pins = rows.take(roots_max).map(|row| Ok(parse_pin(row?.0.value())));
        let pins: Vec<_> = pins.collect::<Fallible<_>>()?;
        Ok(pins.into_iter().flatten().map(|(_, root)| root).collect())
    }

    /// Writes what is new, all of it or nothing.
    pub(crate) fn write(&self, update: &Update) -> Fallible<()> {
        self.with(|db| write(db, update))
    }
}

fn database(path: &Path, cache_bytes: usize) -> Fallible<Database> {
    Ok(Database::builder().set_cache_size(cache_bytes).create(path)?)
}

fn write(db: &Database, update: &Update) -> Fallible<()> {
    let write = db.begin_write()?;
    {
        let mut blocks = write.open_table(BLOCKS)?;
        for (key, loc) in &update.blocks {
            match loc {
                Some(loc) => blocks.insert(&key.0, (loc.pack, loc.offset, loc.bytes))?,
                None => blocks.remove(&key.0)?,
            };
        }
        let mut namespaces = write.open_table(NAMESPACES)?;
        for (id, blocks) in &update.namespaces {
            match blocks {
                Some(Space { root, blocks }) => {
                    let rows: Vec<Row> = blocks.iter().map(Row::new).collect();
                    namespaces.insert(id.0.as_bytes(), encode(&(root, rows)).as_slice())?;
                }
                None => {
                    namespaces.remove(id.0.as_bytes())?;
                }
            }
        }
        let mut pins = write.open_table(PINS)?;
        for change in &update.pins {
            match change {
                PinChange::Add(reason, root, term) => {
                    let key = pin_key(reason, Some(root));
                    pins.insert(key.as_slice(), (term.made_us, term.until_us))?;
                }
                PinChange::Drop(reason, Some(root)) => {
                    pins.remove(pin_key(reason, Some(root)).as_slice())?;
                }
                PinChange::Drop(reason, None) => {
                    let prefix = pin_key(reason, None);
                    pins.retain_in(prefix.as_slice()..prefix_end(&prefix).as_slice(), |_, _| {
                        false
                    })?;
                }
            }
        }
        let mut published = write.open_table(PUBLISHED)?;
        for (pack, id) in &update.published {
            published.insert((*pack, id.0.as_bytes()), ())?;
        }
        for pack in &update.removed_packs {
            let all = (*pack, &[0; 16])..=(*pack, &[0xff; 16]);
            published.retain_in(all, |_, ()| false)?;
        }
        write.open_table(META)?.insert("meta", encode(&update.meta).as_slice())?;
    }
    write.commit()?;
    Ok(())
}

/// A block of a namespace, as it is stored.
#[derive(Serialize, Deserialize)]
struct Row([u8; 32], u32, u64, u32);

impl Row {
    fn new((key, loc): (&Key, &Loc)) -> Self {
        Self(key.0, loc.pack, loc.offset, loc.bytes)
    }

    fn parts(self) -> (Key, Loc) {
        (Key(self.0), Loc { pack: self.1, offset: self.2, bytes: self.3 })
    }
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Plain data, to memory: it cannot fail.
    serde_ipld_dagcbor::to_vec(value).unwrap_or_default()
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Fallible<T> {
    serde_ipld_dagcbor::from_slice(bytes)
        .map_err(|error| redb::Error::Corrupted(format!("a value does not decode: {error}")))
}

fn uuid_of(bytes: [u8; 16]) -> uuid::Uuid {
    uuid::Uuid::from_bytes(bytes)
}

/// A tag, an id where the reason has one, and the root: pins of one reason are neighbours.
fn pin_key(reason: &Reason, root: Option<&Cid>) -> Vec<u8> {
    let (tag, id) = match reason {
        Reason::User => (0, [0; 16]),
        Reason::Input(id) => (1, *id.0.as_bytes()),
        Reason::Result(id) => (2, *id.0.as_bytes()),
        Reason::Task(id) => (3, *id.0.as_bytes()),
        Reason::Verdict => (4, [0; 16]),
    };
    let mut key = vec![tag];
    key.extend_from_slice(&id);
    if let Some(root) = root {
        key.extend_from_slice(&root.to_bytes());
    }
    key
}

/// The first key after all that begin with `prefix`.
fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    // The first byte is a tag far below 255, so there always is a next key.
    for byte in end.iter_mut().rev() {
        let (next, wrapped) = byte.overflowing_add(1);
        *byte = next;
        if !wrapped {
            break;
        }
    }
    end
}

fn parse_pin(key: &[u8]) -> Option<(Reason, Cid)> {
    let (tag, rest) = key.split_first()?;
    let (id, root) = rest.split_at_checked(16)?;
    let uuid = uuid_of(id.try_into().ok()?);
    let id = ExecutionId(uuid);
    let reason = match tag {
        0 => Reason::User,
        1 => Reason::Input(id),
        2 => Reason::Result(id),
        3 => Reason::Task(JobId(uuid)),
        4 => Reason::Verdict,
        _ => return None,
    };
    Some((reason, Cid::try_from(root).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there_when_it_is_opened_again_also_for_who_reads() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(&dir.path().join("index.redb"), 1 << 20).unwrap();
        let (key, loc) = (Key([7; 32]), Loc { pack: 1, offset: 8, bytes: 3 });
        let update = Update { blocks: vec![(key, Some(loc))], ..Update::default() };
        index.write(&update).unwrap();
        index.reopen(0).unwrap();
        index.reopen(0).unwrap();
        assert_eq!(index.reopened.load(Ordering::Acquire), 1, "once for all who saw it fail");
        assert_eq!(index.get(&key).unwrap(), Some(loc));
        // As where it could not be opened at once.
        drop(index.db.write().take());
        assert_eq!(index.get(&key).unwrap(), Some(loc));
        drop(index.db.write().take());
        index.write(&Update { blocks: vec![(key, None)], ..Update::default() }).unwrap();
        assert_eq!(index.get(&key).unwrap(), None);
    }
}
