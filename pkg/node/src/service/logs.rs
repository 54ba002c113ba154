//! Output: from the node that runs it while it runs, from the result once there is one.

use bytes::Bytes;
use futures::{StreamExt, stream};
use gadus_api::service::{ErrorCode, LogStream, LogsRequest, ServiceError};
use gadus_model::view::{ExecutionView, JobView};
use gadus_model::{Cid, ExecutionId, ExecutionState};
use gadus_ports::{LogChunk, LogRequest, Node as Content, StdStream};

use crate::node::Node;

impl Node {
    pub(super) async fn stream_logs(
        &self,
        request: LogsRequest,
    ) -> Result<LogStream, ServiceError> {
        let mut view = self.view(request.job).await?;
        loop {
            let chosen = choose(&view, request.execution).cloned();
            match chosen {
                // Before the verdict nobody sees what a node has come to.
                Some(execution) if is_sealed(&view, &execution) => {
                    if view.state.is_terminal() {
                        return Err(no_output(&execution));
                    }
                    if !request.follow {
                        return Err(sealed(&execution));
                    }
                    view = self.wait_for_change(request.job, view.revision).await?;
                }
                Some(execution) if execution.manifest.is_some() => {
                    return self.kept_output(&execution, request.tail).await;
                }
                Some(execution) if execution.state == ExecutionState::Granted => {
                    let live = self.live_output(&execution, &request).await;
                    // It may have ended meanwhile: then its result has the output.
                    let after = self.view(request.job).await?;
                    match live {
                        Ok(stream) => return Ok(stream),
                        Err(_) if after.revision > view.revision => {
                            view = after;
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Some(execution) if view.state.is_terminal() => {
                    return Err(no_output(&execution));
                }
                None if view.state.is_terminal() || !request.follow => {
                    return Err(ServiceError::no_executions(&view.job.name, view.job.id));
                }
                Some(execution) if !request.follow => return Err(no_output(&execution)),
                Some(_) | None => {
                    view = self.wait_for_change(request.job, view.revision).await?;
                }
            }
        }
    }

    async fn live_output(
        &self,
        execution: &ExecutionView,
        request: &LogsRequest,
    ) -> Result<LogStream, ServiceError> {
        let id = execution.execution.id();
        let ask = LogRequest { execution: id, follow: request.follow, tail: request.tail };
        let chunks = if execution.node == self.id() {
            let page = self.server.logbook.page(id).ok_or_else(|| Self::gone("the output"))?;
            page.read(ask.follow, ask.tail)
        } else {
            self.log_exchange.logs(execution.node, ask).await.map_err(|e| unreachable(id, &e))?
        };
        Ok(Box::pin(chunks.map(Ok)))
    }

    async fn kept_output(
        &self,
        execution: &ExecutionView,
        tail: bool,
    ) -> Result<LogStream, ServiceError> {
        let Some(manifest) = execution.manifest.as_ref().filter(|_| !tail) else {
            return Ok(Box::pin(stream::empty()));
        };
        let stdout = self.file(manifest.stdout, StdStream::Stdout).await?;
        let stderr = self.file(manifest.stderr, StdStream::Stderr).await?;
        Ok(Box::pin(stdout.chain(stderr)))
    }

    async fn file(&self, cid: Cid, of: StdStream) -> Result<LogStream, ServiceError> {
        let Content::File { size, reader, .. } = self.open_content(cid, "").await? else {
            return Err(Self::gone("the output"));
        };
        let bytes = reader.read(0, size);
        Ok(Box::pin(bytes.map(move |chunk| match chunk {
            Ok(bytes) => Ok(chunk_of(of, bytes)),
            Err(error) => Err(ServiceError::from(error)),
        })))
    }
}

fn chunk_of(stream: StdStream, bytes: Bytes) -> LogChunk {
    LogChunk { stream, bytes }
}

/// The execution that was asked for, else the newest that was not turned down.
fn choose(view: &JobView, wanted: Option<ExecutionId>) -> Option<&ExecutionView> {
    let executions = view.executions.iter().rev();
    match wanted {
        Some(id) => executions.into_iter().find(|e| e.execution.id() == id),
        None => {
            let discarded = |e: &&ExecutionView| {
                matches!(e.state, ExecutionState::Refused | ExecutionState::Rejected)
            };
            executions.into_iter().find(|e| !discarded(e))
        }
    }
}

/// Whether the output of an execution is nobody's to see, yet or for ever.
fn is_sealed(view: &JobView, execution: &ExecutionView) -> bool {
    !view.sealed.is_empty() && execution.state != ExecutionState::Published
}

fn sealed(execution: &ExecutionView) -> ServiceError {
    let id = execution.execution.id();
    let message = format!("the output of {id} is sealed until every node has its answer");
    ServiceError::new(ErrorCode::NotFound, message)
        .with_hint("wait for it with `gadus job logs --follow`")
}

fn no_output(execution: &ExecutionView) -> ServiceError {
    let id = execution.execution.id();
    let state = execution.state;
    let why = match execution.message.as_str() {
        "" if state == ExecutionState::Cancelled => "it was cancelled",
        "" if state.is_terminal() => "it has ended without a result",
        "" => "it has not begun",
        message => message,
    };
    ServiceError::new(ErrorCode::NotFound, format!("execution {id} has no output: {why}"))
        .with_hint("see `gadus job describe` for what happened to it")
}

fn unreachable(id: ExecutionId, error: &gadus_ports::TransportError) -> ServiceError {
    let message = format!("the output of {id} cannot be read: {error}");
    ServiceError::new(ErrorCode::NetworkFailure, message)
        .with_hint("try again; the output is in the result once the execution is published")
}
