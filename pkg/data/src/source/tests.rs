//! Sources against a server that says whatever a test wants.

use futures::future::join_all;
use futures::poll;
use gadus_ports::{Content as _, Origin, Pinned, SourceError, Sources as _};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{NodeSources, SourceConfig};
use crate::origin_server::{OriginServer, reply};
use crate::{ContentConfig, EmbeddedContent, S3Config, raw_cid};

struct World {
    dir: TempDir,
    content: EmbeddedContent,
    sources: NodeSources,
}

fn world(config: SourceConfig) -> World {
    let dir = tempfile::tempdir().unwrap();
    let content =
        EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
    let sources = NodeSources::new(content.clone(), config, &S3Config::default()).unwrap();
    World { dir, content, sources }
}

/// Sources that may ask this machine, at its first address alone.
fn open_world() -> World {
    let allow_networks = vec!["127.0.0.1/32".parse().unwrap()];
    world(SourceConfig { allow_networks, ..SourceConfig::default() })
}

impl World {
    async fn pin(&self, url: &str) -> Result<Pinned, SourceError> {
        self.sources.pin(&Origin::Url { url: url.to_owned(), sha256: None }).await
    }

    async fn is_empty(&self) -> bool {
        self.content.pins().await.unwrap().is_empty()
    }
}

#[tokio::test]
async fn a_file_becomes_content_under_its_name() {
    let server = OriginServer::start(|_| reply(200, &[], b"hello")).await;
    let world = open_world();
    let pinned = world.pin(&server.url("/data/a%20file.txt?x=1")).await.unwrap();
    assert_eq!(pinned.cid, raw_cid(b"hello"));
    assert_eq!(pinned.name.as_deref(), Some("a file.txt"));
    assert_eq!((pinned.bytes, pinned.files), (5, 1));
    assert!(world.content.has(&pinned.cid));
    for (path, name) in [("/", None), ("/a/", None), ("/%2e%2e", None), ("/a%2fb", None)] {
        assert_eq!(world.pin(&server.url(path)).await.unwrap().name.as_deref(), name, "{path}");
    }
}

#[tokio::test]
async fn a_hash_is_held_to() {
    let server = OriginServer::start(|_| reply(200, &[], b"hello")).await;
    let world = open_world();
    let pin = |sha256: [u8; 32]| {
        let origin = Origin::Url { url: server.url("/a"), sha256: Some(sha256) };
        let sources = world.sources.clone();
        async move { sources.pin(&origin).await }
    };
    let error = pin([7; 32]).await.unwrap_err();
    assert!(matches!(error, SourceError::Mismatch { .. }), "{error}");
    assert!(world.is_empty().await && !world.content.has(&raw_cid(b"hello")), "nothing is kept");
    assert!(pin(Sha256::digest(b"hello").into()).await.is_ok());
}

#[tokio::test]
async fn fifty_who_want_one_url_are_one_request() {
    let server = OriginServer::start(|_| reply(200, &[], &[7; 100_000])).await;
    let world = open_world();
    let url = server.url("/a");
    let mut wants: Vec<_> = (0..50).map(|_| Box::pin(world.pin(&url))).collect();
    for want in &mut wants {
        assert!(poll!(want).is_pending());
    }
    let all = join_all(wants).await;
    let cid = raw_cid(&[7; 100_000]);
    assert!(all.into_iter().all(|pinned| pinned.unwrap().cid == cid));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_told_and_leaves_nothing() {
    let long: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello";
    let broken: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let server = OriginServer::start(move |path| match path {
        "/gone" => reply(404, &[], b"no such thing"),
        "/partial" => reply(206, &[], b"hello"),
        "/short" => long.to_vec(),
        "/broken" => broken.to_vec(),
        "/gzip" => reply(200, &[("content-encoding", "gzip")], b"hello"),
        "/nonsense" => b"what?\r\n\r\n".to_vec(),
        "/loop" => reply(302, &[("location", "/loop")], b""),
        "/nowhere" => reply(302, &[], b""),
        "/odd" => reply(302, &[("location", "http://[")], b""),
        "/silent" => Vec::new(),
        _ => panic!("{path}"),
    })
    .await;
    let world = open_world();
    for (path, why) in [
        ("/gone", "the server says 404 Not Found"),
        ("/partial", "the server says 206"),
        ("/short", "it broke off after 5 of 9 bytes"),
        ("/broken", "it broke off after 5 bytes"),
        ("/gzip", "encodes it (gzip), unasked"),
        ("/nonsense", "could not be fetched"),
        ("/loop", "it redirects more than 5 times"),
        ("/nowhere", "it redirects to nowhere"),
        ("/odd", "it redirects to what is no URL"),
        ("/silent", "could not be fetched"),
    ] {
        let url = server.url(path);
        let error = world.pin(&url).await.unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(&url), "{path}: {error}");
        assert!(world.is_empty().await, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_and_may_name_the_file() {
    let server = OriginServer::start(|path| match path {
        "/a" => reply(302, &[("location", "b")], b""),
        "/named" => reply(307, &[("location", "/c")], b""),
        "/c" => reply(
            200,
            &[("content-disposition", "attachment; filename=\"../x/real.bin\"")],
            b"hello",
        ),
        _ => reply(200, &[], b"hello"),
    })
    .await;
    let world = open_world();
    let name = |path: &str| {
        let (world, url) = (&world, server.url(path));
        async move { world.pin(&url).await.unwrap().name }
    };
    assert_eq!(name("/a").await.as_deref(), Some("b"));
    assert_eq!(name("/named").await.as_deref(), Some("real.bin"));
    assert_eq!(name("/c").await.as_deref(), Some("c"), "only after a redirect");
}

#[tokio::test]
async fn private_addresses_are_refused_at_first_and_after_a_redirect() {
    let server = OriginServer::start(|path| match path {
        "/hop" => reply(302, &[("location", "http://127.0.0.2:1/secret")], b""),
        "/name" => reply(302, &[("location", "http://localhost.localdomain:1/")], b""),
        "/meta" => reply(302, &[("location", "http://169.254.169.254/latest")], b""),
        "/file" => reply(302, &[("location", "file:///etc/passwd")], b""),
        "/six" => reply(302, &[("location", "http://[::1]:1/")], b""),
        _ => panic!("{path}"),
    })
    .await;
    let shut = world(SourceConfig::default());
    for url in [server.url("/hop"), "http://localhost:1/".to_owned()] {
        let error = shut.pin(&url).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused { .. }), "{url}: {error}");
    }
    assert_eq!(server.requests(), 0, "and nothing was dialled");
    let open = open_world();
    for path in ["/hop", "/meta", "/file", "/six"] {
        let error = open.pin(&server.url(path)).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_whether_it_is_told_or_not() {
    let endless = b"HTTP/1.1 200 OK\r\n\r\n".iter().copied().chain([7; 3_000]);
    let endless: Vec<u8> = endless.collect();
    let server = OriginServer::start(move |path| match path {
        "/told" => reply(200, &[], &[7; 1_001]),
        "/untold" => endless.clone(),
        _ => reply(200, &[], &[7; 1_000]),
    })
    .await;
    let allow_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let config = SourceConfig { bytes_max: 1_000, allow_networks, ..SourceConfig::default() };
    let world = world(config);
    for path in ["/told", "/untold"] {
        let error = world.pin(&server.url(path)).await.unwrap_err();
        assert!(matches!(error, SourceError::TooLarge { bytes_max: 1_000, .. }), "{path}: {error}");
        assert!(world.is_empty().await);
    }
    assert!(world.pin(&server.url("/just")).await.is_ok());
}

/// Time moves on only when nothing else does.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    let error = open_world().pin(&url).await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn paths_below_allowed_directories_become_content_and_nothing_else_does() {
    let allowed = tempfile::tempdir().unwrap();
    let base = allowed.path().to_owned();
    std::fs::create_dir_all(base.join("data/sub")).unwrap();
    std::fs::write(base.join("data/sub/a"), "hello").unwrap();
    std::os::unix::fs::symlink("/etc", base.join("out")).unwrap();
    std::os::unix::fs::symlink("data", base.join("link")).unwrap();
    let config = SourceConfig { allow_paths: vec![base.clone()], ..SourceConfig::default() };
    let world = world(config);
    std::fs::write(world.dir.path().join("secret"), "x").unwrap();
    let pin = |path: std::path::PathBuf| {
        let sources = world.sources.clone();
        async move { sources.pin(&Origin::Path(path)).await }
    };
    let file = pin(base.join("data/sub/a")).await.unwrap();
    assert_eq!((file.cid, file.name.as_deref()), (raw_cid(b"hello"), Some("a")));
    let tree = pin(base.join("data")).await.unwrap();
    assert_eq!((tree.name.as_deref(), tree.files), (Some("data"), 1));
    assert!(pin(base.clone()).await.is_ok(), "the directory itself");
    for path in [
        world.dir.path().join("secret"),
        base.join("../secret"),
        base.with_file_name("other"),
        "/etc/passwd".into(),
    ] {
        let error = pin(path.clone()).await.unwrap_err();
        assert!(matches!(error, SourceError::Refused { .. }), "{path:?}: {error}");
    }
    for path in ["out/passwd", "link/sub/a", "link", "data/none", "data/none/deeper"] {
        let error = pin(base.join(path)).await.unwrap_err();
        assert!(matches!(error, SourceError::Wrong { .. }), "{path}: {error}");
    }
}
