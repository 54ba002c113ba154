//! An upstream as a fetch talks to peers.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use gadus_model::Cid;
use gadus_ports::{BlockStream, TransportError, Want};
use parking_lot::Mutex;

use super::Upstream;

/// Requests to one upstream at a time; more wait in line.
const REQUESTS_MAX: usize = 8;

type Answer = Pin<Box<dyn Future<Output = (Cid, Option<Bytes>)> + Send>>;

/// Why an upstream gave no answer when it was last asked, if it gave none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(crate) fn now(&self) -> Option<String> {
        self.0.lock().clone()
    }

    fn is_over(&self) {
        *self.0.lock() = None;
    }

    /// Told once, however many blocks it is asked for meanwhile.
    fn begins(&self, upstream: &str, error: String) {
        let mut why = self.0.lock();
        if why.is_none() {
            tracing::warn!(upstream, %error, "an upstream failed");
        }
        *why = Some(error);
    }
}

/// Requests and answers, in their order.
pub(crate) struct UpstreamStream {
    upstream: Arc<dyn Upstream>,
    trouble: Trouble,
    waiting: VecDeque<Cid>,
    asked: FuturesOrdered<Answer>,
}

impl UpstreamStream {
    pub(crate) fn new(upstream: Arc<dyn Upstream>, trouble: Trouble) -> Self {
        Self { upstream, trouble, waiting: VecDeque::new(), asked: FuturesOrdered::new() }
    }

    fn ask(&mut self) {
        while self.asked.len() < REQUESTS_MAX
            && let Some(cid) = self.waiting.pop_front()
        {
            let (upstream, trouble) = (self.upstream.clone(), self.trouble.clone());
            self.asked.push_back(Box::pin(async move {
                match upstream.block(&cid).await {
                    Ok(block) => {
                        trouble.is_over();
                        (cid, block)
                    }
                    Err(error) => {
                        trouble.begins(upstream.name(), error);
                        // It counts as one that lacks the block, and is asked again later, for as
                        // long as anybody may be: to break off here would be to begin anew at once.
                        (cid, None)
                    }
                }
            }));
        }
    }
}

#[async_trait]
impl BlockStream for UpstreamStream {
    async fn want(&mut self, wants: &[Want]) -> Result<(), TransportError> {
        self.waiting.extend(wants.iter().map(|want| want.cid));
        self.ask();
        Ok(())
    }

    async fn next(&mut self) -> Result<(Cid, Option<Bytes>), TransportError> {
        self.ask();
        match self.asked.next().await {
            Some(answer) => Ok(answer),
            // Nothing is asked for.
            None => std::future::pending().await,
        }
    }
}
