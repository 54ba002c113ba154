//! Wasm's parameters.

use gadus_model::Cid;

use super::{EngineSpec, ModuleRef, Params};
use crate::convert::supported::Problem;
use crate::types::Task;

/// The entry of a command.
const ENTRY_DEFAULT: &str = "_start";

pub(super) fn read(task: &Task) -> Result<EngineSpec, Problem> {
    let params = Params { task, engine: "wasm" };
    let module = params.text("EntryModule")?.trim().to_owned();
    if module.is_empty() {
        return Err(params.wrong("'EntryModule' cannot be empty"));
    }
    if !params.texts("ImportModules")?.is_empty() {
        return Err(Problem::Unsupported {
            what: "linking with ImportModules".to_owned(),
            hint: "link the modules into one before submitting it",
        });
    }
    let module = match module.strip_prefix("ipfs://") {
        Some(text) => match text.parse::<Cid>() {
            Ok(cid) => ModuleRef::Cid(cid),
            Err(error) => {
                return Err(params.wrong(&format!("'EntryModule': '{text}' is no CID: {error}")));
            }
        },
        None => ModuleRef::Input(input_at(&params, &module)?),
    };
    let entry = params.text("Entrypoint")?;
    let entry = if entry.is_empty() { ENTRY_DEFAULT.to_owned() } else { entry };
    Ok(EngineSpec::Wasm { module, entry, args: params.texts("Parameters")? })
}

fn input_at(params: &Params<'_>, target: &str) -> Result<usize, Problem> {
    let same = |a: &str| a.trim().trim_end_matches('/') == target.trim_end_matches('/');
    params.task.input_sources.iter().position(|input| same(&input.target)).ok_or_else(|| {
        params.wrong(&format!("'EntryModule' ({target:?}) is not the target of an input source"))
    })
}
