//! Content in memory: flat files and flat directories of DAG-CBOR, enough for results.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use gadus_model::codec::{self, DAG_CBOR, RAW, cid_of};
use gadus_model::{Cid, ExecutionId, NodeId, Time};
use parking_lot::Mutex;
use tokio::io::AsyncReadExt;

use crate::content::{
    BoxRead, ByteStream, Content, ContentError, DirEntry, EntryKind, FetchFrom, Fetched,
    FileReader, Imported, ImportedResult, NamespaceId, Node, PinReason, Pinning, ResultTree,
};
use crate::dag::{CarPart, Resolved};
use crate::fake::tree::FakeTree;
use crate::input::InputNode;
use crate::keeping::{Checked, Collected, Keeping, Pin, PinPage, StoreStat};
use crate::layout::Layout;
use crate::transport::Want;

/// A [`Content`] without a disk. A directory is a DAG-CBOR map of names to links.
#[derive(Default)]
pub struct FakeContent(Mutex<State>);

#[derive(Default)]
struct State {
    public: BTreeMap<Cid, Bytes>,
    quarantine: BTreeMap<ExecutionId, BTreeMap<Cid, Bytes>>,
    pins: BTreeMap<(Cid, PinReason), Option<Time>>,
}

type Directory = BTreeMap<String, Cid>;

impl FakeContent {
    /// An empty store.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a file.
    pub fn add(&self, bytes: &[u8]) -> Cid {
        let cid = cid_of(RAW, bytes);
        self.0.lock().public.insert(cid, Bytes::copy_from_slice(bytes));
        cid
    }

    /// Blocks that lie in some execution's quarantine.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Cid> {
        self.0.lock().quarantine.values().flat_map(|blocks| blocks.keys().copied()).collect()
    }

    fn links(block: &[u8], cid: &Cid) -> Vec<Cid> {
        if cid.codec() != DAG_CBOR {
            return Vec::new();
        }
        codec::decode::<Directory>(block).map(|d| d.into_values().collect()).unwrap_or_default()
    }

    async fn fetch_block(&self, cid: Cid, from: &FetchFrom) -> Option<(NodeId, Bytes)> {
        for peer in &from.peers {
            let Ok(mut stream) = from.exchange.open(*peer).await else { continue };
            let want = Want { cid, namespace: from.namespace, relay: true };
            if stream.want(&[want]).await.is_err() {
                continue;
            }
            if let Ok((_, Some(bytes))) = stream.next().await
                && cid_of(cid.codec(), &bytes) == cid
            {
                return Some((*peer, bytes));
            }
        }
        None
    }
}

#[async_trait]
impl Content for FakeContent {
    fn has(&self, cid: &Cid) -> bool {
        self.0.lock().public.contains_key(cid)
    }

    fn bytes_missing(&self, root: &Cid, size_hint: u64) -> u64 {
        let state = self.0.lock();
        let mut look = vec![*root];
        while let Some(cid) = look.pop() {
            let Some(block) = state.public.get(&cid) else { return size_hint.max(1) };
            look.extend(Self::links(block, &cid));
        }
        0
    }

    async fn tree_bytes(&self, root: &Cid) -> Option<u64> {
        let state = self.0.lock();
        let (mut look, mut bytes) = (vec![*root], 0);
        while let Some(cid) = look.pop() {
            let block = state.public.get(&cid)?;
            bytes += block.len() as u64;
            look.extend(Self::links(block, &cid));
        }
        Some(bytes)
    }

    async fn block(
        &self,
        cid: &Cid,
        namespace: Option<NamespaceId>,
    ) -> Result<Option<Bytes>, ContentError> {
        let state = self.0.lock();
        let hidden = namespace.and_then(|n| state.quarantine.get(&n)?.get(cid));
        Ok(state.public.get(cid).or(hidden).cloned())
    }

    async fn put(&self, blocks: Vec<(Cid, Bytes)>) -> Result<(), ContentError> {
        if let Some((cid, _)) = blocks.iter().find(|(cid, b)| cid_of(cid.codec(), b) != *cid) {
            return Err(ContentError::HashMismatch { cid: *cid });
        }
        self.0.lock().public.extend(blocks);
        Ok(())
    }

    async fn fetch(
        &self,
        root: Cid,
        from: FetchFrom,
        pinning: Pinning,
    ) -> Result<Fetched, ContentError> {
        let mut fetched = Fetched::default();
        let mut look = vec![root];
        while let Some(cid) = look.pop() {
            let here = self.block(&cid, None).await?;
            let block = match here {
                Some(block) => block,
                None => {
                    let asked = from.peers.len();
                    let waited_ms = u64::try_from(from.wait.as_millis()).unwrap_or(u64::MAX);
                    let found = self.fetch_block(cid, &from).await;
                    let missing = ContentError::Missing { cid, asked, waited_ms };
                    let (peer, block) = found.ok_or(missing)?;
                    fetched.bytes += block.len() as u64;
                    fetched.by_peer.push((peer, block.len() as u64));
                    self.0.lock().public.insert(cid, block.clone());
                    block
                }
            };
            look.extend(Self::links(&block, &cid));
        }
        self.pin(root, pinning).await?;
        Ok(fetched)
    }

    async fn materialise(&self, root: Cid, dest: PathBuf) -> Result<(), ContentError> {
        let missing = ContentError::Missing { cid: root, asked: 0, waited_ms: 0 };
        let block = self.block(&root, None).await?.ok_or(missing)?;
        let doing = || format!("writing {}", dest.display());
        std::fs::write(&dest, block).map_err(|source| ContentError::Io { doing: doing(), source })
    }

    async fn input(&self, root: Cid) -> Result<InputNode, ContentError> {
        let state = self.0.lock();
        let (mut blocks, mut look) = (BTreeMap::new(), vec![root]);
        while let Some(cid) = look.pop() {
            let missing = ContentError::Missing { cid, asked: 0, waited_ms: 0 };
            let block = state.public.get(&cid).ok_or(missing)?;
            look.extend(Self::links(block, &cid));
            blocks.insert(cid, block.clone());
        }
        FakeTree(Arc::new(blocks)).node(root)
    }

    async fn import_result(
        &self,
        namespace: NamespaceId,
        tree: ResultTree,
    ) -> Result<ImportedResult, ContentError> {
        let mut blocks: Vec<(Cid, Bytes)> = Vec::new();
        let mut file = |bytes: Bytes| {
            let cid = cid_of(RAW, &bytes);
            blocks.push((cid, bytes));
            cid
        };
        let (stdout, stderr) = (file(tree.stdout), file(tree.stderr));
        let exit = file(Bytes::from(tree.exit_code.to_string()));
        let mut warnings = Vec::new();
        let mut result = Directory::from([
            ("stdout".to_owned(), stdout),
            ("stderr".to_owned(), stderr),
            ("exitCode".to_owned(), exit),
        ]);
        for (name, dir) in tree.outputs {
            match std::fs::read(dir.join("f")) {
                Ok(bytes) => {
                    result.insert(name, file(bytes.into()));
                }
                Err(_) => warnings.push(format!("output '{name}' is empty")),
            }
        }
        // A map of strings to links always encodes.
        let root = Bytes::from(codec::encode(&result).unwrap_or_default());
        let result = cid_of(DAG_CBOR, &root);
        blocks.push((result, root));
        let bytes = blocks.iter().map(|(_, b)| b.len() as u64).sum();
        self.0.lock().quarantine.entry(namespace).or_default().extend(blocks.clone());
        Ok(ImportedResult { result, stdout, stderr, bytes, inline: blocks, warnings })
    }

    async fn promote(
        &self,
        namespace: NamespaceId,
        root: Cid,
        pinning: Pinning,
    ) -> Result<(), ContentError> {
        let mut state = self.0.lock();
        let blocks = state.quarantine.remove(&namespace).unwrap_or_default();
        state.public.extend(blocks);
        state.pins.insert((root, pinning.reason), until(pinning.term_ms));
        Ok(())
    }

    async fn discard(&self, namespace: NamespaceId) -> Result<(), ContentError> {
        self.0.lock().quarantine.remove(&namespace);
        Ok(())
    }

    async fn import_file(&self, mut bytes: BoxRead, _: Layout) -> Result<Imported, ContentError> {
        let mut all = Vec::new();
        let read = bytes.read_to_end(&mut all).await;
        read.map_err(|source| ContentError::Io { doing: "reading".to_owned(), source })?;
        let root = self.add(&all);
        self.pin(root, PinReason::User.into()).await?;
        Ok(Imported { root, roots: vec![root], bytes: all.len() as u64, files: 1 })
    }

    async fn import_tar(&self, tar: BoxRead, layout: Layout) -> Result<Imported, ContentError> {
        self.import_file(tar, layout).await
    }

    async fn import_car(&self, car: BoxRead) -> Result<Imported, ContentError> {
        self.import_file(car, Layout::default()).await
    }

    async fn open(
        &self,
        root: Cid,
        path: &str,
        _from: Option<FetchFrom>,
    ) -> Result<Node, ContentError> {
        let mut cid = root;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let block = self.block(&cid, None).await?.unwrap_or_default();
            let directory = codec::decode::<Directory>(&block).unwrap_or_default();
            let no_such = ContentError::NoSuchPath { name: name.to_owned(), cid };
            cid = directory.get(name).copied().ok_or(no_such)?;
        }
        let missing = ContentError::Missing { cid, asked: 0, waited_ms: 0 };
        let block = self.block(&cid, None).await?.ok_or(missing)?;
        if cid.codec() != DAG_CBOR {
            let size = block.len() as u64;
            return Ok(Node::File { cid, size, mode: None, reader: Arc::new(InMemory(block)) });
        }
        let directory = codec::decode::<Directory>(&block).unwrap_or_default();
        let entry = |(name, cid)| DirEntry { name, cid, kind: EntryKind::Unknown, size: 0 };
        let entries = directory.into_iter().map(entry).collect();
        Ok(Node::Directory { cid, entries, mode: None })
    }

    async fn resolve(
        &self,
        root: Cid,
        path: &str,
        _from: Option<FetchFrom>,
    ) -> Result<Resolved, ContentError> {
        let mut roots = vec![root];
        let mut at = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = format!("{at}/{name}");
            roots.push(match self.open(root, &at, None).await? {
                Node::File { cid, .. }
                | Node::Directory { cid, .. }
                | Node::Symlink { cid, .. } => cid,
            });
        }
        let cid = *roots.last().unwrap_or(&root);
        let kind = if cid.codec() == DAG_CBOR { EntryKind::Directory } else { EntryKind::File };
        Ok(Resolved { roots, cid, kind, inside: Vec::new() })
    }

    async fn export_car(
        &self,
        _root: Cid,
        _path: &str,
        _part: CarPart,
        _from: Option<FetchFrom>,
    ) -> Result<ByteStream, ContentError> {
        let what = "the request".to_owned();
        Err(ContentError::Malformed { what, why: "the fake makes no archives".to_owned() })
    }

    async fn pin(&self, root: Cid, pinning: Pinning) -> Result<(), ContentError> {
        self.keep(root, pinning.reason, until(pinning.term_ms)).await
    }

    async fn unpin(&self, reason: &PinReason) -> Result<(), ContentError> {
        self.0.lock().pins.retain(|(_, r), _| r != reason);
        Ok(())
    }

    async fn pins(&self) -> Result<Vec<(Cid, PinReason)>, ContentError> {
        Ok(self.0.lock().pins.keys().cloned().collect())
    }
}

#[async_trait]
impl Keeping for FakeContent {
    async fn keep(
        &self,
        root: Cid,
        reason: PinReason,
        until: Option<Time>,
    ) -> Result<(), ContentError> {
        self.0.lock().pins.insert((root, reason), until);
        Ok(())
    }

    async fn release(&self, root: Cid, reason: PinReason) -> Result<(), ContentError> {
        self.0.lock().pins.remove(&(root, reason));
        Ok(())
    }

    async fn pin_page(&self, offset: usize, limit: usize) -> Result<PinPage, ContentError> {
        let state = self.0.lock();
        let pins: Vec<_> = state.pins.iter().skip(offset).take(limit).map(pin).collect();
        let end = offset + pins.len();
        Ok(PinPage { pins, next_offset: Some(end).filter(|end| *end < state.pins.len()) })
    }

    async fn pins_of(&self, root: Cid) -> Result<Vec<Pin>, ContentError> {
        let state = self.0.lock();
        Ok(state.pins.iter().filter(|((cid, _), _)| *cid == root).map(pin).collect())
    }

    async fn stat(&self) -> Result<StoreStat, ContentError> {
        let state = self.0.lock();
        let block_bytes = state.public.values().map(|bytes| bytes.len() as u64).sum();
        let count = |is: fn(&PinReason) -> bool| {
            state.pins.keys().filter(|(_, reason)| is(reason)).count() as u64
        };
        Ok(StoreStat {
            blocks: state.public.len() as u64,
            block_bytes,
            used_bytes: block_bytes,
            user_pins: count(|reason| matches!(reason, PinReason::User)),
            input_pins: count(|reason| matches!(reason, PinReason::Input(_))),
            result_pins: count(|reason| matches!(reason, PinReason::Result(_))),
            task_pins: count(|reason| matches!(reason, PinReason::Task(_))),
            verdict_pins: count(|reason| *reason == PinReason::Verdict),
            ..StoreStat::default()
        })
    }

    async fn collect(&self) -> Result<Collected, ContentError> {
        let mut state = self.0.lock();
        let mut kept = BTreeMap::new();
        let mut look: Vec<Cid> = state.pins.keys().map(|(root, _)| *root).collect();
        while let Some(cid) = look.pop() {
            let Some(block) = state.public.remove(&cid) else { continue };
            look.extend(Self::links(&block, &cid));
            kept.insert(cid, block);
        }
        let dropped = std::mem::replace(&mut state.public, kept);
        let bytes = dropped.values().map(|bytes| bytes.len() as u64).sum();
        Ok(Collected { blocks: dropped.len() as u64, bytes, ..Collected::default() })
    }

    async fn check(&self, _repair: bool) -> Result<Checked, ContentError> {
        let stat = self.stat().await?;
        let (good_blocks, good_bytes) = (stat.blocks, stat.block_bytes);
        Ok(Checked { good_blocks, good_bytes, ..Checked::default() })
    }
}

/// The fake's clock stands still at 0.
fn until(term_ms: Option<u64>) -> Option<Time> {
    term_ms.map(|ms| Time(0).plus_ms(ms))
}

fn pin(((root, reason), until): (&(Cid, PinReason), &Option<Time>)) -> Pin {
    Pin { root: *root, reason: reason.clone(), made: None, until: *until }
}

struct InMemory(Bytes);

impl FileReader for InMemory {
    fn read(&self, offset: u64, length: u64) -> ByteStream {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let to = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let bytes = self.0.slice(from..to.min(self.0.len()));
        stream::iter([Ok(bytes)]).boxed()
    }
}
