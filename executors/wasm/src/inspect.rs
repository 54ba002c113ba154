//! What is checked of a module before the compiler sees it.

use std::borrow::Cow;

use gadus_model::{Failure, FailureKind};
use wasmparser::{
    BinaryReaderError, Encoding, FunctionBody, FunctionSectionReader, ImportSectionReader, Parser,
    Payload, TypeRef, Validator, WasmFeatures,
};

use crate::config::ModuleLimits;
use crate::flow::{Signatures, arities_of_types, flow_of};

/// The proposals that a module may use, all of them standard and deterministic. What is not
/// listed is refused: threads, relaxed SIMD, memory64, multiple memories, garbage collection (and
/// with it `externref`), exceptions, stack switching, and whatever comes after.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::FLOATS
    .union(WasmFeatures::MUTABLE_GLOBAL)
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::TAIL_CALL);

/// The first bytes of every binary, module or component.
const MAGIC: &[u8] = b"\0asm";

/// The binary of a module given as binary or text, held to the limits and to [`FEATURES`].
///
/// # Errors
/// `Invalid`: what is wrong with it, and where.
pub(crate) fn checked_binary<'a>(
    given: &'a [u8],
    limits: &ModuleLimits,
) -> Result<Cow<'a, [u8]>, Failure> {
    let binary = to_binary(given, limits)?;
    if binary.len() > limits.binary_max_bytes {
        return Err(too_many("bytes", binary.len() as u64, limits.binary_max_bytes as u64));
    }
    check_counts(&binary, limits)?;
    Validator::new_with_features(FEATURES).validate_all(&binary).map_err(|error| broken(&error))?;
    Ok(binary)
}

fn to_binary<'a>(given: &'a [u8], limits: &ModuleLimits) -> Result<Cow<'a, [u8]>, Failure> {
    if given.starts_with(MAGIC) {
        return Ok(Cow::Borrowed(given));
    }
    let Ok(text) = std::str::from_utf8(given) else {
        return Err(not_a_module("it is neither a Wasm binary nor text"));
    };
    if text.trim_start().is_empty() {
        return Err(not_a_module("it is empty"));
    }
    if text.len() > limits.text_max_bytes {
        return Err(too_many("bytes of text", text.len() as u64, limits.text_max_bytes as u64));
    }
    // Only the message's first line: the others show the source.
    wat::parse_str(text).map(Cow::Owned).map_err(|error| {
        let message = error.to_string();
        not_a_module(&format!(
            "it is not a binary, and as text: {}",
            message.lines().next().unwrap_or_default()
        ))
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only what a limit is for matters here")]
fn check_counts(binary: &[u8], limits: &ModuleLimits) -> Result<(), Failure> {
    let items_max = u64::from(limits.items_max);
    let mut functions = Functions::default();
    for payload in Parser::new(0).parse_all(binary) {
        let (what, count, max) = match payload.map_err(|error| broken(&error))? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(not_a_module("it is a component")
                    .with_hint("build a core module for WASI preview 1 (target wasm32-wasip1)"));
            }
            Payload::TypeSection(section) => {
                let count = section.count();
                if u64::from(count) <= items_max {
                    functions.signatures.types =
                        arities_of_types(section).map_err(|error| broken(&error))?;
                }
                ("types", count, items_max)
            }
            Payload::ImportSection(section) => {
                let count = section.count();
                if u64::from(count) <= items_max {
                    functions.import(section).map_err(|error| broken(&error))?;
                }
                ("imports", count, items_max)
            }
            Payload::FunctionSection(section) => {
                let count = functions.known().saturating_add(section.count());
                if count <= limits.functions_max {
                    functions.declare(section).map_err(|error| broken(&error))?;
                }
                ("functions", count, u64::from(limits.functions_max))
            }
            Payload::TableSection(section) => {
                ("tables", section.count(), u64::from(limits.tables_max))
            }
            Payload::GlobalSection(section) => ("globals", section.count(), items_max),
            Payload::ExportSection(section) => ("exports", section.count(), items_max),
            Payload::ElementSection(section) => ("element segments", section.count(), items_max),
            Payload::DataSection(section) => ("data segments", section.count(), items_max),
            Payload::CodeSectionEntry(body) => {
                functions.check_next(&body, limits)?;
                continue;
            }
            _ => continue,
        };
        if u64::from(count) > max {
            return Err(too_many(what, u64::from(count), max));
        }
    }
    Ok(())
}

/// What is known of a module's functions while it is read.
#[derive(Default)]
struct Functions {
    signatures: Signatures,
    /// The number of the function whose body comes next.
    next: u32,
    cost_total: u64,
    carried_total: u64,
    locals_total: u64,
}

impl Functions {
    fn known(&self) -> u32 {
        u32::try_from(self.signatures.functions.len()).unwrap_or(u32::MAX)
    }

    fn import(&mut self, section: ImportSectionReader<'_>) -> Result<(), BinaryReaderError> {
        for import in section.into_imports() {
            match import?.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.signatures.functions.push(ty),
                TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Global(_) | TypeRef::Tag(_) => {}
            }
        }
        self.next = self.known();
        Ok(())
    }

    fn declare(&mut self, section: FunctionSectionReader<'_>) -> Result<(), BinaryReaderError> {
        for ty in section {
            self.signatures.functions.push(ty?);
        }
        Ok(())
    }

    fn check_next(
        &mut self,
        body: &FunctionBody<'_>,
        limits: &ModuleLimits,
    ) -> Result<(), Failure> {
        let bytes = body.range().len();
        if bytes > limits.body_max_bytes {
            let max = limits.body_max_bytes as u64;
            return Err(too_many("bytes in one function", bytes as u64, max));
        }
        let signature = self.signatures.of_function(self.next);
        self.next = self.next.saturating_add(1);
        let flow = flow_of(body, signature, &self.signatures).map_err(|error| broken(&error))?;
        self.cost_total = self.cost_total.saturating_add(flow.cost);
        self.carried_total = self.carried_total.saturating_add(flow.carried);
        self.locals_total = self.locals_total.saturating_add(flow.locals);
        for (what, count, max) in [
            ("structures inside each other", flow.nesting, limits.nesting_max),
            ("locals times structures in one function", flow.cost, limits.flow_max),
            ("locals times structures in all", self.cost_total, limits.flow_total_max),
            (
                "values carried over branches and calls in one function",
                flow.carried,
                limits.carried_max,
            ),
            (
                "values carried over branches and calls in all",
                self.carried_total,
                limits.carried_total_max,
            ),
            ("locals in all functions", self.locals_total, limits.locals_total_max),
        ] {
            if count > max {
                return Err(too_many(what, count, max)
                    .with_hint("the compiler would take too long; split the function up"));
            }
        }
        Ok(())
    }
}

fn too_many(what: &str, count: u64, max: u64) -> Failure {
    not_a_module(&format!("it has {count} {what}, and {max} is the limit here"))
}

fn broken(error: &BinaryReaderError) -> Failure {
    not_a_module(&format!("{} (at byte {:#x})", error.message(), error.offset()))
}

fn not_a_module(why: &str) -> Failure {
    Failure::new(FailureKind::Invalid, format!("the Wasm module cannot be used: {why}"))
}

#[cfg(test)]
mod tests;
