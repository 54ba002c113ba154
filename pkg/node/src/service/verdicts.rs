//! Verdicts of other requesters.

use gadus_api::service::{CountedVerdict, ErrorCode, ServiceError, VerdictsPage};
use gadus_model::{Cid, ResultSummary};
use gadus_ports::PinReason;
use gadus_proof::{ProofError, read_bundle};

use crate::node::Node;

impl Node {
    /// Fetches a bundle with all that is behind it, and counts its verdicts, if there is one that
    /// is worth something here.
    pub(super) async fn judge_and_count(
        &self,
        root: Cid,
    ) -> Result<Vec<CountedVerdict>, ServiceError> {
        self.counts_verdicts()?;
        let counted = self.foreign.has(&root);
        self.content.fetch(root, self.all_peers(), PinReason::Verdict.into()).await?;
        let judged = self.judge_verdicts(root).await;
        if judged.is_err() && !counted {
            self.content.release(root, PinReason::Verdict).await?;
        }
        let verdicts = judged?;
        self.foreign.insert(root, verdicts.iter().map(CountedVerdict::task).collect());
        Ok(verdicts)
    }

    /// A node that is no requester counts none.
    fn counts_verdicts(&self) -> Result<(), ServiceError> {
        self.requester.as_ref().map(|_| ()).ok_or_else(ServiceError::not_requester)
    }

    /// All verdicts of a bundle that is here, with what they are worth.
    async fn judge_verdicts(&self, root: Cid) -> Result<Vec<CountedVerdict>, ServiceError> {
        let room = self.config.verdicts_max.saturating_sub(self.foreign.answers_beside(&root));
        let mut found = Vec::new();
        let take = |checked: gadus_proof::Checked| {
            found.extend(checked.replay(ResultSummary::default()));
        };
        read_bundle(&*self.content, &root, room, take).await.map_err(|e| self.refused(&e))?;
        if found.is_empty() {
            let message = format!("nothing in {root} was checked by several nodes");
            let hint = "one node's word is counted by nobody else; submit the job with --verify";
            return Err(ServiceError::bad_request(message).with_hint(hint).of("Receipts"));
        }
        let verdicts = self.look(move |machine, _| {
            let told = found.into_iter().map(|replay| {
                let voters = replay.origin.voters.iter();
                let voters = voters.map(|node| (*node, machine.is_trusted(*node))).collect();
                CountedVerdict { worth: machine.worth(&replay.origin), voters, replay }
            });
            told.collect::<Vec<_>>()
        });
        let verdicts = verdicts.await?;
        match verdicts.iter().any(|verdict| verdict.worth.is_some()) {
            true => Ok(verdicts),
            false => Err(worthless(&verdicts)),
        }
    }

    fn refused(&self, error: &ProofError) -> ServiceError {
        let message = error.to_string();
        let refused = match error {
            ProofError::Forged { .. } => ServiceError::bad_request(message)
                .with_hint("nothing in it is to be believed; get it again, from somebody else"),
            ProofError::TooMany { .. } => {
                let max = self.config.verdicts_max;
                let message = format!("{message}: this node counts {max} at most (verdicts_max)");
                ServiceError::new(ErrorCode::ResourceExhausted, message)
                    .with_hint("see `gadus verdict list`, and forget some, or raise the limit")
            }
            ProofError::Unreadable { .. } => ServiceError::new(ErrorCode::IOError, message),
        };
        refused.of("Receipts")
    }

    pub(super) fn list_verdicts(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<VerdictsPage, ServiceError> {
        self.counts_verdicts()?;
        let mut bundles = self.foreign.page(offset, limit.saturating_add(1));
        let next_offset = (bundles.len() > limit).then(|| offset.saturating_add(limit));
        bundles.truncate(limit);
        Ok(VerdictsPage { bundles, next_offset })
    }

    pub(super) async fn forget_bundle(&self, root: Cid) -> Result<(), ServiceError> {
        if !self.foreign.remove(&root) {
            return Err(ServiceError::new(ErrorCode::NotFound, format!("{root} is not counted"))
                .with_hint("`gadus verdict list` says what is")
                .of("Receipts"));
        }
        Ok(self.content.release(root, PinReason::Verdict).await?)
    }
}

/// Nobody here believes enough of those who voted.
fn worthless(verdicts: &[CountedVerdict]) -> ServiceError {
    let trusted = |verdict: &CountedVerdict| verdict.voters.iter().filter(|(_, is)| *is).count();
    let most = verdicts.iter().map(trusted).max().unwrap_or_default();
    let mut voters: Vec<_> =
        verdicts.iter().flat_map(|v| v.voters.iter().map(|(n, _)| *n)).collect();
    voters.sort_unstable();
    voters.dedup();
    let names: Vec<String> = voters.iter().map(gadus_model::NodeId::did_key).collect();
    let message = format!(
        "two nodes that are trusted here must have come to an answer, and {most} of its voters is: {}",
        names.join(", ")
    );
    ServiceError::new(ErrorCode::Forbidden, message)
        .with_hint("name those whose word you take as `trusted` in [requester.verify]")
        .of("Receipts")
}
