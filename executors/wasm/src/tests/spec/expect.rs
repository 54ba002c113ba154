//! Whether values are those that a script names. Of a NaN that arithmetic makes, the specification
//! leaves the bits open, and `det/1` does not: there is one of each width. Negation and the like
//! only set its sign.

use wasmtime::Val;
use wast::WastRet;
use wast::core::{NanPattern, V128Pattern, WastRetCore};
use wast::token::{F32, F64};

const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// Whether all values are as expected.
#[expect(clippy::wildcard_enum_match_arm, reason = "core modules have no others")]
pub(super) fn holds(got: &[Val], expected: &[WastRet<'_>]) -> bool {
    got.len() == expected.len()
        && got.iter().zip(expected).all(|(got, expected)| match expected {
            WastRet::Core(expected) => is(got, expected),
            other => panic!("{other:?}"),
        })
}

fn is(got: &Val, expected: &WastRetCore<'_>) -> bool {
    match (got, expected) {
        (got, WastRetCore::Either(choices)) => choices.iter().any(|one| is(got, one)),
        (Val::I32(got), WastRetCore::I32(expected)) => got == expected,
        (Val::I64(got), WastRetCore::I64(expected)) => got == expected,
        (Val::F32(got), WastRetCore::F32(expected)) => is_32(*got, expected),
        (Val::F64(got), WastRetCore::F64(expected)) => is_64(*got, expected),
        (Val::V128(got), WastRetCore::V128(expected)) => is_128(got.as_u128(), expected),
        (Val::FuncRef(got), WastRetCore::RefNull(_)) => got.is_none(),
        (Val::FuncRef(got), WastRetCore::RefFunc(_)) => got.is_some(),
        _ => false,
    }
}

fn is_32(got: u32, expected: &NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan => got & (u32::MAX >> 1) == NAN_32,
        NanPattern::Value(value) => got == value.bits,
    }
}

fn is_64(got: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan | NanPattern::ArithmeticNan => got & (u64::MAX >> 1) == NAN_64,
        NanPattern::Value(value) => got == value.bits,
    }
}

fn is_128(got: u128, expected: &V128Pattern) -> bool {
    match expected {
        V128Pattern::I8x16(lanes) => is_each(got, lanes, |got, lane| got as i8 == *lane),
        V128Pattern::I16x8(lanes) => is_each(got, lanes, |got, lane| got as i16 == *lane),
        V128Pattern::I32x4(lanes) => is_each(got, lanes, |got, lane| got as i32 == *lane),
        V128Pattern::I64x2(lanes) => is_each(got, lanes, |got, lane| got as i64 == *lane),
        V128Pattern::F32x4(lanes) => is_each(got, lanes, |got, lane| is_32(got as u32, lane)),
        V128Pattern::F64x2(lanes) => is_each(got, lanes, |got, lane| is_64(got as u64, lane)),
    }
}

/// Whether all lanes are as expected; the first one is the lowest.
fn is_each<T, const N: usize>(got: u128, lanes: &[T; N], is: fn(u128, &T) -> bool) -> bool {
    (0..).step_by(128 / N).zip(lanes).all(|(shift, lane): (u32, _)| is(got >> shift, lane))
}
