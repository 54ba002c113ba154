//! One download for all who want the same thing at the same time.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use gadus_ports::{Origin, Pinned, SourceError};
use parking_lot::Mutex;

type Download = Shared<BoxFuture<'static, Result<Pinned, SourceError>>>;

/// Downloads that are under way.
#[derive(Clone, Default)]
pub(super) struct Once {
    under_way: Arc<Mutex<HashMap<Origin, Download>>>,
}

impl Once {
    /// What `fetch` comes to, or what somebody else's fetch of the same does. It ends when all who
    /// wait for it have gone.
    pub(super) async fn share(
        &self,
        origin: &Origin,
        fetch: impl Future<Output = Result<Pinned, SourceError>> + Send + 'static,
    ) -> Result<Pinned, SourceError> {
        let download = self.join(origin, fetch);
        let _leave = Leave { once: self, origin, download: Some(download.clone()) };
        download.await
    }

    fn join(
        &self,
        origin: &Origin,
        fetch: impl Future<Output = Result<Pinned, SourceError>> + Send + 'static,
    ) -> Download {
        let mut under_way = self.under_way.lock();
        let download = under_way.entry(origin.clone()).or_insert_with(|| fetch.boxed().shared());
        download.clone()
    }
}

/// Forgets a download that is over, or that nobody waits for any more.
struct Leave<'a> {
    once: &'a Once,
    origin: &'a Origin,
    /// Always there until this is dropped.
    download: Option<Download>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut under_way = self.once.under_way.lock();
        let Some(download) = self.download.take() else { return };
        let is_ours = under_way.get(self.origin).is_some_and(|it| it.ptr_eq(&download));
        // Under the lock, so that of two who leave at once the second sees that it is the last.
        let is_over = download.peek().is_some();
        drop(download);
        let is_last = |it: &Download| it.strong_count().is_none_or(|count| count == 1);
        if is_ours && (is_over || under_way.get(self.origin).is_some_and(is_last)) {
            under_way.remove(self.origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::{join_all, pending};
    use futures::poll;
    use gadus_model::codec::{RAW, cid_of};
    use tokio::sync::Semaphore;

    use super::*;

    fn origin(name: &str) -> Origin {
        Origin::Url { url: name.to_owned(), sha256: None }
    }

    fn pinned(name: &str) -> Pinned {
        Pinned { cid: cid_of(RAW, name.as_bytes()), name: None, bytes: 1, files: 1 }
    }

    #[tokio::test]
    async fn fifty_who_want_the_same_share_one_download() {
        let (once, fetches) = (Once::default(), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(Semaphore::new(0));
        let mut wants: Vec<_> = ["a", "b"]
            .into_iter()
            .cycle()
            .take(50)
            .map(|name| {
                let (once, fetches, gate) = (once.clone(), fetches.clone(), gate.clone());
                Box::pin(async move {
                    let fetch = async move {
                        let _open = gate.acquire().await;
                        fetches.fetch_add(1, Ordering::Relaxed);
                        Ok(pinned(name))
                    };
                    (name, once.share(&origin(name), fetch).await.unwrap())
                })
            })
            .collect();
        for want in &mut wants {
            assert!(poll!(want).is_pending());
        }
        gate.add_permits(1);
        for (name, got) in join_all(wants).await {
            assert_eq!(got, pinned(name));
        }
        assert_eq!(fetches.load(Ordering::Relaxed), 2);
        assert!(once.under_way.lock().is_empty(), "and nothing is remembered");
    }

    #[tokio::test]
    async fn a_download_ends_when_the_last_who_waits_has_gone() {
        let once = Once::default();
        let (origin, alive) = (origin("a"), Arc::new(()));
        let waiter = || {
            let alive = alive.clone();
            let fetch = async move {
                let _alive = alive;
                pending().await
            };
            Box::pin(once.share(&origin, fetch))
        };
        let (mut first, mut second) = (waiter(), waiter());
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(Arc::strong_count(&alive), 2, "one still waits");
        drop(second);
        assert_eq!(Arc::strong_count(&alive), 1);
        assert!(once.under_way.lock().is_empty());
    }
}
