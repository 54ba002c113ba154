//! Sealed work: several nodes run a task without seeing each other's answers, and what they say is
//! held against each other. The rules, each a pure function of its own.
//!
//! ```text
//! DRAW     seats are drawn from the bids of a window, by a secret that was committed to before
//! ASSIGN   each gets an award like any other: nobody learns who else has one
//! COMMIT   H("gadus/opening/1" | task, execution, node, salt, manifest), salt and answer durable
//! CLOSE    the requester signs the set of commitments, when all are in or their time is over
//! REVEAL   a node shows salt and answer, once the set holds its own and as many as are needed
//! DECIDE   equal answers are counted, over all rounds
//! REFEREE  where that gives nothing: the task is run by somebody who is believed
//! VERDICT  what follows, signed, with all that it takes to come to it again
//! ```
//!
//! After any CLOSE, new seats go to trusted nodes and the referee alone: whoever has seen the
//! answers could tell a friend what to say.

pub mod ballot;
pub mod draw;
pub mod evidence;
pub mod recompute;
pub mod seal;
pub mod seatable;
pub mod shown;
pub mod standing;

#[cfg(test)]
mod tests;

pub use ballot::{Ballot, Standstill};
pub use draw::{Drawn, draw, draw_commitment};
pub use evidence::{Contradiction, Held, NoLie, contradicting_sets, contradiction, held_against};
pub use recompute::{Flaw, Record, recompute};
pub use seal::{NotRevealed, may_reveal, open};
pub use seatable::could_seat;
pub use shown::agreed;
pub use standing::{Standing, TRUSTED_AFTER};
