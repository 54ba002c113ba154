//! The output of executions that run here, as it comes: kept up to its cap, and followed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use gadus_model::{Caps, ExecutionId};
use gadus_ports::{LogChunk, LogSink, LogStream, StdStream};
use parking_lot::Mutex;
use tokio::sync::watch;

/// Ended executions whose output is still kept here, so that who follows sees the end.
const ENDED_MAX: usize = 64;
/// Bytes of their output together; a page that is being read stays until it is read.
const ENDED_BYTES_MAX: u64 = 16 << 20;

/// All output of this node's executions.
#[derive(Debug, Default)]
pub struct Logbook {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    open: BTreeMap<ExecutionId, Arc<Page>>,
    /// With the bytes of each.
    ended: VecDeque<(ExecutionId, u64)>,
    ended_bytes: u64,
}

/// The output of one execution.
#[derive(Debug)]
pub struct Page {
    text: Mutex<Text>,
    /// Chunks so far, and whether there will be no more.
    state: watch::Sender<(usize, bool)>,
    stdout_max: u64,
    stderr_max: u64,
}

#[derive(Debug, Default)]
struct Text {
    chunks: Vec<LogChunk>,
    stdout_bytes: u64,
    stderr_bytes: u64,
    dropped_bytes: u64,
}

impl Logbook {
    /// Opens a page for an execution; an old page of it is replaced.
    pub fn open(&self, execution: ExecutionId, caps: &Caps) -> Arc<Page> {
        let page = Arc::new(Page {
            text: Mutex::default(),
            state: watch::Sender::new((0, false)),
            stdout_max: caps.stdout_max_bytes,
            stderr_max: caps.stderr_max_bytes,
        });
        self.pages.lock().open.insert(execution, page.clone());
        page
    }

    /// No more will come; the page stays for a while.
    pub fn end(&self, execution: ExecutionId) {
        let mut pages = self.pages.lock();
        let Some(page) = pages.open.get(&execution) else { return };
        page.state.send_modify(|(_, ended)| *ended = true);
        let bytes = page.bytes();
        pages.ended.push_back((execution, bytes));
        pages.ended_bytes += bytes;
        while pages.ended.len() > ENDED_MAX || pages.ended_bytes > ENDED_BYTES_MAX {
            let Some((oldest, bytes)) = pages.ended.pop_front() else { break };
            pages.ended_bytes -= bytes;
            pages.open.remove(&oldest);
        }
    }

    /// The page of an execution.
    #[must_use]
    pub fn page(&self, execution: ExecutionId) -> Option<Arc<Page>> {
        self.pages.lock().open.get(&execution).cloned()
    }
}

impl LogSink for Page {
    fn write(&self, stream: StdStream, bytes: &[u8]) {
        let mut text = self.text.lock();
        let (used, max) = match stream {
            StdStream::Stdout => (&mut text.stdout_bytes, self.stdout_max),
            StdStream::Stderr => (&mut text.stderr_bytes, self.stderr_max),
        };
        let room = usize::try_from(max.saturating_sub(*used)).unwrap_or(usize::MAX);
        let keep = room.min(bytes.len());
        *used += keep as u64;
        text.dropped_bytes += (bytes.len() - keep) as u64;
        if keep > 0 {
            text.chunks.push(LogChunk { stream, bytes: Bytes::copy_from_slice(&bytes[..keep]) });
            let n = text.chunks.len();
            drop(text);
            self.state.send_modify(|(chunks, _)| *chunks = n);
        }
    }
}

impl Page {
    fn bytes(&self) -> u64 {
        let text = self.text.lock();
        text.stdout_bytes + text.stderr_bytes
    }

    /// All that was kept of stdout and stderr, and how many bytes were not.
    #[must_use]
    pub fn texts(&self) -> (Bytes, Bytes, u64) {
        let text = self.text.lock();
        let of = |stream: StdStream| {
            let mut chunks = text.chunks.iter().filter(|c| c.stream == stream);
            match (chunks.next(), chunks.next()) {
                (None, _) => Bytes::new(),
                (Some(only), None) => only.bytes.clone(),
                (Some(_), Some(_)) => {
                    let all = text.chunks.iter().filter(|c| c.stream == stream);
                    all.flat_map(|c| c.bytes.iter().copied()).collect::<Vec<u8>>().into()
                }
            }
        };
        (of(StdStream::Stdout), of(StdStream::Stderr), text.dropped_bytes)
    }

    /// The output from the start (or from now on, with `tail`), to now or to the end.
    #[must_use]
    pub fn read(self: Arc<Self>, follow: bool, tail: bool) -> LogStream {
        let state = self.state.subscribe();
        let from = if tail { state.borrow().0 } else { 0 };
        let next = move |(page, mut state, at): (
            Arc<Self>,
            watch::Receiver<(usize, bool)>,
            usize,
        )| async move {
            loop {
                let (chunks, ended) = *state.borrow_and_update();
                if at < chunks {
                    let chunk = page.text.lock().chunks.get(at).cloned()?;
                    return Some((chunk, (page, state, at + 1)));
                }
                if ended || !follow || state.changed().await.is_err() {
                    return None;
                }
            }
        };
        Box::pin(stream::unfold((self, state, from), next))
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use uuid::Uuid;

    use super::*;

    fn caps(max: u64) -> Caps {
        Caps { stdout_max_bytes: max, stderr_max_bytes: max, ..Caps::default() }
    }

    #[tokio::test]
    async fn a_follower_sees_all_of_it_in_order_and_then_the_end() {
        let (book, id) = (Logbook::default(), ExecutionId(Uuid::from_u128(1)));
        let page = book.open(id, &caps(100));
        page.write(StdStream::Stdout, b"a");
        let reading = page.clone().read(true, false);
        page.write(StdStream::Stderr, b"b");
        book.end(id);
        let all: Vec<LogChunk> = reading.collect().await;
        let bytes: Vec<&[u8]> = all.iter().map(|c| c.bytes.as_ref()).collect();
        assert_eq!(bytes, [b"a", b"b"]);
    }

    #[tokio::test]
    async fn a_tail_begins_now_and_no_follower_ends_now() {
        let (book, id) = (Logbook::default(), ExecutionId(Uuid::from_u128(1)));
        let page = book.open(id, &caps(100));
        page.write(StdStream::Stdout, b"before");
        let tail = page.clone().read(true, true);
        assert_eq!(page.clone().read(false, false).count().await, 1);
        page.write(StdStream::Stdout, b"after");
        book.end(id);
        let all: Vec<LogChunk> = tail.collect().await;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].bytes.as_ref(), b"after");
    }

    #[test]
    fn what_exceeds_the_cap_is_counted_and_dropped() {
        let book = Logbook::default();
        let page = book.open(ExecutionId(Uuid::from_u128(1)), &caps(3));
        page.write(StdStream::Stdout, b"12345");
        page.write(StdStream::Stdout, b"6");
        assert_eq!(page.texts(), (Bytes::from_static(b"123"), Bytes::new(), 3));
    }

    #[test]
    fn ended_pages_are_bounded() {
        let book = Logbook::default();
        for n in 0..(ENDED_MAX as u128 + 5) {
            let id = ExecutionId(Uuid::from_u128(n));
            book.open(id, &caps(1));
            book.end(id);
        }
        assert_eq!(book.pages.lock().open.len(), ENDED_MAX);
    }

    #[test]
    fn so_are_their_bytes() {
        let book = Logbook::default();
        let half = vec![b'x'; usize::try_from(ENDED_BYTES_MAX / 2).unwrap()];
        for n in 0..5 {
            let id = ExecutionId(Uuid::from_u128(n));
            book.open(id, &caps(ENDED_BYTES_MAX)).write(StdStream::Stdout, &half);
            book.end(id);
        }
        assert_eq!(book.pages.lock().open.len(), 2);
    }
}
