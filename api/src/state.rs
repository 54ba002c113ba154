//! What every route needs.

use std::sync::Arc;

use gadus_model::NodeId;
use tokio::sync::{OnceCell, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::convert;
use crate::limits::ApiLimits;
use crate::service::Service;
use crate::types::BuildVersionInfo;

/// How the HTTP face is set up.
#[derive(Clone, Debug, Default)]
pub struct ApiConfig {
    /// What clients may ask.
    pub limits: ApiLimits,
    /// Names besides loopback ones under which a node bound to loopback may be asked for, without
    /// a port: `gadus.example`. A node bound to anything else answers to every name.
    pub hosts: Vec<String>,
}

/// What every route needs.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) config: Arc<ApiConfig>,
    /// Whether only this machine can connect, so that a strange `Host` means a browser that was
    /// tricked.
    pub(crate) loopback: bool,
    /// Requests in work.
    pub(crate) requests: Arc<Semaphore>,
    /// Log streams.
    pub(crate) log_streams: Arc<Semaphore>,
    /// Cancelled at shutdown: streams end.
    pub(crate) closing: CancellationToken,
    facts: Arc<OnceCell<Facts>>,
}

/// What never changes about the node.
pub(crate) struct Facts {
    /// Who it is.
    pub(crate) id: NodeId,
    /// What it is built from.
    pub(crate) version: BuildVersionInfo,
}

impl ApiState {
    pub(crate) fn new(
        service: Arc<dyn Service>,
        config: ApiConfig,
        loopback: bool,
        closing: CancellationToken,
    ) -> Self {
        let limits = &config.limits;
        Self {
            service,
            loopback,
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            log_streams: Arc::new(Semaphore::new(limits.log_streams_max)),
            closing,
            facts: Arc::new(OnceCell::new()),
            config: Arc::new(config),
        }
    }

    pub(crate) fn limits(&self) -> &ApiLimits {
        &self.config.limits
    }

    pub(crate) async fn facts(&self) -> &Facts {
        let ask = || async {
            let agent = self.service.agent().await;
            Facts { id: agent.info.id, version: convert::version(&agent) }
        };
        self.facts.get_or_init(ask).await
    }
}
