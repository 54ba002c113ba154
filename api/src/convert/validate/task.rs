//! Tasks.

use std::collections::BTreeSet;

use super::super::document::amount_text;
use super::super::sources;
use super::super::times::go_duration_ms;
use super::{about, env, network};
use crate::quantity::{parse_bytes, parse_cpu_millis};
use crate::types::{InputSource, ResourcesConfig, ResultPath, Task, TimeoutConfig};

/// Names in a result that are not the user's.
const RESULT_NAMES_TAKEN: [&str; 3] = ["stdout", "stderr", "exitCode"];

/// What 32 bits address: no function has more memory.
const WASM_MEMORY_MAX_BYTES: u64 = 4 << 30;

/// Everything that is wrong with a task.
pub(super) fn task(task: &Task) -> Vec<String> {
    let mut errors = Vec::new();
    if task.name.trim().is_empty() {
        errors.push("missing task name".to_owned());
    }
    if task.name.contains('\0') {
        errors.push("task name cannot contain null characters".to_owned());
    }
    errors.extend(env::env(&task.env));
    if task.engine.kind.trim().is_empty() {
        errors.push("invalid engine: missing spec type".to_owned());
    }
    if task.publisher.kind.trim().is_empty() && !task.publisher.params.is_empty() {
        errors.push("invalid publisher: missing spec type".to_owned());
    }
    about("invalid timeouts", &timeouts(&task.timeouts), &mut errors);
    about("invalid resources", &resources(&task.resources), &mut errors);
    let memory_bytes = parse_bytes(&amount_text(&task.resources.memory));
    if task.engine.is("wasm") && memory_bytes.is_some_and(|bytes| bytes > WASM_MEMORY_MAX_BYTES) {
        errors.push("invalid resources: a function's memory cannot exceed 4 GiB".to_owned());
    }
    about("invalid input sources", &each(&task.input_sources, input), &mut errors);
    about("invalid output", &each(&task.result_paths, result_path), &mut errors);
    // Files from elsewhere go into their targets, and may share one.
    let own = |input: &&InputSource| {
        !input.source.is("urlDownload") && !sources::is_one_object(&input.source)
    };
    errors.extend(twice(task.input_sources.iter().filter(own)));
    errors.extend(results_twice(&task.result_paths));
    about("invalid network", &network::network(&task.network), &mut errors);
    errors
}

fn each<T>(items: &[T], check: fn(&T) -> Vec<String>) -> Vec<String> {
    items.iter().flat_map(check).collect()
}

fn timeouts(timeouts: &TimeoutConfig) -> Vec<String> {
    let TimeoutConfig { execution_timeout, queue_timeout, total_timeout } = *timeouts;
    let text = |seconds: i64| go_duration_ms(seconds.saturating_mul(1000));
    let named =
        [("execution", execution_timeout), ("queue", queue_timeout), ("total", total_timeout)];
    let mut errors: Vec<String> = named
        .into_iter()
        .filter(|(_, seconds)| *seconds < 0)
        .map(|(name, seconds)| format!("invalid {name} timeout value: {}", text(seconds)))
        .collect();
    if total_timeout > 0 && execution_timeout.saturating_add(queue_timeout) > total_timeout {
        errors.push(format!(
            "execution timeout {} and queue timeout {} should be less than total timeout {}",
            text(execution_timeout),
            text(queue_timeout),
            text(total_timeout)
        ));
    }
    errors
}

fn resources(resources: &ResourcesConfig) -> Vec<String> {
    let ResourcesConfig { cpu, memory, disk, gpu } = resources;
    let readable = [
        ("CPU", cpu, parse_cpu_millis as fn(&str) -> Option<u64>),
        ("memory", memory, parse_bytes),
        ("disk", disk, parse_bytes),
        ("GPU", gpu, |text| text.parse::<u32>().ok().map(u64::from)),
    ];
    readable
        .into_iter()
        .map(|(name, text, read)| (name, amount_text(text), read))
        .filter(|(_, text, read)| !text.is_empty() && read(text).is_none())
        .map(|(name, text, _)| format!("invalid {name} value: {text}"))
        .collect()
}

fn input(input: &InputSource) -> Vec<String> {
    let mut errors = Vec::new();
    let target = input.target.trim();
    if target.is_empty() {
        errors.push("input source is missing a target".to_owned());
    } else if !is_plain_absolute(target) {
        errors.push(format!("input source target `{target}` must be an absolute path without .."));
    }
    if input.source.kind.trim().is_empty() {
        errors.push("invalid input source: missing spec type".to_owned());
    }
    errors
}

fn result_path(path: &ResultPath) -> Vec<String> {
    let mut errors = Vec::new();
    let (name, place) = (path.name.trim(), path.path.trim());
    if place.is_empty() {
        errors.push("missing path".to_owned());
    }
    if name.is_empty() {
        errors.push("missing name".to_owned());
    } else if matches!(name, "." | "..") || name.contains(['/', '\0']) {
        errors.push(format!("result name `{name}` must be a plain file name"));
    } else if RESULT_NAMES_TAKEN.contains(&name) {
        errors.push(format!("result name `{name}` is taken by the result itself"));
    }
    if !place.starts_with('/') {
        errors.push(format!("result path `{place}` must be absolute"));
    } else if !is_plain_absolute(place) {
        errors.push(format!("result path `{place}` must not contain .. or be the root"));
    }
    errors
}

/// Absolute, below the root, and without names that lead elsewhere.
fn is_plain_absolute(path: &str) -> bool {
    let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
    path.starts_with('/')
        && !path.contains('\0')
        && names.peek().is_some()
        && names.all(|name| name != ".." && name != ".")
}

/// The first input whose alias or target another has.
pub(in crate::convert) fn twice<'a>(
    inputs: impl IntoIterator<Item = &'a InputSource>,
) -> Option<String> {
    let (mut aliases, mut targets) = (BTreeSet::new(), BTreeSet::new());
    inputs.into_iter().find_map(|input| {
        let (alias, target) = (input.alias.trim(), input.target.trim());
        if !alias.is_empty() && !aliases.insert(alias) {
            return Some(format!("input source with alias '{alias}' already exists"));
        }
        let again = !target.is_empty() && !targets.insert(target.trim_end_matches('/'));
        again.then(|| format!("input source with target '{target}' already exists"))
    })
}

/// The first result whose name or path another has.
fn results_twice(results: &[ResultPath]) -> Option<String> {
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    results.iter().find_map(|result| {
        let (name, path) = (result.name.trim(), result.path.trim());
        if !name.is_empty() && !names.insert(name) {
            return Some(format!("result path with name '{name}' already exists"));
        }
        let again = !path.is_empty() && !paths.insert(path.trim_end_matches('/'));
        again.then(|| format!("result path '{path}' already exists"))
    })
}
