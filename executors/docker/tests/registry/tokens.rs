//! Registries that give everybody a token, and ones that send us astray for it.

use axum::http::StatusCode;
use axum::response::Response;
use gadus_docker::RegistryLimits;
use gadus_model::FailureKind;

use crate::support::{Asked, Fake, answer, digest, manifest, status};

/// Asks for a token where `realm` is; `HOST` in it is the registry itself.
fn challenged(asked: &Asked, realm: &str) -> Response {
    let realm = realm.replace("HOST", asked.header("host"));
    let scope = "repository:team/tool:pull";
    let challenge = format!(r#"Bearer realm="{realm}",service="the registry",scope="{scope}""#);
    answer(StatusCode::UNAUTHORIZED, &[("www-authenticate", &challenge)], "{}")
}

#[tokio::test]
async fn a_token_for_everybody_is_fetched_and_shown() {
    let fake = Fake::start(async |asked| {
        if asked.path.starts_with("/token") {
            return answer(StatusCode::OK, &[], r#"{"token":"let.me-in","expires_in":300}"#);
        }
        match asked.header("authorization") {
            "Bearer let.me-in" => manifest(&digest('c')),
            _ => challenged(&asked, "http://HOST/token"),
        }
    })
    .await;
    assert_eq!(fake.resolve(RegistryLimits::default()).await.unwrap(), digest('c'));
    let token = "GET /token?service=the+registry&scope=repository%3Ateam%2Ftool%3Apull";
    let head = "HEAD /v2/team/tool/manifests/v1";
    assert_eq!(fake.asked(), [head, token, head]);
    assert_eq!(fake.requests()[1].header("authorization"), "", "it is anybody who asks");
}

#[tokio::test]
async fn a_token_that_opens_nothing_means_a_login() {
    let fake = Fake::start(async |asked| match asked.path.starts_with("/token") {
        true => answer(StatusCode::OK, &[], r#"{"access_token":"x"}"#),
        false => challenged(&asked, "http://HOST/token"),
    })
    .await;
    let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImageMissing);
    assert!(failure.message.contains("without a login"), "{failure}");
    assert_eq!(fake.asked().len(), 3, "it is not tried for ever");
}

#[tokio::test]
async fn answers_in_the_place_of_a_token_are_told_apart() {
    let cases = [
        (200, "<html>", FailureKind::ImagePull, "gives no token"),
        (200, r#"{"token":"a\u0000b"}"#, FailureKind::ImagePull, "gives no token"),
        (403, "", FailureKind::ImageMissing, "without a login"),
        (500, "", FailureKind::ImagePull, "answered 500"),
    ];
    for (code, body, kind, message) in cases {
        let fake = Fake::start(move |asked| async move {
            match asked.path.starts_with("/token") {
                true => answer(StatusCode::from_u16(code).unwrap(), &[], body),
                false => challenged(&asked, "http://HOST/token"),
            }
        })
        .await;
        let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
    }
}

#[tokio::test]
async fn nobody_is_asked_for_a_token_in_the_clear() {
    for realm in ["http://192.0.2.1/token", "file:///etc/shadow", "/token"] {
        let fake = Fake::start(move |asked| async move { challenged(&asked, realm) }).await;
        let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ImagePull);
        assert!(failure.message.contains(realm), "{failure}");
        assert_eq!(fake.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_registry_that_takes_passwords_only_is_asked_once() {
    let fake = Fake::start(async |_| {
        answer(StatusCode::UNAUTHORIZED, &[("www-authenticate", "Basic realm=\"x\"")], "")
    })
    .await;
    let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImageMissing);
    assert_eq!(fake.asked().len(), 1);
    let fake = Fake::start(async |_| status(401)).await;
    let failure = fake.resolve(RegistryLimits::default()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImageMissing);
}
