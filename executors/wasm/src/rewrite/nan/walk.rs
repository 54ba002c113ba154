//! Where in a function NaN has to be made canonical.
//!
//! A value is *loose* where it may be a NaN whose bits the machine chose. It may stay so as long as
//! nothing looks at its bits: through arithmetic, comparisons, and in locals. Where something does
//! (a store, a call, a `reinterpret`, the end of a block), the operator that put it on the stack is
//! marked. Every value on the stack is taken once, so that is the same as looking closely just
//! before it is taken.
//!
//! A local may be loose on one way to a place and on another hold bits that the program chose, which
//! must stay as they are. There it is made canonical on the way where it is loose. What a local is
//! wherever ways meet is found by going over the function until nothing changes.

use std::collections::HashMap;

use wasmparser::{
    BinaryReaderError, BlockType, FrameKind, FunctionBody, ModuleArity, Operator, ValType,
};

use super::effect::{self, Effect, Float};
use crate::flow::Arity;
use crate::rewrite::types::Types;

/// How much is done for a function, which is the same on every node. The tests do with less.
#[derive(Clone, Copy, Debug)]
pub(in crate::rewrite) struct Effort {
    /// How often a function is gone over before all locals are taken for the program's own wherever
    /// ways meet.
    pub(in crate::rewrite) passes_max: usize,
    /// Bytes that may be added for locals where ways meet, for each byte that a function has. With
    /// more, locals hold nothing loose.
    pub(in crate::rewrite) added_per_byte: usize,
}

impl Effort {
    pub(in crate::rewrite) const FULL: Self = Self { passes_max: 8, added_per_byte: 2 };
}

/// What making a local canonical takes, at most.
const REFRESH_BYTES: usize = 40;

/// Small functions may grow by so much in any case.
const ADDED_MIN_BYTES: usize = 4 << 10;

/// What has to be added to a function.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// For each operator, the type of the value on top of the stack that is made canonical after it.
    pub(super) after: Vec<Option<Float>>,
    /// Locals that are made canonical before an operator, and its number. In order.
    pub(super) before: Vec<(u32, Local)>,
}

impl Plan {
    /// Whether the function is good as it is.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.iter().all(Option::is_none)
    }
}

/// What may be in a local, in the order in which ways that meet are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bits {
    /// No NaN, or the canonical one.
    Plain,
    /// Any NaN is the machine's.
    Loose,
    /// Any bits, all of them determined.
    Given,
}

/// What may be on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Plain,
    Loose {
        /// The operator that put it there.
        by: u32,
        float: Float,
    },
    Given,
}

impl Operand {
    fn bits(self) -> Bits {
        match self {
            Self::Plain => Bits::Plain,
            Self::Loose { .. } => Bits::Loose,
            Self::Given => Bits::Given,
        }
    }
}

/// A local that is kept track of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) index: u32,
    pub(super) float: Float,
}

struct Frame {
    kind: FrameKind,
    block: BlockType,
    /// The operator that opens it, which stands for its label.
    at: u32,
    /// Operands below its own.
    base: usize,
    arity: Arity,
    /// Of an `if`, what the locals are where it begins, until its `else`.
    entry: Option<Vec<Bits>>,
    /// Whether anything gets into it at all.
    is_entered: bool,
    /// Whether anything gets to its end.
    is_reached: bool,
}

/// What has to be added to a function of this type.
///
/// # Errors
/// When the body cannot be read, which the validator would have told.
pub(super) fn plan(
    body: &FunctionBody<'_>,
    ty: u32,
    types: &Types,
    effort: Effort,
) -> Result<Plan, BinaryReaderError> {
    let Some(mentioned) = mentioned(body)? else { return Ok(Plan::default()) };
    let locals = float_locals(body, ty, types, &mentioned)?;
    let mut walk = Walk::new(types, ty, locals);
    for _ in 0..effort.passes_max {
        walk.pass(body)?;
        if !walk.changed {
            return walk.finish(body, effort);
        }
    }
    walk.labels.clear();
    walk.gave_up = true;
    walk.pass(body)?;
    walk.finish(body, effort)
}

/// The locals that a function names, in order; `None` for one that computes no floats.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others name none")]
fn mentioned(body: &FunctionBody<'_>) -> Result<Option<Vec<u32>>, BinaryReaderError> {
    let mut locals = Vec::new();
    let mut computes = false;
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::LocalGet { local_index }
            | Operator::LocalSet { local_index }
            | Operator::LocalTee { local_index } => locals.push(local_index),
            other => computes = computes || effect::of(&other).computes(),
        }
    }
    locals.sort_unstable();
    locals.dedup();
    Ok(computes.then_some(locals))
}

/// The locals among these that are floats, with the bits that each begins with.
fn float_locals(
    body: &FunctionBody<'_>,
    ty: u32,
    types: &Types,
    mentioned: &[u32],
) -> Result<Vec<(Local, Bits)>, BinaryReaderError> {
    let mut found = Vec::new();
    let mut rest = mentioned.iter().copied().peekable();
    let mut end = 0_u32;
    let mut take = |count: u32, ty: ValType, bits| {
        end = end.saturating_add(count);
        while let Some(index) = rest.next_if(|index| *index < end) {
            found.extend(scalar(ty).map(|float| (Local { index, float }, bits)));
        }
    };
    for param in types.params(ty) {
        take(1, *param, Bits::Given);
    }
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        take(count, ty, Bits::Plain);
    }
    Ok(found)
}

fn scalar(ty: ValType) -> Option<Float> {
    match ty {
        ValType::F32 => Some(Float::F32),
        ValType::F64 => Some(Float::F64),
        ValType::I32 | ValType::I64 | ValType::V128 | ValType::Ref(_) => None,
    }
}

struct Walk<'a> {
    types: &'a Types,
    ty: u32,
    /// The locals kept track of, and what they begin with.
    locals: Vec<(Local, Bits)>,
    /// Their places in `locals`, by number.
    places: Vec<Option<usize>>,
    /// What the locals are at each label, as far as is known.
    labels: HashMap<u32, Vec<Bits>>,
    /// Whether nothing is known at labels.
    gave_up: bool,
    /// Whether this pass learned something of a label.
    changed: bool,
    state: Vec<Bits>,
    stack: Vec<Operand>,
    frames: Vec<Frame>,
    /// Whether anything gets here.
    is_live: bool,
    plan: Plan,
}

impl<'a> Walk<'a> {
    fn new(types: &'a Types, ty: u32, locals: Vec<(Local, Bits)>) -> Self {
        let count = locals.last().map_or(0, |(local, _)| local.index as usize + 1);
        let mut places = vec![None; count];
        for (place, (local, _)) in locals.iter().enumerate() {
            places[local.index as usize] = Some(place);
        }
        Self {
            types,
            ty,
            places,
            locals,
            labels: HashMap::new(),
            gave_up: false,
            changed: false,
            state: Vec::new(),
            stack: Vec::new(),
            frames: Vec::new(),
            is_live: true,
            plan: Plan::default(),
        }
    }

    /// The plan, unless it adds too much: then locals hold nothing loose.
    fn finish(
        mut self,
        body: &FunctionBody<'_>,
        effort: Effort,
    ) -> Result<Plan, BinaryReaderError> {
        let may_add = (body.range().len() * effort.added_per_byte).max(ADDED_MIN_BYTES);
        if effort.added_per_byte == 0 || self.plan.before.len() * REFRESH_BYTES > may_add {
            self = Walk::new(self.types, self.ty, Vec::new());
            self.pass(body)?;
        }
        // An `if` without `else` is found out where it ends.
        self.plan.before.sort_by_key(|(at, local)| (*at, local.index));
        Ok(self.plan)
    }

    fn pass(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        self.changed = false;
        self.is_live = true;
        self.state = self.locals.iter().map(|(_, bits)| *bits).collect();
        self.stack.clear();
        self.plan = Plan::default();
        self.frames = vec![Frame {
            kind: FrameKind::Block,
            block: BlockType::FuncType(self.ty),
            at: u32::MAX,
            base: 0,
            arity: Arity { params: 0, ..self.types.signatures.of_type(self.ty) },
            entry: None,
            is_entered: true,
            is_reached: false,
        }];
        for (at, operator) in (0..).zip(body.get_operators_reader()?) {
            self.plan.after.push(None);
            self.take(at, &operator?)?;
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are straight-line code")]
    fn take(&mut self, at: u32, operator: &Operator<'_>) -> Result<(), BinaryReaderError> {
        match operator {
            Operator::Block { blockty } => self.begin(at, FrameKind::Block, *blockty),
            Operator::Loop { blockty } => self.begin(at, FrameKind::Loop, *blockty),
            Operator::If { blockty } => self.begin(at, FrameKind::If, *blockty),
            Operator::Else => self.otherwise(at),
            Operator::End => self.end(at),
            _ if !self.is_live => {}
            Operator::Br { relative_depth } => {
                self.branch(at, *relative_depth);
                self.is_live = false;
            }
            Operator::BrIf { relative_depth } => {
                self.stack.pop();
                self.branch(at, *relative_depth);
            }
            Operator::BrTable { targets } => {
                self.stack.pop();
                for target in targets.targets() {
                    self.branch(at, target?);
                }
                self.branch(at, targets.default());
                self.is_live = false;
            }
            Operator::Select | Operator::TypedSelect { .. } => self.select(at),
            Operator::LocalGet { local_index } => self.get(at, *local_index),
            Operator::LocalSet { local_index } => self.set(*local_index),
            Operator::LocalTee { local_index } => self.tee(at, *local_index),
            Operator::Drop => drop(self.stack.pop()),
            other => self.straight(at, other),
        }
        Ok(())
    }

    /// What goes on after it, if anything does, is what it gives.
    fn straight(&mut self, at: u32, operator: &Operator<'_>) {
        let Some((takes, gives)) = operator.operator_arity(self) else {
            // No operator that is let in; whatever it does, nothing loose is left for it.
            self.show_top(u64::MAX);
            self.stack.clear();
            return;
        };
        let (takes, gives) = (u64::from(takes), u64::from(gives));
        match effect::of(operator) {
            Effect::Computes(float) => {
                self.drop_top(takes);
                self.stack.push(Operand::Loose { by: at, float });
            }
            Effect::ComputesLanes(float) => {
                self.drop_top(takes);
                self.mark(at, float);
                self.stack.push(Operand::Given);
            }
            Effect::ClearsSign(float) => {
                let given = match self.stack.pop() {
                    Some(Operand::Loose { .. }) => Operand::Loose { by: at, float },
                    Some(Operand::Plain) => Operand::Plain,
                    Some(Operand::Given) | None => Operand::Given,
                };
                self.stack.push(given);
            }
            Effect::Asks => {
                self.drop_top(takes);
                self.give(gives);
            }
            Effect::Makes => {
                self.drop_top(takes);
                self.stack.push(Operand::Plain);
            }
            Effect::Shows => {
                self.show_top(takes);
                self.drop_top(takes);
                self.give(gives);
            }
        }
        self.is_live = !matches!(
            operator,
            Operator::Unreachable
                | Operator::Return
                | Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
        );
    }

    fn select(&mut self, at: u32) {
        self.stack.pop();
        let (second, first) = (self.pop(), self.pop());
        let chosen = match (first, second) {
            (Operand::Plain, Operand::Plain) => Operand::Plain,
            (Operand::Given, other) | (other, Operand::Given) => {
                self.show(other);
                Operand::Given
            }
            (Operand::Loose { float, .. }, _) | (_, Operand::Loose { float, .. }) => {
                Operand::Loose { by: at, float }
            }
        };
        self.stack.push(chosen);
    }

    fn get(&mut self, at: u32, index: u32) {
        let operand = self.place(index).map_or(Operand::Given, |place| match self.state[place] {
            Bits::Plain => Operand::Plain,
            Bits::Loose => Operand::Loose { by: at, float: self.locals[place].0.float },
            Bits::Given => Operand::Given,
        });
        self.stack.push(operand);
    }

    fn set(&mut self, index: u32) {
        let operand = self.pop();
        match self.place(index) {
            Some(place) => self.state[place] = operand.bits(),
            None => self.show(operand),
        }
    }

    fn place(&self, index: u32) -> Option<usize> {
        self.places.get(index as usize).copied().flatten()
    }

    fn tee(&mut self, at: u32, index: u32) {
        self.set(index);
        self.get(at, index);
    }

    fn begin(&mut self, at: u32, kind: FrameKind, block: BlockType) {
        let arity = self.types.signatures.of_block(block);
        let is_entered = self.is_live;
        if is_entered {
            if kind == FrameKind::If {
                self.stack.pop();
            }
            self.show_top(arity.params);
            self.drop_top(arity.params);
        }
        let base = self.stack.len();
        if is_entered {
            self.give(arity.params);
            if kind == FrameKind::Loop {
                self.join(at, at);
                self.state.clone_from(&self.labels[&at]);
            }
        }
        let entry = (is_entered && kind == FrameKind::If).then(|| self.state.clone());
        self.frames.push(Frame {
            kind,
            block,
            at,
            base,
            arity,
            entry,
            is_entered,
            is_reached: false,
        });
    }

    fn otherwise(&mut self, at: u32) {
        if self.is_live {
            self.branch(at, 0);
        }
        let Some(frame) = self.frames.last_mut() else { return };
        self.is_live = frame.is_entered;
        self.stack.truncate(frame.base);
        let params = frame.arity.params;
        if let Some(entry) = frame.entry.take() {
            self.state = entry;
            self.give(params);
        }
    }

    fn end(&mut self, at: u32) {
        let is_loop = self.frames.last().is_some_and(|frame| frame.kind == FrameKind::Loop);
        if self.is_live {
            if is_loop {
                let results = self.frames.last().map_or(0, |frame| frame.arity.results);
                self.show_top(results);
            } else {
                self.branch(at, 0);
            }
        }
        let Some(mut frame) = self.frames.pop() else { return };
        if let Some(entry) = frame.entry.take() {
            // Whoever does not enter an `if` without `else` comes from where it begins.
            self.state = entry;
            self.join(frame.at, frame.at);
            frame.is_reached = true;
        }
        self.stack.truncate(frame.base);
        if !is_loop {
            self.is_live = frame.is_reached;
            if let Some(label) = self.labels.get(&frame.at) {
                self.state.clone_from(label);
            }
        }
        if self.is_live {
            self.give(frame.arity.results);
        }
    }

    /// Goes to a label with what is on top of the stack, which stays there.
    fn branch(&mut self, at: u32, depth: u32) {
        let Some(index) = self.frames.len().checked_sub(depth as usize + 1) else { return };
        let frame = &mut self.frames[index];
        frame.is_reached = true;
        let is_loop = frame.kind == FrameKind::Loop;
        let carried = if is_loop { frame.arity.params } else { frame.arity.results };
        let label = frame.at;
        self.show_top(carried);
        // Behind the whole function there are no locals any more.
        if index > 0 {
            self.join(at, label);
        }
    }

    /// Joins what the locals are with what they are at a label. Those that are loose where the label
    /// takes all bits for the program's own are made canonical before the operator `at`.
    fn join(&mut self, at: u32, label: u32) {
        let known = self.labels.entry(label).or_insert_with(|| {
            if self.gave_up { vec![Bits::Given; self.state.len()] } else { self.state.clone() }
        });
        for (place, (here, there)) in self.state.iter_mut().zip(known).enumerate() {
            if *here == Bits::Loose && *there == Bits::Given {
                self.plan.before.push((at, self.locals[place].0));
                *here = Bits::Plain;
            } else if *here > *there {
                *there = *here;
                self.changed = true;
            }
        }
    }

    fn pop(&mut self) -> Operand {
        self.stack.pop().unwrap_or(Operand::Given)
    }

    fn drop_top(&mut self, count: u64) {
        self.stack.truncate(self.above(count));
    }

    /// Where so many operands begin.
    fn above(&self, count: u64) -> usize {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.stack.len().saturating_sub(count)
    }

    fn give(&mut self, count: u64) {
        self.stack.extend((0..count).map(|_| Operand::Given));
    }

    /// What is on top of the stack is looked at closely.
    fn show_top(&mut self, count: u64) {
        for operand in self.above(count)..self.stack.len() {
            self.show(self.stack[operand]);
            self.stack[operand] = Operand::Given;
        }
    }

    fn show(&mut self, operand: Operand) {
        if let Operand::Loose { by, float } = operand {
            self.mark(by, float);
        }
    }

    fn mark(&mut self, at: u32, float: Float) {
        self.plan.after[at as usize] = Some(float);
    }
}

/// What the arities of calls and branches depend on.
impl ModuleArity for Walk<'_> {
    fn sub_type_at(&self, index: u32) -> Option<&wasmparser::SubType> {
        self.types.sub_type(index)
    }

    fn tag_type_arity(&self, _at: u32) -> Option<(u32, u32)> {
        None
    }

    fn type_index_of_function(&self, index: u32) -> Option<u32> {
        self.types.of_function(index)
    }

    fn func_type_of_cont_type(&self, _ty: &wasmparser::ContType) -> Option<&wasmparser::FuncType> {
        None
    }

    fn sub_type_of_ref_type(&self, _ty: &wasmparser::RefType) -> Option<&wasmparser::SubType> {
        None
    }

    fn control_stack_height(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(u32::MAX)
    }

    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let index = self.frames.len().checked_sub(depth as usize + 1)?;
        let frame = &self.frames[index];
        Some((frame.block, frame.kind))
    }
}
