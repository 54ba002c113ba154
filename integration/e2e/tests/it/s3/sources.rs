//! What is read from buckets.

use gadus_data::S3Config;
use gadus_data::raw_cid;
use gadus_data::source::SourceConfig;
use gadus_ports::{S3Origin, SourceError};

use super::server::{Buckets, buckets};
use super::{World, at};

fn world(buckets: &Buckets) -> World {
    World::new(&buckets.account(), SourceConfig::default())
}

#[tokio::test]
async fn objects_are_files_of_any_version() {
    let Some(buckets) = buckets("objects of buckets") else { return };
    let world = world(&buckets);
    for (key, bytes) in [
        ("d/a.txt", "new\n"),
        ("d/b+c d?e#f%41é.csv", "odd\n"),
        ("d/empty", ""),
        ("slashes//x", "x"),
    ] {
        let pinned = world.pin(at("data", key)).await.unwrap();
        assert_eq!(pinned.cid, raw_cid(bytes.as_bytes()), "{key}");
        assert_eq!(pinned.name.as_deref(), key.rsplit('/').next());
    }
    let old = S3Origin { version: Some(buckets.old.clone()), ..at("data", "d/a.txt") };
    assert_eq!(world.pin(old).await.unwrap().cid, raw_cid(b"old\n"));
}

#[tokio::test]
async fn a_checksum_is_held_to() {
    let Some(buckets) = buckets("checksums of objects") else { return };
    let world = world(&buckets);
    let with = |sha256| S3Origin { sha256: Some(sha256), ..at("data", "d/a.txt") };
    let error = world.pin(with([7; 32])).await.unwrap_err();
    assert!(matches!(error, SourceError::Mismatch { .. }), "{error}");
    assert!(world.is_empty().await);
    let cid = raw_cid(b"new\n");
    let digest = cid.hash().digest().try_into().unwrap();
    assert_eq!(world.pin(with(digest)).await.unwrap().cid, cid);
}

#[tokio::test]
async fn a_prefix_is_a_tree() {
    let Some(buckets) = buckets("prefixes of buckets") else { return };
    let world = world(&buckets);
    let files = |key: &str, filter: Option<&str>| {
        let (world, filter) = (&world, filter.map(str::to_owned));
        let origin = S3Origin { filter, ..at("data", key) };
        async move {
            let pinned = world.pin(origin).await.unwrap();
            let files = world.files(pinned.cid).await;
            assert_eq!(pinned.files as usize, files.len());
            files.into_iter().map(|(path, size)| format!("{path} {size}")).collect::<Vec<_>>()
        }
    };
    let all = [
        "/a.txt 4",
        "/b+c d?e#f%41é.csv 4",
        "/deep/large.bin 1600000",
        "/deep/x.csv 5",
        "/empty 0",
    ];
    assert_eq!(files("d/", None).await, all);
    assert_eq!(files("d/", Some("\\.csv$")).await, [all[1], all[3]]);
    assert_eq!(files("d/de*", None).await, all[2..4]);
    let beside = files("d*", None).await;
    assert_eq!((beside.len(), beside.last().unwrap().as_str()), (6, "/dd 7"));
    assert_eq!(files("many/", None).await.len(), 12, "of several pages");
    assert_eq!(files("", Some("^d+$")).await, ["/dd 7"]);
}

#[tokio::test]
async fn what_cannot_be_had_is_told_and_leaves_nothing() {
    let Some(buckets) = buckets("what buckets refuse") else { return };
    let world = world(&buckets);
    let version = Some("no-such-version".to_owned());
    for (origin, why) in [
        (at("data", "none"), "the bucket has no such object"),
        (at("absent", "a"), "there is no such bucket"),
        (at("absent", "a/"), "there is no such bucket"),
        (at("private", "secret"), "access is denied"),
        (at("private", "*"), "access is denied"),
        (at("data", "nothing/here/"), "the bucket has nothing there"),
        (S3Origin { filter: Some("none".to_owned()), ..at("data", "d/") }, "has nothing there"),
        (S3Origin { filter: Some("(".to_owned()), ..at("data", "d/") }, "no regular expression"),
        (S3Origin { version, ..at("data", "d/a.txt") }, "cannot be had"),
        (at("data", "twice/"), "'twice/a' is a file, and a directory too"),
        (at("data", "slashes/"), "is no path"),
    ] {
        let error = world.pin(origin).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(world.is_empty().await, "{error}");
    }
}

#[tokio::test]
async fn a_wrong_key_and_no_key_are_told_apart() {
    let Some(buckets) = buckets("keys for buckets") else { return };
    let wrong = S3Config { secret_access_key: "wrong".into(), ..buckets.account() };
    let none = S3Config {
        access_key_id: String::new(),
        secret_access_key: "".into(),
        ..buckets.account()
    };
    for (account, help) in [(wrong, "section [s3]"), (none.clone(), "s3.access_key_id")] {
        let world = World::new(&account, SourceConfig::default());
        let error = world.pin(at("data", "d/a.txt")).await.unwrap_err();
        let SourceError::Refused { hint, .. } = error else { panic!("{error}") };
        assert!(hint.contains(help), "{hint}");
    }
    let world = World::new(&none, SourceConfig::default());
    let public = world.pin(at("data", "public.txt")).await.unwrap();
    assert_eq!(public.cid, raw_cid(b"public\n"), "what all may read needs no key");
}

/// The node's key is for the operator's server. This one is a stranger's: it is asked without.
#[tokio::test]
async fn a_strangers_server_is_asked_anonymously_where_it_may_be_dialled() {
    let Some(buckets) = buckets("buckets of strangers") else { return };
    let account = S3Config { endpoint: "https://s3.example.org".to_owned(), ..buckets.account() };
    let endpoint = Some(buckets.endpoint.clone());
    let from = |key: &str| S3Origin { endpoint: endpoint.clone(), ..at("data", key) };
    let shut = World::new(&account, SourceConfig::default());
    let error = shut.pin(from("public.txt")).await.unwrap_err();
    assert!(error.to_string().contains("no public address"), "{error}");
    let allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    let open = World::new(&account, SourceConfig { allow_networks, ..SourceConfig::default() });
    assert_eq!(open.pin(from("public.txt")).await.unwrap().cid, raw_cid(b"public\n"));
    let error = open.pin(from("d/a.txt")).await.unwrap_err();
    let SourceError::Refused { hint, .. } = error else { panic!("{error}") };
    assert!(hint.contains("s3.endpoint"), "{hint}");
}
