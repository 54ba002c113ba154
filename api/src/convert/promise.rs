//! What a job asks for its results: who holds them, and for how long.

use gadus_model::{Durability, PublisherSpec};

use crate::types::Job;

/// The most holders that the format can say; what a requester takes is its own limit.
const REPLICAS_MAX: u32 = 1_000;
/// The value of `Retention` for results that are kept for ever.
const FOR_EVER: i64 = -1;

/// What a requester keeps results for, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// Where a job does not say; 0 means for ever.
    pub default_ms: u64,
    /// The longest that a job may ask for; 0 means any time, and for ever.
    pub max_ms: u64,
}

/// Who must hold a result of the job.
pub(super) fn durability(job: &Job, publisher: &PublisherSpec) -> Durability {
    match parse(&job.durability) {
        Ok(Some(durability)) => durability,
        Ok(None) | Err(_) if publisher.is_external() => Durability::Producer,
        Ok(None) | Err(_) => Durability::Keeper,
    }
}

/// How long results of the job are kept, in milliseconds; 0 means for ever.
pub(super) fn retention_ms(job: &Job, retention: Retention) -> u64 {
    match job.retention {
        0 => retention.default_ms,
        FOR_EVER => 0,
        seconds => u64::try_from(seconds).unwrap_or(0).saturating_mul(1000),
    }
}

/// What is wrong with either.
pub(super) fn errors(job: &Job, retention: Retention) -> Vec<String> {
    let mut errors = Vec::new();
    if let Err(why) = parse(&job.durability) {
        errors.push(why);
    }
    let max_ms = retention.max_ms;
    let asked_ms = retention_ms(job, retention);
    if job.retention < FOR_EVER {
        let seconds = job.retention;
        errors.push(format!("job retention must be -1 (for ever) or seconds, not {seconds}"));
    } else if job.retention != 0 && max_ms > 0 && (asked_ms == 0 || asked_ms > max_ms) {
        let max_s = max_ms / 1000;
        errors.push(format!(
            "job retention must be <= {max_s} seconds here, the limit retention_max_ms"
        ));
    }
    errors
}

fn parse(text: &str) -> Result<Option<Durability>, String> {
    let wrong = || {
        format!("invalid job durability: {text:?} (use keeper, producer or replicas=N, N from 1)")
    };
    match text.trim() {
        "" => Ok(None),
        "keeper" => Ok(Some(Durability::Keeper)),
        "producer" => Ok(Some(Durability::Producer)),
        other => {
            let count = other.strip_prefix("replicas=").ok_or_else(wrong)?;
            let count: u32 = count.parse().map_err(|_| wrong())?;
            match (1..=REPLICAS_MAX).contains(&count) {
                true => Ok(Some(Durability::Replicas(count))),
                false => Err(wrong()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(durability: &str, retention: i64) -> Job {
        Job { durability: durability.to_owned(), retention, ..Job::default() }
    }

    #[test]
    fn words_are_read() {
        let cases = [
            ("", Durability::Keeper),
            ("keeper", Durability::Keeper),
            (" producer ", Durability::Producer),
            ("replicas=1", Durability::Replicas(1)),
            ("replicas=16", Durability::Replicas(16)),
        ];
        for (text, expected) in cases {
            assert_eq!(durability(&job(text, 0), &PublisherSpec::Ipfs), expected, "{text}");
            assert_eq!(errors(&job(text, 0), Retention::default()), [""; 0], "{text}");
        }
        assert_eq!(durability(&job("", 0), &PublisherSpec::Local), Durability::Producer);
        assert_eq!(durability(&job("keeper", 0), &PublisherSpec::Local), Durability::Keeper);
        for text in ["all", "replicas", "replicas=", "replicas=0", "replicas=-1", "replicas=1001"] {
            let told = errors(&job(text, 0), Retention::default());
            assert!(told[0].contains(text) && told[0].contains("replicas=N"), "{told:?}");
        }
    }

    #[test]
    fn times_are_the_jobs_own_or_the_requesters() {
        let here = Retention { default_ms: 5_000, max_ms: 60_000 };
        for (seconds, ms) in [(0, 5_000), (1, 1_000), (60, 60_000)] {
            assert_eq!(retention_ms(&job("", seconds), here), ms);
            assert_eq!(errors(&job("", seconds), here), [""; 0], "{seconds}");
        }
        for seconds in [61, -1, -2, i64::MAX, i64::MIN] {
            assert_eq!(errors(&job("", seconds), here).len(), 1, "{seconds}");
        }
        let anything = Retention { default_ms: 5_000, max_ms: 0 };
        assert_eq!(retention_ms(&job("", -1), anything), 0);
        assert_eq!(errors(&job("", -1), anything), [""; 0]);
        // What the operator has set for those who do not ask is the operator's.
        let short = Retention { default_ms: 0, max_ms: 60_000 };
        assert_eq!(errors(&job("", 0), short), [""; 0]);
    }
}
