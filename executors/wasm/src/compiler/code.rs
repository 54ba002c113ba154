//! A module becomes code.

use gadus_model::Failure;
use wasmtime::Engine;

use super::unusable;
use crate::config::ModuleLimits;
use crate::inspect::checked_binary;
use crate::rewrite::rewritten;

/// The code of a module given as binary or text: what a job may run, and nothing else.
///
/// # Errors
/// `Invalid`: what is wrong with it, and where.
pub(crate) fn code_of(
    engine: &Engine,
    given: &[u8],
    limits: &ModuleLimits,
) -> Result<Vec<u8>, Failure> {
    let binary = checked_binary(given, limits)?;
    let binary = rewritten(&binary).map_err(|error| unusable(&error.to_string()))?;
    engine.precompile_module(&binary).map_err(|error| unusable(&format!("{error:#}")))
}
