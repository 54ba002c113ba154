//! Submitting a job, and staying with it to its end.

use std::time::Duration;

use gadus_api::client::{ClientError, PutOptions};
use gadus_api::types::PutJobResponse;
use serde_json::Value;

use crate::cli::{Format, WaitFlags};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

mod follow;
mod outcome;
mod shown;

pub(crate) use outcome::conclude;

/// Times a submission is sent again when the connection breaks. It has a key, so that the node
/// takes it once.
const RESUBMISSIONS_MAX: u32 = 3;
/// Before the first of them; doubled each time.
const RESUBMIT_AFTER: Duration = Duration::from_millis(250);

/// Submits a document and does what the flags say: goes at once, or streams the output, waits,
/// and ends as the job ends.
///
/// # Errors
/// What the node says; a job that ends without a result; a wait that is too long.
pub(crate) async fn submit(
    session: &Session,
    document: &Value,
    flags: &WaitFlags,
) -> Result<Exit, Failure> {
    let answer = put(session, document).await?;
    for warning in answer.warnings.iter().flatten() {
        session.printer.warn(warning);
    }
    if flags.is_detached() {
        return detach(session, &answer, flags);
    }
    let id = &answer.job_id;
    session.printer.talk(&format!("job {id} submitted"));
    let staying = stay(session, id, flags.format.output);
    let limit = flags.wait_timeout.map_or(Duration::MAX, |seconds| seconds.duration());
    tokio::select! {
        // A job that ends at the very moment of a Ctrl-C has ended.
        biased;
        end = tokio::time::timeout(limit, staying) => {
            end.unwrap_or_else(|_| Err(too_long(id, limit)))
        }
        pressed = tokio::signal::ctrl_c() => {
            pressed.map_err(|e| Failure::io("wait for Ctrl-C", &e))?;
            session.printer.talk(&format!("\n{}", goes_on(id)));
            Ok(Exit::Interrupted)
        }
    }
}

async fn put(session: &Session, document: &Value) -> Result<PutJobResponse, Failure> {
    let options = PutOptions {
        idempotency_key: Some(uuid::Uuid::new_v4().to_string()),
        ..PutOptions::default()
    };
    let mut pause = RESUBMIT_AFTER;
    for _ in 0..RESUBMISSIONS_MAX {
        match session.client.put_job(document, &options).await {
            Err(ClientError::Broken { .. }) => tokio::time::sleep(pause).await,
            answer => return answer.map_err(|e| Failure::call("submit the job", &e)),
        }
        pause *= 2;
    }
    let answer = session.client.put_job(document, &options).await;
    answer.map_err(|e| Failure::call("submit the job", &e))
}

fn detach(session: &Session, answer: &PutJobResponse, flags: &WaitFlags) -> Result<Exit, Failure> {
    let printer = &session.printer;
    if flags.id_only {
        printer.data(&answer.job_id)?;
        return Ok(Exit::Success);
    }
    printer.object(flags.format.output, answer, || answer.job_id.clone())?;
    printer.talk(&goes_on(&answer.job_id));
    Ok(Exit::Success)
}

/// Waits for the end, streaming what the job prints unless the job itself is to be printed.
async fn stay(session: &Session, id: &str, format: Format) -> Result<Exit, Failure> {
    let mut follower = follow::Follower::new(session, id, format == Format::Table);
    let job = follower.follow_to_end().await?;
    if format != Format::Table {
        session.printer.object(format, &job, String::new)?;
    }
    conclude(session, &job)
}

/// What to do about a job that is left to itself.
pub(crate) fn goes_on(id: &str) -> String {
    format!(
        "the job goes on\n  \
         to see its output: gadus job logs --follow {id}\n  \
         to see its state:  gadus job describe {id}\n  \
         to stop it:        gadus job stop {id}"
    )
}

fn too_long(id: &str, limit: Duration) -> Failure {
    let seconds = limit.as_secs();
    Failure::new(Exit::TimedOut, format!("the job {id} did not end within {seconds} s"))
        .because("--wait-timeout is over; the job goes on")
        .hint(format!(
            "follow it with `gadus job logs --follow {id}`, stop it with `gadus job stop {id}`"
        ))
}

#[cfg(test)]
mod tests;
