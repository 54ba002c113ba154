//! The output of a job, over a websocket.

use std::pin::pin;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures::{SinkExt, StreamExt};
use gadus_model::ExecutionId;
use gadus_model::view::JobView;
use tokio::sync::OwnedSemaphorePermit;

use super::Answer;
use crate::error::ApiError;
use crate::json_out::Json;
use crate::query::QueryString;
use crate::service::{ErrorCode, LogStream, LogsRequest, ServiceError};
use crate::state::ApiState;
use crate::types::{ErrorBody, LogFrame};

mod frames;

use frames::Frames;

/// Bytes of a frame that a client may send: it has nothing to say.
const CLIENT_FRAME_MAX: usize = 4 << 10;
/// Bytes of frames that wait for a slow client.
const WRITE_BUFFER_MAX: usize = 1 << 20;

/// The output of an execution: text frames, one JSON value each. What is wrong with the request
/// comes as a frame too. The socket is closed with 1000 when all is sent.
#[utoipa::path(
    get,
    path = "/api/v1/orchestrator/jobs/{id}/logs",
    tag = "Orchestrator",
    params(
        ("id" = String, Path, description = "Name, id or a unique prefix of the id"),
        ("execution_id" = Option<String>, Query, description = "An id or a unique prefix; else the one that changed last"),
        ("follow" = Option<bool>, Query, description = "Go on until the execution ends"),
        ("tail" = Option<bool>, Query, description = "Only what comes after now"),
    ),
    responses(
        (status = 101, description = "A websocket of `LogFrame`s"),
        (status = 400, description = "No websocket was asked for", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    query: QueryString,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer {
    let upgrade = upgrade.map_err(|rejection| {
        let error = ServiceError::bad_request(format!("logs need a websocket: {rejection}"))
            .with_hint("use `gadus job logs`, or a websocket client");
        ApiError::with_status(StatusCode::BAD_REQUEST, error)
    })?;
    let permit = api
        .log_streams
        .clone()
        .try_acquire_owned()
        .map_err(|_| ServiceError::exhausted("too many log streams are open"))?;
    Ok(upgrade
        .max_message_size(CLIENT_FRAME_MAX)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .on_upgrade(move |socket| serve(api, id, query, socket, permit)))
}

/// Serves one socket to its end, which frees its permit.
async fn serve(
    api: ApiState,
    id: String,
    query: QueryString,
    mut socket: WebSocket,
    _permit: OwnedSemaphorePermit,
) {
    let opened = tokio::select! {
        opened = open(&api, &id, &query) => Some(opened),
        Gone = gone(&mut socket) => return,
        () = api.closing.cancelled() => None,
    };
    let ended = match opened {
        Some(Ok(logs)) => stream(&api, logs, &mut socket).await,
        Some(Err(error)) => send(&mut socket, &[failure(&error)]).await,
        None => Ok(()),
    };
    if ended.is_ok() {
        let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
        // A client that is gone needs no goodbye.
        let _ = socket.send(Message::Close(Some(frame))).await;
    }
}

async fn open(api: &ApiState, id: &str, query: &QueryString) -> Result<LogStream, ServiceError> {
    let namespace = Some(query.text("namespace")).filter(|name| !name.is_empty());
    let view = api.service.job(id, namespace).await?;
    let execution = match query.text("execution_id") {
        "" => None,
        prefix => Some(execution(&view, prefix)?),
    };
    let (follow, tail) = (query.flag("follow")?, query.flag("tail")?);
    api.service.logs(LogsRequest { job: view.job.id, execution, follow, tail }).await
}

fn execution(view: &JobView, prefix: &str) -> Result<ExecutionId, ServiceError> {
    let ids = view.executions.iter().map(|e| e.execution.id());
    let mut fitting = ids.filter(|id| id.to_string().starts_with(prefix));
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => {
            let message = format!("execution not found: {prefix}");
            Err(ServiceError::new(ErrorCode::NotFound, message).of("JobStore"))
        }
        (Some(_), Some(_)) => {
            let message = format!("multiple executions found for id {prefix}");
            Err(ServiceError::bad_request(message).of("JobStore"))
        }
    }
}

/// The client is gone, or has stopped reading.
struct Gone;

/// Waits until the client is gone; what it says is not heard.
async fn gone(socket: &mut WebSocket) -> Gone {
    while let Some(Ok(said)) = socket.recv().await {
        if matches!(said, Message::Close(_)) {
            break;
        }
    }
    Gone
}

async fn stream(api: &ApiState, logs: LogStream, socket: &mut WebSocket) -> Result<(), Gone> {
    let mut logs = pin!(logs);
    let mut frames = Frames::default();
    loop {
        tokio::select! {
            chunk = logs.next() => match chunk {
                Some(Ok(chunk)) => send(socket, &frames.of(&chunk)).await?,
                Some(Err(error)) => return send(socket, &[failure(&error)]).await,
                None => return send(socket, &frames.rest()).await,
            },
            gone = gone(socket) => return Err(gone),
            () = api.closing.cancelled() => return send(socket, &frames.rest()).await,
        }
    }
}

/// Sends frames, and sees to it that they leave. The connection itself fails when the client has
/// not read for too long.
async fn send(socket: &mut WebSocket, frames: &[LogFrame]) -> Result<(), Gone> {
    for frame in frames {
        socket.feed(Message::Text(text(frame).into())).await.map_err(|_| Gone)?;
    }
    socket.flush().await.map_err(|_| Gone)
}

fn failure(error: &ServiceError) -> LogFrame {
    LogFrame { error: error.to_string(), ..LogFrame::default() }
}

fn text(frame: &LogFrame) -> String {
    String::from_utf8(Json::new(frame).into_bytes()).unwrap_or_default()
}
