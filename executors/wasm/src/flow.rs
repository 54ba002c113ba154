//! What compiling a function costs beyond its size.
//!
//! The compiler keeps track of every local wherever control flow meets, and of every loop around a
//! loop: that is `cost`. And it keeps a list of values for every way there, for every call and for
//! every structure that takes or gives some: that is `carried`. A function of 100 KB that makes the
//! most of either takes minutes and gigabytes; none that a real toolchain makes comes near. The
//! measures, and their defaults, come from compiling such bombs, and from real modules (Yosys,
//! Ruby, esbuild, ffmpeg, Pyodide): their largest function has a cost of 4.3 million and carries
//! 3.0 million, and their largest totals are 90 and 54 million.

use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, FunctionBody, Operator, SubType,
    TypeSectionReader,
};

/// How much more a loop costs than a block.
const LOOP_WEIGHT: u64 = 16;

/// How much more a value costs that a call takes or gives than one that goes along a branch: it has
/// a place of its own.
const CALL_WEIGHT: u64 = 4;

/// The same of one that a structure takes or gives: it is another value inside, and another behind.
const STRUCTURE_WEIGHT: u64 = 16;

/// The measure of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Locals and enclosing structures of the same kind, summed over all structures.
    pub(crate) cost: u64,
    /// Values that go along: locals and operands for each target of a branch, and the parameters
    /// and results of calls and structures, which weigh more.
    pub(crate) carried: u64,
    /// The most structures inside each other.
    pub(crate) nesting: u64,
    /// Locals, parameters among them.
    pub(crate) locals: u64,
}

/// How many values a function or a structure takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arity {
    pub(crate) params: u64,
    pub(crate) results: u64,
}

impl Arity {
    /// Of a type; what is no function counts as nothing.
    pub(crate) fn of(ty: &SubType) -> Self {
        match &ty.composite_type.inner {
            CompositeInnerType::Func(function) => Self {
                params: function.params().len() as u64,
                results: function.results().len() as u64,
            },
            CompositeInnerType::Array(_)
            | CompositeInnerType::Struct(_)
            | CompositeInnerType::Cont(_) => Self::default(),
        }
    }

    fn both(self) -> u64 {
        self.params.saturating_add(self.results)
    }
}

/// What is known of a module's functions. What names no type, or none that there is, is for the
/// validator to complain of: it counts as nothing.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    /// Of each type.
    pub(crate) types: Vec<Arity>,
    /// The type of each function, imported ones first.
    pub(crate) functions: Vec<u32>,
}

impl Signatures {
    /// Of a type.
    pub(crate) fn of_type(&self, index: u32) -> Arity {
        self.types.get(index as usize).copied().unwrap_or_default()
    }

    /// Of the function with this number.
    pub(crate) fn of_function(&self, index: u32) -> Arity {
        let ty = self.functions.get(index as usize);
        ty.map_or_else(Arity::default, |ty| self.of_type(*ty))
    }

    /// Of a structure.
    pub(crate) fn of_block(&self, ty: BlockType) -> Arity {
        match ty {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { params: 0, results: 1 },
            BlockType::FuncType(index) => self.of_type(index),
        }
    }
}

/// Measures a function of this signature.
///
/// # Errors
/// When the body cannot be read.
pub(crate) fn flow_of(
    body: &FunctionBody<'_>,
    signature: Arity,
    signatures: &Signatures,
) -> Result<Flow, BinaryReaderError> {
    let mut locals = signature.params;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(u64::from(group?.0));
    }
    let outermost = Structure { kind: Kind::Block, operands: signature.results };
    let flow = Flow { locals, ..Flow::default() };
    let mut walk = Walk { signatures, locals, flow, open: vec![outermost], loops: 0, ifs: 0 };
    for operator in body.get_operators_reader()? {
        walk.take(&operator?)?;
    }
    Ok(walk.flow)
}

/// A function, read as far as one operator.
struct Walk<'a> {
    signatures: &'a Signatures,
    locals: u64,
    flow: Flow,
    /// The function itself first.
    open: Vec<Structure>,
    loops: u64,
    ifs: u64,
}

struct Structure {
    kind: Kind,
    /// Values that a branch to it takes along.
    operands: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    Block,
    If,
    Loop,
}

impl Walk<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what costs more than its size counts")]
    fn take(&mut self, operator: &Operator<'_>) -> Result<(), BinaryReaderError> {
        match operator {
            Operator::Block { blockty } => self.begin(Kind::Block, *blockty),
            Operator::If { blockty } => self.begin(Kind::If, *blockty),
            Operator::Loop { blockty } => self.begin(Kind::Loop, *blockty),
            Operator::End => self.end(),
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.branch(*relative_depth);
            }
            Operator::BrTable { targets } => {
                self.branch(targets.default());
                for target in targets.targets() {
                    self.branch(target?);
                }
            }
            Operator::Return => self.carry(self.open.first().map_or(0, |whole| whole.operands)),
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.call(self.signatures.of_function(*function_index));
            }
            Operator::CallIndirect { type_index, .. }
            | Operator::ReturnCallIndirect { type_index, .. } => {
                self.call(self.signatures.of_type(*type_index));
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, kind: Kind, ty: BlockType) {
        let arity = self.signatures.of_block(ty);
        let (cost, operands) = match kind {
            Kind::Block => (self.locals, arity.results),
            Kind::If => {
                self.ifs += 1;
                (self.locals.saturating_add(self.ifs), arity.results)
            }
            Kind::Loop => {
                self.loops += 1;
                let each = self.locals.saturating_add(self.loops);
                (each.saturating_mul(LOOP_WEIGHT), arity.params)
            }
        };
        self.flow.cost = self.flow.cost.saturating_add(cost);
        self.carry(arity.both().saturating_mul(STRUCTURE_WEIGHT));
        self.open.push(Structure { kind, operands });
        self.flow.nesting = self.flow.nesting.max(self.open.len() as u64 - 1);
    }

    fn end(&mut self) {
        match self.open.pop().map(|structure| structure.kind) {
            Some(Kind::Loop) => self.loops -= 1,
            Some(Kind::If) => self.ifs -= 1,
            Some(Kind::Block) | None => {}
        }
    }

    fn branch(&mut self, depth: u32) {
        let target = self.open.iter().rev().nth(depth as usize);
        let operands = target.map_or(0, |structure| structure.operands);
        self.carry(self.locals.saturating_add(operands));
    }

    fn call(&mut self, arity: Arity) {
        self.carry(arity.both().saturating_mul(CALL_WEIGHT));
    }

    fn carry(&mut self, values: u64) {
        self.flow.carried = self.flow.carried.saturating_add(values);
    }
}

/// What functions of each type take and give.
///
/// # Errors
/// When the section cannot be read.
pub(crate) fn arities_of_types(
    section: TypeSectionReader<'_>,
) -> Result<Vec<Arity>, BinaryReaderError> {
    let mut arities = Vec::new();
    for group in section {
        arities.extend(group?.types().map(Arity::of));
    }
    Ok(arities)
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    fn flow(body: &str) -> Flow {
        let types = "(type (func)) (type $many (func (param i32 i32 i32) (result i64 i64)))";
        let binary = wat::parse_str(format!(
            "(module {types} (import \"\" \"\" (func $f (type $many))) (table 1 funcref)
               (func (type 0) {body}))"
        ));
        let binary = binary.unwrap();
        let bodies = Parser::new(0).parse_all(&binary).filter_map(|payload| {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else { return None };
            Some(body)
        });
        let many = Arity { params: 3, results: 2 };
        let signatures = Signatures { types: vec![Arity::default(), many], functions: vec![1, 0] };
        let signature = Arity { params: 2, results: 5 };
        flow_of(&bodies.last().unwrap(), signature, &signatures).unwrap()
    }

    #[test]
    fn structures_cost_by_locals_and_by_their_own_kind_around_them() {
        let of = |body| {
            let Flow { cost, carried, nesting, .. } = flow(body);
            assert_eq!(carried, 0, "{body}");
            (cost, nesting)
        };
        assert_eq!(of("nop"), (0, 0));
        assert_eq!(of("(block) (block)"), (4, 1));
        assert_eq!(of("(local i32 i64) (block (block))"), (8, 2));
        assert_eq!(flow("(local i32 i64) (block (block))").locals, 4);
        assert_eq!(of("(loop)"), (16 * 3, 1));
        assert_eq!(of("(loop (block (loop)))"), (16 * 3 + 2 + 16 * 4, 3));
        let ifs = "(if (i32.const 1) (then (if (i32.const 1) (then))))";
        assert_eq!(of(ifs), (3 + 4, 2));
        assert_eq!(of(&format!("{ifs}{ifs}")), (2 * (3 + 4), 2));
    }

    #[test]
    fn branches_calls_and_types_of_structures_carry_values() {
        let of = |body| flow(body).carried;
        assert_eq!(of("(local i32) (block (br 0))"), 3);
        assert_eq!(of("(local i32) (block (br_if 0 (i32.const 1)))"), 3);
        assert_eq!(of("(br_if 0 (i32.const 1))"), 2 + 5, "results of the function");
        assert_eq!(of("(block (br_table 0 0 1 0 (i32.const 1)))"), 3 * 2 + 2 + 5);
        assert_eq!(of("(block (result i32) (br 0 (i32.const 1)))"), 16 + 2 + 1);
        assert_eq!(of("(block (type $many) (br 0))"), 16 * 5 + 2 + 2, "a block's results");
        assert_eq!(of("(loop (type $many) (br 0))"), 16 * 5 + 2 + 3, "a loop's parameters");
        assert_eq!(of("(call $f)"), 4 * 5);
        assert_eq!(of("(return_call $f)"), 4 * 5);
        assert_eq!(of("(call_indirect (type $many))"), 4 * 5);
        assert_eq!(of("(return_call_indirect (type $many))"), 4 * 5);
        assert_eq!(of("(return)"), 5);
    }
}
