//! Trees as CARs: out of one node, into another. Results as compressed tars, where the publisher
//! `local` says that they are.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use gadus_e2e::cli::{command, run};
use gadus_e2e::{Network, Shared, gadus};

static NETWORK: Shared<Network> = Shared::new();

/// Two nodes; nothing that is added to the first is on the second by itself.
fn network() -> Arc<Network> {
    NETWORK.get(|| Network::start(1))
}

fn tree(dir: &Path) {
    fs::create_dir_all(dir.join("a/b")).unwrap();
    fs::write(dir.join("a/b/large"), vec![7; 3 << 20]).unwrap();
    fs::write(dir.join("a/small"), "small").unwrap();
    fs::write(dir.join("again"), "small").unwrap();
    std::os::unix::fs::symlink("a/small", dir.join("link")).unwrap();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_exported_can_be_imported_elsewhere() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    tree(&dir.path().join("tree"));
    let cid = network.gadus(&["add", path(&dir.path().join("tree"))]).ok().trim().to_owned();
    let car = dir.path().join("tree.car");
    let said = network.gadus(&["export", &cid, "-o", path(&car)]);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:#?}");
    // To a pipe go the same bytes.
    let piped = dir.path().join("piped.car");
    let out = Stdio::from(File::create(&piped).unwrap());
    let mut export = command();
    export.env("GADUS_API", &network.requester.api).args(["export", &cid]).stdout(out);
    assert!(export.status().unwrap().success());
    assert!(fs::read(&car).unwrap() == fs::read(&piped).unwrap());

    let there = &network.computes[0].api;
    assert_eq!(gadus(there, &["import", path(&car)]).ok().trim(), cid);
    let from_stdin = run(command()
        .env("GADUS_API", there)
        .args(["import", "-", "--output", "json"])
        .stdin(File::open(&car).unwrap()));
    let imported = from_stdin.json();
    assert_eq!(
        (imported["CID"].as_str(), imported["Roots"][0].as_str()),
        (Some(&*cid), Some(&*cid))
    );
    // What is there twice counts once.
    assert_eq!(imported["Files"], 2, "{imported}");
    let back = dir.path().join("back");
    assert_eq!(gadus(there, &["get", &cid, "-o", path(&back)]).code, 0);
    assert!(fs::read(back.join("a/b/large")).unwrap() == vec![7; 3 << 20]);
    assert_eq!(fs::read_link(back.join("link")).unwrap(), Path::new("a/small"));

    // Under a path: what stands there is the root.
    let part = dir.path().join("part.car");
    let what = format!("{cid}/a/b");
    assert_eq!(network.gadus(&["export", &what, "-o", path(&part)]).code, 0);
    let root = network.gadus(&["import", path(&part)]).ok();
    let listed = network.gadus(&["ls", root.trim(), "--output", "json"]).json();
    assert_eq!(listed["Entries"][0]["Name"], "large");
}

#[test]
fn what_is_elsewhere_is_fetched_as_it_is_exported() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("many")).unwrap();
    for nth in 0..300 {
        fs::write(tree.join(format!("many/{nth}")), format!("far {nth}")).unwrap();
    }
    fs::write(tree.join("large"), vec![11; 5 << 20]).unwrap();
    let cid = network.gadus(&["add", path(&tree)]).ok().trim().to_owned();
    let (near, far) = (dir.path().join("near.car"), dir.path().join("far.car"));
    let there = gadus(&network.computes[0].api, &["export", &cid, "-o", path(&far)]);
    assert_eq!(there.code, 0, "{there:#?}");
    assert_eq!(network.gadus(&["export", &cid, "-o", path(&near)]).code, 0);
    assert!(fs::read(near).unwrap() == fs::read(far).unwrap(), "every block, in the same order");
}

#[test]
fn a_file_that_is_there_is_kept() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let car = dir.path().join("x.car");
    fs::write(&car, "mine").unwrap();
    let cid = network.gadus(&["add", path(&car)]).ok().trim().to_owned();
    let said = network.gadus(&["export", &cid, "-o", path(&car)]);
    assert!(said.code != 0 && said.stderr.contains("is there already"), "{said:#?}");
    assert_eq!(fs::read(&car).unwrap(), b"mine");
    let none = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    let other = dir.path().join("y.car");
    let said = network.gadus(&["export", none, "-o", path(&other)]);
    assert!(said.code != 0 && said.stderr.contains(none), "{said:#?}");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["x.car"]);
}

#[test]
fn a_car_that_is_cut_is_refused_by_the_block() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let (file, car) = (dir.path().join("file"), dir.path().join("file.car"));
    fs::write(&file, vec![9; 1_234_567]).unwrap();
    let cid = network.gadus(&["add", path(&file)]).ok().trim().to_owned();
    assert_eq!(network.gadus(&["export", &cid, "-o", path(&car)]).code, 0);
    let whole = fs::read(&car).unwrap();
    fs::write(&car, &whole[..whole.len() - 7]).unwrap();
    let said = gadus(&network.computes[0].api, &["import", path(&car)]);
    assert_ne!(said.code, 0);
    assert!(said.stderr.contains("in the middle of block bafkrei"), "{said:#?}");
    assert!(said.stderr.contains("failed to import"), "{said:#?}");
}

#[test]
fn a_result_is_an_archive_on_the_node_that_has_it() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    tree(&dir.path().join("tree"));
    let cid = network.gadus(&["add", path(&dir.path().join("tree"))]).ok().trim().to_owned();
    let url = format!("/api/v1/archives/{cid}/e-ec6f3977-3818-42ac-a691-19fb015ec67c.tar.gz");
    let answer = gadus_e2e::Http::new(&network.requester.api).get(&url);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/gzip"));
    let archive = dir.path().join("archive");
    fs::write(&archive, &answer.body).unwrap();
    let back = dir.path().join("back");
    fs::create_dir(&back).unwrap();
    let mut tar = std::process::Command::new("tar");
    assert!(tar.arg("-xzf").arg(&archive).arg("-C").arg(&back).status().unwrap().success());
    assert_eq!(network.gadus(&["add", path(&back)]).ok().trim(), cid);
    // Another node does not fetch it to serve it.
    let elsewhere = gadus_e2e::Http::new(&network.computes[0].api).get(&url);
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.text());
}
