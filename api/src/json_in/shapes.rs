//! The shapes of what clients send.

use super::Shape::{Any, Bool, Int, List, Object, Text, TextMap};
use super::{Form, SMALLEST_JOB, Shape};

const SPEC: Shape = Object(&[("Type", Text), ("Params", Any)]);

const STATE: Shape = Object(&[("StateType", Text), ("Message", Text), ("Details", TextMap)]);

const REQUIREMENT: Shape = Object(&[("Key", Text), ("Operator", Text), ("Values", List(&Text))]);

const INPUT_SHAPE: Shape = Object(&[("Source", SPEC), ("Alias", Text), ("Target", Text)]);

/// An input source.
pub(super) static INPUT: Shape = INPUT_SHAPE;

const RESULT_PATH: Shape = Object(&[("Name", Text), ("Path", Text)]);

const RESOURCES: Shape = Object(&[("CPU", Text), ("Memory", Text), ("Disk", Text), ("GPU", Text)]);

const PORT: Shape =
    Object(&[("Name", Text), ("Static", Int), ("Target", Int), ("HostNetwork", Text)]);

const NETWORK: Shape = Object(&[("Type", Text), ("Domains", List(&Text)), ("Ports", List(&PORT))]);

const TIMEOUTS: Shape =
    Object(&[("ExecutionTimeout", Int), ("QueueTimeout", Int), ("TotalTimeout", Int)]);

const TASK: Shape = Object(&[
    ("Name", Text),
    ("Engine", SPEC),
    ("Publisher", SPEC),
    ("Env", TextMap),
    ("Meta", TextMap),
    ("Nonce", Text),
    ("InputSources", List(&INPUT_SHAPE)),
    ("ResultPaths", List(&RESULT_PATH)),
    ("Resources", RESOURCES),
    ("Network", NETWORK),
    ("Timeouts", TIMEOUTS),
]);

/// A tree to keep.
pub(crate) static PIN: Form = Form {
    shape: Object(&[("CID", Text), ("RetentionMs", Int)]),
    hint: || r#"send {"CID": "bafybei…"}, and "RetentionMs" for how long"#.to_owned(),
};

/// A bundle to count.
pub(crate) static COUNT: Form = Form {
    shape: Object(&[("CID", Text)]),
    hint: || r#"send {"CID": "bafyrei…"}: the BundleCID of receipts"#.to_owned(),
};

/// A node to ban, or to forgive.
pub(crate) static BAN: Form = Form {
    shape: Object(&[("IsBanned", Bool)]),
    hint: || r#"send {"IsBanned": false} to forgive a node"#.to_owned(),
};

/// A job.
pub(super) static JOB: Shape = JOB_SHAPE;

const JOB_SHAPE: Shape = Object(&[
    ("ID", Text),
    ("Name", Text),
    ("Namespace", Text),
    ("Type", Text),
    ("Priority", Int),
    ("Count", Int),
    ("Constraints", List(&REQUIREMENT)),
    ("Meta", TextMap),
    ("Labels", TextMap),
    ("Tasks", List(&TASK)),
    ("Durability", Text),
    ("Retention", Int),
    ("Verification", Text),
    ("Fresh", Bool),
    ("Replayed", Any),
    ("Verdicts", Any),
    ("State", STATE),
    ("Version", Int),
    ("Revision", Int),
    ("CreateTime", Int),
    ("ModifyTime", Int),
]);

/// A submission.
pub(crate) static PUT_JOB: Form = Form {
    shape: Object(&[("Job", JOB_SHAPE), ("Force", Bool), ("IdempotencyToken", Text)]),
    hint: put_job_hint,
};

/// What a submission looks like.
pub(crate) fn put_job_hint() -> String {
    format!("a submission at its smallest: {{\"Job\": {SMALLEST_JOB}}}; see /api/v1/openapi.json")
}

/// A request to stop. Its key is lower-case, as Bacalhau has it.
pub(crate) static STOP_JOB: Form = Form {
    shape: Object(&[("reason", Text)]),
    hint: || r#"leave the body out, or send JSON such as {"reason": "not needed"}"#.to_owned(),
};
