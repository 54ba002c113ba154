//! Writes a function with what was planned for it.
//!
//! What is there is copied byte for byte: nothing that is added has a number that anything else
//! refers to, but for locals, which come after all others.

use wasmparser::FunctionBody;

use super::effect::{F32_NAN, F64_NAN, Float};
use super::walk::{Local, Plan};
use crate::rewrite::leb;
use crate::rewrite::refused::Refused;
use crate::rewrite::types::Types;

/// Locals of one function, as wasmtime has it.
const LOCALS_MAX: u32 = 50_000;

/// Bytes of one function: what is added is no way around the limit on what is given. The same
/// everywhere, as what a module comes to is.
const BODY_MAX_BYTES: usize = 4 << 20;

mod code {
    pub(super) const SELECT: u8 = 0x1b;
    pub(super) const LOCAL_GET: u8 = 0x20;
    pub(super) const LOCAL_SET: u8 = 0x21;
    pub(super) const LOCAL_TEE: u8 = 0x22;
    pub(super) const F32_CONST: u8 = 0x43;
    pub(super) const F64_CONST: u8 = 0x44;
    pub(super) const F32_GE: u8 = 0x60;
    pub(super) const F64_GE: u8 = 0x66;
    pub(super) const VECTOR: u8 = 0xfd;
    pub(super) const V128_CONST: u8 = 0x0c;
    pub(super) const F32X4_EQ: u8 = 0x41;
    pub(super) const F64X2_EQ: u8 = 0x47;
    pub(super) const V128_BITSELECT: u8 = 0x52;
    pub(super) const F32: u8 = 0x7d;
    pub(super) const F64: u8 = 0x7c;
    pub(super) const V128: u8 = 0x7b;
}

/// Locals of its own that a function needs, one for each type of value at most.
#[derive(Debug)]
struct Scratch {
    /// Locals that the function has.
    count: u32,
    /// The types of those that are added.
    types: Vec<u8>,
}

impl Scratch {
    fn of(&mut self, float: Float) -> u32 {
        let ty = match float {
            Float::F32 => code::F32,
            Float::F64 => code::F64,
            Float::F32x4 | Float::F64x2 => code::V128,
        };
        let place = self.types.iter().position(|known| *known == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        });
        self.count.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
    }
}

/// The body of a function of this type, its own length not before it, with what is planned.
///
/// # Errors
/// [`Refused`].
pub(super) fn body(
    binary: &[u8],
    body: &FunctionBody<'_>,
    ty: u32,
    types: &Types,
    plan: &Plan,
) -> Result<Vec<u8>, Refused> {
    let groups = body.get_locals_reader()?;
    let group_count = groups.get_count();
    let params = u32::try_from(types.params(ty).len()).unwrap_or(u32::MAX);
    let mut scratch = Scratch { count: params, types: Vec::new() };
    for group in groups {
        scratch.count = scratch.count.saturating_add(group?.0);
    }
    let operators = body.get_operators_reader()?;
    let (first, end) = (operators.original_position(), body.range().end);
    let mut starts = Vec::with_capacity(plan.after.len() + 1);
    for operator in operators.into_iter_with_offsets() {
        starts.push(operator?.1);
    }
    starts.push(end);
    let mut code = Vec::with_capacity((end - first) * 2);
    let mut before = plan.before.iter().peekable();
    for (at, range) in (0_u32..).zip(starts.windows(2)) {
        while let Some((_, local)) = before.next_if(|(operator, _)| *operator == at) {
            refresh(&mut code, *local);
        }
        code.extend_from_slice(&binary[range[0]..range[1]]);
        if let Some(float) = plan.after[at as usize] {
            canonical(&mut code, scratch.of(float), float);
        }
    }
    let added = u32::try_from(scratch.types.len()).unwrap_or(u32::MAX);
    let locals = scratch.count.saturating_add(added);
    if locals > LOCALS_MAX {
        return Err(Refused::large("locals in one function", scratch.count, LOCALS_MAX - added));
    }
    let mut out = Vec::with_capacity(code.len() + first - body.range().start + 16);
    leb::write(&mut out, group_count.saturating_add(added));
    out.extend_from_slice(&binary[leb::end(binary, body.range().start)..first]);
    for ty in scratch.types {
        out.extend_from_slice(&[1, ty]);
    }
    out.append(&mut code);
    if out.len() > BODY_MAX_BYTES {
        let what = "bytes in one function with what its floats take";
        return Err(Refused::large(what, out.len(), BODY_MAX_BYTES));
    }
    Ok(out)
}

/// The value on top of the stack, canonical. `ge` asks whether it is a number in one comparison.
fn canonical(out: &mut Vec<u8>, scratch: u32, float: Float) {
    let local = |out: &mut Vec<u8>, operator| {
        out.push(operator);
        leb::write(out, scratch);
    };
    local(out, code::LOCAL_TEE);
    nan(out, float);
    local(out, code::LOCAL_GET);
    local(out, code::LOCAL_GET);
    is_number(out, float);
    match float {
        Float::F32 | Float::F64 => out.push(code::SELECT),
        Float::F32x4 | Float::F64x2 => {
            out.extend_from_slice(&[code::VECTOR, code::V128_BITSELECT]);
        }
    }
}

/// Makes a local canonical.
fn refresh(out: &mut Vec<u8>, local: Local) {
    out.push(code::LOCAL_GET);
    leb::write(out, local.index);
    canonical(out, local.index, local.float);
    out.push(code::LOCAL_SET);
    leb::write(out, local.index);
}

fn nan(out: &mut Vec<u8>, float: Float) {
    match float {
        Float::F32 => {
            out.push(code::F32_CONST);
            out.extend_from_slice(&F32_NAN.to_le_bytes());
        }
        Float::F64 => {
            out.push(code::F64_CONST);
            out.extend_from_slice(&F64_NAN.to_le_bytes());
        }
        Float::F32x4 => {
            out.extend_from_slice(&[code::VECTOR, code::V128_CONST]);
            out.extend(F32_NAN.to_le_bytes().repeat(4));
        }
        Float::F64x2 => {
            out.extend_from_slice(&[code::VECTOR, code::V128_CONST]);
            out.extend(F64_NAN.to_le_bytes().repeat(2));
        }
    }
}

fn is_number(out: &mut Vec<u8>, float: Float) {
    match float {
        Float::F32 => out.push(code::F32_GE),
        Float::F64 => out.push(code::F64_GE),
        Float::F32x4 => out.extend_from_slice(&[code::VECTOR, code::F32X4_EQ]),
        Float::F64x2 => out.extend_from_slice(&[code::VECTOR, code::F64X2_EQ]),
    }
}
