//! Runs the scripts that the specification's tests are written in.

use std::collections::HashMap;
use std::ops::Add;

use wasmtime::{
    Engine, Extern, Global, GlobalType, Instance, Linker, Memory, MemoryType, Module, Mutability,
    Ref, RefType, Store, Table, TableType, Trap, Val,
};
use wast::core::WastArgCore;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, Wat};

use super::expect::holds;
use crate::WasmConfig;
use crate::compiler::code_of;
use crate::inspect::checked_binary;
use crate::tests::engines::{Code, Kind};

/// What became of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Modules that ran.
    pub(super) modules: usize,
    /// Modules that are valid for somebody, and refused here.
    pub(super) refused: usize,
    /// What was claimed and held.
    pub(super) held: usize,
    /// What was claimed of modules that were refused, or stand on such.
    pub(super) skipped: usize,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            modules: self.modules + other.modules,
            refused: self.refused + other.refused,
            held: self.held + other.held,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// Why a step has no result.
enum Halt {
    /// It needs a module that was refused.
    Refused,
    /// It ended in this.
    Ended(wasmtime::Error),
}

impl From<wasmtime::Error> for Halt {
    fn from(error: wasmtime::Error) -> Self {
        Self::Ended(error)
    }
}

/// Runs a script.
///
/// # Panics
/// When something that it claims does not hold.
pub(super) fn run(code: Code, name: &str, text: &str) -> Counts {
    let mut world = World::new(code);
    each(name, text, |directive, at| match world.step(directive, at) {
        Ok(true) => world.counts.held += 1,
        Ok(false) => {}
        Err(Halt::Refused) => world.counts.skipped += 1,
        Err(Halt::Ended(error)) => panic!("{at}: {error:#}"),
    });
    world.counts
}

/// Looks only at which modules of a script may run.
pub(super) fn look(name: &str, text: &str) -> Counts {
    let mut world = World::new(Code::Optimized);
    each(name, text, |directive, _| {
        if let WastDirective::Module(mut wat) | WastDirective::ModuleDefinition(mut wat) = directive
        {
            world.counts.modules += usize::from(world.module(&mut wat).is_ok());
        }
    });
    world.counts
}

fn each(name: &str, text: &str, mut step: impl FnMut(WastDirective<'_>, &str)) {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
    let script: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|e| panic!("{name}: {e}"));
    for directive in script.directives {
        let (line, _) = directive.span().linecol_in(text);
        step(directive, &format!("{name}:{}", line + 1));
    }
}

/// The modules of one script.
struct World {
    engine: Engine,
    config: WasmConfig,
    linker: Linker<()>,
    store: Store<()>,
    /// By name; the last one has the empty name. `None` was refused.
    instances: HashMap<String, Option<Instance>>,
    definitions: HashMap<String, Module>,
    counts: Counts,
}

impl World {
    fn new(code: Code) -> Self {
        let config = WasmConfig { pool_slots: 0, ..WasmConfig::new("unused") };
        let engine = Kind { is_pooled: false, code }.engine(&config);
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
        store.set_fuel(u64::MAX).unwrap();
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest(&mut linker, &mut store).unwrap();
        let (instances, definitions) = Default::default();
        let counts = Counts::default();
        Self { engine, config, linker, store, instances, definitions, counts }
    }

    /// Does one step; says whether that was a claim, which held.
    fn step(&mut self, directive: WastDirective<'_>, at: &str) -> Result<bool, Halt> {
        use WastDirective as Of;
        match directive {
            Of::Module(mut wat) => self.define_instance(&mut wat).map(|()| false),
            Of::ModuleDefinition(mut wat) => {
                let name = named(wat.name());
                let module = self.module(&mut wat)?;
                self.definitions.insert(name, module);
                Ok(false)
            }
            Of::ModuleInstance { instance, module, .. } => {
                let module = self.definitions.get(&named(module)).cloned().ok_or(Halt::Refused)?;
                self.instantiate(&named(instance), &module).map(|()| false)
            }
            Of::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.linker.instance(&mut self.store, name, instance)?;
                Ok(false)
            }
            Of::Invoke(invoke) => self.invoke(&invoke).map(|_| false),
            Of::AssertReturn { exec, results, .. } => {
                let got = self.execute(exec)?;
                assert!(holds(&got, &results), "{at}: {got:?}, not {results:?}");
                Ok(true)
            }
            Of::AssertTrap { exec, message, .. } => self.ends(exec, message, at),
            Of::AssertExhaustion { call, message, .. } => {
                self.ends(WastExecute::Invoke(call), message, at)
            }
            Of::AssertMalformed { mut module, .. } | Of::AssertInvalid { mut module, .. } => {
                // What cannot even be encoded was refused by the text format's parser.
                let binary = module.encode();
                let taken = binary.is_ok_and(|b| checked_binary(&b, &self.config.module).is_ok());
                assert!(!taken, "{at}: a module that is not valid is taken");
                Ok(true)
            }
            Of::AssertUnlinkable { mut module, .. } => {
                let module = self.compile(&module.encode().unwrap())?;
                assert!(self.linker.instantiate(&mut self.store, &module).is_err(), "{at}");
                Ok(true)
            }
            Of::AssertInvalidCustom { .. }
            | Of::AssertMalformedCustom { .. }
            | Of::AssertException { .. }
            | Of::AssertSuspension { .. }
            | Of::Thread(_)
            | Of::Wait { .. } => Err(Halt::Refused),
        }
    }

    fn ends(&mut self, exec: WastExecute<'_>, message: &str, at: &str) -> Result<bool, Halt> {
        match self.execute(exec) {
            Ok(values) => panic!("{at}: {values:?}, not {message}"),
            Err(Halt::Ended(error)) => {
                let trap = error.downcast_ref::<Trap>().map(ToString::to_string);
                let said = trap.unwrap_or_else(|| panic!("{at}: {error:#}, not {message}"));
                assert!(is_same_trap(&said, message), "{at}: {said}, not {message}");
                Ok(true)
            }
            Err(Halt::Refused) => Err(Halt::Refused),
        }
    }

    fn define_instance(&mut self, wat: &mut QuoteWat<'_>) -> Result<(), Halt> {
        let name = named(wat.name());
        // What comes next would be said of an older module otherwise.
        self.instances.insert(String::new(), None);
        self.instances.insert(name.clone(), None);
        let module = self.module(wat)?;
        self.instantiate(&name, &module)
    }

    fn module(&mut self, wat: &mut QuoteWat<'_>) -> Result<Module, Halt> {
        let binary = wat.encode().map_err(|_| Halt::Refused)?;
        self.compile(&binary)
    }

    /// The module, if it is one that a job may have.
    fn compile(&mut self, binary: &[u8]) -> Result<Module, Halt> {
        let module = self.compiled(binary)?;
        self.counts.refused += usize::from(module.is_none());
        module.ok_or(Halt::Refused)
    }

    fn compiled(&self, binary: &[u8]) -> Result<Option<Module>, Halt> {
        let Ok(code) = code_of(&self.engine, binary, &self.config.module) else { return Ok(None) };
        #[expect(unsafe_code, reason = "the one way to load code")]
        // SAFETY: it was made here, just now.
        let module = unsafe { Module::deserialize(&self.engine, code) };
        Ok(Some(module?))
    }

    fn instantiate(&mut self, name: &str, module: &Module) -> Result<(), Halt> {
        let instance = match self.linker.instantiate(&mut self.store, module) {
            Ok(instance) => instance,
            // It imports from a module that was refused.
            Err(error) if error.is::<wasmtime::UnknownImportError>() => return Err(Halt::Refused),
            Err(error) => return Err(error.into()),
        };
        self.counts.modules += 1;
        self.instances.insert(String::new(), Some(instance));
        self.instances.insert(name.to_owned(), Some(instance));
        Ok(())
    }

    fn instance(&self, name: Option<Id<'_>>) -> Result<Instance, Halt> {
        self.instances.get(&named(name)).copied().flatten().ok_or(Halt::Refused)
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Vec<Val>, Halt> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(mut wat) => {
                let module = self.module_of(&mut wat)?;
                match self.linker.instantiate(&mut self.store, &module) {
                    Ok(_) => Ok(Vec::new()),
                    Err(error) if error.is::<wasmtime::UnknownImportError>() => Err(Halt::Refused),
                    Err(error) => Err(error.into()),
                }
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                let global = instance.get_global(&mut self.store, global).unwrap();
                Ok(vec![global.get(&mut self.store)])
            }
        }
    }

    fn module_of(&mut self, wat: &mut Wat<'_>) -> Result<Module, Halt> {
        let binary = wat.encode().map_err(|_| Halt::Refused)?;
        self.compile(&binary)
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Vec<Val>, Halt> {
        let instance = self.instance(invoke.module)?;
        let function = instance.get_func(&mut self.store, invoke.name).unwrap();
        let given: Vec<Val> = invoke.args.iter().map(given).collect();
        let mut got = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &given, &mut got)?;
        Ok(got)
    }
}

fn named(id: Option<Id<'_>>) -> String {
    id.map_or_else(String::new, |id| format!("${}", id.name()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other values are there without references")]
fn given(arg: &WastArg<'_>) -> Val {
    match arg {
        WastArg::Core(WastArgCore::I32(value)) => Val::I32(*value),
        WastArg::Core(WastArgCore::I64(value)) => Val::I64(*value),
        WastArg::Core(WastArgCore::F32(value)) => Val::F32(value.bits),
        WastArg::Core(WastArgCore::F64(value)) => Val::F64(value.bits),
        WastArg::Core(WastArgCore::V128(value)) => {
            Val::V128(u128::from_le_bytes(value.to_le_bytes()).into())
        }
        WastArg::Core(WastArgCore::RefNull(_)) => Val::FuncRef(None),
        other => panic!("{other:?}"),
    }
}

/// Whether wasmtime's words for a trap say what the specification's say.
fn is_same_trap(said: &str, meant: &str) -> bool {
    let said = said.trim_start_matches("wasm trap: ");
    // Which element it is, wasmtime does not say.
    said.contains(meant) || meant.starts_with(said)
}

/// The module that the tests import from.
fn spectest(linker: &mut Linker<()>, store: &mut Store<()>) -> wasmtime::Result<()> {
    let name = "spectest";
    linker.func_wrap(name, "print", || {})?;
    linker.func_wrap(name, "print_i32", |_: i32| {})?;
    linker.func_wrap(name, "print_i64", |_: i64| {})?;
    linker.func_wrap(name, "print_f32", |_: f32| {})?;
    linker.func_wrap(name, "print_f64", |_: f64| {})?;
    linker.func_wrap(name, "print_i32_f32", |_: i32, _: f32| {})?;
    linker.func_wrap(name, "print_f64_f64", |_: f64, _: f64| {})?;
    for (kind, value) in [
        ("i32", Val::I32(666)),
        ("i64", Val::I64(666)),
        ("f32", Val::F32(666.6f32.to_bits())),
        ("f64", Val::F64(666.6f64.to_bits())),
    ] {
        let ty = GlobalType::new(value.ty(&*store)?, Mutability::Const);
        let global = Global::new(&mut *store, ty, value)?;
        linker.define(&*store, name, &format!("global_{kind}"), global)?;
    }
    let table = TableType::new(RefType::FUNCREF, 10, Some(20));
    let table = Table::new(&mut *store, table, Ref::Func(None))?;
    linker.define(&*store, name, "table", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&*store, name, "memory", Extern::from(memory))?;
    Ok(())
}
