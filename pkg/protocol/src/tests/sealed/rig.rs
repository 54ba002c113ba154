//! Sealed jobs, and what nodes say of them.

use gadus_model::event::Seal;
use gadus_model::message::{Award, Message, Proposal};
use gadus_model::{
    Claim, CommitBody, Det, Job, JobId, NodeId, Opening, PROFILE_DET_1, Quorum, Signed,
    Verification,
};

use crate::tests::rig::{Outcome, TestRequester, cid, claim, info, job, limits, node};

pub(super) const TWO: Verification = Verification::Quorum(Quorum::TWO);

/// A job whose result is checked in a way.
pub(super) fn sealed_job(n: u8, verification: Verification) -> Job {
    let mut job = job(n);
    job.context.verification = verification;
    for task in job.tasks.values_mut() {
        task.det = Some(Det { profile: PROFILE_DET_1.to_owned(), ..Det::default() });
    }
    job
}

/// An award, its node, and the answer that the node comes to.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) node: NodeId,
    pub(super) award: Award,
    pub(super) claim: Claim,
    pub(super) salt: [u8; 32],
}

impl Seat {
    pub(super) fn new((node, award): (NodeId, Award), answer: &str) -> Self {
        let mut claim = claim(&award, node);
        claim.manifest.result = cid(answer);
        claim.receipt.body.manifest = claim.manifest.cid().unwrap();
        Self { node, award, claim, salt: [node.0[0]; 32] }
    }

    pub(super) fn commitment(&self) -> [u8; 32] {
        let (task, node, salt) = (self.claim.receipt.body.task, self.node, self.salt);
        let (execution, manifest) =
            (self.award.execution.clone(), self.claim.receipt.body.manifest);
        Opening { task, execution, node, salt, manifest }.commitment().unwrap()
    }

    pub(super) fn commit(&self) -> Signed<CommitBody> {
        let body = CommitBody {
            task: self.claim.receipt.body.task,
            execution: self.award.execution.clone(),
            commitment: self.commitment(),
        };
        Signed { body, node: self.node, signature: vec![0; 64] }
    }

    pub(super) fn seal(&self) -> Seal {
        Seal { salt: self.salt, commit: self.commit() }
    }

    pub(super) fn commits(&self, r: &mut TestRequester) -> Outcome {
        self.commits_to(r, self.commit())
    }

    pub(super) fn commits_to(&self, r: &mut TestRequester, commit: Signed<CommitBody>) -> Outcome {
        let proposal = Box::new(Proposal::Sealed(Box::new(commit)));
        let execution = self.award.execution.clone();
        r.hears(self.node, Message::Propose { execution, proposal })
    }

    pub(super) fn reveals(&self, r: &mut TestRequester) -> Outcome {
        self.reveals_claim(r, self.claim.clone())
    }

    pub(super) fn reveals_claim(&self, r: &mut TestRequester, claim: Claim) -> Outcome {
        let (execution, salt, claim) = (self.award.execution.clone(), self.salt, Box::new(claim));
        r.hears(self.node, Message::Reveal { execution, salt, claim })
    }
}

/// A requester that knows so many nodes.
pub(super) fn knows(nodes: u8) -> TestRequester {
    TestRequester::with_nodes((1..=nodes).map(node))
}

/// A requester that runs jobs itself, as node 99, and knows so many others.
pub(super) fn knows_itself_and(nodes: u8) -> TestRequester {
    let mut r = knows(nodes);
    let me = r.config().node;
    r.meets(info(me));
    r
}

/// Submits a job, has these nodes bid, and gives the awards of those who were drawn.
pub(super) fn draws(r: &mut TestRequester, job: Job, bidders: &[u8]) -> Vec<(NodeId, Award)> {
    let id = job.id;
    r.submit(job);
    bids(r, id, bidders)
}

pub(super) fn bids(r: &mut TestRequester, id: JobId, bidders: &[u8]) -> Vec<(NodeId, Award)> {
    let mut awards = Vec::new();
    for bidder in bidders {
        let bidder = if *bidder == 99 { r.config().node } else { node(*bidder) };
        awards.extend(r.hears_bid(bidder, id).awards());
    }
    awards.extend(r.wait_ms(limits().window_ms).awards());
    let mut seen = Vec::new();
    awards.retain(|(_, award)| {
        let new = !seen.contains(&award.execution);
        seen.push(award.execution.clone());
        new
    });
    awards
}

/// The seats of a job of two nodes, with what each of them answers.
pub(super) fn two(r: &mut TestRequester, answers: [&str; 2]) -> [Seat; 2] {
    let awards = draws(r, sealed_job(1, TWO), &[1, 2]);
    let [one, other] = <[_; 2]>::try_from(awards).unwrap();
    [Seat::new(one, answers[0]), Seat::new(other, answers[1])]
}

/// Has everybody commit and reveal; gives what the last word caused.
pub(super) fn answers(r: &mut TestRequester, seats: &[Seat]) -> Outcome {
    for seat in seats {
        seat.commits(r);
    }
    let mut last = None;
    for seat in seats {
        last = Some(seat.reveals(r));
    }
    last.unwrap()
}
