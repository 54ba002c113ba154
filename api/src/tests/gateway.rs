//! Reading content by its CID.

use std::collections::BTreeMap;
use std::io::Read;

use axum::body::Body;
use axum::http::Request;
use gadus_model::Cid;
use gadus_ports::{CarPart, EntityBytes, Scope};
use serde_json::json;

use super::{Api, Reply};
use crate::fake::Tree;
use crate::fake::sample::cid;
use crate::limits::ApiLimits;
use crate::service::Reach;
use crate::state::ApiConfig;

/// `root/{a <b>.txt, sub/{deep.bin, link}}`, and odd ones.
fn content() -> BTreeMap<Cid, Tree> {
    let long = "n".repeat(150);
    BTreeMap::from([
        (cid("text"), Tree::File("0123456789".into())),
        (cid("bin"), Tree::File(vec![0_u8; 3000].into())),
        (cid("link"), Tree::Link("../a <b>.txt".into())),
        (
            cid("sub"),
            Tree::Directory(vec![
                ("deep.bin".into(), cid("bin")),
                ("link".into(), cid("link")),
                (long, cid("text")),
            ]),
        ),
        (
            cid("root"),
            Tree::Directory(vec![("a <b>.txt".into(), cid("text")), ("sub".into(), cid("sub"))]),
        ),
        (cid("page"), Tree::File("<p>hi</p>".into())),
        (cid("site"), Tree::Directory(vec![("index.html".into(), cid("page"))])),
        (cid("odd"), Tree::Directory(vec![("index.html".into(), cid("sub"))])),
        (plain(0x71), Tree::Plain(hex::decode("a16161f6").unwrap().into())),
        (plain(0x0129), Tree::Plain(r#"{"a":null}"#.into())),
        (cid("evil"), Tree::Directory(vec![("../up".into(), cid("text"))])),
        (cid("broken"), Tree::Broken("0123".into())),
        (cid("holds-broken"), Tree::Directory(vec![("b".into(), cid("broken"))])),
        (cid("lacks"), Tree::Directory(vec![("gone".into(), cid("gone"))])),
    ])
}

/// The CID of a block of some codec.
fn plain(codec: u64) -> Cid {
    Cid::new_v1(codec, *cid("plain").hash())
}

pub(super) fn api() -> Api {
    let api = Api::empty();
    api.fake.inner().content = content();
    api
}

async fn get(api: &Api, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_file_comes_with_headers_that_keep_it_a_file() {
    let (api, root) = (api(), cid("root"));
    let reply = api.get(&format!("/ipfs/{root}/a%20%3Cb%3E.txt")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "0123456789"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.header("content-length"), "10");
    assert_eq!(reply.header("etag"), format!("\"{}\"", cid("text")));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert!(reply.header("content-security-policy").starts_with("sandbox"));
    assert!(reply.header("cache-control").contains("immutable"));
    assert_eq!(reply.header("x-ipfs-path"), format!("/ipfs/{root}/a <b>.txt"));
    assert_eq!(reply.header("x-ipfs-roots"), format!("{root},{}", cid("text")));
    let head = Request::head(format!("/ipfs/{}", cid("text"))).body(Body::empty()).unwrap();
    let reply = api.send(head).await;
    assert_eq!((reply.body.len(), reply.header("content-length")), (0, "10"));
}

#[tokio::test]
async fn ranges_are_served() {
    let (api, path) = (api(), format!("/ipfs/{}", cid("text")));
    let range = async |range: &str| get(&api, &path, &[("range", range)]).await;
    let reply = range("bytes=2-4").await;
    assert_eq!((reply.status, reply.text().as_str()), (206, "234"));
    assert_eq!(reply.header("content-range"), "bytes 2-4/10");
    assert_eq!(range("bytes=-2").await.text(), "89");
    let reply = range("bytes=10-").await;
    assert_eq!((reply.status, reply.header("content-range")), (416, "bytes */10"));
    assert_eq!(range("bytes=0-1,3-4").await.text(), "01");
    assert_eq!(range("lines=0-1").await.status, 400);
    let stale = get(&api, &path, &[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await;
    assert_eq!((stale.status, stale.body.len()), (200, 10));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let (api, path) = (api(), format!("/ipfs/{}", cid("text")));
    let tag = format!("\"{}\"", cid("text"));
    for tags in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let reply = get(&api, &path, &[("if-none-match", &tags)]).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{tags}");
    }
    assert_eq!(get(&api, &path, &[("if-none-match", "\"x\"")]).await.status, 200);
    assert_eq!(get(&api, &path, &[("if-match", "\"x\"")]).await.status, 412);
    assert_eq!(get(&api, &path, &[("if-match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn a_name_of_the_query_is_what_it_is_saved_as() {
    let (api, path) = (api(), format!("/ipfs/{}", cid("text")));
    let reply = api.get(&format!("{path}?filename=%C3%A9.csv")).await;
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    let named = "filename=\"_.csv\"; filename*=UTF-8''%C3%A9.csv";
    assert_eq!(reply.header("content-disposition"), format!("inline; {named}"));
    let reply = api.get(&format!("{path}?filename=%C3%A9.csv&download=true")).await;
    assert_eq!(reply.header("content-disposition"), format!("attachment; {named}"));
}

#[tokio::test]
async fn a_directory_is_asked_for_with_a_slash_and_may_have_an_index() {
    let (api, site) = (api(), cid("site"));
    let reply = api.get(&format!("/ipfs/{site}?a=b%20c")).await;
    assert_eq!(reply.status, 301);
    assert_eq!(reply.header("location"), format!("/ipfs/{site}/?a=b%20c"));
    let reply = api.get(&format!("/ipfs/{site}/")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "<p>hi</p>"));
    assert_eq!(reply.header("content-type"), "text/html");
    assert_eq!(reply.header("etag"), format!("\"{site}\""));
    assert_eq!(reply.header("x-ipfs-path"), format!("/ipfs/{site}/"));
    assert!(reply.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert_eq!(api.get(&format!("/ipfs/{}/", cid("odd"))).await.status, 422);
}

#[tokio::test]
async fn some_requests_lead_elsewhere() {
    let (api, root) = (api(), cid("root"));
    for (from, to) in [
        (format!("/ipfs/?uri=ipfs://{root}/a%20b"), format!("/ipfs/{root}/a%20b")),
        (format!("/ipfs/ipfs/{root}/sub?x=1"), format!("/ipfs/{root}/sub?x=1")),
    ] {
        let reply = api.get(&from).await;
        assert_eq!((reply.status, reply.header("location")), (301, to.as_str()), "{from}");
    }
    assert_eq!(api.get("/ipfs/?uri=https://example.com").await.error().0, 400);
    assert_eq!(api.get(&format!("/ipns/{root}/x")).await.error().0, 501);
    let path = format!("/ipfs/{}", cid("text"));
    assert_eq!(get(&api, &path, &[("service-worker", "script")]).await.error().0, 400);
}

#[tokio::test]
async fn what_is_here_can_be_asked_for_alone() {
    let (api, here) = (api(), [("cache-control", "only-if-cached")]);
    assert_eq!(get(&api, &format!("/ipfs/{}", cid("text")), &here).await.text(), "0123456789");
    assert_eq!(get(&api, &format!("/ipfs/{}", cid("gone")), &here).await.error().0, 412);
    assert_eq!(api.fake.inner().reaches, [Reach::Here, Reach::Anywhere, Reach::Here]);
}

#[tokio::test]
async fn plain_blocks_come_as_they_are_and_in_other_codecs() {
    let (api, cbor, json) = (api(), plain(0x71), plain(0x0129));
    let reply = api.get(&format!("/ipfs/{cbor}")).await;
    assert_eq!(hex::encode(&reply.body), "a16161f6");
    assert_eq!(reply.header("content-type"), "application/vnd.ipld.dag-cbor");
    assert_eq!(reply.header("etag"), format!("\"{cbor}.dag-cbor\""));
    let name = format!("filename=\"{cbor}.cbor\"; filename*=UTF-8''{cbor}.cbor");
    assert_eq!(reply.header("content-disposition"), format!("attachment; {name}"));
    let part = get(&api, &format!("/ipfs/{cbor}"), &[("range", "bytes=1-2")]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "aa"));

    let reply = api.get(&format!("/ipfs/{cbor}?format=dag-json")).await;
    assert_eq!(reply.text(), r#"{"a":null}"#);
    assert!(reply.header("content-disposition").starts_with("inline"));
    let reply = get(&api, &format!("/ipfs/{json}"), &[("accept", "application/json")]).await;
    assert_eq!(
        (reply.text().as_str(), reply.header("content-type")),
        (r#"{"a":null}"#, "application/json")
    );
    assert_eq!(reply.header("content-location"), format!("/ipfs/{json}?format=json"));
    let reply = api.get(&format!("/ipfs/{json}?format=dag-cbor")).await;
    assert_eq!(hex::encode(&reply.body), "a16161f6");
    assert_eq!(api.get(&format!("/ipfs/{cbor}?format=json")).await.error().0, 400);
    assert_eq!(api.get(&format!("/ipfs/{cbor}/a")).await.error().0, 501);
    let bytes = api.get(&format!("/ipfs/{}?format=dag-json", cid("text"))).await;
    assert_eq!(bytes.text(), r#"{"/":{"bytes":"MDEyMzQ1Njc4OQ"}}"#);
}

#[tokio::test]
async fn a_car_is_asked_for_by_query_or_by_accept() {
    let (api, root) = (api(), cid("root"));
    let reply = api.get(&format!("/ipfs/{root}/sub?format=car&dag-scope=entity")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "a car"));
    assert_eq!(
        reply.header("content-type"),
        "application/vnd.ipld.car; version=1; order=dfs; dups=n"
    );
    assert_eq!(reply.header("accept-ranges"), "none");
    assert!(reply.header("content-disposition").contains(&format!("\"{root}_sub.car\"")));
    let tag = reply.header("etag").to_owned();
    let path = format!("/ipfs/{root}/sub?dag-scope=entity&entity-bytes=0:9");
    let accept = "application/vnd.ipld.car; order=unk; dups=y";
    let other = get(&api, &path, &[("accept", accept), ("if-none-match", &tag)]).await;
    assert_eq!(
        other.header("content-type"),
        "application/vnd.ipld.car; version=1; order=unk; dups=y"
    );
    assert_eq!(
        other.header("content-location"),
        format!(
            "/ipfs/{root}/sub?car-dups=y&car-order=unk&dag-scope=entity&entity-bytes=0%3A9&format=car"
        )
    );
    let known = [("accept", accept), ("if-none-match", other.header("etag"))];
    assert_eq!(get(&api, &path, &known).await.status, 304);
    let head = Request::head(&path).header("accept", accept).body(Body::empty()).unwrap();
    assert_eq!(api.send(head).await.body.len(), 0);
    let entity = CarPart { scope: Scope::Entity, ..CarPart::default() };
    let bytes = EntityBytes { from: 0, to: Some(9) };
    assert_eq!(
        api.fake.inner().cars,
        [
            (root, "sub".to_owned(), entity),
            (root, "sub".to_owned(), CarPart { bytes, dups: true, ..entity }),
            // Of which only the head was sent.
            (root, "sub".to_owned(), CarPart { bytes, dups: true, ..entity }),
        ]
    );
    let broken = api.get(&format!("/ipfs/{}?format=car", cid("broken"))).await;
    assert!(broken.status == 200 && broken.broke_off, "a part is not the whole");
    for bad in ["dag-scope=x", "entity-bytes=9:1", "car-version=2", "car-order=x", "car-dups=x"] {
        let path = format!("/ipfs/{root}?format=car&{bad}");
        assert_eq!(api.get(&path).await.error().0, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_directory_is_listed_for_people_and_programs() {
    let (api, root) = (api(), cid("root"));
    let page =
        get(&api, &format!("/ipfs/{root}/"), &[("accept", "text/html,application/xhtml+xml")])
            .await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(!page.header("cache-control").contains("immutable"));
    let html = page.text();
    let link = format!("<a href=\"/ipfs/{root}/a%20%3Cb%3E.txt\">a &lt;b&gt;.txt</a>");
    assert!(html.contains(&link), "{html}");
    assert!(html.contains(&format!("<a href=\"/ipfs/{root}/sub/\">sub/</a>")), "{html}");
    let known = [("if-none-match", page.header("etag"))];
    assert_eq!(get(&api, &format!("/ipfs/{root}/"), &known).await.status, 304);
    let by_accept = get(&api, &format!("/ipfs/{root}"), &[("accept", "application/json")]).await;
    let by_format = api.get(&format!("/ipfs/{root}?format=json")).await;
    assert_eq!(by_accept.value(), by_format.value());
    assert_eq!(
        by_format.value(),
        json!({"CID": root.to_string(), "Type": "directory", "Size": 0, "Target": "", "Entries": [
            {"Name": "a <b>.txt", "CID": cid("text").to_string(), "Type": "file", "Size": 10},
            {"Name": "sub", "CID": cid("sub").to_string(), "Type": "directory", "Size": 2},
        ]})
    );
    let file = api.get(&format!("/ipfs/{root}/sub/deep.bin?format=listing")).await.value();
    assert_eq!((file["Type"].as_str(), file["Size"].as_u64()), (Some("file"), Some(3000)));
    let file = api.get(&format!("/ipfs/{root}/sub/deep.bin?format=json")).await;
    assert_eq!(file.body.len(), 3000, "a file is what it is");
    let link = api.get(&format!("/ipfs/{root}/sub/link?format=listing")).await.value();
    assert_eq!(link["Target"], "../a <b>.txt");
}

/// Path, kind and content of each entry of a tar.
pub(super) fn unpacked(tar: &[u8]) -> Vec<(String, tar::EntryType, String)> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let kind = entry.header().entry_type();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let link = entry.link_name().unwrap().map(|l| l.to_str().unwrap().to_owned());
        (path, kind, link.unwrap_or_else(|| text.trim_matches('\0').to_owned()))
    });
    entries.collect()
}

#[tokio::test]
async fn a_tree_comes_as_a_tar() {
    let (api, root) = (api(), cid("root"));
    let reply = api.get(&format!("/ipfs/{root}?format=tar")).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/x-tar"));
    assert!(!reply.broke_off);
    let long = "n".repeat(150);
    let expected = [
        (format!("{root}/"), tar::EntryType::Directory, ""),
        (format!("{root}/a <b>.txt"), tar::EntryType::Regular, "0123456789"),
        (format!("{root}/sub/"), tar::EntryType::Directory, ""),
        (format!("{root}/sub/deep.bin"), tar::EntryType::Regular, ""),
        (format!("{root}/sub/link"), tar::EntryType::Symlink, "../a <b>.txt"),
        (format!("{root}/sub/{long}"), tar::EntryType::Regular, "0123456789"),
    ];
    let expected = expected.map(|(path, kind, text)| (path, kind, text.to_owned()));
    assert_eq!(unpacked(&reply.body), expected);
    assert_eq!(reply.body.len() % 512, 0);

    let one =
        get(&api, &format!("/ipfs/{root}/sub/link"), &[("accept", "application/x-tar")]).await;
    let entry = ("link".to_owned(), tar::EntryType::Symlink, "../a <b>.txt".to_owned());
    assert_eq!(unpacked(&one.body), [entry]);
}

#[tokio::test]
async fn a_tree_that_cannot_be_read_to_its_end_breaks_the_tar() {
    let api = api();
    for root in ["evil", "holds-broken", "lacks"] {
        let reply = api.get(&format!("/ipfs/{}?format=tar", cid(root))).await;
        assert!(reply.status == 200 && reply.broke_off, "{root}");
    }
    let limits = ApiLimits { tree_depth_max: 1, ..ApiLimits::default() };
    let shallow = Api::with(api.fake, ApiConfig { limits, ..ApiConfig::default() });
    assert!(shallow.get(&format!("/ipfs/{}?format=tar", cid("root"))).await.broke_off);
    assert!(!shallow.get(&format!("/ipfs/{}?format=tar", cid("text"))).await.broke_off);
}

#[tokio::test]
async fn blocks_come_as_they_are() {
    let (api, root) = (api(), cid("root"));
    let reply = api.get(&format!("/ipfs/{root}/sub/deep.bin?format=raw")).await;
    assert_eq!(
        (reply.body.len(), reply.header("content-type")),
        (3000, "application/vnd.ipld.raw")
    );
    let reply =
        get(&api, &format!("/ipfs/{root}"), &[("accept", "application/vnd.ipld.raw")]).await;
    assert_eq!(reply.text(), "dag-pb");
    let part = get(&api, &format!("/ipfs/{root}?format=raw"), &[("range", "bytes=-2")]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "pb"));
    assert_eq!(api.get(&format!("/ipfs/{root}?format=zip")).await.error().0, 400);
}

#[tokio::test]
async fn what_is_not_there_says_why() {
    let (api, root) = (api(), cid("root"));
    let (status, _, message) = api.get(&format!("/ipfs/{}", cid("gone"))).await.error();
    assert_eq!(status, 404);
    assert!(message.starts_with("nobody has block"), "{message}");
    let reply = api.get(&format!("/ipfs/{root}/sub/nope")).await;
    let expected = format!("no 'nope' under {}", cid("sub"));
    assert_eq!((reply.error().0, reply.error().2), (404, expected));
    assert!(reply.value()["Hint"].is_string());
    for bad in ["..", "%2e%2e/x", "a%2fb", "%00", "%zz"] {
        assert_eq!(api.get(&format!("/ipfs/{root}/{bad}")).await.error().0, 400, "{bad}");
    }
    assert_eq!(api.get("/ipfs/nonsense").await.error().0, 400);
}
