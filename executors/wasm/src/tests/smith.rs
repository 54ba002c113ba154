//! Modules that nobody wrote: each comes to the same on engines of all kinds, fresh or long in use.
//!
//! What is compared is all that a module could show of itself: what its functions return to the last
//! bit, how it ended, its fuel, its globals, its memory and how large its tables are.

use std::thread;

use arbitrary::Unstructured;
use gadus_model::{Det, FailureKind, Outcome, PROFILE_DET_1};
use gadus_ports::ExecLimits;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use wasm_smith::{Config, Module as Made};
use wasmtime::{Engine, Extern, Func, Instance, Module, Store, Val};

use super::engines::Kind;
use crate::WasmConfig;
use crate::guest::{MemoryLimits, RunLimits};
use crate::inspect::checked_binary;
use crate::outcome;
use crate::rewrite::rewritten;

/// Modules, each from a seed of its own.
const MODULES: usize = 1_000;

/// Randomness that one module is made of.
const SEED_BYTES: usize = 4 << 10;

/// What every call of a module's may burn.
const FUEL: u64 = 10_000;

/// All that one module came to.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    calls: Vec<Call>,
    state: Vec<String>,
}

/// What a call returned or how it ended, and the fuel that it left.
type Call = (Result<String, Outcome>, u64);

/// The one slot of every pool is used again and again.
fn config() -> WasmConfig {
    WasmConfig { pool_slots: 1, ..WasmConfig::new("unused") }
}

fn limits() -> RunLimits {
    let det = Det {
        profile: PROFILE_DET_1.into(),
        memory_max_bytes: 5 << 16,
        table_max: 150,
        ..Det::default()
    };
    RunLimits::of(&ExecLimits { det: Some(det), ..ExecLimits::default() }, &config()).unwrap()
}

/// Holds modules to what `det/1` lets in, and makes them small, with all exported. With references
/// comes `externref`, which is refused: most have none, so that they may be larger.
fn shape(seed: usize) -> Config {
    Config {
        custom_page_sizes_enabled: false,
        disallow_traps: !seed.is_multiple_of(4),
        exceptions_enabled: false,
        export_everything: true,
        gc_enabled: false,
        max_data_segments: 4,
        max_element_segments: 4,
        max_funcs: 4,
        max_globals: 6,
        max_imports: 0,
        max_instructions: 40,
        max_memory32_bytes: 3 << 16,
        max_table_elements: 100,
        max_tables: 2,
        max_types: 8,
        memory64_enabled: false,
        min_funcs: 2,
        min_memories: 1,
        min_types: 2,
        reference_types_enabled: seed % 16 < 2,
        relaxed_simd_enabled: false,
        threads_enabled: false,
        ..Config::default()
    }
}

/// The module of a seed; `None` for one that `det/1` refuses, as it does when `externref` is in it.
fn made(seed: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; SEED_BYTES];
    ChaCha8Rng::seed_from_u64(seed as u64).fill_bytes(&mut bytes);
    let module = Made::new(shape(seed), &mut Unstructured::new(&bytes)).unwrap().to_bytes();
    let checked = checked_binary(&module, &config().module).ok()?;
    Some(rewritten(&checked).unwrap().into_owned())
}

/// What a module comes to; `None` when it used up its stack, which is no result.
fn answer(engine: &Engine, module: &Module) -> Option<Answer> {
    let mut store = Store::new(engine, MemoryLimits::new(&limits()));
    store.limiter(|limits| limits);
    store.set_epoch_deadline(1);
    store.set_fuel(FUEL).unwrap();
    let mut calls = Vec::new();
    let mut state = Vec::new();
    match Instance::new(&mut store, module, &[]) {
        Ok(instance) => {
            let exports = exports(&mut store, instance);
            for function in exports.iter().filter_map(|export| export.clone().into_func()) {
                calls.push(call(&mut store, function)?);
            }
            state.extend(exports.into_iter().map(|export| shown(&mut store, export)));
        }
        Err(error) => calls.push((Err(ended(&error)?), store.get_fuel().unwrap())),
    }
    Some(Answer { calls, state })
}

fn exports(store: &mut Store<MemoryLimits>, instance: Instance) -> Vec<Extern> {
    instance.exports(store).map(wasmtime::Export::into_extern).collect()
}

fn call(store: &mut Store<MemoryLimits>, function: Func) -> Option<Call> {
    let ty = function.ty(&*store);
    let zeros = |types: &mut dyn Iterator<Item = _>| {
        types.map(|ty: wasmtime::ValType| Val::default_for_ty(&ty).unwrap()).collect::<Vec<_>>()
    };
    let (given, mut got) = (zeros(&mut ty.params()), zeros(&mut ty.results()));
    store.set_fuel(FUEL).unwrap();
    let result = match function.call(&mut *store, &given, &mut got) {
        Ok(()) => Ok(got.iter().map(bits).collect()),
        Err(error) => Err(ended(&error)?),
    };
    Some((result, store.get_fuel().unwrap()))
}

/// How a call ended that did not return, unless its stack was used up.
fn ended(error: &wasmtime::Error) -> Option<Outcome> {
    match outcome::of_error(error, &limits(), config().stack_max_bytes) {
        Ok((outcome, _)) => Some(outcome),
        Err(failure) => {
            assert_eq!(failure.kind, FailureKind::Invalid, "{failure:?}");
            assert!(failure.message.contains("stack"), "{failure:?}");
            None
        }
    }
}

/// A value to the last bit; of a reference, whether there is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "no module has other references")]
fn bits(value: &Val) -> String {
    match value {
        Val::I32(bits) => format!("{bits:x} "),
        Val::I64(bits) => format!("{bits:x} "),
        Val::F32(bits) => format!("{bits:x} "),
        Val::F64(bits) => format!("{bits:x} "),
        Val::V128(bits) => format!("{:x} ", bits.as_u128()),
        Val::FuncRef(found) => format!("{} ", found.is_some()),
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no module has anything else")]
fn shown(store: &mut Store<MemoryLimits>, export: Extern) -> String {
    match export {
        Extern::Func(_) => String::new(),
        Extern::Global(global) => bits(&global.get(store)),
        Extern::Memory(memory) => {
            let data = memory.data(&*store);
            format!("{} {}", data.len(), hex::encode(Sha256::digest(data)))
        }
        Extern::Table(table) => (0..table.size(&*store))
            .map(|at| if table.get(&mut *store, at).unwrap().is_null() { '0' } else { '1' })
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Runs a module on engines that have run others, twice, and on one that it has to itself, of a kind
/// that its seed picks.
fn compare(warm: &[(Kind, Engine)], (seed, binary): (usize, Vec<u8>)) -> Option<Answer> {
    let mut seen: Vec<(String, Option<Answer>)> = Vec::new();
    for (kind, engine) in warm {
        let module = Module::from_binary(engine, &binary).unwrap();
        seen.push((format!("{kind:?}, warm"), answer(engine, &module)));
        seen.push((format!("{kind:?}, again"), answer(engine, &module)));
    }
    let kind = Kind::ALL[seed / 2 % Kind::ALL.len()];
    let fresh = kind.engine(&config());
    let module = Module::from_binary(&fresh, &binary).unwrap();
    seen.push((format!("{kind:?}, fresh"), answer(&fresh, &module)));
    // Where any stack was used up, there is nothing to compare.
    let is_result = seen.iter().all(|(_, answer)| answer.is_some());
    let (_, first) = seen.swap_remove(0);
    if !is_result {
        return None;
    }
    for (on, other) in seen {
        assert_eq!(other, first, "seed {seed} on {on}");
    }
    first
}

#[test]
fn a_thousand_modules_come_to_the_same_on_all_engines() {
    let threads = [0, 1].map(|parity| {
        thread::spawn(move || {
            let warm = Kind::ALL.map(|kind| (kind, kind.engine(&config())));
            (parity..)
                .step_by(2)
                .filter_map(|seed| Some((seed, made(seed)?)))
                .take(MODULES / 2)
                .map(|module| compare(&warm, module))
                .collect::<Vec<_>>()
        })
    });
    let answers: Vec<_> = threads.into_iter().flat_map(|half| half.join().unwrap()).collect();
    // They are worth something as a test: most say something, and all kinds of ends are there.
    let calls: Vec<_> = answers.iter().flatten().flat_map(|answer| &answer.calls).collect();
    let of = |wanted: fn(&Result<String, Outcome>) -> bool| {
        calls.iter().filter(|(result, _)| wanted(result)).count()
    };
    let returned = of(|call| call.as_ref().is_ok_and(|values| !values.is_empty()));
    let trapped = of(|call| matches!(call, Err(Outcome::Trap(_))));
    let out_of_fuel = of(|call| *call == Err(Outcome::OutOfFuel));
    let none = answers.iter().filter(|answer| answer.is_none()).count();
    let told = format!("{returned} {trapped} {out_of_fuel} {none} of {}", calls.len());
    assert!(returned > 400 && trapped > 200 && out_of_fuel > 100 && none < 50, "{told}");
}
