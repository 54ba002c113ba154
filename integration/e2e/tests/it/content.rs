//! Content: what goes in comes out, by whatever way.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;

use gadus_e2e::cli::command;
use gadus_e2e::{Http, Network, Shared, gadus};
use reqwest::Method;

static NETWORK: Shared<Network> = Shared::new();

fn network() -> Arc<Network> {
    NETWORK.get(|| Network::start(1))
}

/// Adds a path, whose CID is computed on both sides.
fn add(network: &Network, path: &Path) -> String {
    network.gadus(&["add", "--check", path.to_str().unwrap()]).ok().trim().to_owned()
}

fn get(api: &str, cid: &str, to: &Path) {
    let said = gadus(api, &["get", cid, "-o", to.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:#?}");
}

#[test]
fn a_file_has_kubos_cid_and_comes_back() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hello.txt");
    fs::write(&file, "hello\n").unwrap();
    let cid = add(&network, &file);
    assert_eq!(cid, "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");
    assert_eq!(network.gadus(&["cat", &cid]).ok(), "hello\n");
    assert_eq!(network.gadus(&["cat", &format!("ipfs://{cid}")]).ok(), "hello\n");
    // What is there already is not overwritten unless asked for.
    let there = dir.path().join("there");
    get(&network.requester.api, &cid, &there);
    let again = network.gadus(&["get", &cid, "-o", there.to_str().unwrap()]);
    assert_ne!(again.code, 0, "{again:#?}");
}

#[test]
fn an_odd_tree_comes_back_as_it_was() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(tree.join("deep/er/still")).unwrap();
    fs::create_dir(tree.join("empty dir")).unwrap();
    fs::write(tree.join("empty"), "").unwrap();
    fs::write(tree.join(".hidden"), "h").unwrap();
    fs::write(tree.join("späce & <ümlaut> %41 #?"), "odd").unwrap();
    fs::write(tree.join("-dash"), "d").unwrap();
    fs::write(tree.join("deep/er/still/f"), vec![7; 3 << 20]).unwrap();
    symlink("../-dash", tree.join("deep/link")).unwrap();
    let many = tree.join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..2_000 {
        fs::write(many.join(format!("file-{n}")), n.to_string()).unwrap();
    }
    let cid = add(&network, &tree);
    assert_eq!(add(&network, &tree), cid, "the same again");

    let back = dir.path().join("back");
    get(&network.requester.api, &cid, &back);
    assert_eq!(add(&network, &back), cid, "and the same after a turn");
    assert_eq!(fs::read_link(back.join("deep/link")).unwrap(), Path::new("../-dash"));
    assert!(back.join("empty dir").is_dir());

    let listed = network.gadus(&["ls", &cid]).ok();
    for name in [".hidden", "-dash", "deep", "empty", "späce & <ümlaut> %41 #?"] {
        assert!(listed.contains(name), "{name} is in\n{listed}");
    }
    let many = network.gadus(&["ls", &format!("{cid}/many"), "--output", "json"]).ok();
    assert_eq!(many.matches("file-").count(), 2_000);
    let odd = format!("{cid}/späce & <ümlaut> %41 #?");
    assert_eq!(network.gadus(&["cat", &odd]).ok(), "odd");
    let missing = network.gadus(&["cat", &format!("{cid}/nowhere")]);
    assert_eq!(missing.code, 123, "{missing:#?}");
}

#[test]
fn a_large_file_goes_from_one_node_to_the_other() {
    const MIB: usize = 100;
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large");
    let mut file = File::create(&path).unwrap();
    for n in 0..MIB {
        let line = format!("{n:015}\n");
        file.write_all(&line.repeat((1 << 20) / line.len()).into_bytes()).unwrap();
    }
    drop(file);
    let cid = add(&network, &path);
    // From the compute node, which has none of it.
    let back = dir.path().join("back");
    get(&network.computes[0].api, &cid, &back);
    assert!(fs::read(&path).unwrap() == fs::read(&back).unwrap(), "every byte is the same");
}

#[test]
fn the_gateway_answers_as_curl_expects() {
    let network = network();
    let http = Http::new(&network.requester.api);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("page.html"), "<p>0123456789</p>").unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let cid = add(&network, dir.path());
    let at = format!("/ipfs/{cid}/page.html");

    let whole = http.get(&at);
    assert_eq!((whole.status, whole.text().as_str()), (200, "<p>0123456789</p>"));
    // Other people's pages are shown, and must not run as pages of the node.
    assert_eq!(whole.header("content-type"), "text/html");
    assert!(whole.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("cache-control").contains("immutable"));

    let part = http.send(&Method::GET, &at, &[("range", "bytes=3-12")], Vec::new());
    assert_eq!((part.status, part.text().as_str()), (206, "0123456789"));
    let past = http.send(&Method::GET, &at, &[("range", "bytes=900-")], Vec::new());
    assert_eq!(past.status, 416);
    let etag = whole.header("etag").to_owned();
    let known = http.send(&Method::GET, &at, &[("if-none-match", &etag)], Vec::new());
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = http.send(&Method::HEAD, &at, &[], Vec::new());
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "17", 0));

    let listing = http.get(&format!("/ipfs/{cid}/"));
    assert_eq!(listing.status, 200);
    assert!(listing.text().contains("page.html") && listing.text().contains("sub"));
    assert_eq!(http.get(&format!("/ipfs/{cid}/nowhere")).status, 404);
    assert_eq!(http.get("/ipfs/nonsense").status, 400);
}

#[test]
fn content_is_posted_as_a_file_or_as_a_tar() {
    let network = network();
    let http = Http::new(&network.requester.api);
    let file = http.send(&Method::POST, "/api/v1/content", &[], b"hello\n".to_vec()).ok();
    assert_eq!(file["CID"], "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am");

    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_mode(0o644);
    tar.append_data(&mut header, "a/b.txt", &b"deep"[..]).unwrap();
    let headers = [("content-type", "application/x-tar")];
    let body = tar.into_inner().unwrap();
    let tree = http.send(&Method::POST, "/api/v1/content", &headers, body).ok();
    let cid = tree["CID"].as_str().unwrap();
    // The one entry at the top is the root.
    assert_eq!(network.gadus(&["cat", &format!("{cid}/b.txt")]).ok(), "deep");
}

#[test]
fn what_is_no_file_is_not_printed() {
    let network = network();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    symlink("sub/gone", dir.path().join("link")).unwrap();
    let cid = add(&network, dir.path());
    for (path, expected) in [("sub", "is a directory"), ("link", "is a symlink to 'sub/gone'")] {
        let said = network.gadus(&["cat", &format!("{cid}/{path}")]);
        assert_eq!((said.code, said.stdout.as_str()), (120, ""), "{said:#?}");
        assert!(said.stderr.contains(expected) && said.stderr.contains("hint: "), "{said:#?}");
    }
}

/// From a node that sends a part of a tree and then nothing more.
#[test]
fn a_fetch_that_is_interrupted_leaves_nothing_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = listener.local_addr().unwrap().to_string();
    let (sent, is_sent) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        let mut header = tar::Header::new_gnu();
        header.set_size(1 << 20);
        header.set_mode(0o644);
        header.set_path("root").unwrap();
        header.set_cksum();
        let begin = "HTTP/1.1 200 OK\r\ncontent-length: 1050112\r\n\r\n";
        stream.write_all(begin.as_bytes()).unwrap();
        stream.write_all(header.as_bytes()).unwrap();
        stream.write_all(&[7; 1000]).unwrap();
        sent.send(()).unwrap();
        // Until the other side is gone.
        let _ = stream.read(&mut head);
    });
    let dir = tempfile::tempdir().unwrap();
    let cid = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am";
    let mut get = command();
    get.env("GADUS_API", api).args(["get", cid, "-o", "out"]).current_dir(dir.path());
    let get = get.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    is_sent.recv().unwrap();
    // It has begun to write what it read: so it listens to signals.
    let has_begun = || {
        fs::read_dir(dir.path()).unwrap().flatten().any(|entry| entry.path().join("out").exists())
    };
    while !has_begun() {
        std::thread::yield_now();
    }
    let interrupt = Command::new("kill").args(["-INT", &get.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let said = get.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("was interrupted") && stderr.contains("nothing of it"), "{stderr}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
