//! `verify`: no network, no node.

use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::interrupted;
use crate::printer::Printer;
use crate::proof::{Checked, CheckedLie, Found, Replay, Stop, check};
use crate::render;

pub(super) async fn verify(printer: &Printer, args: &CheckArgs) -> Result<Exit, Failure> {
    let timeout = args.timeout.map(|seconds| seconds.duration());
    let replays = args.replay.then_some(Replay { timeout });
    let checked = tokio::select! {
        checked = check(&args.file, &args.trust, replays) => checked,
        // Then its directory is removed. A function that runs again is ended first, by who runs it.
        Ok(()) = interrupted(), if !args.replay => {
            return Err(Failure::new(Exit::Interrupted, "it was interrupted"));
        }
    };
    match checked {
        Ok(Found::Answers(checked)) => answers(printer, args, &checked),
        Ok(Found::Lie(checked)) => lie(printer, args, &checked),
        Err(Stop::Trouble(failure)) => Err(failure),
        Err(Stop::Forged(forged)) => {
            let failure = Failure::new(Exit::Forged, "something does not hold");
            Err(failure
                .because(forged)
                .hint("nothing in this file is to be believed; get it again, from somebody else"))
        }
    }
}

fn answers(printer: &Printer, args: &CheckArgs, checked: &Checked) -> Result<Exit, Failure> {
    let exit = if checked.is_verified() { Exit::Success } else { Exit::Unverified };
    let draw = || render::checked_answers(checked, printer.width());
    match printer.object(args.format.output, checked, draw) {
        // The code says it to whoever does not read on.
        Err(Failure::ReaderGone) => return Ok(exit),
        shown => shown?,
    }
    if checked.is_verified() {
        printer.talk(match args.replay {
            true => "verified: everything holds, and each answer is what it comes to here",
            false => "verified: everything holds, and whom you trust stands behind each answer",
        });
        return Ok(exit);
    }
    // One node's word, trusted or not, is nothing that was verified.
    let attested = checked.answers.iter().all(|answer| answer.verdict.is_none());
    printer.talk(match attested {
        true => "unverified: everything holds, and each answer is one node's word",
        false => "unverified: everything holds, and whom you trust is not enough for it",
    });
    Ok(exit)
}

fn lie(printer: &Printer, args: &CheckArgs, checked: &CheckedLie) -> Result<Exit, Failure> {
    let exit = if checked.is_proven() { Exit::Success } else { Exit::Unverified };
    let draw = || render::checked_lie(checked, printer.width());
    match printer.object(args.format.output, checked, draw) {
        Err(Failure::ReaderGone) => return Ok(exit),
        shown => shown?,
    }
    if !checked.is_proven() {
        printer.talk(
            "unproven: everything holds, and whom you trust is not enough to say who is right; \
             --replay runs the task here",
        );
        return Ok(exit);
    }
    let accused = &checked.accused;
    printer.talk(&match args.replay {
        true => format!("proven: {accused} signed what the task does not come to here"),
        false => format!("proven: {accused} signed another answer than whom you trust came to"),
    });
    Ok(exit)
}
