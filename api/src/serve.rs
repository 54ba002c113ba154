//! The server: connections, and what one may cost.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::guard::guard;
use crate::limits::ApiLimits;
use crate::routes;
use crate::service::Service;
use crate::state::{ApiConfig, ApiState};

mod stall;

use stall::Stall;

/// How long to wait after a connection could not be accepted: most likely, files ran out.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Serves the API until `shutdown` is cancelled; then open requests are given `drain_ms`.
///
/// # Errors
/// When the listener's own address cannot be told.
pub async fn serve(
    listener: TcpListener,
    service: Arc<dyn Service>,
    config: ApiConfig,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let loopback = listener.local_addr()?.ip().is_loopback();
    let limits = config.limits.clone();
    let app = app(service, config, loopback, shutdown.clone());
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let tracker = TaskTracker::new();
    while let Some((stream, permit)) = accept(&listener, &connections, &shutdown).await {
        let (app, limits, shutdown) = (app.clone(), limits.clone(), shutdown.clone());
        tracker.spawn(async move {
            connection(stream, app, &limits, &shutdown).await;
            drop(permit);
        });
    }
    drop(listener);
    tracker.close();
    let drain = Duration::from_millis(limits.drain_ms);
    if tokio::time::timeout(drain, tracker.wait()).await.is_err() {
        tracing::warn!(connections = tracker.len(), "some connections did not end in time");
    }
    Ok(())
}

/// The routes with their guard: what [`serve`] serves.
pub(crate) fn app(
    service: Arc<dyn Service>,
    config: ApiConfig,
    loopback: bool,
    shutdown: CancellationToken,
) -> Router {
    let state = ApiState::new(service, config, loopback, shutdown);
    routes::router().layer(from_fn_with_state(state.clone(), guard)).with_state(state)
}

/// The next connection and its room, once there is some; `None` at shutdown.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let next = async {
        // The semaphore is never closed.
        let permit = room.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, permit)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_BACKOFF).await;
                }
            }
        }
    };
    tokio::select! {
        accepted = next => accepted,
        () = shutdown.cancelled() => None,
    }
}

async fn connection(
    stream: TcpStream,
    app: Router,
    limits: &ApiLimits,
    shutdown: &CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended at once");
        return;
    }
    let io = TokioIo::new(Stall::new(stream, Duration::from_millis(limits.stall_ms)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.head_read_ms))
        .max_header_size(limits.head_bytes_max)
        .serve_connection(io, TowerToHyperService::new(app))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
