//! The `job` commands.

use futures::TryStreamExt;
use gadus_api::client::{ClientError, JobFilter, LogOptions};
use gadus_api::types::{Job, NodeState};
use gadus_ports::StdStream;

use super::node::ids;
use crate::cli::{
    DescribeArgs, ExplainArgs, Format, JobCommand, JobRunArgs, JobTaskArgs, ListArgs, LogsArgs,
    StopArgs,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::job_file;
use crate::render;
use crate::session::Session;
use crate::submit::{goes_on, submit};

mod get;

pub(super) async fn job(session: &Session, command: &JobCommand) -> Result<Exit, Failure> {
    match command {
        JobCommand::Run(args) => run(session, args).await,
        JobCommand::List(args) => list(session, args).await,
        JobCommand::Describe(args) => describe(session, args).await,
        JobCommand::Logs(args) => logs(session, args).await,
        JobCommand::Get(args) => get::get(session, args).await,
        JobCommand::Stop(args) => stop(session, args).await,
        JobCommand::History(args) => history(session, args).await,
        JobCommand::Executions(args) => executions(session, args).await,
        JobCommand::Task(args) => task(session, args).await,
        JobCommand::Explain(args) => explain(session, args).await,
    }
}

async fn task(session: &Session, args: &JobTaskArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let answer = session.client.job_task(id, args.partition).await;
    let answer = answer.map_err(|e| Failure::call(format!("get the task of {id}"), &e))?;
    if args.cid {
        super::run::checked(&answer)?;
        session.printer.data(&answer.task_cid)?;
        return Ok(Exit::Success);
    }
    super::run::print(session, args.format.output, &answer)
}

async fn run(session: &Session, args: &JobRunArgs) -> Result<Exit, Failure> {
    submit(session, &job_file::read(&args.file)?, &args.wait).await
}

async fn list(session: &Session, args: &ListArgs) -> Result<Exit, Failure> {
    let jobs = pages(session, args).await?;
    let printer = &session.printer;
    if printer.is_quiet() && args.format.output == Format::Table {
        return ids(session, jobs.iter().map(|job| job.id.as_str()));
    }
    printer.object(args.format.output, &jobs, || {
        render::jobs(&jobs, render::now(), printer.width())
    })?;
    Ok(Exit::Success)
}

/// As many jobs as are wanted, over as many pages as that takes.
async fn pages(session: &Session, args: &ListArgs) -> Result<Vec<Job>, Failure> {
    let mut filter = JobFilter {
        namespace: args.namespace.clone(),
        labels: args.labels.clone(),
        limit: args.limit,
        next_token: String::new(),
        order_by: args.order_by.clone(),
        reverse: !args.reverse,
    };
    let mut jobs = Vec::new();
    loop {
        let page = session.client.jobs(&filter).await;
        let page = page.map_err(|e| Failure::call("list the jobs", &e))?;
        let is_last = page.next_token.is_empty() || page.items.is_empty();
        jobs.extend(page.items);
        let is_enough = args.limit > 0 && jobs.len() >= args.limit as usize;
        if is_last || is_enough {
            return Ok(jobs);
        }
        filter.next_token = page.next_token;
    }
}

async fn describe(session: &Session, args: &DescribeArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let job = session.client.job(id).await;
    let job = job.map_err(|e| Failure::call(format!("find the job {id}"), &e))?;
    let nodes = names_of_nodes(session, args.format.output).await;
    session.printer.object(args.format.output, &job, || {
        render::job(&job, &nodes, render::now(), session.printer.width())
    })?;
    Ok(Exit::Success)
}

/// The nodes, for their names: nice to have, so that trouble with them is no trouble.
async fn names_of_nodes(session: &Session, format: Format) -> Vec<NodeState> {
    match format {
        Format::Table => session.client.nodes().await.unwrap_or_default(),
        Format::Json | Format::Yaml => Vec::new(),
    }
}

async fn logs(session: &Session, args: &LogsArgs) -> Result<Exit, Failure> {
    tokio::select! {
        // Output that ends at the very moment of a Ctrl-C has ended.
        biased;
        end = print_logs(session, args) => end,
        pressed = tokio::signal::ctrl_c(), if args.follow => {
            pressed.map_err(|e| Failure::io("wait for Ctrl-C", &e))?;
            session.printer.talk(&format!("\n{}", goes_on(&args.job.id)));
            Ok(Exit::Interrupted)
        }
    }
}

async fn print_logs(session: &Session, args: &LogsArgs) -> Result<Exit, Failure> {
    // A websocket's errors are words alone.
    let failed = |e: ClientError| {
        let is_told = e.hint().is_some();
        let failure = Failure::call(format!("read the output of {}", args.job.id), &e);
        match is_told {
            true => failure,
            false => {
                failure.hint("see what there is with `gadus job list` and `gadus job describe`")
            }
        }
    };
    let options =
        LogOptions { execution: args.execution_id.clone(), follow: args.follow, tail: args.tail };
    let mut output = session.client.logs(&args.job.id, &options).await.map_err(failed)?;
    while let Some(chunk) = output.try_next().await.map_err(failed)? {
        match chunk.stream {
            StdStream::Stdout => session.printer.bytes(&chunk.bytes)?,
            StdStream::Stderr => session.printer.error_bytes(&chunk.bytes),
        }
    }
    Ok(Exit::Success)
}

async fn stop(session: &Session, args: &StopArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let answer = session.client.stop(id, &args.reason).await;
    let answer = answer.map_err(|e| Failure::call(format!("stop the job {id}"), &e))?;
    let already = if answer.evaluation_id.is_empty() { " was stopped before" } else { " stops" };
    session.printer.talk(&format!("{id}{already}"));
    Ok(Exit::Success)
}

async fn history(session: &Session, args: &DescribeArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let history = session.client.history(id).await;
    let history = history.map_err(|e| Failure::call(format!("find the job {id}"), &e))?;
    session.printer.object(args.format.output, &history, || {
        render::history(&history, session.printer.width())
    })?;
    Ok(Exit::Success)
}

async fn executions(session: &Session, args: &DescribeArgs) -> Result<Exit, Failure> {
    let id = &args.job.id;
    let executions = session.client.executions(id).await;
    let executions = executions.map_err(|e| Failure::call(format!("find the job {id}"), &e))?;
    let nodes = names_of_nodes(session, args.format.output).await;
    session.printer.object(args.format.output, &executions, || {
        render::executions(&executions, &nodes, render::now(), session.printer.width())
    })?;
    Ok(Exit::Success)
}

async fn explain(session: &Session, args: &ExplainArgs) -> Result<Exit, Failure> {
    let target = &args.target;
    let plan = if job_file::is_file(target) {
        session.client.explain_draft(&job_file::read(target.as_ref())?).await
    } else {
        session.client.explain(target).await
    };
    let plan = plan.map_err(|e| Failure::call(format!("explain {target}"), &e))?;
    let nodes = names_of_nodes(session, args.format.output).await;
    session.printer.object(args.format.output, &plan, || {
        render::plan(&plan, &nodes, session.printer.width())
    })?;
    Ok(Exit::Success)
}
