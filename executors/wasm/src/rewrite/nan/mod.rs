//! Makes NaN canonical where its bits would show.
//!
//! Wasm leaves the sign and the payload of a computed NaN open, and processors differ in them. The
//! compiler can make each result canonical as it is computed, at twice the time of a float-heavy
//! function. But hardly any result is looked at bit by bit: most go on into the next sum. So here
//! NaN is made canonical only where its bits would show (see [`walk`]). What a module computes is, to
//! the last bit, what it would compute with every result made canonical at once: the tests compare
//! the two.
//!
//! The canonical NaN is the one of the specification: positive, with the top bit of the payload.
//! <https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation>

mod effect;
mod emit;
mod walk;

pub(super) use effect::makes_nan;
pub(super) use walk::Effort;

use wasmparser::FunctionBody;

use super::refused::Refused;
use super::types::Types;

/// A function of this type, its own length not before it; `None` where it is good as it is. Its body
/// lies in `bytes`, from 0 on.
///
/// # Errors
/// [`Refused`].
pub(super) fn canonical(
    bytes: &[u8],
    body: &FunctionBody<'_>,
    ty: u32,
    types: &Types,
    effort: Effort,
) -> Result<Option<Vec<u8>>, Refused> {
    let plan = walk::plan(body, ty, types, effort)?;
    if plan.is_empty() {
        return Ok(None);
    }
    emit::body(bytes, body, ty, types, &plan).map(Some)
}
