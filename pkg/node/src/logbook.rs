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

/// The output of one execution. It takes as much memory as it has bytes, in however small pieces
/// they come.
#[derive(Debug)]
pub struct Page {
    text: Mutex<Text>,
    /// Bytes so far, and whether there will be no more.
    state: watch::Sender<(u64, bool)>,
    stdout_max: u64,
    stderr_max: u64,
}

#[derive(Debug, Default)]
struct Text {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// In which order they came: a stream, and up to where in it.
    runs: Vec<(StdStream, usize)>,
    dropped_bytes: u64,
}

/// Changes from one stream to the other that are remembered. What comes after them is in order
/// within its stream alone.
const RUNS_MAX: usize = 1 << 16;

/// Bytes that a reader is given at once.
const CHUNK_BYTES: usize = 1 << 16;

/// How far a reader is.
#[derive(Clone, Copy, Debug, Default)]
struct At {
    run: usize,
    stdout: usize,
    stderr: usize,
}

impl Text {
    fn of(&self, stream: StdStream) -> &[u8] {
        match stream {
            StdStream::Stdout => &self.stdout,
            StdStream::Stderr => &self.stderr,
        }
    }

    fn add(&mut self, stream: StdStream, bytes: &[u8]) {
        let text = match stream {
            StdStream::Stdout => &mut self.stdout,
            StdStream::Stderr => &mut self.stderr,
        };
        text.extend_from_slice(bytes);
        let end = text.len();
        let is_room = self.runs.len() < RUNS_MAX;
        match self.runs.last_mut() {
            Some((last, up_to)) if *last == stream => *up_to = end,
            Some(_) | None if is_room => self.runs.push((stream, end)),
            Some(_) | None => {}
        }
    }

    fn end(&self) -> At {
        let run = self.runs.len().saturating_sub(1);
        At { run, stdout: self.stdout.len(), stderr: self.stderr.len() }
    }

    /// What comes next for a reader, if there is more.
    fn next(&self, at: &mut At) -> Option<LogChunk> {
        while let Some((stream, end)) = self.runs.get(at.run) {
            if let Some(chunk) = self.cut(at, *stream, *end) {
                return Some(chunk);
            }
            if at.run + 1 == self.runs.len() {
                break;
            }
            at.run += 1;
        }
        let rest = |stream| (stream, self.of(stream).len());
        let rest = [rest(StdStream::Stdout), rest(StdStream::Stderr)];
        rest.into_iter().find_map(|(stream, end)| self.cut(at, stream, end))
    }

    fn cut(&self, at: &mut At, stream: StdStream, end: usize) -> Option<LogChunk> {
        let from = match stream {
            StdStream::Stdout => &mut at.stdout,
            StdStream::Stderr => &mut at.stderr,
        };
        let to = end.min(from.saturating_add(CHUNK_BYTES));
        let bytes = self.of(stream).get(*from..to).filter(|bytes| !bytes.is_empty())?;
        *from = to;
        Some(LogChunk { stream, bytes: Bytes::copy_from_slice(bytes) })
    }
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

/// The most that is kept of a stream of work whose own limits do not say what is kept: of which
/// nobody else has to come to the same.
pub(crate) const STREAM_BYTES_MAX: u64 = 64 << 20;

impl LogSink for Page {
    fn write(&self, stream: StdStream, bytes: &[u8]) {
        let mut text = self.text.lock();
        let max = match stream {
            StdStream::Stdout => self.stdout_max,
            StdStream::Stderr => self.stderr_max,
        };
        let room = max.saturating_sub(text.of(stream).len() as u64);
        let keep = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        text.dropped_bytes += (bytes.len() - keep) as u64;
        if keep > 0 {
            text.add(stream, &bytes[..keep]);
            drop(text);
            self.state.send_modify(|(bytes, _)| *bytes += keep as u64);
        }
    }
}

impl Page {
    fn bytes(&self) -> u64 {
        let text = self.text.lock();
        (text.stdout.len() + text.stderr.len()) as u64
    }

    /// All that was kept of stdout and stderr, and how many bytes were not.
    #[must_use]
    pub fn texts(&self) -> (Bytes, Bytes, u64) {
        let text = self.text.lock();
        let of = |stream| Bytes::copy_from_slice(text.of(stream));
        (of(StdStream::Stdout), of(StdStream::Stderr), text.dropped_bytes)
    }

    /// The output from the start (or from now on, with `tail`), to now or to the end.
    #[must_use]
    pub fn read(self: Arc<Self>, follow: bool, tail: bool) -> LogStream {
        let state = self.state.subscribe();
        let from = if tail { self.text.lock().end() } else { At::default() };
        let next = move |(page, mut state, mut at): Reader| async move {
            loop {
                let (_, ended) = *state.borrow_and_update();
                let chunk = page.text.lock().next(&mut at);
                if let Some(chunk) = chunk {
                    return Some((chunk, (page, state, at)));
                }
                if ended || !follow || state.changed().await.is_err() {
                    return None;
                }
            }
        };
        Box::pin(stream::unfold((self, state, from), next))
    }
}

type Reader = (Arc<Page>, watch::Receiver<(u64, bool)>, At);

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

    #[tokio::test]
    async fn small_pieces_take_no_more_than_their_bytes_and_stay_in_order() {
        let (book, id) = (Logbook::default(), ExecutionId(Uuid::from_u128(1)));
        let page = book.open(id, &caps(u64::MAX));
        let reading = page.clone().read(true, false);
        for n in 0..RUNS_MAX {
            let stream = if n % 2 == 0 { StdStream::Stdout } else { StdStream::Stderr };
            page.write(stream, &[b'a' + (n % 26) as u8]);
        }
        for _ in 0..1_000_000 {
            page.write(StdStream::Stdout, b"x");
        }
        page.write(StdStream::Stderr, b"end");
        book.end(id);
        assert_eq!(page.text.lock().runs.len(), RUNS_MAX);
        let all: Vec<LogChunk> = reading.collect().await;
        let of = |stream: StdStream| {
            let chunks = all.iter().filter(|chunk| chunk.stream == stream);
            chunks.map(|chunk| chunk.bytes.clone()).collect::<Vec<_>>().concat()
        };
        let (stdout, stderr, dropped) = page.texts();
        assert_eq!((of(StdStream::Stdout), of(StdStream::Stderr)), (stdout.into(), stderr.into()));
        assert_eq!(dropped, 0);
        assert_eq!((all[0].bytes.as_ref(), all[1].bytes.as_ref()), (&b"a"[..], &b"b"[..]));
        assert!(all.len() < RUNS_MAX + 100, "{}", all.len());
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
