//! What registries say, and what is made of it.

use axum::http::{Method, StatusCode};
use gadus_docker::{Registries, RegistryLimits};
use gadus_model::FailureKind;
use gadus_model::codec::sha256;
use gadus_ports::ImageResolver as _;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Fake, INDEX, answer, digest, manifest, status};

const MANIFEST: &str = r#"{"schemaVersion":2}"#;

fn limits() -> RegistryLimits {
    RegistryLimits::default()
}

fn sum(text: &str) -> String {
    let hex: String = sha256(&[text.as_bytes()]).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

#[tokio::test]
async fn one_request_is_enough_where_everybody_may_pull() {
    let fake = Fake::start(async |_| manifest(&digest('a'))).await;
    assert_eq!(fake.resolve(limits()).await.unwrap(), digest('a'));
    let [asked] = fake.requests().try_into().unwrap();
    assert_eq!(
        (asked.method.clone(), asked.path.as_str()),
        (Method::HEAD, "/v2/team/tool/manifests/v1")
    );
    let accept = asked.header("accept");
    assert!(accept.contains("image.index.v1") && accept.contains("manifest.list.v2"), "{accept}");
    assert!(accept.contains("image.manifest.v1") && accept.contains("distribution.manifest.v2"));
    assert!(asked.header("user-agent").starts_with("gadus/"));
}

#[tokio::test]
async fn a_name_that_has_its_digest_in_it_asks_nobody() {
    let fake = Fake::start(async |_| status(500)).await;
    let registries = Registries::new(limits());
    let name = format!("{}/team/tool:v1@{}", fake.address, digest('b'));
    assert_eq!(registries.resolve_image(&name).await.unwrap(), digest('b'));
    let failure = registries.resolve_image(&digest('b')).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImageMissing, "an id is known to engines alone");
    let failure = registries.resolve_image("a b").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert_eq!(fake.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn where_the_head_does_not_tell_the_digest_the_body_does() {
    let head_refused = Fake::start(async |asked| {
        if asked.method == Method::HEAD {
            status(405)
        } else {
            answer(StatusCode::OK, &[("content-type", INDEX)], MANIFEST)
        }
    })
    .await;
    let head_silent = Fake::start(async |_| {
        answer(
            StatusCode::OK,
            &[("content-type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8")],
            MANIFEST,
        )
    })
    .await;
    for fake in [head_refused, head_silent] {
        assert_eq!(fake.resolve(limits()).await.unwrap(), sum(MANIFEST));
        assert_eq!(fake.asked().len(), 2);
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_told_apart() {
    let cases = [
        (404, FailureKind::ImageMissing, "does not know it", "check its name and tag"),
        (401, FailureKind::ImageMissing, "nobody without a login: 401", "private image"),
        (403, FailureKind::ImageMissing, "nobody without a login: 403", "private image"),
        (429, FailureKind::ImagePull, "answered 429", "try again later"),
        (503, FailureKind::ImagePull, "answered 503", "try again later"),
        (204, FailureKind::ImagePull, "answered 204", "try again later"),
    ];
    for (code, kind, message, hint) in cases {
        let fake = Fake::start(move |_| async move { status(code) }).await;
        let failure = fake.resolve(limits()).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
        assert!(failure.message.contains(&format!("{}/team/tool:v1", fake.address)), "{failure}");
        assert!(failure.hint.unwrap().contains(hint), "{code}");
    }
}

#[tokio::test]
async fn what_is_no_registry_is_not_believed() {
    let good = digest('a');
    let cases: [(&[(&str, &str)], &str); 4] = [
        (
            &[("content-type", "text/html"), ("docker-content-digest", &good)],
            "'text/html' in the place of a manifest",
        ),
        (&[("docker-content-digest", &good)], "'' in the place of a manifest"),
        (
            &[("content-type", INDEX), ("docker-content-digest", "sha256:../../x")],
            "is no sha256 digest",
        ),
        (&[("content-type", INDEX), ("docker-content-digest", "sha512:00")], "is no sha256 digest"),
    ];
    for (headers, message) in cases {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let fake = Fake::start(move |_| {
            let headers = headers.clone();
            async move {
                let headers: Vec<_> =
                    headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                answer(StatusCode::OK, &headers, MANIFEST)
            }
        })
        .await;
        let failure = fake.resolve(limits()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ImagePull);
        assert!(failure.message.contains(message), "{failure}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_its_digest_says_is_refused() {
    let fake = Fake::start(async |asked| {
        if asked.method == Method::HEAD { status(501) } else { manifest(&digest('a')) }
    })
    .await;
    let failure = fake.resolve(limits()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImagePull);
    assert!(failure.message.contains(&sum("{}")), "{failure}");
}

#[tokio::test]
async fn nobody_and_nonsense_are_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let registries = Registries::new(limits());
    let ask = async || registries.resolve_image(&format!("{address}/a:b")).await.unwrap_err();
    let chatter = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    });
    let failure = ask().await;
    assert_eq!(failure.kind, FailureKind::ImagePull, "{failure}");
    chatter.await.unwrap();
    // Nobody listens there any more.
    let failure = ask().await;
    assert_eq!(failure.kind, FailureKind::ImagePull);
    assert!(failure.message.contains("onnection refused"), "{failure}");
    assert!(failure.hint.unwrap().contains("this requester can reach it"));
}
