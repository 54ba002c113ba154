//! `verify`: no network, no node.

use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::proof::{Stop, check};
use crate::render;

pub(super) async fn verify(printer: &Printer, args: &CheckArgs) -> Result<Exit, Failure> {
    match check(&args.file, &args.trust, args.replay).await {
        Ok(checked) => {
            printer.object(args.format.output, &checked, || {
                render::checked_answers(&checked, printer.width())
            })?;
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
        Err(Stop::Trouble(failure)) => Err(failure),
        Err(Stop::Forged(forged)) => {
            let failure = Failure::new(Exit::Forged, "something does not hold");
            Err(failure
                .because(forged.to_string())
                .hint("nothing in this file is to be believed; get it again, from somebody else"))
        }
    }
}
