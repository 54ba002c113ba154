//! Results as archives.

use async_compression::tokio::bufread::GzipDecoder;
use gadus_model::ExecutionId;
use gadus_ports::archive_path;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::gateway::{api, unpacked};
use super::{Api, Reply};
use crate::fake::sample::cid;
use crate::service::Reach;

async fn get(api: &Api, root: &str) -> Reply {
    api.get(&archive_path(&cid(root), &ExecutionId(Uuid::from_u128(7)))).await
}

#[tokio::test]
async fn a_result_is_an_archive_of_what_is_in_it() {
    let api = api();
    let reply = get(&api, "root").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/gzip"));
    let name = format!("{}.tar.gz", ExecutionId(Uuid::from_u128(7)));
    assert!(reply.header("content-disposition").contains(&name));
    let mut tar = Vec::new();
    GzipDecoder::new(&reply.body[..]).read_to_end(&mut tar).await.unwrap();
    let paths: Vec<_> = unpacked(&tar).into_iter().map(|(path, ..)| path).collect();
    let long = format!("sub/{}", "n".repeat(150));
    assert_eq!(paths, ["a <b>.txt", "sub/", "sub/deep.bin", "sub/link", &long]);
    assert_eq!(api.fake.inner().reaches, [Reach::Here], "and nobody else is asked for it");
    assert_eq!(get(&api, "root").await.body, reply.body, "always the same bytes");
}

#[tokio::test]
async fn what_is_no_result_here_is_not_found() {
    let api = api();
    for root in ["gone", "text"] {
        let (status, _, message) = get(&api, root).await.error();
        assert!(status == 404 && message.contains("no archive"), "{root}: {message}");
    }
    let path = |root: &str, name: &str| format!("/api/v1/archives/{root}/{name}");
    let (root, id) = (cid("root").to_string(), ExecutionId(Uuid::from_u128(7)).to_string());
    for uri in [
        path("nonsense", &format!("{id}.tar.gz")),
        path(&root, &id),
        path(&root, "x.tar.gz"),
        path(&root, "e-%22%0d%0a.tar.gz"),
    ] {
        assert_eq!(api.get(&uri).await.status, 404, "{uri}");
    }
    assert!(get(&api, "holds-broken").await.broke_off);
}
