//! What is checked of a module before the compiler sees it.

use std::borrow::Cow;

use gadus_model::{Failure, FailureKind};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::config::ModuleLimits;

/// The proposals that a module may use, all of them standard and deterministic. What is not
/// listed is refused: threads, relaxed SIMD, memory64, multiple memories, garbage collection,
/// exceptions, stack switching, and whatever comes after.
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
    let items_max = limits.items_max;
    let mut functions = 0u32;
    for payload in Parser::new(0).parse_all(binary) {
        let (what, count, max) = match payload.map_err(|error| broken(&error))? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(not_a_module("it is a component")
                    .with_hint("build a core module for WASI preview 1 (target wasm32-wasip1)"));
            }
            Payload::ImportSection(section) => {
                functions = functions.saturating_add(section.count());
                ("imports", section.count(), items_max)
            }
            Payload::FunctionSection(section) => {
                functions = functions.saturating_add(section.count());
                ("functions", functions, limits.functions_max)
            }
            Payload::TypeSection(section) => ("types", section.count(), items_max),
            Payload::TableSection(section) => ("tables", section.count(), limits.tables_max),
            Payload::GlobalSection(section) => ("globals", section.count(), items_max),
            Payload::ExportSection(section) => ("exports", section.count(), items_max),
            Payload::ElementSection(section) => ("element segments", section.count(), items_max),
            Payload::DataSection(section) => ("data segments", section.count(), items_max),
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().len();
                if bytes > limits.body_max_bytes {
                    let max = limits.body_max_bytes as u64;
                    return Err(too_many("bytes in one function", bytes as u64, max));
                }
                continue;
            }
            _ => continue,
        };
        if count > max {
            return Err(too_many(what, u64::from(count), u64::from(max)));
        }
    }
    Ok(())
}

fn too_many(what: &str, count: u64, max: u64) -> Failure {
    not_a_module(&format!("it has {count} {what}, and {max} is the limit here"))
}

fn broken(error: &wasmparser::BinaryReaderError) -> Failure {
    not_a_module(&format!("{} (at byte {:#x})", error.message(), error.offset()))
}

fn not_a_module(why: &str) -> Failure {
    Failure::new(FailureKind::Invalid, format!("the Wasm module cannot be used: {why}"))
}

#[cfg(test)]
mod tests;
