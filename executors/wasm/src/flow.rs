//! What compiling a function costs beyond its size.
//!
//! The compiler keeps track of every local wherever control flow meets, and of every loop around a
//! loop. A function of 100 KB that makes the most of this takes minutes and gigabytes; none that a
//! real toolchain makes comes near. The measure, and its defaults, come from compiling such bombs,
//! and from real modules (Yosys, Ruby, esbuild, ffmpeg, Pyodide), whose largest function has 4.3
//! million and whose largest total is 90 million.

use wasmparser::{
    BinaryReaderError, CompositeInnerType, FunctionBody, Operator, TypeSectionReader,
};

/// How much more a loop costs than a block.
const LOOP_WEIGHT: u64 = 16;

/// The measure of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Locals and enclosing structures of the same kind, summed over all structures.
    pub(crate) cost: u64,
    /// The most structures inside each other.
    pub(crate) nesting: u64,
}

/// Measures a function with so many parameters.
///
/// # Errors
/// When the body cannot be read.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what begins or ends a structure counts")]
pub(crate) fn flow_of(body: &FunctionBody<'_>, params: u64) -> Result<Flow, BinaryReaderError> {
    let mut locals = params;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(u64::from(group?.0));
    }
    let mut flow = Flow::default();
    let mut open: Vec<Structure> = Vec::new();
    let (mut loops, mut ifs) = (0u64, 0u64);
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Block { .. } => {
                flow.cost = flow.cost.saturating_add(locals);
                open.push(Structure::Block);
            }
            Operator::If { .. } => {
                ifs += 1;
                flow.cost = flow.cost.saturating_add(locals.saturating_add(ifs));
                open.push(Structure::If);
            }
            Operator::Loop { .. } => {
                loops += 1;
                let cost = locals.saturating_add(loops).saturating_mul(LOOP_WEIGHT);
                flow.cost = flow.cost.saturating_add(cost);
                open.push(Structure::Loop);
            }
            Operator::End => match open.pop() {
                Some(Structure::Loop) => loops -= 1,
                Some(Structure::If) => ifs -= 1,
                Some(Structure::Block) | None => {}
            },
            _ => {}
        }
        flow.nesting = flow.nesting.max(open.len() as u64);
    }
    Ok(flow)
}

enum Structure {
    Block,
    If,
    Loop,
}

/// The number of parameters of each type.
///
/// # Errors
/// When the section cannot be read.
pub(crate) fn params_of_types(
    section: TypeSectionReader<'_>,
) -> Result<Vec<u64>, BinaryReaderError> {
    let mut params = Vec::new();
    for group in section {
        params.extend(group?.types().map(|ty| match &ty.composite_type.inner {
            CompositeInnerType::Func(function) => function.params().len() as u64,
            CompositeInnerType::Array(_)
            | CompositeInnerType::Struct(_)
            | CompositeInnerType::Cont(_) => 0,
        }));
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use wasmparser::{Parser, Payload};

    use super::*;

    fn flow(body: &str) -> Flow {
        let binary = wat::parse_str(format!("(module (func {body}))")).unwrap();
        let bodies = Parser::new(0).parse_all(&binary).filter_map(|payload| {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else { return None };
            Some(body)
        });
        flow_of(&bodies.last().unwrap(), 2).unwrap()
    }

    #[test]
    fn structures_cost_by_locals_and_by_their_own_kind_around_them() {
        assert_eq!(flow("nop"), Flow { cost: 0, nesting: 0 });
        assert_eq!(flow("(block) (block)"), Flow { cost: 4, nesting: 1 });
        assert_eq!(flow("(local i32 i64) (block (block))"), Flow { cost: 8, nesting: 2 });
        assert_eq!(flow("(loop)"), Flow { cost: 16 * 3, nesting: 1 });
        assert_eq!(flow("(loop (block (loop)))"), Flow { cost: 16 * 3 + 2 + 16 * 4, nesting: 3 });
        let ifs = "(if (i32.const 1) (then (if (i32.const 1) (then))))";
        assert_eq!(flow(ifs), Flow { cost: 3 + 4, nesting: 2 });
        assert_eq!(flow(&format!("{ifs}{ifs}")), Flow { cost: 2 * (3 + 4), nesting: 2 });
    }
}
