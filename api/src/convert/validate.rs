//! What makes a job one that can be submitted, in Bacalhau's words: one line for each thing that
//! is wrong.

use gadus_model::Operator;

use crate::types::{Job, LabelRequirement};

mod env;
mod network;
mod task;

pub(super) use self::task::twice;

/// Everything that is wrong with a job; empty for a good one.
pub(super) fn job(job: &Job, count_max: u32) -> Vec<String> {
    let mut errors = Vec::new();
    match job.kind.as_str() {
        "batch" | "ops" | "service" | "daemon" => {}
        "" => errors.push("missing job type".to_owned()),
        other => errors.push(format!("invalid job type: {other:?}")),
    }
    let everywhere = matches!(job.kind.as_str(), "ops" | "daemon");
    if job.count < 0 {
        errors.push("job count must be >= 0".to_owned());
    } else if everywhere && job.count > 1 {
        let kind = &job.kind;
        errors.push(format!(
            "{kind} jobs cannot specify count > 1 as they run on all matching nodes"
        ));
    } else if !everywhere && job.count == 0 {
        errors.push("job count must be >= 1, or there is nothing to run".to_owned());
    } else if job.count > i64::from(count_max) {
        errors.push(format!("job count must be <= {count_max}"));
    }
    if [&job.name, &job.namespace].into_iter().any(|text| text.contains('\0')) {
        errors.push("job name and namespace cannot contain null characters".to_owned());
    }
    if job.tasks.is_empty() {
        errors.push("missing job tasks".to_owned());
    }
    for (index, requirement) in job.constraints.iter().enumerate() {
        let wrong = constraint(requirement);
        if !wrong.is_empty() {
            let (n, wrong) = (index + 1, wrong.join("\n"));
            errors.push(format!("constraint {n} validation failed: {wrong}"));
        }
    }
    for one in &job.tasks {
        let wrong = task::task(one);
        if !wrong.is_empty() {
            errors.push(format!("task {} validation failed: {}", one.name, wrong.join("\n")));
        }
    }
    errors
}

fn constraint(requirement: &LabelRequirement) -> Vec<String> {
    let mut errors = Vec::new();
    let values = requirement.values.len();
    if requirement.key.trim().is_empty() {
        errors.push("selector key cannot be blank".to_owned());
    }
    let wrong = match requirement.operator.as_str() {
        "in" | "notin" if values == 0 => {
            "selector values cannot be empty for In or NotIn operators"
        }
        "exists" | "!" if values > 0 => {
            "selector values must be empty for Exists or KeyNotInImap operators"
        }
        "=" | "==" | "!=" | "gt" | "lt" if values != 1 => {
            "selector values must have exactly one value for other operators"
        }
        _ => "",
    };
    if !wrong.is_empty() {
        errors.push(wrong.to_owned());
    }
    if Operator::parse(&requirement.operator).is_none() {
        let operator = &requirement.operator;
        errors.push(format!(
            "{operator:?} is no selector operator (use !, =, ==, in, !=, notin, exists, gt or lt)"
        ));
    }
    errors
}

/// The lines, if there are any, after what they are about.
fn about(what: &str, errors: &[String], into: &mut Vec<String>) {
    if !errors.is_empty() {
        into.push(format!("{what}: {}", errors.join("\n")));
    }
}

#[cfg(test)]
mod tests;
