//! What a deterministic task takes from itself, and from nothing else.

use gadus_model::{Caps, Failure, FailureKind, PROFILE_DET_1, Task};
use sha2::{Digest, Sha256};

use crate::logbook::STREAM_BYTES_MAX;

/// Keeps the seeds of tasks apart from whatever else their CIDs are hashed for.
const SEED_DOMAIN: &[u8] = b"gadus/det/1/seed|";

/// What a task's randomness is drawn from: the same wherever it runs.
pub(super) fn seed(task: &Task) -> Result<[u8; 32], Failure> {
    let cid = task.cid().map_err(|e| Failure::new(FailureKind::Invalid, e.to_string()))?;
    let digest = Sha256::new().chain_update(SEED_DOMAIN).chain_update(cid.to_bytes());
    Ok(digest.finalize().into())
}

/// How much of a task's streams is kept. A deterministic task's own limits decide alone: what a
/// job says beside it must not change the result.
pub(super) fn stream_caps(task: &Task, caps: Caps) -> Caps {
    match &task.det {
        Some(det) if det.profile == PROFILE_DET_1 => Caps {
            stdout_max_bytes: det.stdout_max_bytes,
            stderr_max_bytes: det.stderr_max_bytes,
            ..caps
        },
        Some(_) | None => Caps {
            stdout_max_bytes: caps.stdout_max_bytes.min(STREAM_BYTES_MAX),
            stderr_max_bytes: caps.stderr_max_bytes.min(STREAM_BYTES_MAX),
            ..caps
        },
    }
}

#[cfg(test)]
mod tests {
    use gadus_model::Det;
    use gadus_ports::fake::sample;

    use super::*;

    fn task(n: u32) -> Task {
        sample::job(n).tasks["main"].clone()
    }

    #[test]
    fn a_seed_is_its_tasks_own() {
        assert_eq!(seed(&task(1)).unwrap(), seed(&task(1)).unwrap());
        let others = [task(2), Task { nonce: vec![1], ..task(1) }];
        for other in others {
            assert_ne!(seed(&task(1)).unwrap(), seed(&other).unwrap());
        }
        // Not the hash that is the CID itself, which anybody may have used for something.
        assert_ne!(seed(&task(1)).unwrap(), task(1).cid().unwrap().hash().digest());
    }

    #[test]
    fn a_jobs_caps_do_not_cut_what_a_deterministic_task_keeps() {
        let caps = Caps { stdout_max_bytes: 1, stderr_max_bytes: 2, ..Caps::default() };
        let det = |profile: &str| Det {
            profile: profile.to_owned(),
            stdout_max_bytes: 10,
            stderr_max_bytes: 20,
            ..Det::default()
        };
        for (det, kept) in
            [(None, (1, 2)), (Some(Det::default()), (1, 2)), (Some(det(PROFILE_DET_1)), (10, 20))]
        {
            let caps = stream_caps(&Task { det, ..task(1) }, caps);
            assert_eq!((caps.stdout_max_bytes, caps.stderr_max_bytes), kept);
        }
    }
}
