//! Asks a registry itself which digest an image's name means there, where no docker engine can.
//!
//! The distribution API (<https://github.com/opencontainers/distribution-spec>) has one request
//! for it. Public registries want a token with it all the same, which they give to anybody who
//! asks (<https://distribution.github.io/distribution/spec/auth/token/>). The name comes from
//! whoever submits a job, and what answers may be anything: time, length and direction of
//! everything are bounded.

mod place;
mod token;

use std::time::Duration;

use async_trait::async_trait;
use gadus_model::codec::sha256;
use gadus_model::{Failure, FailureKind};
use gadus_ports::ImageResolver;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode, Url};
use tokio::sync::{OnceCell, Semaphore};

use self::place::{Place, is_local, may_lead};
use self::token::Challenge;
use crate::config::RegistryLimits;
use crate::reference::{Reference, is_digest};

/// What an image is: of several architectures, or of one.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
const DIGEST: &str = "docker-content-digest";
const BY_DIGEST: &str = "or name the image by its digest (NAME@sha256:…)";

/// The registries that names of images lead to.
pub struct Registries {
    /// For this machine: no proxy, and no certificates either.
    local: OnceCell<Client>,
    remote: OnceCell<Client>,
    lookups: Semaphore,
    limits: RegistryLimits,
}

/// Why there is no digest.
enum Trouble {
    /// The registry has no such image.
    Missing,
    /// It shows nobody without a password whether it has.
    Hidden(StatusCode),
    /// It answered with a status that tells nothing of the image.
    Refused(StatusCode),
    /// Nobody answers.
    Unreachable(String),
    /// What answers is no registry, or leads us astray.
    Nonsense(String),
}

impl Registries {
    /// Nothing is asked yet, and no certificate read.
    #[must_use]
    pub fn new(limits: RegistryLimits) -> Self {
        let lookups = Semaphore::new(limits.lookups_max.max(1));
        Self { local: OnceCell::new(), remote: OnceCell::new(), lookups, limits }
    }

    async fn look_up(&self, place: &Place) -> Result<String, Trouble> {
        let url = &place.manifest;
        let mut token = None;
        let mut answer = self.ask(Method::HEAD, url, None).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let given = self.token(place, answer.headers()).await?;
            answer = self.ask(Method::HEAD, url, Some(&given)).await?;
            token = Some(given);
        }
        // Not every registry answers this, or says the digest with it.
        let unfit = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED];
        if !unfit.contains(&answer.status()) {
            check(&answer)?;
            if let Some(digest) = digest(answer.headers())? {
                return Ok(digest);
            }
        }
        let answer = self.ask(Method::GET, url, token.as_deref()).await?;
        check(&answer)?;
        let said = digest(answer.headers())?;
        let body = self.read(answer).await?;
        let found = format!("sha256:{}", hex::encode(sha256(&[&body])));
        match said {
            Some(said) if said != found => {
                Err(nonsense(format!("it says that the digest is {said}, and it is {found}")))
            }
            Some(_) | None => Ok(found),
        }
    }

    /// A token for somebody without a name.
    async fn token(&self, place: &Place, headers: &HeaderMap) -> Result<String, Trouble> {
        let challenge =
            Challenge::find(headers).ok_or(Trouble::Hidden(StatusCode::UNAUTHORIZED))?;
        let url = challenge.token_url(place).map_err(nonsense)?;
        let answer = self.ask(Method::GET, &url, None).await?;
        match answer.status() {
            status if status.is_success() => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                return Err(Trouble::Hidden(status));
            }
            status => return Err(Trouble::Refused(status)),
        }
        let body = self.read(answer).await?;
        token::of(&body).ok_or_else(|| nonsense("it gives no token to ask with"))
    }

    async fn ask(
        &self,
        method: Method,
        url: &Url,
        token: Option<&str>,
    ) -> Result<Response, Trouble> {
        let client = self.client(is_local(url)).await.map_err(Trouble::Unreachable)?;
        let request = client.request(method, url.clone()).header(ACCEPT, MANIFESTS.join(", "));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.map_err(|error| {
            let why = innermost(&error);
            if error.is_redirect() { nonsense(why) } else { Trouble::Unreachable(why) }
        })
    }

    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(more)) if body.len() + more.len() <= self.limits.answer_max_bytes => {
                    body.extend_from_slice(&more);
                }
                Ok(Some(_)) => {
                    let max = self.limits.answer_max_bytes;
                    return Err(nonsense(format!("its answer has more than {max} bytes")));
                }
                Err(error) => return Err(Trouble::Unreachable(innermost(&error))),
            }
        }
    }

    async fn client(&self, local: bool) -> Result<&Client, String> {
        let cell = if local { &self.local } else { &self.remote };
        let redirects = self.limits.redirects_max;
        cell.get_or_try_init(|| async move {
            let built = tokio::task::spawn_blocking(move || build(local, redirects)).await;
            built.map_err(|e| e.to_string())?.map_err(|e| innermost(&e))
        })
        .await
    }
}

#[async_trait]
impl ImageResolver for Registries {
    async fn resolve_image(&self, name: &str) -> Result<String, Failure> {
        let place = match Reference::parse(name)? {
            Reference::Name { digest: Some(digest), .. } => return Ok(digest),
            Reference::Name { repository, tag, digest: None } => Place::of(&repository, &tag)?,
            Reference::Id(_) => {
                let what =
                    format!("no bidding node has image '{name}', and registries know no ids");
                return Err(Failure::new(FailureKind::ImageMissing, what)
                    .with_hint("name it as [REGISTRY/]NAME[:TAG], or NAME@sha256:…"));
            }
        };
        // Semaphores that nobody closes give permits.
        let _turn = self.lookups.acquire().await;
        let patience = Duration::from_millis(self.limits.lookup_ms);
        match tokio::time::timeout(patience, self.look_up(&place)).await {
            Ok(found) => found.map_err(|trouble| trouble.explain(name, &place.registry)),
            Err(_) => {
                let what = format!("it has not answered within {} s", patience.as_secs_f64());
                Err(Trouble::Unreachable(what).explain(name, &place.registry))
            }
        }
    }
}

impl Trouble {
    fn explain(self, name: &str, registry: &str) -> Failure {
        let (kind, what, hint) = match self {
            Self::Missing => (
                FailureKind::ImageMissing,
                format!("there is no image '{name}': registry {registry} does not know it"),
                "check its name and tag".to_owned(),
            ),
            Self::Hidden(status) => (
                FailureKind::ImageMissing,
                format!(
                    "registry {registry} shows image '{name}' to nobody without a login: {status}"
                ),
                format!(
                    "check its name and tag; run a private image where a node has it already, {BY_DIGEST}"
                ),
            ),
            Self::Refused(status) => (
                FailureKind::ImagePull,
                format!("registry {registry}, asked for image '{name}', answered {status}"),
                format!("try again later, {BY_DIGEST}"),
            ),
            Self::Unreachable(why) => (
                FailureKind::ImagePull,
                format!("registry {registry} cannot be asked for image '{name}': {why}"),
                format!("see that this requester can reach it, {BY_DIGEST}"),
            ),
            Self::Nonsense(why) => (
                FailureKind::ImagePull,
                format!(
                    "what answers for registry {registry} cannot be trusted with image '{name}': {why}"
                ),
                format!("check the registry's name, {BY_DIGEST}"),
            ),
        };
        Failure::new(kind, what).with_hint(hint)
    }
}

fn nonsense(why: impl Into<String>) -> Trouble {
    Trouble::Nonsense(why.into())
}

/// Whether an answer is about an image that is there.
fn check(answer: &Response) -> Result<(), Trouble> {
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(Trouble::Missing),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Trouble::Hidden(status));
        }
        status => return Err(Trouble::Refused(status)),
    }
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if MANIFESTS.contains(&kind) {
        return Ok(());
    }
    Err(nonsense(format!("it gives '{}' in the place of a manifest", kind.escape_debug())))
}

fn digest(headers: &HeaderMap) -> Result<Option<String>, Trouble> {
    let Some(digest) = headers.get(DIGEST) else { return Ok(None) };
    let digest = String::from_utf8_lossy(digest.as_bytes());
    if is_digest(&digest) {
        return Ok(Some(digest.into_owned()));
    }
    Err(nonsense(format!("'{}' is no sha256 digest", digest.escape_debug())))
}

/// For this machine, or for all others.
fn build(local: bool, redirects_max: usize) -> reqwest::Result<Client> {
    let redirects = Policy::custom(move |attempt| {
        let (from, to) = (attempt.previous().last(), attempt.url());
        if !from.is_some_and(|from| may_lead(from, to)) {
            let to = to.origin().ascii_serialization();
            attempt.error(format!("it redirects us to {to}, which is less safe to ask"))
        } else if attempt.previous().len() > redirects_max {
            attempt.error(format!("it redirects us more than {redirects_max} times"))
        } else {
            attempt.follow()
        }
    });
    let builder = match local {
        true => gadus_http::client_without_tls().no_proxy(),
        false => gadus_http::client().https_only(true),
    };
    builder.redirect(redirects).build()
}

/// The cause that says most, without any URL: those can have a token in them.
fn innermost(error: &reqwest::Error) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let chain = std::iter::successors(Some(first), |&e| e.source());
    match chain.last().filter(|last| !last.is::<reqwest::Error>()) {
        Some(cause) => cause.to_string(),
        None => "the connection failed".to_owned(),
    }
}
