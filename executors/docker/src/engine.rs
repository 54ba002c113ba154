//! The connection to the engine: made when first needed, made anew when the engine comes back.

use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use gadus_model::{Failure, FailureKind};
use parking_lot::RwLock;

use crate::fault::Fault;

const SOCKET_DEFAULT: &str = "/var/run/docker.sock";

/// One engine, there or not.
pub(crate) struct Engine {
    socket: String,
    request: Duration,
    /// A client that speaks the engine's version of the API.
    negotiated: RwLock<Option<Docker>>,
}

impl Engine {
    pub(crate) fn new(socket: Option<&str>, request: Duration) -> Self {
        let from_env = std::env::var("DOCKER_HOST").ok().filter(|host| host.starts_with("unix://"));
        let socket = socket.map(str::to_owned).or(from_env);
        let socket = socket.as_deref().unwrap_or(SOCKET_DEFAULT);
        let socket = socket.strip_prefix("unix://").unwrap_or(socket).to_owned();
        Self { socket, request, negotiated: RwLock::new(None) }
    }

    /// A client. Asks the engine for its version the first time, and after it was away.
    ///
    /// # Errors
    /// `EngineDown`.
    pub(crate) async fn client(&self) -> Result<Docker, Failure> {
        if let Some(client) = self.negotiated.read().clone() {
            return Ok(client);
        }
        let connect = || async {
            let seconds = self.request.as_secs().max(1);
            let client = Docker::connect_with_unix(&self.socket, seconds, API_DEFAULT_VERSION)?;
            client.negotiate_version().await
        };
        let client = connect().await.map_err(|e| self.failure("reach the docker engine", &e))?;
        *self.negotiated.write() = Some(client.clone());
        Ok(client)
    }

    /// Words an error of the engine. An engine that is gone may come back as another version, so
    /// the client is forgotten.
    pub(crate) fn failure(&self, doing: &str, error: &Error) -> Failure {
        self.failure_of(doing, &Fault::of(error))
    }

    /// Likewise.
    pub(crate) fn failure_of(&self, doing: &str, fault: &Fault) -> Failure {
        let socket = &self.socket;
        match fault {
            Fault::Gone(why) => {
                *self.negotiated.write() = None;
                Failure::new(
                    FailureKind::EngineDown,
                    format!("cannot {doing}: no docker engine answers on {socket}: {why}"),
                )
                .with_hint(
                    "start it (`systemctl start docker`), install it (`apt-get install docker.io`), \
                     or name its socket in the configuration",
                )
            }
            Fault::Forbidden(why) => Failure::new(
                FailureKind::EngineDown,
                format!("cannot {doing}: gadus may not use {socket}: {why}"),
            )
            .with_hint("add gadus's user to the group docker, and start gadus again"),
            Fault::Refused(_, why) | Fault::Failed(why) if is_full(why) => {
                Failure::new(FailureKind::DiskFull, format!("cannot {doing}: {why}"))
                    .with_hint("free some room: `docker system df` shows what takes it")
            }
            Fault::Refused(status, why) => Failure::new(
                FailureKind::Internal,
                format!("cannot {doing}: the docker engine answered {status}: {why}"),
            ),
            Fault::Failed(why) => {
                Failure::new(FailureKind::Internal, format!("cannot {doing}: {why}"))
            }
        }
    }
}

fn is_full(why: &str) -> bool {
    why.contains("no space left on device") || why.contains("disk quota exceeded")
}
