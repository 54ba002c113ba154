//! `verify`: no network, no node.

use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::proof::{Checked, CheckedLie, Found, Stop, check};
use crate::render;

pub(super) async fn verify(printer: &Printer, args: &CheckArgs) -> Result<Exit, Failure> {
    match check(&args.file, &args.trust, args.replay).await {
        Ok(Found::Answers(checked)) => answers(printer, args, &checked),
        Ok(Found::Lie(checked)) => lie(printer, args, &checked),
        Err(Stop::Trouble(failure)) => Err(failure),
        Err(Stop::Forged(forged)) => {
            let failure = Failure::new(Exit::Forged, "something does not hold");
            Err(failure
                .because(forged.to_string())
                .hint("nothing in this file is to be believed; get it again, from somebody else"))
        }
    }
}

fn answers(printer: &Printer, args: &CheckArgs, checked: &Checked) -> Result<Exit, Failure> {
    let draw = || render::checked_answers(checked, printer.width());
    printer.object(args.format.output, checked, draw)?;
    if checked.is_verified() {
        printer.talk(match args.replay {
            true => "verified: everything holds, and each answer is what it comes to here",
            false => "verified: everything holds, and whom you trust came to each answer",
        });
        return Ok(Exit::Success);
    }
    // One node's word, trusted or not, is nothing that was verified.
    let attested = checked.answers.iter().all(|answer| answer.verdict.is_none());
    printer.talk(match attested {
        true => "unverified: everything holds, and each answer is one node's word",
        false => "unverified: everything holds, and whom you trust is not enough for it",
    });
    Ok(Exit::Unverified)
}

fn lie(printer: &Printer, args: &CheckArgs, checked: &CheckedLie) -> Result<Exit, Failure> {
    let draw = || render::checked_lie(checked, printer.width());
    printer.object(args.format.output, checked, draw)?;
    if !checked.is_proven() {
        printer.talk(
            "unproven: everything holds, and whom you trust is not enough to say who is right; \
             --replay runs the task here",
        );
        return Ok(Exit::Unverified);
    }
    let accused = &checked.accused;
    printer.talk(&match args.replay {
        true => format!("proven: {accused} signed what the task does not come to here"),
        false => format!("proven: {accused} signed another answer than whom you trust came to"),
    });
    Ok(Exit::Success)
}
