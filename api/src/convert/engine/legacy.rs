//! The shape that wasm tasks had before Bacalhau 1.7: modules as whole input sources.

use serde_json::{Map, Value};

use crate::convert::supported::Problem;
use crate::json_in;
use crate::types::{InputSource, Task};

/// Where the module goes when its source does not say.
const ENTRY_TARGET: &str = "/wasm/entry.wasm";

/// Rewrites the old shape into today's: the modules become inputs, and are named by their
/// targets. Any other task stays as it is.
pub(in crate::convert) fn upgrade(task: &mut Task) -> Result<(), Problem> {
    let is_object = |key: &str| matches!(task.engine.param(key), Some(Value::Object(_)));
    if !task.engine.is("wasm") || !is_object("EntryModule") {
        return Ok(());
    }
    let mut params = Map::new();
    let mut sources = Vec::new();
    for (key, value) in std::mem::take(&mut task.engine.params) {
        match key.to_ascii_lowercase().as_str() {
            "entrymodule" => {
                let source = module(task, &value, ENTRY_TARGET.to_owned())?;
                params.insert("EntryModule".to_owned(), source.target.clone().into());
                sources.push(source);
            }
            "importmodules" => {
                let imports = imports(task, value)?;
                let targets: Vec<Value> =
                    imports.iter().map(|source| source.target.clone().into()).collect();
                params.insert("ImportModules".to_owned(), targets.into());
                sources.extend(imports);
            }
            "environmentvariables" => environment(task, value)?,
            "entrypoint" => {
                params.insert("Entrypoint".to_owned(), value);
            }
            _ => {
                params.insert(key, value);
            }
        }
    }
    task.engine.params = params;
    task.input_sources.extend(sources);
    Ok(())
}

fn imports(task: &Task, value: Value) -> Result<Vec<InputSource>, Problem> {
    let items = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            vec![one]
        }
    };
    let place = |i: usize| format!("/wasm/imports/module_{i}.wasm");
    items.iter().enumerate().map(|(i, item)| module(task, item, place(i))).collect()
}

fn module(task: &Task, value: &Value, target: String) -> Result<InputSource, Problem> {
    let mut source = json_in::input_source(value).map_err(|why| {
        Problem::task(task, format!("invalid wasm engine param: a module source: {why}"))
    })?;
    if source.target.trim().is_empty() {
        source.target = target;
    }
    Ok(source)
}

/// What the task itself sets goes first.
fn environment(task: &mut Task, value: Value) -> Result<(), Problem> {
    let Value::Object(variables) = value else {
        return Ok(());
    };
    for (name, value) in variables {
        let Value::String(value) = value else {
            let what =
                format!("invalid wasm engine param: environment variable '{name}' is no text");
            return Err(Problem::task(task, what));
        };
        task.env.entry(name).or_insert(value);
    }
    Ok(())
}
