//! Fetches from stores that are no peers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use gadus_model::{Cid, NodeId};
use gadus_ports::{
    BlockExchange, BlockStream, Content as _, ContentError, FetchFrom, Layout, PinReason,
    TransportError,
};
use tempfile::TempDir;

use super::{Kubo, NotTaken};
use crate::origin_server::{OriginServer, reply};
use crate::{ContentConfig, EmbeddedContent, raw_cid};

fn open(upstreams: Vec<String>) -> (TempDir, EmbeddedContent) {
    let dir = tempfile::tempdir().unwrap();
    let config = ContentConfig { upstreams, ..ContentConfig::default() };
    let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
    (dir, content)
}

/// A network of one.
struct Nobody;

#[async_trait]
impl BlockExchange for Nobody {
    async fn open(&self, peer: NodeId) -> Result<Box<dyn BlockStream>, TransportError> {
        Err(TransportError::Unreachable(peer))
    }
}

/// Nobody is near.
fn alone() -> FetchFrom {
    let wait = Duration::from_millis(200);
    FetchFrom { exchange: Arc::new(Nobody), peers: Vec::new(), namespace: None, wait }
}

/// A tree of some blocks, in a store of its own.
async fn tree() -> (TempDir, EmbeddedContent, Cid) {
    let (dir, content) = open(Vec::new());
    let source = dir.path().join("tree");
    std::fs::create_dir(&source).unwrap();
    for nth in 0..20_u8 {
        std::fs::write(source.join(format!("f{nth}")), vec![nth; 1_000]).unwrap();
    }
    let root = content.import_path(source, Layout::default()).await.unwrap().root;
    (dir, content, root)
}

fn block_of(content: &EmbeddedContent, cid: &str) -> Option<Bytes> {
    content.core.store.get(&cid.parse().unwrap(), None).unwrap()
}

#[tokio::test]
async fn a_gateway_has_what_no_peer_has() {
    let (_origin_dir, origin, root) = tree().await;
    let server = OriginServer::start(move |path| {
        let cid =
            path.strip_prefix("/base/ipfs/").and_then(|rest| rest.strip_suffix("?format=raw"));
        match block_of(&origin, cid.unwrap_or_else(|| panic!("{path}"))) {
            Some(block) => reply(200, &[], &block),
            None => reply(404, &[], b"no"),
        }
    })
    .await;
    let (_dir, content) = open(vec![format!("gateway:{}", server.url("/base/"))]);
    let fetched = content.fetch(root, alone(), PinReason::User.into()).await.unwrap();
    assert!(fetched.bytes > 20_000 && fetched.by_peer.is_empty(), "{fetched:?}");
    assert_eq!(content.bytes_missing(&root, 1), 0);
    let nowhere = raw_cid(b"nowhere");
    let error = content.fetch(nowhere, alone(), PinReason::User.into()).await.unwrap_err();
    assert!(matches!(error, ContentError::Missing { cid, .. } if cid == nowhere), "{error}");
}

#[tokio::test]
async fn a_store_that_lies_is_left_for_the_next() {
    let (_origin_dir, origin, root) = tree().await;
    let liar = OriginServer::start(|_| reply(200, &[], b"other bytes")).await;
    let honest = OriginServer::start(move |path| {
        let cid = path.split(['/', '?']).nth(2).unwrap();
        block_of(&origin, cid).map_or_else(|| reply(404, &[], b""), |block| reply(200, &[], &block))
    })
    .await;
    let upstreams = [&liar, &honest].map(|server| format!("gateway:{}", server.url("")));
    let (_dir, content) = open(upstreams.into());
    content.fetch(root, alone(), PinReason::User.into()).await.unwrap();
    assert_eq!(liar.requests(), 1, "it is asked once");
    assert!(!content.has(&raw_cid(b"other bytes")));
}

#[tokio::test]
async fn a_kubo_daemon_has_what_no_peer_has() {
    let (_origin_dir, origin, root) = tree().await;
    let server = OriginServer::start(move |path| {
        let cid = path.strip_prefix("/api/v0/block/get?arg=").unwrap_or_else(|| panic!("{path}"));
        match block_of(&origin, cid) {
            Some(block) => reply(200, &[], &block),
            None => {
                let error = br#"{"Message":"block was not found","Code":0,"Type":"error"}"#;
                reply(500, &[], error)
            }
        }
    })
    .await;
    let (_dir, content) = open(vec![format!("kubo:{}", server.url(""))]);
    content.fetch(root, alone(), PinReason::User.into()).await.unwrap();
    assert_eq!(content.bytes_missing(&root, 1), 0);
    let nowhere = raw_cid(b"nowhere");
    let error = content.fetch(nowhere, alone(), PinReason::User.into()).await.unwrap_err();
    assert!(matches!(error, ContentError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn stores_that_are_away_are_none() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_dir, content) =
        open(vec![format!("kubo:http://{gone}"), format!("gateway:http://{gone}")]);
    let cid = raw_cid(b"x");
    let began = tokio::time::Instant::now();
    let error = content.fetch(cid, alone(), PinReason::User.into()).await.unwrap_err();
    let ContentError::Unreachable { cid: what, trouble } = error else { panic!("{error}") };
    assert_eq!(what, cid);
    assert!(trouble.starts_with(&format!("kubo:http://{gone} could not be asked: ")), "{trouble}");
    // They answer at once: it is the fetch's own wait that was waited for, not their silence.
    assert!(began.elapsed() < Duration::from_millis(content.core.config.fetch_answer_ms));
}

#[tokio::test]
async fn a_tree_goes_to_kubo_and_its_answer_is_read() {
    let root = raw_cid(b"x");
    let pinned = format!(r#"{{"Root":{{"Cid":{{"/":"{root}"}},"PinErrorMsg":""}}}}"#);
    let unpinned = format!(r#"{{"Root":{{"Cid":{{"/":"{root}"}},"PinErrorMsg":"full"}}}}"#);
    let cases = [
        (reply(200, &[], pinned.as_bytes()), None),
        (reply(200, &[], unpinned.as_bytes()), Some("it could not pin it: full")),
        (reply(200, &[], b"{}"), Some("says nothing of its root")),
        (reply(500, &[], b"no CAR"), Some("500 Internal Server Error: no CAR")),
    ];
    for (answer, why) in cases {
        let server = OriginServer::start(move |path| {
            assert_eq!(path, "/api/v0/dag/import?pin-roots=true");
            answer.clone()
        })
        .await;
        let kubo = Kubo::new(&server.url(""), Duration::from_secs(9)).unwrap();
        let car = stream::iter([Ok(Bytes::from_static(b"car"))]).boxed();
        match (kubo.import(&root, car).await, why) {
            (Ok(()), None) => {}
            (Err(NotTaken::Refused(error)), Some(why)) => assert!(error.contains(why), "{error}"),
            (result, why) => panic!("{result:?}, and not {why:?}"),
        }
    }
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_away() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let kubo = Kubo::new(&format!("http://{gone}"), Duration::from_secs(9)).unwrap();
    let car = stream::iter([Ok(Bytes::from_static(b"car"))]).boxed();
    let away = kubo.import(&raw_cid(b"x"), car).await;
    assert!(matches!(away, Err(NotTaken::Away(_))), "{away:?}");
}

#[test]
fn an_upstream_that_makes_no_sense_is_refused_by_name() {
    for (uri, why) in [
        ("ftp://x", "an upstream is"),
        ("nonsense", "an upstream is"),
        ("gateway:ftp://x", "an http or https URL"),
        ("gateway:x", "it is no URL"),
        ("kubo:https://x", "has an http URL"),
        ("kubo:/ip4/127.0.0.1", "it is no URL"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let upstreams = vec![uri.to_owned()];
        let config = ContentConfig { upstreams, ..ContentConfig::default() };
        let error = EmbeddedContent::open(dir.path(), config).unwrap_err().to_string();
        assert!(error.contains(uri) && error.contains(why), "{uri}: {error}");
    }
}
