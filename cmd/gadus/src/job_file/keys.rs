//! The keys of the job format, for suggestions.

const JOB: &[&str] = &[
    "ID",
    "Name",
    "Namespace",
    "Type",
    "Priority",
    "Count",
    "Constraints",
    "Meta",
    "Labels",
    "Tasks",
    "Durability",
    "Retention",
    "Verification",
    "State",
    "Version",
    "Revision",
    "CreateTime",
    "ModifyTime",
];
const TASK: &[&str] = &[
    "Name",
    "Engine",
    "Publisher",
    "Env",
    "Meta",
    "InputSources",
    "ResultPaths",
    "Resources",
    "Network",
    "Timeouts",
];
const SPEC: &[&str] = &["Type", "Params"];

/// The keys that could stand where the key at the end of a path stands.
pub(super) fn beside(path: &str) -> &'static [&'static str] {
    let parents: Vec<&str> = path.split('.').collect();
    let parents: Vec<&str> = parents[..parents.len() - 1]
        .iter()
        .copied()
        .filter(|part| part.parse::<usize>().is_err())
        .collect();
    match parents[..] {
        [] => JOB,
        ["State"] => &["StateType", "Message", "Details"],
        ["Constraints"] => &["Key", "Operator", "Values"],
        ["Tasks"] => TASK,
        ["Tasks", "Engine" | "Publisher"] | ["Tasks", "InputSources", "Source"] => SPEC,
        ["Tasks", "InputSources"] => &["Source", "Alias", "Target"],
        ["Tasks", "ResultPaths"] => &["Name", "Path"],
        ["Tasks", "Resources"] => &["CPU", "Memory", "Disk", "GPU"],
        ["Tasks", "Network"] => &["Type", "Domains", "Ports"],
        ["Tasks", "Network", "Ports"] => &["Name", "Static", "Target", "HostNetwork"],
        ["Tasks", "Timeouts"] => &["ExecutionTimeout", "QueueTimeout", "TotalTimeout"],
        _ => &[],
    }
}
