//! Repeats the bodies of small loops over floats.
//!
//! At the head of every loop the compiler puts a check of the fuel and the time, which may call the
//! host; and on some processors a call leaves no float in its register. So a float that goes from
//! turn to turn is written to memory and read again in each, which takes longer than many a body.
//! Here a loop that has nothing else inside of it goes through its body several times in one turn:
//!
//! ```text
//! loop L          block X
//!   body            loop L
//! end                 block C1 body (br L is br C1) br X end
//!                     block C2 …
//!                     body
//!                   end
//!                 end
//! ```

use std::ops::Range;

use wasmparser::{
    BinaryReader, BinaryReaderError, FunctionBody, Operator, OperatorsReader, ValType,
};

use super::leb;
use super::nan::makes_nan;
use super::types::Types;
use crate::flow::flow_of;

/// How often a body stands there instead of once.
const TIMES: usize = 4;

/// Bytes of a body that is worth it: in a larger one the check is a small part.
const LOOP_MAX_BYTES: usize = 256;

/// Bytes that may be added to one function, and to all, as far as can be told before: a little more
/// for each copy, and for branches that lead further, comes on top.
const ADDED_MAX_BYTES: usize = 64 << 10;
const ADDED_TOTAL_MAX_BYTES: usize = 16 << 20;

/// What compiling may cost more, as [`flow_of`] measures it, for one function and for all: a
/// fraction of what is let through of functions as they are given. The same on every node, however
/// its limits are set.
const COST_MAX: u64 = 1_000_000;
const COST_TOTAL_MAX: u64 = 20_000_000;
const CARRIED_MAX: u64 = 500_000;
const CARRIED_TOTAL_MAX: u64 = 10_000_000;

mod code {
    pub(super) const BLOCK: u8 = 0x02;
    pub(super) const END: u8 = 0x0b;
    pub(super) const BR: u8 = 0x0c;
    pub(super) const BR_IF: u8 = 0x0d;
    pub(super) const BR_TABLE: u8 = 0x0e;
    pub(super) const EMPTY: u8 = 0x40;
}

/// Unrolls the functions of one module, in their order.
#[derive(Debug, Default)]
pub(super) struct Unroller {
    added_bytes: usize,
    cost: u64,
    carried: u64,
}

/// A loop that is unrolled, by places in its function.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    /// From its `loop` to the end of that operator.
    head: Range<usize>,
    /// Its body, with the `end` of the loop.
    body: Range<usize>,
}

impl Unroller {
    /// A function of this type, its own length not before it; `None` where nothing is unrolled.
    ///
    /// # Errors
    /// When it cannot be read, which the validator would have told.
    pub(super) fn unrolled(
        &mut self,
        bytes: &[u8],
        ty: u32,
        types: &Types,
    ) -> Result<Option<Vec<u8>>, BinaryReaderError> {
        let candidates = self.candidates(bytes, ty, types)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(bytes.len() * 2);
        let mut written = 0;
        for candidate in candidates {
            out.extend_from_slice(&bytes[written..candidate.head.start]);
            written = candidate.body.end;
            repeat(&mut out, &bytes[candidate.head], &bytes[candidate.body])?;
        }
        out.extend_from_slice(&bytes[written..]);
        Ok(self.affords(bytes, &out, ty, types)?.then_some(out))
    }

    /// Whether a function may become this one; if so, it does.
    fn affords(
        &mut self,
        before: &[u8],
        after: &[u8],
        ty: u32,
        types: &Types,
    ) -> Result<bool, BinaryReaderError> {
        let arity = types.signatures.of_type(ty);
        let flow = |bytes| {
            let body = FunctionBody::new(BinaryReader::new(bytes, 0));
            flow_of(&body, arity, &types.signatures)
        };
        let (before, after) = (flow(before)?, flow(after)?);
        let cost = after.cost.saturating_sub(before.cost);
        let carried = after.carried.saturating_sub(before.carried);
        let fits = cost <= COST_MAX
            && carried <= CARRIED_MAX
            && self.cost.saturating_add(cost) <= COST_TOTAL_MAX
            && self.carried.saturating_add(carried) <= CARRIED_TOTAL_MAX;
        if fits {
            self.cost += cost;
            self.carried += carried;
        }
        Ok(fits)
    }

    fn candidates(
        &mut self,
        bytes: &[u8],
        ty: u32,
        types: &Types,
    ) -> Result<Vec<Candidate>, BinaryReaderError> {
        let body = FunctionBody::new(BinaryReader::new(bytes, 0));
        let mut walk = Walk { locals: Locals::of(&body, ty, types)?, types, open: Vec::new() };
        let mut found = Vec::new();
        let mut added_bytes = 0;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            let after = operators.original_position();
            let Some(ended) = walk.take(&operator, at..after)? else { continue };
            let body = ended.head.end..after;
            let more = body.len() * TIMES;
            let fits = body.len() <= LOOP_MAX_BYTES
                && added_bytes + more <= ADDED_MAX_BYTES
                && self.added_bytes + more <= ADDED_TOTAL_MAX_BYTES;
            if fits && ended.is_worth_it() {
                added_bytes += more;
                self.added_bytes += more;
                found.push(Candidate { head: ended.head, body });
            }
        }
        Ok(found)
    }
}

/// The locals of a function, parameters first: how many, and which are floats.
#[derive(Debug)]
struct Locals {
    count: u64,
    /// Where floats begin and end.
    floats: Vec<Range<u64>>,
}

impl Locals {
    fn of(body: &FunctionBody<'_>, ty: u32, types: &Types) -> Result<Self, BinaryReaderError> {
        let mut locals = Self { count: 0, floats: Vec::new() };
        for param in types.params(ty) {
            locals.declare(1, *param);
        }
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            locals.declare(count, ty);
        }
        Ok(locals)
    }

    fn declare(&mut self, count: u32, ty: ValType) {
        let end = self.count.saturating_add(u64::from(count));
        match ty {
            ValType::F32 | ValType::F64 | ValType::V128 => self.floats.push(self.count..end),
            ValType::I32 | ValType::I64 | ValType::Ref(_) => {}
        }
        self.count = end;
    }

    fn is_float(&self, index: u32) -> bool {
        let index = u64::from(index);
        let after = self.floats.partition_point(|group| group.start <= index);
        after.checked_sub(1).is_some_and(|group| self.floats[group].contains(&index))
    }
}

/// A structure that is open.
#[derive(Debug)]
struct Open {
    head: Range<usize>,
    /// Whether it is a loop that takes nothing.
    is_simple: bool,
    /// Whether another loop, or a call, is in it.
    has_checks: bool,
    /// Whether it is gone back to.
    is_repeated: bool,
    /// Whether it computes floats.
    computes: bool,
    /// Whether it keeps some in a local.
    keeps: bool,
}

impl Open {
    fn is_worth_it(&self) -> bool {
        self.is_simple && !self.has_checks && self.is_repeated && self.computes && self.keeps
    }
}

struct Walk<'a> {
    locals: Locals,
    types: &'a Types,
    open: Vec<Open>,
}

impl Walk<'_> {
    /// Takes an operator; the structure that it ends, if it ends one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are asked whether they compute")]
    fn take(
        &mut self,
        operator: &Operator<'_>,
        at: Range<usize>,
    ) -> Result<Option<Open>, BinaryReaderError> {
        match operator {
            Operator::Block { .. } | Operator::If { .. } => self.begin(at, false),
            Operator::Loop { blockty } => {
                self.note(|around| around.has_checks = true);
                self.begin(at, self.types.signatures.of_block(*blockty).params == 0);
            }
            Operator::End => return Ok(self.end()),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
            }
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.branch(target?);
                }
                self.branch(targets.default());
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                self.note(|inner| inner.has_checks = true);
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                let keeps = self.locals.is_float(*local_index);
                self.note(|inner| inner.keeps |= keeps);
            }
            other => {
                let computes = makes_nan(other);
                self.note(|inner| inner.computes |= computes);
            }
        }
        Ok(None)
    }

    /// Of the innermost structure.
    fn note(&mut self, what: impl FnOnce(&mut Open)) {
        if let Some(inner) = self.open.last_mut() {
            what(inner);
        }
    }

    fn begin(&mut self, head: Range<usize>, is_simple: bool) {
        self.open.push(Open {
            head,
            is_simple,
            has_checks: false,
            is_repeated: false,
            computes: false,
            keeps: false,
        });
    }

    /// What is in a structure is in the one around it. The function's own end ends none.
    fn end(&mut self) -> Option<Open> {
        let ended = self.open.pop()?;
        self.note(|around| {
            around.has_checks |= ended.has_checks;
            around.computes |= ended.computes;
            around.keeps |= ended.keeps;
        });
        Some(ended)
    }

    fn branch(&mut self, depth: u32) {
        let target = self.open.len().checked_sub(depth as usize + 1);
        if let Some(target) = target {
            self.open[target].is_repeated = true;
        }
    }
}

/// Writes a loop with its body repeated.
fn repeat(out: &mut Vec<u8>, head: &[u8], body: &[u8]) -> Result<(), BinaryReaderError> {
    // The way out gives what the loop gives.
    out.push(code::BLOCK);
    out.extend_from_slice(&head[1..]);
    out.extend_from_slice(head);
    for _ in 1..TIMES {
        out.extend_from_slice(&[code::BLOCK, code::EMPTY]);
        // Around it are now its own block, which takes the loop's place, the loop and the way out.
        copy(out, body, 2)?;
        out.extend_from_slice(&[code::BR, 2, code::END]);
    }
    copy(out, body, 1)?;
    out.extend_from_slice(&[code::END, code::END]);
    Ok(())
}

/// Copies a body without its `end`, with `more` structures around what is around it.
fn copy(out: &mut Vec<u8>, body: &[u8], more: u32) -> Result<(), BinaryReaderError> {
    let mut operators = OperatorsReader::new(BinaryReader::new(body, 0));
    let mut depth = 0_u32;
    let moved = |target: u32, depth: u32| target + if target > depth { more } else { 0 };
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are copied")]
        match operator {
            Operator::Br { relative_depth } => {
                out.push(code::BR);
                leb::write(out, moved(relative_depth, depth));
                continue;
            }
            Operator::BrIf { relative_depth } => {
                out.push(code::BR_IF);
                leb::write(out, moved(relative_depth, depth));
                continue;
            }
            Operator::BrTable { targets } => {
                out.push(code::BR_TABLE);
                leb::write(out, targets.len());
                for target in targets.targets() {
                    leb::write(out, moved(target?, depth));
                }
                leb::write(out, moved(targets.default(), depth));
                continue;
            }
            Operator::Block { .. } | Operator::If { .. } => depth += 1,
            // The loop's own.
            Operator::End if depth == 0 => return Ok(()),
            Operator::End => depth -= 1,
            _ => {}
        }
        out.extend_from_slice(&body[at..operators.original_position()]);
    }
    Ok(())
}
