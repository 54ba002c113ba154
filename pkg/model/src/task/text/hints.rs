//! What people write by mistake, and what they meant.

use serde_json::{Map, Value};

use super::super::{TASK_VERSION, TaskFault};

/// What to do about a field that is of the wrong shape.
pub(super) const SHAPE: &str =
    "write it as `gadus job task ID` and `gadus wasm run --print-task` do";

/// Looks for a version that is unknown, and for names where links must be.
pub(super) fn look(value: &Value) -> Result<(), TaskFault> {
    let Value::Object(task) = value else {
        return Err(TaskFault::new("the task", "it is no object", SHAPE));
    };
    let v = task.get("v");
    if v.is_some_and(|v| v.as_u64() != Some(u64::from(TASK_VERSION))) {
        let given = v.map(Value::to_string).unwrap_or_default();
        let why = format!("version {given} of tasks is unknown here");
        let hint = format!("this release knows version {TASK_VERSION}; use one that knows yours");
        return Err(TaskFault::new("v", why, hint));
    }
    if let Some(module) = at(task, &["code", "wasm", "module"]) {
        link("code.wasm.module", module, &bare)?;
    }
    reserved("", value)?;
    let inputs = task.get("inputs").and_then(Value::as_object);
    for (path, input) in inputs.into_iter().flatten() {
        let field = format!("inputs.{path}");
        match input {
            Value::Object(kind) if kind.contains_key("/") => {
                let link = serde_json::json!({ "cid": input }).to_string();
                let hint = format!("write {link}");
                return Err(TaskFault::new(field, "a link to content is under the key cid", hint));
            }
            Value::Object(kind) => {
                let cid = kind.get("cid");
                cid.map_or(Ok(()), |cid| link(&format!("{field}.cid"), cid, &bare))?;
            }
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)) => {
                link(&field, other, &|cid| format!("{{\"cid\": {}}}", bare(cid)))?
            }
        }
    }
    Ok(())
}

/// DAG-JSON's key for links and bytes stands alone: the reader would drop what is beside it.
fn reserved(place: &str, value: &Value) -> Result<(), TaskFault> {
    let below = |name: &str| match place {
        "" => name.to_owned(),
        place => format!("{place}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            let inner = fields.get("/").and_then(Value::as_object);
            let is_alone = fields.len() == 1 && inner.is_none_or(|inner| inner.len() == 1);
            if fields.contains_key("/") && !is_alone {
                let why = "there is something beside the key \"/\" of a link or of bytes";
                return Err(TaskFault::new(place, why, "leave it out"));
            }
            fields.iter().try_for_each(|(name, value)| reserved(&below(name), value))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(nth, item)| reserved(&below(&nth.to_string()), item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn at<'v>(task: &'v Map<String, Value>, path: &[&str]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(task.get(*first)?, |value, name| value.get(name))
}

fn bare(cid: &str) -> String {
    format!("{{\"/\": \"{cid}\"}}")
}

/// Whether a text is a CID and nothing else: its parser finds one in a path, too.
fn is_cid(text: &str) -> bool {
    text.parse::<cid::Cid>().is_ok_and(|cid| cid.to_string() == text)
}

/// A text where a link must be, which is written as `form` has it.
fn link(field: &str, value: &Value, form: &dyn Fn(&str) -> String) -> Result<(), TaskFault> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Object(link) => match link.get("/").and_then(Value::as_str) {
            Some(text) if !is_cid(text) => text,
            Some(_) | None => return Ok(()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return Ok(()),
    };
    let name = text.strip_prefix("ipfs://").unwrap_or(text);
    if is_cid(name) {
        let why = format!("'{text}' is a text, and a link is meant");
        return Err(TaskFault::new(field, why, format!("write {}", form(name))));
    }
    if text.starts_with("ipfs://") {
        let why = format!("'{text}' is a path, and a link is meant");
        let form = form("the CID of what stands there");
        let hint = format!("write {form}; `gadus ls` shows it");
        return Err(TaskFault::new(field, why, hint));
    }
    if text.contains("://") {
        let why = format!("'{text}' is no CID: what a URL leads to may be something else tomorrow");
        let hint = format!(
            "pin it with `gadus add '{text}'`, and write {}; or submit it once as a job, and take \
             the text of `gadus job task`",
            form("the CID it prints")
        );
        return Err(TaskFault::new(field, why, hint));
    }
    let why = format!("'{text}' is no CID");
    let hint = format!("add it with `gadus add`, and write {}", form("the CID it prints"));
    Err(TaskFault::new(field, why, hint))
}
