//! Cutting a page out of two sorted runs.

use std::cmp::Ordering;

use gadus_model::JobId;
use gadus_ports::JobQuery;

/// A job's place in lists: when it was created, in µs, and its id.
pub(crate) type Place = (u64, JobId);

/// What to read for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Newest first.
    pub(crate) backwards: bool,
    pub(crate) skip: usize,
    pub(crate) take: usize,
}

impl Window {
    /// From whichever end is nearer to the page, whatever order was asked for.
    pub(crate) fn new(query: &JobQuery, total: usize) -> Self {
        let start = query.offset.min(total);
        let end = query.offset.saturating_add(query.limit).min(total);
        let take = end - start;
        let from_other_end = total - end;
        if from_other_end < start {
            Self { backwards: !query.reverse, skip: from_other_end, take }
        } else {
            Self { backwards: query.reverse, skip: start, take }
        }
    }
}

/// Both runs as one, each place once. `fresh` is in order; `stored` in the direction asked for.
pub(crate) fn merge<E>(
    stored: impl Iterator<Item = Result<Place, E>>,
    mut fresh: Vec<Place>,
    backwards: bool,
) -> impl Iterator<Item = Result<Place, E>> {
    if backwards {
        fresh.reverse();
    }
    let (mut stored, mut fresh) = (stored.peekable(), fresh.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (stored.peek(), fresh.peek()) {
            (Some(Ok(a)), Some(b)) if backwards => b.cmp(a),
            (Some(Ok(a)), Some(b)) => a.cmp(b),
            (Some(_), _) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => stored.next(),
            Ordering::Greater => fresh.next().map(Ok),
            Ordering::Equal => {
                fresh.next();
                stored.next()
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use gadus_ports::fake::sample::job_id;

    use super::*;

    fn query(reverse: bool, offset: usize, limit: usize) -> JobQuery {
        JobQuery { namespace: None, reverse, offset, limit }
    }

    #[test]
    fn pages_are_read_from_the_nearer_end() {
        let far = Window::new(&query(false, 990, 10), 1_000);
        assert_eq!(far, Window { backwards: true, skip: 0, take: 10 });
        let near = Window::new(&query(true, 5, 10), 1_000);
        assert_eq!(near, Window { backwards: true, skip: 5, take: 10 });
        let beyond = Window::new(&query(false, usize::MAX, usize::MAX), 10);
        assert_eq!(beyond.take, 0);
        for offset in 0..=1_000 {
            assert!(Window::new(&query(false, offset, 10), 1_000).skip <= 500);
        }
    }

    #[test]
    fn runs_are_merged_without_doubles() {
        let places = |ns: &[u32]| ns.iter().map(|n| (u64::from(*n), job_id(*n))).collect();
        let (stored, fresh): (Vec<Place>, Vec<Place>) = (places(&[1, 2, 4, 6]), places(&[2, 3, 7]));
        let forwards: Result<Vec<Place>, ()> =
            merge(stored.iter().copied().map(Ok), fresh.clone(), false).collect();
        assert_eq!(forwards, Ok(places(&[1, 2, 3, 4, 6, 7])));
        let backwards: Result<Vec<Place>, ()> =
            merge(stored.iter().rev().copied().map(Ok), fresh, true).collect();
        assert_eq!(backwards, Ok(places(&[7, 6, 4, 3, 2, 1])));
    }
}
