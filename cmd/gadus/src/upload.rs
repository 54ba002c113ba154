//! Adding files and trees: read by one thread, sent as they are read, never gathered.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use gadus_api::ImportKind;
use gadus_api::types::ImportResponse;
use gadus_ports::Layout;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::session::Session;
use crate::tree::{Packed, pack, scan};

mod check;

/// Bytes that are sent at once; smaller pieces, such as headers, are joined.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that are read ahead of the network.
const CHUNKS_AHEAD: usize = 4;

/// Adds what stands at a path. With `check`, its CID is computed here too, from the bytes that are
/// sent.
///
/// # Errors
/// For what cannot be read or has no content, what the node says, and for a CID of the node's that
/// is not the one computed here.
pub(crate) async fn add_path(
    session: &Session,
    path: &Path,
    layout: Layout,
    check: bool,
) -> Result<ImportResponse, Failure> {
    let what = Packed::at(path)?;
    let (scanned, file) = (path.to_owned(), path.to_owned());
    // The whole tree is looked at before anything is sent: what cannot be added is told at once.
    let total = match what {
        Packed::Tree => blocking(move || scan(&scanned)).await?.bytes,
        Packed::File => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
    };
    let doing = format!("adding {}", path.display());
    let bar = session.printer.bytes_bar(&doing, Some(total));
    let kind = what.kind(layout);
    let upload = Upload { path: path.to_owned(), verb: "add", kind, bar, check };
    upload.send(session, move |out| pack(&file, what, layout.keep_modes, out)).await
}

/// Adds everything that comes in on stdin, as one file.
///
/// # Errors
/// As [`add_path`].
pub(crate) async fn add_stdin(
    session: &Session,
    layout: Layout,
    check: bool,
) -> Result<ImportResponse, Failure> {
    let bar = session.printer.bytes_bar("adding stdin", None);
    let (path, kind) = (PathBuf::from("stdin"), ImportKind::File(layout));
    let upload = Upload { path, verb: "add", kind, bar, check };
    let copy = |out: &mut dyn Write| {
        io::copy(&mut io::stdin().lock(), out)
            .map(|_| ())
            .map_err(|e| Failure::io("read stdin", &e))
    };
    upload.send(session, copy).await
}

/// Imports a CAR from a file, or from stdin (`-`).
///
/// # Errors
/// For a file that cannot be read, and what the node says.
pub(crate) async fn import_car(session: &Session, path: &Path) -> Result<ImportResponse, Failure> {
    let stdin = path == Path::new("-");
    let shown = if stdin { PathBuf::from("stdin") } else { path.to_owned() };
    let failed = {
        let shown = shown.clone();
        move |e: &io::Error| Failure::io(format!("read {}", shown.display()), e)
    };
    let (mut source, length): (Box<dyn Read + Send>, _) = if stdin {
        (Box::new(io::stdin()), None)
    } else {
        let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
        let length = file.metadata().ok().map(|metadata| metadata.len());
        (Box::new(file), length)
    };
    let bar = session.printer.bytes_bar(&format!("importing {}", shown.display()), length);
    let (verb, kind) = ("import", ImportKind::Car);
    let upload = Upload { path: shown, verb, kind, bar, check: false };
    let copy =
        move |out: &mut dyn Write| io::copy(&mut source, out).map(|_| ()).map_err(|e| failed(&e));
    upload.send(session, copy).await
}

/// What is to be sent.
struct Upload {
    /// For messages.
    path: PathBuf,
    /// What is done with it, for messages.
    verb: &'static str,
    kind: ImportKind,
    bar: ProgressBar,
    check: bool,
}

impl Upload {
    async fn send(
        self,
        session: &Session,
        write: impl FnOnce(&mut dyn Write) -> Result<(), Failure> + Send + 'static,
    ) -> Result<ImportResponse, Failure> {
        let Self { path, verb, kind, bar, check } = self;
        let (to_network, chunks) = mpsc::channel(CHUNKS_AHEAD);
        let (to_check, to_be_checked) = sync_channel(CHUNKS_AHEAD);
        let (counter, failed) = (bar.clone(), to_network.clone());
        let reading = blocking(move || {
            let to_check = check.then_some(to_check);
            let mut feed = Feed { to_network, to_check, gathered: Vec::new(), bar: counter };
            let result = write(&mut feed)
                .and_then(|()| feed.hand_over().map_err(|e| Failure::io("send", &e)));
            if result.is_err() {
                // Breaks the upload, so that the node does not take a part for the whole.
                let _ = failed.blocking_send(Err(io::Error::other("the upload was given up")));
            }
            result
        });
        let sending = session.client.import(kind, chunk_stream(chunks));
        let checking = async {
            match check {
                true => blocking(move || check::cid_of(kind, to_be_checked)).await.map(Some),
                false => Ok(None),
            }
        };
        let (read, sent, here) = tokio::join!(reading, sending, checking);
        bar.finish_and_clear();
        // When the node gives up first, the reader only sees that nobody listens any more.
        let added = match (read, sent) {
            (Err(failure @ Failure::Told(_)), _) => return Err(failure),
            (_, Err(error)) => {
                return Err(Failure::call(format!("{verb} {}", path.display()), &error));
            }
            (Err(Failure::ReaderGone) | Ok(()), Ok(added)) => added,
        };
        if let Some(here) = here? {
            check::compare(&path, &added, &here)?;
        }
        Ok(added)
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
    to_check: Option<SyncSender<Bytes>>,
    gathered: Vec<u8>,
    bar: ProgressBar,
}

impl Feed {
    fn hand_over(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.bar.inc(self.gathered.len() as u64);
        let chunk = Bytes::from(std::mem::take(&mut self.gathered));
        if let Some(to_check) = &self.to_check {
            // Who checks may have seen the end already, or says itself why it has given up.
            let _ = to_check.send(chunk.clone());
        }
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

#[cfg(test)]
mod tests;
