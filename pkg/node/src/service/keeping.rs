//! What people keep here.

use bytes::Bytes;
use gadus_api::service::ServiceError;
use gadus_model::{Cid, JobId, RAW};
use gadus_ports::{Pin, PinReason};

use crate::node::Node;

impl Node {
    /// Sees to it that a whole tree is here and stays.
    pub(super) async fn pin_content(
        &self,
        root: Cid,
        retention_ms: Option<u64>,
    ) -> Result<(Pin, u64), ServiceError> {
        let fetched = self.content.fetch(root, self.all_peers(), PinReason::User.into()).await?;
        let made = self.clock.now();
        let until = retention_ms.map(|ms| made.plus_ms(ms));
        // It is pinned for ever until here: never for less than was asked.
        self.content.keep(root, PinReason::User, until).await?;
        Ok((Pin { root, reason: PinReason::User, made: Some(made), until }, fetched.bytes))
    }

    /// Keeps a task's block, and nothing of what it links to: a leaf has no links.
    pub(super) async fn keep_task_of(
        &self,
        job: JobId,
        block: (Cid, Bytes),
        retention_ms: u64,
    ) -> Result<(), ServiceError> {
        let cid = block.0;
        let leaf = Cid::new_v1(RAW, *cid.hash());
        let until = Some(retention_ms).filter(|ms| *ms > 0).map(|ms| self.clock.now().plus_ms(ms));
        self.content.put(vec![block.clone()]).await?;
        self.content.keep(leaf, PinReason::Task(job), until).await?;
        if !self.content.has(&cid) {
            // A collection took it before it was pinned.
            self.content.put(vec![block]).await?;
        }
        Ok(())
    }

    /// Gives up what people keep, and nothing else.
    pub(super) async fn unpin_content(&self, root: Cid) -> Result<Vec<Pin>, ServiceError> {
        let pins = self.content.pins_of(root).await?;
        let (own, left): (Vec<_>, Vec<_>) =
            pins.into_iter().partition(|pin| pin.reason == PinReason::User);
        match (own.is_empty(), left.first()) {
            (true, None) => Err(ServiceError::not_pinned(&root)),
            (true, Some(pin)) => Err(ServiceError::pinned_for_jobs(&root, &pin.reason)),
            (false, _) => {
                self.content.release(root, PinReason::User).await?;
                Ok(left)
            }
        }
    }
}
