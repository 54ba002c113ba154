//! Staying with a job: its output as it comes, each byte once, until it is over.
//!
//! Long polls tell when an execution begins and when the job ends; a websocket brings the output
//! in between. What a stream has missed is read from the result. A node that cannot be reached
//! for a moment is asked again: restarting it harms no job.
//!
//! Executions are shown one after the other, in the order of their partitions, so that stdout is
//! the same whichever node is faster.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::TryStreamExt;
use gadus_api::client::{ClientError, LogOptions};
use gadus_api::types::{Execution, GetJobResponse};
use gadus_ports::StdStream;
use indicatif::ProgressBar;
use tokio::time::{Instant, sleep, timeout};

use super::shown::Shown;
use crate::content_path::ContentPath;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::{has_begun, has_failed, is_over, is_published, result_cid};

/// The first wait for something to happen, short since most jobs begin at once.
const POLL_MIN: Duration = Duration::from_millis(50);
/// The longest wait for an execution to begin.
const POLL_MAX: Duration = Duration::from_secs(1);
/// The wait for the end, when there is nothing else to wait for.
const POLL_END: Duration = Duration::from_secs(60);
/// Between two looks at whether a stream's execution is over, in case nobody ends the stream.
const POLL_OVER: Duration = Duration::from_secs(10);
/// How long a node may be away.
const AWAY_MAX: Duration = Duration::from_secs(60);
/// How long a stream may go on once its job is over.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Follows one job.
pub(super) struct Follower<'a> {
    session: &'a Session,
    id: &'a str,
    /// Whether the output is printed.
    streams: bool,
    progress: BTreeMap<String, Progress>,
    spinner: ProgressBar,
    /// Why nothing happens, as the last poll had it.
    why: String,
    /// The same, as it was told last.
    told: String,
}

/// How far an execution's output has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    shown: Shown,
    /// Its live stream has come to its end.
    is_streamed: bool,
    /// Nothing is left to show.
    is_done: bool,
}

impl<'a> Follower<'a> {
    pub(super) fn new(session: &'a Session, id: &'a str, streams: bool) -> Self {
        let spinner = session.printer.spinner("waiting for a node");
        let (why, told) = (String::new(), String::new());
        Self { session, id, streams, progress: BTreeMap::new(), spinner, why, told }
    }

    /// The job, when it is over and all its output is printed.
    pub(super) async fn follow_to_end(&mut self) -> Result<GetJobResponse, Failure> {
        let mut patience = POLL_MIN;
        loop {
            let wait = if self.streams { patience } else { POLL_END };
            let job = self.poll(wait).await?;
            let next = if self.streams { self.next(&job).cloned() } else { None };
            match next {
                Some(execution) => {
                    self.show(&execution).await?;
                    patience = POLL_MIN;
                }
                None if is_over(&job) => {
                    self.spinner.finish_and_clear();
                    return Ok(job);
                }
                None => {
                    self.tell_why(&job);
                    patience = (patience * 2).min(POLL_MAX);
                }
            }
        }
    }

    /// Says what a job waits for, once, and not before that was so for two polls: most wait for
    /// a moment only.
    fn tell_why(&mut self, job: &GetJobResponse) {
        let why = &job.job.state.message;
        if !why.is_empty() && *why == self.why && *why != self.told {
            self.session.printer.talk(&format!("waiting: {why}"));
            self.told.clone_from(why);
        }
        self.why.clone_from(why);
    }

    /// The execution to show now, if there is one: the first in order that has begun and is not
    /// shown to its end. A partition that has not begun holds the later ones back.
    fn next<'j>(&self, job: &'j GetJobResponse) -> Option<&'j Execution> {
        let mut executions: Vec<&Execution> =
            job.executions.iter().flat_map(|list| &list.items).filter(|e| has_begun(e)).collect();
        executions.sort_by_key(|e| (e.partition_index, e.create_time));
        let progress = |e: &Execution| self.progress.get(&e.id).copied().unwrap_or_default();
        // What one of several nodes says is no output before it is known who is right.
        let is_sealed = !matches!(job.job.verification.as_str(), "" | "attest");
        let is_ready = |e: &Execution| {
            if is_sealed && !is_published(e) && !has_failed(e) {
                return false;
            }
            let progress = progress(e);
            // What failed before anything of it was shown is left to the job's own message.
            let is_last = is_over(job) && job.job.state.state_type != "Completed";
            let is_worth = !has_failed(e) || is_last || progress.shown != Shown::default();
            let can_go_on = !progress.is_streamed || is_published(e) || has_failed(e);
            !progress.is_done && is_worth && can_go_on
        };
        let published = |partition: u32| {
            executions
                .iter()
                .any(|e| e.partition_index == partition && is_published(e) && progress(e).is_done)
        };
        let is_partitioned = !matches!(job.job.kind.as_str(), "ops" | "daemon");
        if !is_partitioned || is_over(job) {
            // Of equal answers one is shown.
            let is_shown =
                |e: &Execution| !job.job.verdicts.is_empty() && published(e.partition_index);
            return executions.iter().copied().find(|e| is_ready(e) && !is_shown(e));
        }
        let current = (0..).find(|partition| !published(*partition))?;
        executions.into_iter().find(|e| e.partition_index == current && is_ready(e))
    }

    /// Shows what there is of an execution's output, to its end if it can.
    async fn show(&mut self, execution: &Execution) -> Result<(), Failure> {
        let progress = self.progress.entry(execution.id.clone()).or_default();
        let mut now = *progress;
        if is_published(execution) {
            self.show_result(execution, &mut now.shown).await?;
            now.is_done = true;
        } else if has_failed(execution) {
            self.show_summary(execution, &mut now.shown)?;
            now.is_done = true;
        } else {
            self.spinner.set_message("running");
            now.is_streamed = self.show_live(&execution.id, &mut now.shown).await?;
        }
        self.progress.insert(execution.id.clone(), now);
        Ok(())
    }

    /// Prints a live stream; says whether it came to its end.
    async fn show_live(&self, execution: &str, shown: &mut Shown) -> Result<bool, Failure> {
        let options = LogOptions { execution: execution.to_owned(), follow: true, tail: false };
        let mut output = match self.session.client.logs(self.id, &options).await {
            Ok(output) => output,
            Err(error) => return self.stream_broke(&error).await,
        };
        let mut received = Shown::default();
        let mut over = std::pin::pin!(self.until_over(execution));
        let mut deadline: Option<Instant> = None;
        loop {
            let chunk = tokio::select! {
                biased;
                chunk = output.try_next() => chunk,
                result = &mut over, if deadline.is_none() => {
                    result?;
                    deadline = Some(Instant::now() + LAST_WORDS);
                    continue;
                }
                () = tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)),
                    if deadline.is_some() => return Ok(true),
            };
            match chunk {
                Ok(Some(chunk)) => {
                    let fresh = shown.fresh(&mut received, chunk.stream, &chunk.bytes);
                    self.print(chunk.stream, fresh)?;
                }
                Ok(None) => return Ok(true),
                Err(error) => return self.stream_broke(&error).await,
            }
        }
    }

    /// A stream that broke begins anew after the next poll; what it has missed is not lost.
    async fn stream_broke(&self, error: &ClientError) -> Result<bool, Failure> {
        tracing::debug!(%error, job = self.id, "the stream of the output broke");
        sleep(POLL_MIN).await;
        Ok(false)
    }

    /// Prints what has not been shown of a published result.
    async fn show_result(&self, execution: &Execution, shown: &mut Shown) -> Result<(), Failure> {
        let output = &execution.run_output;
        let streams = [
            (StdStream::Stdout, &output.stdout, output.stdout_truncated, "stdout"),
            (StdStream::Stderr, &output.stderr, output.stderr_truncated, "stderr"),
        ];
        for (stream, text, is_cut, name) in streams {
            // The summary is text: bytes that are none were replaced in it.
            let is_whole = !is_cut && !text.contains(char::REPLACEMENT_CHARACTER);
            match result_cid(execution) {
                Some(cid) if !is_whole => {
                    let path = ContentPath { cid, path: name.to_owned() };
                    self.show_file(&path, stream, shown).await?;
                }
                _ => {
                    let mut received = Shown::default();
                    let fresh = shown.fresh(&mut received, stream, text.as_bytes());
                    self.print(stream, fresh)?;
                }
            }
        }
        Ok(())
    }

    async fn show_file(
        &self,
        file: &ContentPath,
        stream: StdStream,
        shown: &mut Shown,
    ) -> Result<(), Failure> {
        let failed = |e| Failure::call(format!("read {file}"), &e);
        let mut reply = self.session.client.cat(&file.cid, &file.path).await.map_err(failed)?;
        if reply.length.is_some_and(|length| length <= shown.of(stream)) {
            return Ok(());
        }
        let mut received = Shown::default();
        while let Some(chunk) = reply.bytes.try_next().await.map_err(failed)? {
            let fresh = shown.fresh(&mut received, stream, &chunk);
            self.print(stream, fresh)?;
        }
        Ok(())
    }

    /// Prints what is known of an execution that has no result.
    fn show_summary(&self, execution: &Execution, shown: &mut Shown) -> Result<(), Failure> {
        let output = &execution.run_output;
        let streams = [(StdStream::Stdout, &output.stdout), (StdStream::Stderr, &output.stderr)];
        for (stream, text) in streams {
            let fresh = shown.fresh(&mut Shown::default(), stream, text.as_bytes());
            self.print(stream, fresh)?;
        }
        Ok(())
    }

    fn print(&self, stream: StdStream, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.spinner.finish_and_clear();
        match stream {
            StdStream::Stdout => self.session.printer.bytes(bytes),
            StdStream::Stderr => {
                self.session.printer.error_bytes(bytes);
                Ok(())
            }
        }
    }

    /// Until the requester counts an execution as over, whatever its stream says.
    async fn until_over(&self, execution: &str) -> Result<(), Failure> {
        loop {
            let job = self.poll(POLL_OVER).await?;
            let mut all = job.executions.iter().flat_map(|list| &list.items);
            let is_gone = all.any(|e| e.id == execution && (is_published(e) || has_failed(e)));
            if is_gone || is_over(&job) {
                return Ok(());
            }
        }
    }

    /// The job when it ends, or as it is after a time; a node that is away is waited for.
    async fn poll(&self, wait: Duration) -> Result<GetJobResponse, Failure> {
        let failed = |e: &ClientError| Failure::call(format!("wait for the job {}", self.id), e);
        let mut since: Option<Instant> = None;
        loop {
            // The server answers after `wait`; a connection that died silently never does.
            let answer = timeout(wait + AWAY_MAX, self.session.client.wait(self.id, wait)).await;
            let error = match answer {
                Ok(Ok(job)) => return Ok(job),
                Ok(Err(error)) => error,
                Err(_) => continue,
            };
            let is_away =
                matches!(error, ClientError::Unreachable { .. } | ClientError::Broken { .. });
            let away_since = *since.get_or_insert_with(|| {
                if is_away {
                    self.session.printer.talk("the node is away; trying again");
                }
                Instant::now()
            });
            if !is_away || away_since.elapsed() > AWAY_MAX {
                return Err(failed(&error));
            }
            sleep(POLL_MAX).await;
        }
    }
}
