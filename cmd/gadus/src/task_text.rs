//! Tasks as people name them: a text, a file of one, or a CID.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use futures::TryStreamExt;
use gadus_model::{Cid, DAG_CBOR, TASK_BYTES_MAX, Task, TaskTextError};

use crate::failure::Failure;
use crate::session::Session;

/// The CID that a task is named by; none for a file's name.
///
/// # Errors
/// For the CID of something else.
pub(crate) fn cid(text: &str) -> Option<Result<Cid, Failure>> {
    let bare = text.strip_prefix("ipfs://");
    let cid = match bare.unwrap_or(text).parse::<Cid>() {
        Ok(cid) if cid.to_string() == bare.unwrap_or(text) => cid,
        // One is found in a path, too; that of a file is meant.
        Ok(_) if bare.is_none() => return None,
        Ok(_) => return Some(Err(Failure::usage(format!("'{text}' is no CID")))),
        Err(why) => {
            let failure =
                |_| Failure::usage(format!("'{text}' is no CID")).because(why.to_string());
            return bare.map(failure).map(Err);
        }
    };
    if cid.codec() == DAG_CBOR {
        return Some(Ok(cid));
    }
    Some(Err(Failure::usage(format!("{cid} is no task"))
        .because("it is the CID of content, and that of a task begins with bafyrei")
        .hint("`gadus job task ID --cid` prints the CID of a job's task; a module runs with `gadus wasm run`")))
}

/// Reads a text. `name` is where it came from.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub(crate) fn read(name: &str, text: &[u8]) -> Result<Task, Failure> {
    let name = if name == "-" { "stdin" } else { name };
    Task::from_text(text).map_err(|e| refused(&format!("{name} is no task that can be run"), &e))
}

/// A text from a file, or from stdin (`-`).
///
/// # Errors
/// As [`read`], and for what cannot be read.
pub(crate) fn of_file(name: &str) -> Result<Task, Failure> {
    let text = match name {
        "-" => up_to_most(io::stdin().lock()).map_err(|e| Failure::io("read stdin", &e))?,
        _ => bytes_of(Path::new(name))?,
    };
    match read(name, &text) {
        Err(failure) if std::str::from_utf8(&text).is_err() => Err(failure.hint(
            "a CAR of a task runs with --local; in a network, `gadus import` it, and run its CID",
        )),
        task => task,
    }
}

/// What is in a file, as far as a task may be long.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn bytes_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let read = File::open(file).and_then(up_to_most);
    read.map_err(|e| {
        Failure::io(format!("read {}", file.display()), &e)
            .hint("TASK is a file, - for stdin, or the CID of a task")
    })
}

/// One byte more than may be tells that there are too many.
fn up_to_most(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(TASK_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The task of a CID, from the network.
///
/// # Errors
/// What the node says, and for what is no task.
pub(crate) async fn of_network(session: &Session, cid: &Cid) -> Result<Task, Failure> {
    let failed = |e| Failure::call(format!("fetch the task {cid}"), &e);
    let mut reply = session.client.block(&cid.to_string()).await.map_err(failed)?.bytes;
    let mut block = Vec::new();
    while let Some(chunk) = reply.try_next().await.map_err(failed)? {
        block.extend_from_slice(&chunk);
        if block.len() > TASK_BYTES_MAX {
            break;
        }
    }
    let what = format!("{cid} is no task that can be run");
    let task = Task::from_block(&block).map_err(|e| refused(&what, &e))?;
    match task.cid() {
        Ok(is) if is == *cid => Ok(task),
        Ok(_) | Err(_) => Err(Failure::usage(what)
            .because("the node gave another block than was asked for")
            .hint("ask another node with --api")),
    }
}

fn refused(what: &str, error: &TaskTextError) -> Failure {
    Failure::usage(what).because(error.to_string()).hint(error.hint())
}
