//! Checking what `gadus receipt get` and `gadus evidence export` wrote, without any network: blocks
//! against their CIDs, records against each other, signatures against keys.

mod answers;
mod lie;
mod replay;
mod verdict;

use std::io;
use std::path::Path;

use futures::TryStreamExt;
use gadus_data::EmbeddedContent;
use gadus_model::{Cid, NodeId, Outcome, codec};
use gadus_ports::{CarPart, Content};
use gadus_proof::{ProofError, block};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::io::AsyncReadExt as _;

pub(crate) use self::answers::Checked;
pub(crate) use self::lie::CheckedLie;
pub(crate) use self::replay::Replay;
pub(crate) use self::verdict::CheckedVerdict;
#[cfg(test)]
pub(crate) use self::verdict::CheckedVote;
use crate::failure::Failure;
use crate::workbench::{Workbench, open, unreadable};

/// Why a check came to no end, or to a bad one.
#[derive(Debug)]
pub(crate) enum Stop {
    /// What does not hold.
    Forged(String),
    /// It could not be checked.
    Trouble(Failure),
}

impl From<ProofError> for Stop {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Unreadable { what, source } => Self::Trouble(unreadable(what, &source)),
            error @ (ProofError::Forged { .. } | ProofError::TooMany { .. }) => {
                Self::Forged(error.to_string())
            }
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Trouble(failure)
    }
}

/// What was checked, all of which holds.
#[derive(Debug)]
pub(crate) enum Found {
    /// A job's answers.
    Answers(Checked),
    /// Evidence against a node.
    Lie(Box<CheckedLie>),
}

/// Checks a file, in a store of its own that is gone afterwards; with `replays`, each function is
/// run again.
///
/// # Errors
/// `Forged` for the first thing that does not hold, `Trouble` for what could not be read.
pub(crate) async fn check(
    file: &Path,
    trusted: &[NodeId],
    replays: Option<Replay>,
) -> Result<Found, Stop> {
    let bench = Workbench::open("verify")?;
    let content = bench.content();
    let file = bench.car_on_disk(file).await?;
    let root = import(&bench, &file).await?;
    same_bytes(content, root, &file).await?;
    if accuses(content, &root).await? {
        let checked = lie::check(&bench, &root, trusted, replays).await?;
        return Ok(Found::Lie(Box::new(checked)));
    }
    Ok(Found::Answers(answers::check(&bench, &root, trusted, replays).await?))
}

/// Whether a root is one of evidence: no other names an accused.
async fn accuses(content: &EmbeddedContent, root: &Cid) -> Result<bool, Stop> {
    #[derive(Deserialize)]
    struct Kind {
        accused: Option<IgnoredAny>,
    }
    let block = block(content, root, "the root").await?;
    Ok(codec::decode::<Kind>(&block).is_ok_and(|kind| kind.accused.is_some()))
}

async fn import(bench: &Workbench, file: &Path) -> Result<Cid, Stop> {
    let imported = bench.import_car(file).await.map_err(|error| match error {
        Ok(failure) => Stop::Trouble(failure),
        Err(error) => ProofError::of_content("the CAR", error).into(),
    })?;
    match imported.roots.as_slice() {
        [root] => Ok(*root),
        roots => Err(forged("the CAR", format!("it has {} roots instead of one", roots.len()))),
    }
}

/// The file is what exporting its root gives: whatever else was in it, or in other words, would be
/// something that nobody looks at.
async fn same_bytes(content: &EmbeddedContent, root: Cid, file: &Path) -> Result<(), Stop> {
    let what = "the CAR";
    let part = CarPart::default();
    let car = content.export_car(root, "", part, None).await;
    let mut car = car.map_err(|error| ProofError::of_content(what, error))?;
    let mut opened = open(file).await?;
    let unread = |e: &io::Error| Stop::Trouble(Failure::io(format!("read {}", file.display()), e));
    let mut read = Vec::new();
    while let Some(chunk) =
        car.try_next().await.map_err(|error| ProofError::of_content(what, error))?
    {
        read.resize(chunk.len(), 0);
        match opened.read_exact(&mut read).await {
            Ok(_) if read == chunk => {}
            Ok(_) => return Err(other_form()),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(other_form()),
            Err(e) => return Err(unread(&e)),
        }
    }
    match opened.read(&mut [0]).await {
        Ok(0) => Ok(()),
        Ok(_) => Err(other_form()),
        Err(e) => Err(unread(&e)),
    }
}

fn other_form() -> Stop {
    let why = "it is not in the one form of such a file: the blocks below its root, depth first, \
               each once, and nothing else";
    forged("the CAR", why)
}

/// For people, without a line break.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit(code) => format!("exit {code}"),
        Outcome::Trap(trap) => format!("trap: {}", crate::render::plain(trap)),
        Outcome::OutOfFuel => "out of fuel".to_owned(),
    }
}

fn forged(what: &str, why: impl Into<String>) -> Stop {
    ProofError::forged(what, why).into()
}

#[cfg(test)]
mod tests;
