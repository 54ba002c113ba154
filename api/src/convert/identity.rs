//! When two submissions are the same, and what they are called.

use gadus_model::codec::sha256;
use gadus_model::{EvaluationId, JobId};
use uuid::Uuid;

use crate::types::Job;

/// The prefix of the server's own keys in a job's `Meta`.
pub(crate) const META_RESERVED_PREFIX: &str = "bacalhau.org/";

/// The id that a submission (`what` is `job-register`) or a cancellation (`job-cancel`) of a
/// job's version is answered with. Derived, so that asking again gives the same.
#[must_use]
pub fn evaluation_id(job: JobId, version: u32, what: &str) -> EvaluationId {
    let version = version.to_be_bytes();
    let parts = [b"gadus/evaluation/1|", what.as_bytes(), job.0.as_bytes(), &version];
    let hash = sha256(&parts);
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    EvaluationId(Uuid::new_v8(half))
}

/// Whether two documents ([`gadus_model::Job::document`]) ask for the same. What the server put
/// into `Meta` does not count: it tells of the client's program, not of the job.
#[must_use]
pub fn same_document(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let read = |text: &str| {
        let mut job: Job = serde_json::from_str(text).ok()?;
        job.meta.retain(|key, _| !key.starts_with(META_RESERVED_PREFIX));
        Some(job)
    };
    matches!((read(a), read(b)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_differ_by_job_version_and_cause() {
        let (a, b) = (JobId(Uuid::from_u128(1)), JobId(Uuid::from_u128(2)));
        let id = evaluation_id(a, 1, "job-register");
        assert_eq!(id, evaluation_id(a, 1, "job-register"));
        assert_ne!(id, evaluation_id(b, 1, "job-register"));
        assert_ne!(id, evaluation_id(a, 2, "job-register"));
        assert_ne!(id, evaluation_id(a, 1, "job-cancel"));
    }

    #[test]
    fn the_servers_meta_does_not_make_a_document_another() {
        let a = r#"{"Name":"x","Meta":{"bacalhau.org/client.instance.id":"1","k":"v"}}"#;
        let b = r#"{"Name":"x","Meta":{"k":"v"}}"#;
        let c = r#"{"Name":"x","Meta":{"k":"w"}}"#;
        assert!(same_document(a, b) && !same_document(a, c));
        assert!(!same_document("not json", "nor this"));
    }
}
