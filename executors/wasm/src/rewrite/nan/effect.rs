//! What an operator does with the bits of the floats that it takes and gives.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not named shows what it takes")]

use wasmparser::Operator;

/// A type whose values may be NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F64,
    /// Four lanes of `f32`.
    F32x4,
    /// Two lanes of `f64`.
    F64x2,
}

/// The one NaN that a result may be.
pub(super) const F32_NAN: u32 = 0x7fc0_0000;
/// The same of 64 bits.
pub(super) const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

/// What matters of an operator here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Its result depends on what its operands are worth, not on the bits of a NaN among them. Where
    /// it is NaN, its bits are the machine's choice.
    Computes(Float),
    /// The same in every lane of a vector.
    ComputesLanes(Float),
    /// Clears the sign: NaN stays the NaN that it was, and the canonical one what it is.
    ClearsSign(Float),
    /// Asks what its operands are worth, and gives no float.
    Asks,
    /// Gives a float that is no NaN, or the canonical one.
    Makes,
    /// Every bit of what it takes counts, and every bit of what it gives is determined.
    Shows,
}

impl Effect {
    /// Whether it can make a NaN.
    pub(super) fn computes(self) -> bool {
        match self {
            Self::Computes(_) | Self::ComputesLanes(_) => true,
            Self::ClearsSign(_) | Self::Asks | Self::Makes | Self::Shows => false,
        }
    }
}

/// Whether an operator computes floats.
pub(in crate::rewrite) fn makes_nan(operator: &Operator<'_>) -> bool {
    of(operator).computes()
}

/// The effect of an operator that is no control flow and touches no local. What is not known to be
/// harmless shows its operands.
pub(super) fn of(operator: &Operator<'_>) -> Effect {
    if let Some(float) = computes(operator) {
        Effect::Computes(float)
    } else if let Some(float) = computes_lanes(operator) {
        Effect::ComputesLanes(float)
    } else if asks(operator) {
        Effect::Asks
    } else if makes(operator) {
        Effect::Makes
    } else {
        match operator {
            Operator::F32Abs => Effect::ClearsSign(Float::F32),
            Operator::F64Abs => Effect::ClearsSign(Float::F64),
            _ => Effect::Shows,
        }
    }
}

fn computes(operator: &Operator<'_>) -> Option<Float> {
    use Operator as O;
    match operator {
        O::F32Add | O::F32Sub | O::F32Mul | O::F32Div | O::F32Min | O::F32Max => Some(Float::F32),
        O::F32Sqrt | O::F32Ceil | O::F32Floor | O::F32Trunc | O::F32Nearest => Some(Float::F32),
        O::F64Add | O::F64Sub | O::F64Mul | O::F64Div | O::F64Min | O::F64Max => Some(Float::F64),
        O::F64Sqrt | O::F64Ceil | O::F64Floor | O::F64Trunc | O::F64Nearest => Some(Float::F64),
        O::F32DemoteF64 => Some(Float::F32),
        O::F64PromoteF32 => Some(Float::F64),
        _ => None,
    }
}

fn computes_lanes(operator: &Operator<'_>) -> Option<Float> {
    use Operator as O;
    const NARROW: Option<Float> = Some(Float::F32x4);
    const WIDE: Option<Float> = Some(Float::F64x2);
    match operator {
        O::F32x4Add | O::F32x4Sub | O::F32x4Mul | O::F32x4Div | O::F32x4Min => NARROW,
        O::F32x4Max | O::F32x4Sqrt | O::F32x4Ceil | O::F32x4Floor | O::F32x4Trunc => NARROW,
        O::F32x4Nearest | O::F32x4DemoteF64x2Zero => NARROW,
        O::F64x2Add | O::F64x2Sub | O::F64x2Mul | O::F64x2Div | O::F64x2Min => WIDE,
        O::F64x2Max | O::F64x2Sqrt | O::F64x2Ceil | O::F64x2Floor | O::F64x2Trunc => WIDE,
        O::F64x2Nearest | O::F64x2PromoteLowF32x4 => WIDE,
        _ => None,
    }
}

fn asks(operator: &Operator<'_>) -> bool {
    use Operator as O;
    let compares = matches!(
        operator,
        O::F32Eq
            | O::F32Ne
            | O::F32Lt
            | O::F32Gt
            | O::F32Le
            | O::F32Ge
            | O::F64Eq
            | O::F64Ne
            | O::F64Lt
            | O::F64Gt
            | O::F64Le
            | O::F64Ge
    );
    let truncates = matches!(
        operator,
        O::I32TruncF32S
            | O::I32TruncF32U
            | O::I32TruncF64S
            | O::I32TruncF64U
            | O::I64TruncF32S
            | O::I64TruncF32U
            | O::I64TruncF64S
            | O::I64TruncF64U
    );
    let saturates = matches!(
        operator,
        O::I32TruncSatF32S
            | O::I32TruncSatF32U
            | O::I32TruncSatF64S
            | O::I32TruncSatF64U
            | O::I64TruncSatF32S
            | O::I64TruncSatF32U
            | O::I64TruncSatF64S
            | O::I64TruncSatF64U
    );
    compares || truncates || saturates
}

fn makes(operator: &Operator<'_>) -> bool {
    use Operator as O;
    match operator {
        O::F32ConvertI32S | O::F32ConvertI32U | O::F32ConvertI64S | O::F32ConvertI64U => true,
        O::F64ConvertI32S | O::F64ConvertI32U | O::F64ConvertI64S | O::F64ConvertI64U => true,
        O::F32Const { value } => is_plain_32(value.bits()),
        O::F64Const { value } => is_plain_64(value.bits()),
        _ => false,
    }
}

fn is_plain_32(bits: u32) -> bool {
    !f32::from_bits(bits).is_nan() || bits == F32_NAN
}

fn is_plain_64(bits: u64) -> bool {
    !f64::from_bits(bits).is_nan() || bits == F64_NAN
}
