//! Rewrites a module before it is compiled.
//!
//! - Every NaN that it computes has the same bits on every machine: `nan`.
//! - Small loops over floats ask for fuel and for the time every few turns: `unroll`.
//!
//! Both are the same on every node, whatever it is and however it is set, since they change what fuel
//! a function burns. Neither changes what it computes.

mod leb;
mod nan;
mod refused;
mod types;
mod unroll;

use std::borrow::Cow;
use std::ops::Range;

use wasmparser::{BinaryReader, FunctionBody, Parser, Payload};

use self::nan::Effort;
use self::refused::Refused;
use self::types::Types;
use self::unroll::Unroller;

/// The number of this way of doing it, in the engine's id: another way may burn other fuel.
pub(crate) const REWRITE_VERSION: u32 = 1;

/// The number of the code section.
const CODE_SECTION: u8 = 10;

/// Bytes of all functions. The same everywhere, as what a module comes to is.
const CODE_MAX_BYTES: usize = 256 << 20;

/// The bytes that every module begins with.
const HEADER_BYTES: usize = 8;

/// A valid module as it is compiled; the module itself where nothing needs to be done.
///
/// # Errors
/// When it would grow beyond what any module may be.
pub(crate) fn rewritten(binary: &[u8]) -> Result<Cow<'_, [u8]>, Refused> {
    match rewritten_with(binary, Effort::FULL, true) {
        // Nothing is refused for what it might have done without.
        Err(Refused::Large { .. }) => rewritten_with(binary, Effort::FULL, false),
        other => other,
    }
}

fn rewritten_with(binary: &[u8], effort: Effort, unrolls: bool) -> Result<Cow<'_, [u8]>, Refused> {
    let mut rewriting = Rewriting::new(binary, effort, unrolls.then(Unroller::default));
    for payload in Parser::new(0).parse_all(binary) {
        rewriting.take(payload?)?;
    }
    Ok(rewriting.finish())
}

struct Rewriting<'a> {
    binary: &'a [u8],
    effort: Effort,
    types: Types,
    unroller: Option<Unroller>,
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
    fn new(binary: &'a [u8], effort: Effort, unroller: Option<Unroller>) -> Self {
        let mut out = Vec::with_capacity(binary.len() + binary.len() / 8);
        out.extend_from_slice(binary.get(..HEADER_BYTES).unwrap_or_default());
        Self {
            binary,
            effort,
            types: Types::default(),
            unroller,
            next: 0,
            bodies: 0,
            code: Vec::new(),
            out,
            is_changed: false,
        }
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
        let given = &self.binary[body.range()];
        let unrolled = match &mut self.unroller {
            Some(unroller) => unroller.unrolled(given, ty, &self.types)?,
            None => None,
        };
        let bytes = unrolled.as_deref().unwrap_or(given);
        let body = FunctionBody::new(BinaryReader::new(bytes, 0));
        let canonical = nan::canonical(bytes, &body, ty, &self.types, self.effort)?;
        self.is_changed |= unrolled.is_some() || canonical.is_some();
        sized(&mut self.code, canonical.as_deref().unwrap_or(bytes));
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
