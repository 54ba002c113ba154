//! How fast each signer may gossip.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gadus_model::NodeId;

/// Signers that are counted one by one; the rest share one count.
const SIGNERS_MAX: usize = 4_096;

/// A bucket of tokens per signer: as many a second as the limit, and a second's worth at once.
#[derive(Debug)]
pub(crate) struct Rates {
    per_second: f64,
    buckets: BTreeMap<NodeId, Bucket>,
    others: Bucket,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            buckets: BTreeMap::new(),
            others: Bucket { tokens: per_second, at: now },
        }
    }

    /// Whether a signer may gossip once more.
    pub(crate) fn take(&mut self, signer: NodeId, now: Instant) -> bool {
        let per_second = self.per_second;
        if !self.buckets.contains_key(&signer) && self.buckets.len() >= SIGNERS_MAX {
            // A bucket that has had time to fill up says nothing any more.
            self.buckets.retain(|_, b| now.duration_since(b.at) < Duration::from_secs(1));
        }
        let bucket = if self.buckets.contains_key(&signer) || self.buckets.len() < SIGNERS_MAX {
            self.buckets.entry(signer).or_insert(Bucket { tokens: per_second, at: now })
        } else {
            &mut self.others
        };
        let gained = now.duration_since(bucket.at).as_secs_f64() * per_second;
        bucket.tokens = (bucket.tokens + gained).min(per_second);
        bucket.at = now;
        let may = bucket.tokens >= 1.0;
        if may {
            bucket.tokens -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_over_its_rate_waits_and_others_do_not() {
        let now = Instant::now();
        let mut rates = Rates::new(10, now);
        let (loud, quiet) = (NodeId([1; 32]), NodeId([2; 32]));
        assert_eq!((0..20).filter(|_| rates.take(loud, now)).count(), 10);
        assert!(rates.take(quiet, now));
        let later = now + Duration::from_millis(500);
        assert_eq!((0..20).filter(|_| rates.take(loud, later)).count(), 5);
    }

    #[test]
    fn many_signers_take_bounded_memory_and_share_what_is_left() {
        let now = Instant::now();
        let mut rates = Rates::new(1, now);
        let signer = |n: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            NodeId(id)
        };
        let taken = (0..2 * SIGNERS_MAX).filter(|n| rates.take(signer(*n), now)).count();
        assert_eq!(taken, SIGNERS_MAX + 1);
        assert_eq!(rates.buckets.len(), SIGNERS_MAX);
        assert!(rates.take(signer(2 * SIGNERS_MAX), now + Duration::from_secs(1)));
        assert_eq!(rates.buckets.len(), 1, "full buckets were forgotten");
    }
}
