//! Adding files and trees: read by one thread, sent as they are read, never gathered.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use gadus_api::ImportKind;
use gadus_api::types::ImportResponse;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::session::Session;
use crate::tree::{Packed, pack, scan};

/// Bytes that are sent at once; smaller pieces, such as headers, are joined.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that are read ahead of the network.
const CHUNKS_AHEAD: usize = 4;

/// Adds what stands at a path.
///
/// # Errors
/// For what cannot be read or has no content, and what the node says.
pub(crate) async fn add_path(session: &Session, path: &Path) -> Result<ImportResponse, Failure> {
    let what = Packed::at(path)?;
    let (scanned, file) = (path.to_owned(), path.to_owned());
    // The whole tree is looked at before anything is sent: what cannot be added is told at once.
    let total = match what {
        Packed::Tree => blocking(move || scan(&scanned)).await?.bytes,
        Packed::File => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
    };
    let doing = format!("adding {}", path.display());
    let bar = session.printer.bytes_bar(&doing, Some(total));
    send(session, path.to_owned(), what.kind(), bar, move |out| pack(&file, what, out)).await
}

/// Adds everything that comes in on stdin, as one file.
///
/// # Errors
/// For what cannot be read, and what the node says.
pub(crate) async fn add_stdin(session: &Session) -> Result<ImportResponse, Failure> {
    let bar = session.printer.bytes_bar("adding stdin", None);
    send(session, PathBuf::from("stdin"), ImportKind::File, bar, |out| {
        io::copy(&mut io::stdin().lock(), out)
            .map(|_| ())
            .map_err(|e| Failure::io("read stdin", &e))
    })
    .await
}

async fn send(
    session: &Session,
    path: PathBuf,
    kind: ImportKind,
    bar: ProgressBar,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure> + Send + 'static,
) -> Result<ImportResponse, Failure> {
    let (to_network, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let (counter, failed) = (bar.clone(), to_network.clone());
    let reading = blocking(move || {
        let mut feed = Feed { to_network, gathered: Vec::new(), bar: counter };
        let result =
            write(&mut feed).and_then(|()| feed.hand_over().map_err(|e| Failure::io("send", &e)));
        if result.is_err() {
            // Breaks the upload, so that the node does not take a part for the whole.
            let _ = failed.blocking_send(Err(io::Error::other("the upload was given up")));
        }
        result
    });
    let sending = session.client.import(kind, chunk_stream(chunks));
    let (read, sent) = tokio::join!(reading, sending);
    bar.finish_and_clear();
    // When the node gives up first, the reader only sees that nobody listens any more.
    match (read, sent) {
        (Err(failure @ Failure::Told(_)), _) => Err(failure),
        (_, Err(error)) => Err(Failure::call(format!("add {}", path.display()), &error)),
        (Err(Failure::ReaderGone) | Ok(()), Ok(added)) => Ok(added),
    }
}

fn chunk_stream(
    mut chunks: mpsc::Receiver<io::Result<Bytes>>,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::poll_fn(move |context| chunks.poll_recv(context))
}

/// Runs what blocks beside the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Failure::usage("a thread failed").because(e.to_string())))
}

/// Gathers what is written into chunks, and waits while the network is behind.
struct Feed {
    to_network: mpsc::Sender<io::Result<Bytes>>,
    gathered: Vec<u8>,
    bar: ProgressBar,
}

impl Feed {
    fn hand_over(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.bar.inc(self.gathered.len() as u64);
        let chunk = std::mem::take(&mut self.gathered).into();
        self.to_network
            .blocking_send(Ok(chunk))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.capacity() == 0 {
            self.gathered.reserve(CHUNK_BYTES);
        }
        let room = CHUNK_BYTES - self.gathered.len();
        let taken = room.min(bytes.len());
        self.gathered.extend_from_slice(&bytes[..taken]);
        if self.gathered.len() == CHUNK_BYTES {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
