//! A store and an engine that last as long as one command: for what is looked at, or run, without
//! any node.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gadus_data::{ContentConfig, EmbeddedContent};
use gadus_model::{Failure as Trouble, Task};
use gadus_node::compute::{LocalAnswer, LocalRun};
use gadus_ports::{BoxRead, Content, ContentError, Executor, Imported};
use gadus_wasm::{CompilerProcess, WasmConfig, WasmExecutor};
use tempfile::TempDir;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::compiler;
use crate::failure::Failure;

/// A place of its own, which is gone afterwards.
pub(crate) struct Workbench {
    dir: TempDir,
    content: Arc<EmbeddedContent>,
}

impl Workbench {
    /// Makes an empty one. `purpose` is what it is for, in a word.
    ///
    /// # Errors
    /// When this machine has no room for one.
    pub(crate) fn open(purpose: &str) -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix(&format!("gadus-{purpose}-")).tempdir();
        let dir = dir.map_err(|e| Failure::io(format!("make a directory to {purpose} in"), &e))?;
        // Only what is brought here counts against it, whatever its size.
        let config = ContentConfig { quota_bytes: u64::MAX, ..ContentConfig::default() };
        let content = EmbeddedContent::open(dir.path(), config).map_err(|e| {
            Failure::usage(format!("failed to make a store to {purpose} in")).because(e.to_string())
        })?;
        Ok(Self { dir, content: Arc::new(content) })
    }

    /// What is on it.
    pub(crate) fn content(&self) -> &EmbeddedContent {
        &self.content
    }

    /// The file itself, or a copy of what can be read but once: stdin (`-`), a pipe.
    ///
    /// # Errors
    /// When it breaks off, or the disk is full.
    pub(crate) async fn on_disk(&self, file: &Path) -> Result<PathBuf, Failure> {
        if can_be_read_again(file) {
            return Ok(file.to_owned());
        }
        self.keep(file, Keep::All).await
    }

    /// The same of a CAR: of what does not begin as one, only the beginning.
    ///
    /// # Errors
    /// As [`Self::on_disk`].
    pub(crate) async fn car_on_disk(&self, file: &Path) -> Result<PathBuf, Failure> {
        if can_be_read_again(file) {
            return Ok(file.to_owned());
        }
        self.keep(file, Keep::Car).await
    }

    async fn keep(&self, file: &Path, keep: Keep) -> Result<PathBuf, Failure> {
        let is_stdin = is_stdin(file);
        let copy = tempfile::NamedTempFile::new_in(self.dir.path());
        let failed = |e: io::Error| Failure::io("keep what comes in", &e);
        let copy = copy.and_then(|copy| copy.into_temp_path().keep().map_err(io::Error::from));
        let copy = copy.map_err(failed)?;
        let mut out = File::create(&copy).await.map_err(failed)?;
        if is_stdin {
            take_in(&mut tokio::io::stdin(), &mut out, keep).await.map_err(failed)?;
        } else {
            take_in(&mut open(file).await?, &mut out, keep).await.map_err(failed)?;
        }
        out.flush().await.map_err(failed)?;
        Ok(copy)
    }

    /// Takes in the blocks of a CAR.
    ///
    /// # Errors
    /// `Err(Ok(…))` for a file that cannot be read, `Err(Err(…))` for what is wrong with it.
    pub(crate) async fn import_car(
        &self,
        file: &Path,
    ) -> Result<Imported, Result<Failure, ContentError>> {
        let car: BoxRead = Box::pin(open(file).await.map_err(Ok)?);
        self.content.import_car(car).await.map_err(Err)
    }

    /// What runs functions here, as receipts name it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) async fn engine(&self) -> Result<String, Failure> {
        let told = async { Ok::<_, Trouble>(self.executor()?.probe().await?.id) };
        told.await.map_err(|e| Failure::usage("failed to start the engine").because(e.message))
    }

    /// Runs a function of which everything is here.
    ///
    /// # Errors
    /// What stood in its way.
    pub(crate) async fn run(
        &self,
        run: &LocalRun,
        stop: &CancellationToken,
    ) -> Result<LocalAnswer, Trouble> {
        let executor = self.executor()?;
        let content: Arc<dyn Content> = self.content.clone();
        run.run(&content, &*executor, &self.dir.path().join("run/scratch"), stop).await
    }

    fn executor(&self) -> Result<Arc<WasmExecutor>, gadus_model::Failure> {
        WasmExecutor::new(WasmConfig {
            compiler: compiler::process(CompilerProcess::MEMORY_MAX_BYTES),
            ..WasmConfig::new(self.dir.path().join("run/modules"))
        })
    }

    /// The task that a block is.
    ///
    /// # Errors
    /// For what is no task, and when the store cannot be read; `None` where there is no such block.
    pub(crate) async fn task(&self, cid: &gadus_model::Cid) -> Result<Option<Task>, Failure> {
        let block = self.content.block(cid, None).await;
        let Some(block) = block.map_err(|e| unreadable(cid, &e))? else { return Ok(None) };
        let task = Task::from_block(&block).map_err(|e| {
            Failure::usage(format!("{cid} is no task that can be run"))
                .because(e.to_string())
                .hint(e.hint())
        })?;
        Ok(Some(task))
    }
}

/// Enough for the length of a header and the first byte of it.
const CAR_BEGIN_BYTES: u64 = 11;

/// What is kept of what comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    All,
    /// All of a CAR; of what does not begin as one, which may have no end, only the beginning.
    Car,
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What is not there is told by whoever opens it.
fn can_be_read_again(file: &Path) -> bool {
    !is_stdin(file) && file.metadata().map_or(true, |about| about.is_file() || about.is_dir())
}

async fn take_in(from: &mut (impl AsyncRead + Unpin), to: &mut File, keep: Keep) -> io::Result<()> {
    let mut begin = Vec::new();
    (&mut *from).take(CAR_BEGIN_BYTES).read_to_end(&mut begin).await?;
    to.write_all(&begin).await?;
    // The length of a header, in a varint, and the header: a map of one or two entries.
    let length = begin.iter().position(|byte| byte & 0x80 == 0);
    let header = length.and_then(|at| begin.get(at + 1));
    if keep == Keep::All || header.is_some_and(|byte| [0xa1, 0xa2].contains(byte)) {
        tokio::io::copy(from, to).await?;
    }
    Ok(())
}

/// Opens a file.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn open(file: &Path) -> Result<File, Failure> {
    File::open(file).await.map_err(|e| Failure::io(format!("read {}", file.display()), &e))
}

/// Trouble of this machine with something that is here.
pub(crate) fn unreadable(what: impl Display, error: &ContentError) -> Failure {
    Failure::usage(format!("failed to read {what}")).because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_begins_as_no_car_is_not_read_to_an_end_that_it_may_not_have() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("car");
        for car in [&b"\x3a\xa2eroots and so on"[..], b"\x8a\x01\xa1gversion\x02", b"", b"\x3a"] {
            let mut file = File::create(&path).await.unwrap();
            take_in(&mut &car[..], &mut file, Keep::Car).await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), car);
        }
        let text = b"{\"a\": \"task is a text\"}";
        let mut file = File::create(&path).await.unwrap();
        take_in(&mut &text[..], &mut file, Keep::All).await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), text);
        for endless in [0, b'y', 0xff] {
            let mut file = File::create(&path).await.unwrap();
            take_in(&mut tokio::io::repeat(endless), &mut file, Keep::Car).await.unwrap();
            file.flush().await.unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), [endless; CAR_BEGIN_BYTES as usize]);
        }
    }
}
