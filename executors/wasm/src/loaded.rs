//! Compiled modules in memory, linked and ready to be instantiated; the least recently used go.

use std::collections::HashMap;
use std::sync::Arc;

use gadus_model::{Cid, Failure, FailureKind};
use wasmtime::{ExternType, FuncType, InstancePre};

use crate::guest::Guest;
use crate::outcome::clipped;

/// Exports that an error lists.
const EXPORTS_SHOWN: usize = 20;

/// A module that only needs its memory to run.
pub(crate) struct Loaded {
    pub(crate) pre: InstancePre<Guest>,
}

impl Loaded {
    pub(crate) fn new(pre: InstancePre<Guest>) -> Self {
        Self { pre }
    }

    /// Checks that a function can be called: it is exported and takes nothing.
    ///
    /// # Errors
    /// `Invalid`, with the functions that there are.
    pub(crate) fn check_entry(&self, entry: &str) -> Result<(), Failure> {
        let entry_shown = clipped(entry, 100);
        match self.pre.module().get_export(entry) {
            Some(ExternType::Func(ty)) if ty.params().len() == 0 => Ok(()),
            Some(ExternType::Func(ty)) => Err(self.no_entry(&format!(
                "the function '{entry_shown}' takes {} parameters, and an entry takes none",
                ty.params().len()
            ))),
            Some(_) => Err(self.no_entry(&format!("'{entry_shown}' is exported, but no function"))),
            None => Err(self.no_entry(&format!("it exports no function '{entry_shown}'"))),
        }
    }

    /// Whether it is a reactor: a library whose `_initialize` is called before anything else.
    pub(crate) fn has_initialize(&self) -> bool {
        let export = self.pre.module().get_export("_initialize");
        matches!(export, Some(ExternType::Func(ty)) if is_nullary(&ty))
    }

    fn no_entry(&self, why: &str) -> Failure {
        let functions: Vec<_> = self
            .pre
            .module()
            .exports()
            .filter(|export| matches!(export.ty(), ExternType::Func(ty) if ty.params().len() == 0))
            .map(|export| clipped(export.name(), 60))
            .collect();
        let hint = if functions.is_empty() {
            "it exports no function without parameters; build it as a command, with a main function"
                .to_owned()
        } else {
            let shown = functions.iter().take(EXPORTS_SHOWN).cloned().collect::<Vec<_>>();
            let rest = functions.len() - shown.len();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("functions that it does export: {}{more}", shown.join(", "))
        };
        Failure::new(FailureKind::Invalid, format!("the Wasm module cannot be started: {why}"))
            .with_hint(hint)
    }
}

fn is_nullary(ty: &FuncType) -> bool {
    ty.params().len() == 0 && ty.results().len() == 0
}

/// Loaded modules by CID, at most so many.
pub(crate) struct LoadedModules {
    modules: HashMap<Cid, (Arc<Loaded>, u64)>,
    modules_max: usize,
    clock: u64,
}

impl LoadedModules {
    pub(crate) fn new(modules_max: usize) -> Self {
        Self { modules: HashMap::new(), modules_max: modules_max.max(1), clock: 0 }
    }

    /// A module, which counts as a use of it.
    pub(crate) fn get(&mut self, module: &Cid) -> Option<Arc<Loaded>> {
        self.clock += 1;
        let (loaded, used) = self.modules.get_mut(module)?;
        *used = self.clock;
        Some(Arc::clone(loaded))
    }

    /// Whether a module is here; no use of it.
    pub(crate) fn has(&self, module: &Cid) -> bool {
        self.modules.contains_key(module)
    }

    /// Adds a module, and gives back the one that had to go for it. Who still runs that keeps it.
    pub(crate) fn insert(&mut self, module: Cid, loaded: Arc<Loaded>) -> Option<Arc<Loaded>> {
        self.clock += 1;
        if let Some((replaced, _)) = self.modules.insert(module, (loaded, self.clock)) {
            return Some(replaced);
        }
        if self.modules.len() <= self.modules_max {
            return None;
        }
        let oldest = self.modules.iter().min_by_key(|(_, (_, used))| *used).map(|(cid, _)| *cid)?;
        self.modules.remove(&oldest).map(|(loaded, _)| loaded)
    }
}
