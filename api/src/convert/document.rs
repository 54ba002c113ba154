//! The document of a job: what is cleaned out of it, and what is filled in.

use serde_json::{Map, Value};

use super::engine;
use super::identity::META_RESERVED_PREFIX;
use crate::quantity::{parse_bytes, parse_cpu_millis};
use crate::types::{Job, JobState, ResourcesConfig, SpecConfig, Task};

/// The namespace of jobs that name none.
pub(crate) const NAMESPACE_DEFAULT: &str = "default";
/// What a task gets when it asks for no CPU.
const CPU_DEFAULT: &str = "500m";
/// What a task gets when it asks for no memory.
pub(super) const MEMORY_DEFAULT: &str = "512Mb";

/// Takes out what a submission has no say in, with a warning for each.
pub(super) fn sanitise(job: &mut Job) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut ignore = |given: bool, what: &str| {
        if given {
            warnings.push(format!("job {what} is ignored when submitting a job"));
        }
    };
    let state = &job.state.state_type;
    ignore(!state.is_empty() && !state.eq_ignore_ascii_case("undefined"), "state");
    ignore(job.revision != 0, "revision");
    ignore(job.version != 0, "version");
    ignore(job.create_time != 0, "create time");
    ignore(job.modify_time != 0, "modify time");
    ignore(!job.verdicts.is_empty(), "verdicts");
    ignore(!job.task_cid.is_empty(), "task CID");
    if !job.id.is_empty() {
        warnings.push("job ID is ignored when submitting a batch job".to_owned());
    }
    job.state = JobState::default();
    (job.revision, job.version, job.create_time, job.modify_time) = (0, 0, 0, 0);
    job.replayed = false;
    job.verdicts.clear();
    job.task_cid.clear();
    job.id.clear();
    if job.tasks.len() > 1 {
        warnings.push("only one task is supported per job".to_owned());
        job.tasks.truncate(1);
    }
    job.meta.retain(|key, _| {
        let keep = !key.starts_with(META_RESERVED_PREFIX);
        if !keep {
            warnings.push(format!("job meta key {key:?} is reserved and will be ignored"));
        }
        keep
    });
    warnings
}

/// Brings a checked job into the one form that is kept: what is empty is filled in, amounts are
/// lower-case, parameters are sorted as Go prints maps.
pub(super) fn normalise(job: &mut Job) {
    if job.namespace.is_empty() {
        NAMESPACE_DEFAULT.clone_into(&mut job.namespace);
    }
    if matches!(job.kind.as_str(), "ops" | "daemon") {
        job.count = 0;
    }
    for task in &mut job.tasks {
        normalise_task(task);
    }
}

fn normalise_task(task: &mut Task) {
    trim(&mut task.engine);
    trim(&mut task.publisher);
    if task.publisher.kind.is_empty() {
        task.publisher = SpecConfig::new("ipfs");
    }
    for input in &mut task.input_sources {
        trim(&mut input.source);
        input.alias = input.alias.trim().to_owned();
        input.target = input.target.trim().to_owned();
    }
    for path in &mut task.result_paths {
        path.name = path.name.trim().to_owned();
        path.path = path.path.trim().to_owned();
    }
    normalise_resources(&mut task.resources, task.engine.is(engine::pinned::KIND));
    task.network.kind = network_text(&task.network.kind).unwrap_or("Default").to_owned();
    for domain in &mut task.network.domains {
        *domain = domain.trim().to_lowercase();
    }
}

fn trim(spec: &mut SpecConfig) {
    spec.kind = spec.kind.trim().to_owned();
    sort_keys(&mut spec.params);
}

fn sort_keys(map: &mut Map<String, Value>) {
    map.sort_keys();
    for value in map.values_mut() {
        sort_within(value);
    }
}

fn sort_within(value: &mut Value) {
    match value {
        Value::Object(map) => sort_keys(map),
        Value::Array(items) => items.iter_mut().for_each(sort_within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// As Bacalhau cleans them, and the defaults. An engine takes 0 for "no limit", so that 0 gets
/// the default too. How much memory a task that is pinned gets may be its own to say.
fn normalise_resources(resources: &mut ResourcesConfig, is_pinned: bool) {
    let ResourcesConfig { cpu, memory, disk, gpu } = resources;
    for text in [&mut *cpu, memory, disk, gpu] {
        *text = amount_text(text);
    }
    if cpu.is_empty() || parse_cpu_millis(cpu) == Some(0) {
        CPU_DEFAULT.clone_into(cpu);
    }
    if !is_pinned && (memory.is_empty() || parse_bytes(memory) == Some(0)) {
        MEMORY_DEFAULT.clone_into(memory);
    }
}

/// Lower case, without blanks.
pub(super) fn amount_text(text: &str) -> String {
    text.to_lowercase().replace([' ', '\n'], "")
}

/// The one spelling of a network type; `None` for no type at all.
pub(super) fn network_text(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let text = if text.is_empty() { "Default" } else { text };
    ["Default", "None", "Host", "Full", "HTTP", "Bridge"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_submission_has_no_say_in_is_dropped_with_a_warning() {
        let mut job = Job {
            id: "j-1".into(),
            state: JobState { state_type: "Running".into(), ..JobState::default() },
            revision: 1,
            version: 2,
            create_time: 3,
            modify_time: 4,
            meta: [("bacalhau.org/x".into(), "1".into()), ("k".into(), "v".into())].into(),
            tasks: vec![Task::default(), Task::default()],
            ..Job::default()
        };
        let warnings = sanitise(&mut job);
        assert_eq!(
            warnings,
            [
                "job state is ignored when submitting a job",
                "job revision is ignored when submitting a job",
                "job version is ignored when submitting a job",
                "job create time is ignored when submitting a job",
                "job modify time is ignored when submitting a job",
                "job ID is ignored when submitting a batch job",
                "only one task is supported per job",
                "job meta key \"bacalhau.org/x\" is reserved and will be ignored",
            ]
        );
        let clean = Job {
            meta: [("k".into(), "v".into())].into(),
            tasks: vec![Task::default()],
            ..Job::default()
        };
        assert_eq!(job, clean);
        assert_eq!(sanitise(&mut job), Vec::<String>::new());
    }

    #[test]
    fn empty_things_are_filled_in_and_amounts_cleaned() {
        let mut job = Job { kind: "ops".into(), count: 1, ..Job::default() };
        let resources =
            ResourcesConfig { cpu: "0".into(), disk: "1 GB".into(), ..Default::default() };
        let engine =
            SpecConfig::new(" docker ").with("b", 1).with("a", serde_json::json!({"d":1,"c":2}));
        job.tasks.push(Task { engine, resources, ..Task::default() });
        normalise(&mut job);
        assert_eq!((job.namespace.as_str(), job.count), ("default", 0));
        assert_eq!(
            serde_json::to_string(&job.tasks[0]).unwrap(),
            r#"{"Name":"","Engine":{"Type":"docker","Params":{"a":{"c":2,"d":1},"b":1}},"#
                .to_owned()
                + r#""Publisher":{"Type":"ipfs"},"Resources":{"CPU":"500m","Memory":"512Mb","Disk":"1gb"},"#
                + r#""Network":{"Type":"Default"},"Timeouts":{}}"#
        );
    }
}
