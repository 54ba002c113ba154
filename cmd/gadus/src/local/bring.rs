//! What a task is run from: texts, CARs, files and directories.

use std::io::Read as _;
use std::path::Path;

use gadus_model::{DAG_CBOR, Task};
use gadus_ports::{BoxRead, Content, ContentError, Imported, Layout};
use tokio_util::io::SyncIoBridge;

use super::shown;
use crate::failure::Failure;
use crate::task_text;
use crate::tree::{Packed, pack};
use crate::upload::blocking;
use crate::workbench::{Workbench, unreadable};

/// Bytes of a pipe between who packs and who imports.
const PIPE_BYTES: usize = 1 << 20;
/// As a CAR of the second version begins.
const CAR_V2: &[u8] = b"\x0a\xa1gversion\x02";
/// What the head of a CAR of the first version begins with, behind its length: a map of two, the
/// first of which are the roots.
const CAR_V1: &[u8] = b"\xa2eroots";

/// Adds what stands at a path: the blocks of a CAR, or a file or a directory as `gadus add` does.
pub(super) async fn more(bench: &Workbench, path: &Path) -> Result<(), Failure> {
    if is_car(path)? {
        return car(bench, path).await.map(drop);
    }
    let what = Packed::at(path)?;
    let file = path.to_owned();
    let (write, read) = tokio::io::duplex(PIPE_BYTES);
    let packing = blocking(move || {
        let mut out = SyncIoBridge::new(write);
        pack(&file, what, false, &mut out)
    });
    let bytes: BoxRead = Box::pin(read);
    let importing = async {
        match what {
            Packed::File => bench.content().import_file(bytes, Layout::default()).await,
            Packed::Tree => bench.content().import_tar(bytes, Layout::default()).await,
        }
    };
    let (packed, imported) = tokio::join!(packing, importing);
    packed?;
    imported.map_err(|e| unreadable(path.display(), &e)).map(drop)
}

/// The task: a text, a CAR that it is the root of, or the CID of one that is here already.
pub(super) async fn task(bench: &Workbench, given: &str) -> Result<Task, Failure> {
    if let Some(cid) = task_text::cid(given) {
        let cid = cid?;
        let missing = || {
            Failure::usage(format!("the task {cid} is not here"))
                .because("with --local nobody is asked for it")
                .hint(format!(
                    "where there is a network, `gadus export {cid} > task.car` has it and all it \
                     names; then: gadus run --local task.car"
                ))
        };
        return bench.task(&cid).await?.ok_or_else(missing);
    }
    let file = bench.on_disk(given.as_ref()).await?;
    if !is_car(&file)? {
        return task_text::read(given, &task_text::bytes_of(&file)?);
    }
    let imported = car(bench, &file).await?;
    let shown = shown(given.as_ref());
    match imported.roots.as_slice() {
        [root] if root.codec() == DAG_CBOR => {
            let gone = || Failure::usage(format!("{shown} has not its own root, {root}"));
            bench.task(root).await?.ok_or_else(gone)
        }
        [root] => Err(no_task(&shown, &format!("its root is content: {root}"))),
        roots => Err(no_task(&shown, &format!("it has {} roots", roots.len()))),
    }
}

fn no_task(car: &str, why: &str) -> Failure {
    Failure::usage(format!("{car} is no CAR of a task"))
        .because(why)
        .hint("`gadus export TASK_CID > task.car` makes one; other CARs come with --with")
}

async fn car(bench: &Workbench, path: &Path) -> Result<Imported, Failure> {
    bench.import_car(path).await.map_err(|error| match error {
        Ok(failure) => failure,
        Err(error) => of_car(path, &error),
    })
}

fn of_car(path: &Path, error: &ContentError) -> Failure {
    unreadable(path.display(), error)
        .hint("a CAR has to have every block below its roots, or --with has to bring the rest")
}

/// Whether a file begins like a CAR.
fn is_car(path: &Path) -> Result<bool, Failure> {
    let failed = |e: &std::io::Error| Failure::io(format!("read {}", path.display()), e);
    if path.is_dir() {
        return Ok(false);
    }
    let mut head = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| failed(&e))?;
    file.take(32).read_to_end(&mut head).map_err(|e| failed(&e))?;
    // A length of one to three bytes, of which all but the last have their high bit set.
    let length = head.iter().take(3).take_while(|byte| **byte >= 0x80).count() + 1;
    Ok(head.starts_with(CAR_V2) || head.get(length..).is_some_and(|rest| rest.starts_with(CAR_V1)))
}
