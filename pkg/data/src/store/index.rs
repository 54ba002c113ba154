//! The index: a database that can always be made again from the packs, so it is written lazily
//! and never on the path of a put.

use std::collections::HashMap;
use std::path::Path;

use gadus_model::{Cid, ExecutionId};
use gadus_ports::NamespaceId;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::{Deserialize, Serialize};

use super::record::Reason;
use super::state::{Loc, PinChange, Position};
use crate::block::Key;

// A table's name carries the version of what is in it.
const BLOCKS: TableDefinition<'_, &[u8; 32], (u32, u64, u32)> = TableDefinition::new("blocks-1");
const NAMESPACES: TableDefinition<'_, &[u8; 16], &[u8]> = TableDefinition::new("namespaces-1");
const PINS: TableDefinition<'_, &[u8], ()> = TableDefinition::new("pins-1");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta-1");

/// How far the index knows the packs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// Log records before this are in it.
    pub(crate) position: Position,
    /// What blocks cost of the quota.
    pub(crate) stored_bytes: u64,
    /// Where each bulk pack ends.
    pub(crate) bulk_ends: Vec<(u32, u64)>,
}

/// What is new since the last write.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) meta: Meta,
    pub(crate) blocks: Vec<(Key, Loc)>,
    /// Absent means that the namespace is gone.
    pub(crate) namespaces: Vec<(NamespaceId, Option<HashMap<Key, Loc>>)>,
    pub(crate) pins: Vec<PinChange>,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Index {
    db: Database,
}

/// The blocks of each namespace.
pub(crate) type Namespaces = HashMap<NamespaceId, HashMap<Key, Loc>>;

type Fallible<T> = Result<T, redb::Error>;

impl Index {
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Fallible<Self> {
        let cache = usize::try_from(cache_bytes).unwrap_or(usize::MAX);
        let db = Database::builder().set_cache_size(cache).create(path)?;
        let write = db.begin_write()?;
        write.open_table(BLOCKS)?;
        write.open_table(NAMESPACES)?;
        write.open_table(PINS)?;
        write.open_table(META)?;
        write.commit()?;
        Ok(Self { db })
    }

    pub(crate) fn get(&self, key: &Key) -> Fallible<Option<Loc>> {
        let found = self.db.begin_read()?.open_table(BLOCKS)?.get(&key.0)?;
        Ok(found.map(|found| Loc::from(found.value())))
    }

    /// What it knows, apart from blocks and pins.
    pub(crate) fn load(&self) -> Fallible<(Meta, Namespaces)> {
        let read = self.db.begin_read()?;
        let meta = match read.open_table(META)?.get("meta")? {
            Some(bytes) => decode(bytes.value())?,
            None => Meta::default(),
        };
        let mut namespaces = HashMap::new();
        for row in read.open_table(NAMESPACES)?.iter()? {
            let (id, blocks) = row?;
            let rows: Vec<Row> = decode(blocks.value())?;
            let id = ExecutionId(uuid_of(*id.value()));
            namespaces.insert(id, rows.into_iter().map(Row::parts).collect());
        }
        Ok((meta, namespaces))
    }

    pub(crate) fn pins(&self) -> Fallible<Vec<(Reason, Cid)>> {
        let read = self.db.begin_read()?;
        let mut pins = Vec::new();
        for row in read.open_table(PINS)?.iter()? {
            pins.extend(parse_pin(row?.0.value()));
        }
        Ok(pins)
    }

    /// Roots that are pinned for users and as inputs.
    pub(crate) fn roots_in_use(&self, roots_max: usize) -> Fallible<Vec<Cid>> {
        let read = self.db.begin_read()?;
        // The reasons' tags come first in the keys.
        let results = pin_key(&Reason::Result(ExecutionId(uuid_of([0; 16]))), None);
        let rows = read.open_table(PINS)?.range(..results.as_slice())?;
        let pins = rows.take(roots_max).map(|row| Ok(parse_pin(row?.0.value())));
        let pins: Vec<_> = pins.collect::<Fallible<_>>()?;
        Ok(pins.into_iter().flatten().map(|(_, root)| root).collect())
    }

    pub(crate) fn write(&self, update: &Update) -> Fallible<()> {
        let write = self.db.begin_write()?;
        {
            let mut blocks = write.open_table(BLOCKS)?;
            for (key, loc) in &update.blocks {
                blocks.insert(&key.0, (loc.pack, loc.offset, loc.bytes))?;
            }
            let mut namespaces = write.open_table(NAMESPACES)?;
            for (id, blocks) in &update.namespaces {
                match blocks {
                    Some(blocks) => {
                        let rows: Vec<Row> = blocks.iter().map(Row::new).collect();
                        namespaces.insert(id.0.as_bytes(), encode(&rows).as_slice())?;
                    }
                    None => {
                        namespaces.remove(id.0.as_bytes())?;
                    }
                }
            }
            let mut pins = write.open_table(PINS)?;
            for change in &update.pins {
                match change {
                    PinChange::Add(reason, root) => {
                        pins.insert(pin_key(reason, Some(root)).as_slice(), ())?;
                    }
                    PinChange::Drop(reason) => {
                        let prefix = pin_key(reason, None);
                        pins.retain_in(
                            prefix.as_slice()..prefix_end(&prefix).as_slice(),
                            |_, ()| false,
                        )?;
                    }
                }
            }
            write.open_table(META)?.insert("meta", encode(&update.meta).as_slice())?;
        }
        write.commit()?;
        Ok(())
    }
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
    let id = ExecutionId(uuid_of(id.try_into().ok()?));
    let reason = match tag {
        0 => Reason::User,
        1 => Reason::Input(id),
        2 => Reason::Result(id),
        _ => return None,
    };
    Some((reason, Cid::try_from(root).ok()?))
}
