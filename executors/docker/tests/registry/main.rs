//! Asking registries for digests, against one that says what a test wants it to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod bounds;
mod support;
mod tokens;
