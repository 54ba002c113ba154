//! `job get`.

use std::path::PathBuf;

use gadus_api::types::{Execution, GetJobResponse};

use crate::cli::JobGetArgs;
use crate::content_path::ContentPath;
use crate::download::fetch;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::view::{published, result_cid};

/// Fetches every published result: the only one to the directory itself, several to one
/// directory each, by partition.
pub(super) async fn get(session: &Session, args: &JobGetArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let job = session.client.job(id).await;
    let job = job.map_err(|e| Failure::call(format!("find the job {id}"), &e))?;
    let results = results(&job);
    if results.is_empty() {
        return Err(nothing_there(&job));
    }
    let default = || PathBuf::from(format!("job-{}", render::short_id(&job.job.id)));
    let directory = args.output_dir.clone().unwrap_or_else(default);
    let is_one = results.len() == 1;
    for Found { name, cid, kept_until_us } in results {
        let place = if is_one { directory.clone() } else { directory.join(name) };
        let what: ContentPath = cid
            .parse()
            .map_err(|why: String| Failure::usage("the result has no CID").because(why))?;
        let fetched = fetch(session, &what, &place, args.unpack).await;
        fetched.map_err(|failure| match render::over_since(kept_until_us, render::now()) {
            Some(until) => failure.because(format!("the result was kept until {until}")),
            None => failure,
        })?;
        session.printer.talk(&format!("fetched {what} to {}", place.display()));
    }
    Ok(Exit::Success)
}

/// A result.
struct Found {
    /// What its directory is called.
    name: String,
    cid: String,
    /// Until when its holders keep it.
    kept_until_us: Option<u64>,
}

/// Each result.
fn results(job: &GetJobResponse) -> Vec<Found> {
    let name = |execution: &Execution| match job.job.kind.as_str() {
        // These run once on each node, without partitions.
        "ops" | "daemon" => render::short_id(&execution.id),
        _ => execution.partition_index.to_string(),
    };
    let found = |e: &&Execution| {
        let kept_until_us = e.gadus.as_ref().and_then(|extras| extras.kept_until_us);
        Some(Found { name: name(e), cid: result_cid(e)?, kept_until_us })
    };
    published(job).iter().filter_map(found).collect()
}

fn nothing_there(job: &GetJobResponse) -> Failure {
    let (id, state) = (&job.job.id, &job.job.state);
    let failure = Failure::new(Exit::JobFailed, format!("{id} has no result"));
    match state.state_type.as_str() {
        "Completed" => failure.because("it published none"),
        "Failed" | "Stopped" => failure
            .because(format!("it has {}: {}", state.state_type.to_lowercase(), state.message))
            .hint(format!("see `gadus job describe {id}`")),
        other => failure
            .because(format!("it is {}", other.to_lowercase()))
            .hint(format!("wait for it with `gadus job logs --follow {id}`")),
    }
}
