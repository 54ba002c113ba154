//! Each limit, met.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{Method, StatusCode};
use gadus_docker::{Registries, RegistryLimits};
use gadus_model::FailureKind;
use gadus_ports::ImageResolver as _;

use crate::support::{Fake, INDEX, answer, digest, manifest, status};

#[tokio::test]
async fn a_registry_that_says_nothing_is_given_up() {
    let fake = Fake::start(async |_| std::future::pending().await).await;
    let limits = RegistryLimits { lookup_ms: 100, ..RegistryLimits::default() };
    let failure = fake.resolve(limits).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImagePull);
    assert!(failure.message.contains("has not answered within 0.1 s"), "{failure}");
}

#[tokio::test]
async fn an_answer_is_read_as_far_as_it_may_go() {
    let fake = Fake::start(async |asked| match asked.method == Method::HEAD {
        true => status(405),
        false => answer(StatusCode::OK, &[("content-type", INDEX)], "x".repeat(1000)),
    })
    .await;
    let limits =
        |answer_max_bytes| RegistryLimits { answer_max_bytes, ..RegistryLimits::default() };
    let failure = fake.resolve(limits(999)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImagePull);
    assert!(failure.message.contains("more than 999 bytes"), "{failure}");
    fake.resolve(limits(1000)).await.unwrap();
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_they_may_lead() {
    // From /v2/… to /1, /2 and /3, where the image is.
    let fake = Fake::start(async |asked| {
        let at: usize = asked.path.trim_start_matches('/').parse().unwrap_or(0);
        match at {
            3 => manifest(&digest('d')),
            _ => {
                answer(StatusCode::TEMPORARY_REDIRECT, &[("location", &format!("/{}", at + 1))], "")
            }
        }
    })
    .await;
    let limits = |redirects_max| RegistryLimits { redirects_max, ..RegistryLimits::default() };
    assert_eq!(fake.resolve(limits(3)).await.unwrap(), digest('d'));
    let failure = fake.resolve(limits(2)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImagePull);
    assert!(failure.message.contains("redirects us more than 2 times"), "{failure}");
}

#[tokio::test]
async fn no_redirect_leads_out_into_the_clear() {
    for place in ["http://192.0.2.1/v2/", "https://192.0.2.1/v2/"] {
        let fake = Fake::start(move |_| async move {
            answer(StatusCode::TEMPORARY_REDIRECT, &[("location", place)], "")
        })
        .await;
        let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ImagePull);
        let origin = place.trim_end_matches("/v2/");
        assert!(failure.message.contains(&format!("redirects us to {origin}")), "{failure}");
    }
}

#[tokio::test]
async fn only_so_many_are_looked_up_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let fake = Fake::start(move |_| {
        let (inside, peak) = (Arc::clone(&inside), Arc::clone(&peak));
        async move {
            peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Whoever else is let in comes in meanwhile.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            inside.fetch_sub(1, Ordering::SeqCst);
            manifest(&digest('e'))
        }
    })
    .await;
    let limits = RegistryLimits { lookups_max: 2, ..RegistryLimits::default() };
    let registries = Registries::new(limits);
    let name = format!("{}/team/tool:v1", fake.address);
    let all = (0..8).map(|_| registries.resolve_image(&name));
    for found in futures::future::join_all(all).await {
        assert_eq!(found.unwrap(), digest('e'));
    }
    assert_eq!((now.load(Ordering::SeqCst), fake.asked().len()), (0, 8));
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?}");
}
