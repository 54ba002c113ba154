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
    let code = engine.precompile_module(&binary);
    let code = code.map_err(|error| unusable(&format!("{error:#}")))?;
    let (bytes, most) = (code.len(), limits.code_max_bytes);
    if bytes > most {
        return Err(unusable(&format!("its code has {bytes} bytes, and {most} is the limit here")));
    }
    Ok(code)
}
