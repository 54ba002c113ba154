//! What the end of a guest means: a result, or a failure that is nobody's answer.

use gadus_model::{Failure, FailureKind, Outcome};
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::guest::{RunLimits, TooLarge};
use crate::kill::Killed;
use crate::vfs::Broken;
use crate::wasi::Exit;

/// Bytes of a trap's reason and backtrace: names in it are the module's own, of any length.
const ERROR_MAX_BYTES: usize = 8 << 10;

/// Sorts an end that is no plain return, and says why it came to it.
///
/// # Errors
/// What is not known to be the program's own doing, and stack exhaustion, which depends on the
/// machine.
pub(crate) fn of_error(
    error: &wasmtime::Error,
    limits: &RunLimits,
    stack_max_bytes: u64,
) -> Result<(Outcome, String), Failure> {
    if let Some(Exit(code)) = error.downcast_ref() {
        return Ok((Outcome::Exit(*code), String::new()));
    }
    if let Some(killed) = error.downcast_ref::<Killed>() {
        return Err(of_kill(*killed, limits));
    }
    if let Some(Broken(failure)) = error.downcast_ref() {
        return Err(failure.clone());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Err(Failure::new(
            FailureKind::Invalid,
            format!("the program used up its stack of {stack_max_bytes} bytes"),
        )
        .with_hint("it probably calls itself without end")),
        Some(Trap::OutOfFuel) => Ok((Outcome::OutOfFuel, explained("out of fuel", error))),
        Some(trap) => match code(*trap) {
            Some(code) => Ok((Outcome::Trap(code.to_owned()), explained(&trap.to_string(), error))),
            None => Err(broken(error)),
        },
        None => Err(broken(error)),
    }
}

/// The engine ended the program for a reason of its own, for want of memory, say: nobody's answer.
fn broken(error: &wasmtime::Error) -> Failure {
    // The first in the chain is the backtrace, the last is what happened.
    let message = format!("the engine broke down in the program: {}", error.root_cause());
    Failure::new(FailureKind::Internal, message)
}

/// Sorts what kept a guest from starting, besides the traps and ends that its start function can
/// have like any other.
pub(crate) fn of_start(
    error: &wasmtime::Error,
    refused: Option<TooLarge>,
    limits: &RunLimits,
) -> Option<Failure> {
    let of_the_guest =
        error.is::<Trap>() || error.is::<Exit>() || error.is::<Killed>() || error.is::<Broken>();
    // A trap in a call of the host has neither type, but happened somewhere in the guest.
    if of_the_guest || error.is::<WasmBacktrace>() {
        return None;
    }
    match refused {
        Some(TooLarge::Memory(bytes)) => {
            let max = limits.memory_max_bytes;
            let message =
                format!("the module begins with {bytes} bytes of memory, and its limit is {max}");
            return Some(
                Failure::new(FailureKind::OutOfMemory, message)
                    .with_hint("give the job more memory"),
            );
        }
        Some(TooLarge::Table(elements)) => {
            let max = limits.table_max;
            let message =
                format!("the module begins with {elements} table elements, and its limit is {max}");
            return Some(Failure::new(FailureKind::Invalid, message));
        }
        None => {}
    }
    if error.is::<PoolConcurrencyLimitError>() {
        let message = format!("no room for another Wasm instance: {error:#}");
        return Some(Failure::new(FailureKind::Internal, message));
    }
    let message = format!("the Wasm module cannot be instantiated: {error:#}");
    Some(Failure::new(FailureKind::Internal, message))
}

fn of_kill(killed: Killed, limits: &RunLimits) -> Failure {
    match killed {
        Killed::Stop => Failure::new(FailureKind::Interrupted, "the program was stopped"),
        Killed::Timeout => Failure::new(
            FailureKind::Timeout,
            format!(
                "the program ran longer than its limit of {} ms",
                limits.timeout.unwrap_or_default().as_millis()
            ),
        )
        .with_hint("give the job a longer timeout"),
    }
}

/// The name that a trap has in manifests: ours, so that wasmtime's words may change. `None` for one
/// that no module that may run can come to.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest belongs to proposals that are refused, and the list is open"
)]
fn code(trap: Trap) -> Option<&'static str> {
    Some(match trap {
        Trap::UnreachableCodeReached => "unreachable",
        Trap::MemoryOutOfBounds => "memory_out_of_bounds",
        Trap::TableOutOfBounds => "table_out_of_bounds",
        Trap::IndirectCallToNull => "indirect_call_to_null",
        Trap::BadSignature => "bad_signature",
        Trap::IntegerOverflow => "integer_overflow",
        Trap::IntegerDivisionByZero => "integer_division_by_zero",
        Trap::BadConversionToInteger => "bad_conversion_to_integer",
        Trap::NullReference => "null_reference",
        _ => return None,
    })
}

fn explained(reason: &str, error: &wasmtime::Error) -> String {
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string);
    match backtrace {
        Some(backtrace) => clipped(&format!("{reason}\n{backtrace}"), ERROR_MAX_BYTES),
        None => clipped(reason, ERROR_MAX_BYTES),
    }
}

/// The text, or as much of it as has so many bytes, with a mark that there was more.
pub(crate) fn clipped(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(max_bytes)])
}

#[cfg(test)]
mod tests {
    use gadus_ports::ExecLimits;

    use super::*;
    use crate::WasmConfig;

    #[test]
    fn what_is_not_known_to_be_the_programs_doing_is_no_result() {
        let limits = RunLimits::of(&ExecLimits::default(), &WasmConfig::new("unused")).unwrap();
        let of = |error| of_error(&error, &limits, 0).map(|(outcome, _)| outcome);
        assert_eq!(of(Trap::BadSignature.into()), Ok(Outcome::Trap("bad_signature".to_owned())));
        for error in [
            Trap::AllocationTooLarge.into(),
            Trap::Interrupt.into(),
            wasmtime::Error::msg("out of memory"),
        ] {
            assert_eq!(of(error).unwrap_err().kind, FailureKind::Internal);
        }
    }

    #[test]
    fn clipping_keeps_characters_whole() {
        assert_eq!(clipped("häh", 4), "häh");
        assert_eq!(clipped("häh", 3), "hä…");
        assert_eq!(clipped("häh", 2), "h…");
        assert_eq!(clipped("", 0), "");
    }
}
