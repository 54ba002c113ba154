use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::fake_node::{FakeNode, Script};

/// Adds a path to a node that answers with this CID whatever it gets.
async fn add_to(cid: &str, path: &Path) -> Result<ImportResponse, Failure> {
    let node = FakeNode::start(Script { imported: cid.to_owned(), ..Script::default() }).await;
    let (session, _) = node.session();
    add_path(&session, path, Layout::default(), true).await
}

#[tokio::test]
async fn a_nodes_cid_is_held_against_the_one_computed_here() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hello.txt");
    fs::write(&file, "hello\n").unwrap();
    let cid = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am";
    assert_eq!(add_to(cid, &file).await.unwrap().cid, cid);
    let other = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    let Failure::Told(report) = add_to(other, &file).await.unwrap_err() else { panic!("told") };
    assert_eq!(report.exit.code(), 123);
    assert_eq!(report.what, format!("{} is not what the node took", file.display()));
    assert_eq!(
        report.causes,
        [format!("the node says it is {other}"), format!("what was sent is {cid}")]
    );
}

#[tokio::test]
async fn a_tree_of_any_shape_is_computed_from_what_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("a/b/empty")).unwrap();
    fs::write(dir.path().join("a/large"), vec![7; 5 << 20]).unwrap();
    fs::write(dir.path().join("a/.none"), "").unwrap();
    symlink("../a/large", dir.path().join("a/link")).unwrap();
    let Failure::Told(report) = add_to("x", dir.path()).await.unwrap_err() else { panic!("told") };
    let content = tempfile::tempdir().unwrap();
    let store = gadus_data::EmbeddedContent::open(
        content.path().join("store"),
        gadus_data::ContentConfig::default(),
    );
    let stored =
        store.unwrap().import_path(dir.path().to_owned(), Layout::default()).await.unwrap();
    assert_eq!(report.causes[1], format!("what was sent is {}", stored.root));
}
