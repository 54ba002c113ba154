//! What a job that is over means for the one who waited.

use gadus_api::types::{Execution, GetJobResponse, VerdictInfo};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{has_failed, published, result_cid};

/// Says what came of a job that is over, on stderr, and how the process ends: with the exit code
/// of the first partition that did not end with 0.
///
/// # Errors
/// For a job that ended without a result.
pub(crate) fn conclude(session: &Session, job: &GetJobResponse) -> Result<Exit, Failure> {
    let executions = job.executions.as_ref().map_or(&[][..], |list| &list.items);
    let published = published(job);
    for execution in &published {
        tell(session, execution, published.len() > 1);
    }
    for verdict in &job.job.verdicts {
        tell_verdict(session, verdict, job.job.verdicts.len() > 1);
    }
    match job.job.state.state_type.as_str() {
        "Completed" => {
            let codes = published.iter().map(|e| Exit::of_job(e.run_output.exit_code));
            Ok(codes.into_iter().find(|exit| *exit != Exit::Success).unwrap_or(Exit::Success))
        }
        _ => Err(without_result(job, executions)),
    }
}

fn tell(session: &Session, execution: &Execution, is_one_of_many: bool) {
    let printer = &session.printer;
    let which = match is_one_of_many {
        true => format!(" of partition {}", execution.partition_index),
        false => String::new(),
    };
    for warning in execution.gadus.iter().flat_map(|extras| &extras.warnings) {
        printer.warn(warning);
    }
    if !execution.run_output.error_msg.is_empty() {
        printer.talk(&crate::render::plain(&execution.run_output.error_msg));
    }
    if execution.run_output.exit_code != 0 {
        printer.talk(&format!("exit code{which}: {}", execution.run_output.exit_code));
    }
    if let Some(cid) = result_cid(execution) {
        printer.talk(&format!("result{which}: {cid}"));
    }
}

/// Says how sure one can be of a result.
fn tell_verdict(session: &Session, verdict: &VerdictInfo, is_one_of_many: bool) {
    let which = match is_one_of_many {
        true => format!(" partition {}", verdict.partition),
        false => String::new(),
    };
    let agree = verdict.votes.iter().filter(|vote| vote.stand == "agrees").count();
    let trusted = if verdict.has_trusted { "" } else { ", none of which is known to be honest" };
    let words = match verdict.decision.as_str() {
        "verified" if agree == 1 => {
            format!("one node came to it, whose answer decides here ({})", verdict.level)
        }
        "verified" => format!("{agree} nodes came to the same{trusted} ({})", verdict.level),
        "unchecked" => format!("one node's word, not drawn for a check ({})", verdict.level),
        _ => return,
    };
    session.printer.talk(&format!("{}{which}: {words}", verdict.decision));
    if !verdict.replayed_from.is_empty() {
        session.printer.talk(&format!(
            "replayed{which}: known from {}, nothing ran (--fresh runs it again)",
            verdict.replayed_from
        ));
    }
}

fn without_result(job: &GetJobResponse, executions: &[Execution]) -> Failure {
    let (id, state) = (&job.job.id, &job.job.state);
    let what = match state.state_type.as_str() {
        "Stopped" => format!("the job {id} was stopped"),
        _ => format!("the job {id} failed"),
    };
    let last = executions.iter().filter(|e| has_failed(e)).max_by_key(|e| e.modify_time);
    let message = last.map(|e| e.compute_state.message.as_str()).unwrap_or_default();
    let mut failure = Failure::new(Exit::JobFailed, what).because(&state.message);
    if !message.is_empty() && !state.message.contains(message) {
        failure = failure.because(message);
    }
    let hint = last.and_then(|e| e.gadus.as_ref()).map(|extras| extras.hint.as_str());
    match hint.filter(|hint| !hint.is_empty()) {
        Some(hint) => failure.hint(hint),
        None if executions.is_empty() => {
            failure.hint(format!("see which nodes would take it with `gadus job explain {id}`"))
        }
        None => failure.hint(format!("see what happened with `gadus job describe {id}`")),
    }
}
