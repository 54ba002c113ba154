//! Gives every NaN that a module computes the same bits on every machine.
//!
//! Wasm leaves the sign and the payload of a computed NaN open, and processors differ in them. The
//! compiler can make each result canonical as it is computed, at twice the time of a float-heavy
//! function. But hardly any result is looked at bit by bit: most go on into the next sum. Here a
//! module is rewritten before it is compiled, so that a NaN is made canonical only where its bits
//! would show (see [`walk`]). What a module computes is, to the last bit, what it would compute with
//! every result made canonical at once: the tests compare the two.
//!
//! The canonical NaN is the one of the specification: positive, with the top bit of the payload.
//! <https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation>

mod effect;
mod emit;
mod leb;
mod refused;
mod types;
mod walk;

use std::borrow::Cow;
use std::ops::Range;

use wasmparser::{FunctionBody, Parser, Payload};

use self::refused::Refused;
use self::types::Types;
use self::walk::Effort;

/// The number of this way of doing it, in the engine's id: another way may burn other fuel.
pub(crate) const NAN_VERSION: u32 = 1;

/// The number of the code section.
const CODE_SECTION: u8 = 10;

/// Bytes of all functions. The same everywhere, as what a module comes to is.
const CODE_MAX_BYTES: usize = 256 << 20;

/// The bytes that every module begins with.
const HEADER_BYTES: usize = 8;

/// A valid module with every NaN that shows made canonical; the module itself where none does.
///
/// # Errors
/// When it would grow beyond what any module may be.
pub(crate) fn with_canonical_nans(binary: &[u8]) -> Result<Cow<'_, [u8]>, Refused> {
    rewritten(binary, Effort::FULL)
}

fn rewritten(binary: &[u8], effort: Effort) -> Result<Cow<'_, [u8]>, Refused> {
    let mut rewriting = Rewriting::new(binary, effort);
    for payload in Parser::new(0).parse_all(binary) {
        rewriting.take(payload?)?;
    }
    Ok(rewriting.finish())
}

struct Rewriting<'a> {
    binary: &'a [u8],
    effort: Effort,
    types: Types,
    /// The number of the function whose body comes next.
    next: u32,
    /// Bodies still to come.
    bodies: u32,
    /// The code section as far as it is written.
    code: Vec<u8>,
    out: Vec<u8>,
    is_changed: bool,
}

impl<'a> Rewriting<'a> {
    fn new(binary: &'a [u8], effort: Effort) -> Self {
        let mut out = Vec::with_capacity(binary.len() + binary.len() / 8);
        out.extend_from_slice(binary.get(..HEADER_BYTES).unwrap_or_default());
        let types = Types::default();
        Self { binary, effort, types, next: 0, bodies: 0, code: Vec::new(), out, is_changed: false }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other sections are copied")]
    fn take(&mut self, payload: Payload<'_>) -> Result<(), Refused> {
        match payload {
            Payload::CodeSectionStart { count, .. } => {
                self.bodies = count;
                leb::write(&mut self.code, count);
                self.end_code();
                return Ok(());
            }
            Payload::CodeSectionEntry(body) => {
                self.function(&body)?;
                self.bodies = self.bodies.saturating_sub(1);
                self.end_code();
                return Ok(());
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section()
            && !is_about_code(&payload)
        {
            self.section(id, range);
        }
        match payload {
            Payload::TypeSection(section) => self.types.declare_types(section)?,
            Payload::ImportSection(section) => {
                self.types.import(section)?;
                self.next = self.types.functions();
            }
            Payload::FunctionSection(section) => self.types.declare_functions(section)?,
            _ => {}
        }
        Ok(())
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), Refused> {
        let ty = self.types.of_function(self.next).unwrap_or(u32::MAX);
        self.next = self.next.saturating_add(1);
        let plan = walk::plan(body, ty, &self.types, self.effort)?;
        if plan.is_empty() {
            let same = &self.binary[body.range()];
            sized(&mut self.code, same);
        } else {
            self.is_changed = true;
            let changed = emit::body(self.binary, body, ty, &self.types, &plan)?;
            sized(&mut self.code, &changed);
        }
        if self.code.len() > CODE_MAX_BYTES {
            let what = "bytes of code with what its floats take";
            return Err(Refused::large(what, self.code.len(), CODE_MAX_BYTES));
        }
        Ok(())
    }

    /// Writes the code section once all of it is there.
    fn end_code(&mut self) {
        if self.bodies == 0 {
            self.out.push(CODE_SECTION);
            sized(&mut self.out, &self.code);
            self.code = Vec::new();
        }
    }

    fn section(&mut self, id: u8, range: Range<usize>) {
        self.out.push(id);
        sized(&mut self.out, &self.binary[range]);
    }

    fn finish(self) -> Cow<'a, [u8]> {
        if self.is_changed { Cow::Owned(self.out) } else { Cow::Borrowed(self.binary) }
    }
}

/// Whether this says something of places in the code, which are others now: hints to the compiler.
/// <https://github.com/WebAssembly/tool-conventions/blob/main/CodeMetadata.md>
fn is_about_code(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::CustomSection(section) if section.name().starts_with("metadata.code."))
}

fn sized(out: &mut Vec<u8>, bytes: &[u8]) {
    leb::write(out, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
