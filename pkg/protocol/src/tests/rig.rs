//! Values and machines for the tests.

mod compute;
mod outcome;
mod requester;
mod values;

pub(super) use self::compute::TestCompute;
pub(super) use self::outcome::Outcome;
pub(super) use self::requester::TestRequester;
pub(super) use self::values::{
    GIB, OWNER, REQUESTER, announce, award, cid, claim, docker, execution, failure, info, job,
    job_id, limits, node, round, stale,
};
