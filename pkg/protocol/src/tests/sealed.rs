//! Sealed work: what each machine does about each step of it, and about who breaks its rules.

mod compute;
mod deciding;
mod recalling;
mod rig;
mod rounds;
mod seating;
mod unasked;
