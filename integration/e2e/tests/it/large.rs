//! More than the memory of a node: added, moved, and read back, within the memory that a node is to
//! get by with.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gadus_e2e::cli::command;
use gadus_e2e::{Network, Process};
use sha2::{Digest as _, Sha256};

/// What a node may take, whatever it moves.
const MEMORY_MAX_KIB: u64 = 200 << 10;
const FILE_MIB: u64 = 2 << 10;
const FILES: usize = 50_000;

fn add(node: &Process, path: &Path) -> String {
    node.gadus(&["add", "-q", path.to_str().unwrap()]).ok().trim().to_owned()
}

/// The most memory that a process has had at any time.
fn peak_kib(node: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", node.pid().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[track_caller]
fn assert_small(node: &Process) {
    let peak = peak_kib(node);
    assert!(peak < MEMORY_MAX_KIB, "it took {peak} KiB");
}

/// No MiB of it is like another.
fn write_numbers(path: &Path, mib: u64) -> Vec<u8> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut hash = Sha256::new();
    let mut block = vec![0_u8; 1 << 20];
    for nth in 0..mib {
        for (at, word) in block.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&(nth << 32 | at as u64).to_le_bytes());
        }
        hash.update(&block);
        file.write_all(&block).unwrap();
    }
    file.flush().unwrap();
    hash.finalize().to_vec()
}

/// The hash of a file that is read through the command line, as it comes.
fn hash_of(node: &Process, cid: &str) -> Vec<u8> {
    let mut cat = command();
    let cat = cat.env("GADUS_API", &node.api).args(["cat", cid]).stdout(Stdio::piped());
    let mut cat = cat.spawn().unwrap();
    let mut out = cat.stdout.take().unwrap();
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match out.read(&mut buffer).unwrap() {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    assert!(cat.wait().unwrap().success());
    hash.finalize().to_vec()
}

#[test]
fn a_file_that_no_memory_holds_moves_between_nodes_and_comes_back() {
    let mut network = Network::start(2);
    let file = network.dir.path().join("file");
    let hash = write_numbers(&file, FILE_MIB);
    let cid = add(&network.requester, &file);
    fs::remove_file(&file).unwrap();
    assert_small(&network.requester);
    // Killed on the way, and begun anew: what was there need not come again.
    let pinning = {
        let (api, cid) = (network.computes[0].api.clone(), cid.clone());
        std::thread::spawn(move || gadus_e2e::gadus(&api, &["store", "pin", &cid]))
    };
    network.until(Duration::from_secs(300), "a part of the file", || {
        let stat = network.computes[0].json(&["store", "stat"]);
        stat["BlockBytes"].as_u64().unwrap() > 200 << 20
    });
    network.computes[0].kill();
    let cut = pinning.join().unwrap();
    network.computes[0].start();
    network.until_known(2);
    let rest = network.computes[0].json(&["store", "pin", &cid]);
    let moved = rest["FetchedBytes"].as_u64().unwrap();
    assert!(cut.code == 0 || moved < (FILE_MIB - 200) << 20, "{moved} bytes came again");
    assert_small(&network.computes[0]);
    // Who has it moves nothing.
    let third = &network.computes[1];
    let moved = third.json(&["store", "pin", &cid])["FetchedBytes"].as_u64().unwrap();
    assert!(moved >= FILE_MIB << 20, "{moved}");
    assert_eq!(third.json(&["store", "pin", &cid])["FetchedBytes"], 0);
    network.requester.kill();
    network.computes[0].kill();
    assert_eq!(hash_of(&network.computes[1], &cid), hash);
    assert_small(&network.computes[1]);
}

#[test]
fn a_directory_of_many_files_moves_between_nodes_and_comes_back() {
    let network = Network::start(1);
    let tree = network.dir.path().join("tree");
    for nth in 0..FILES {
        let dir = tree.join(format!("{}", nth / 1_000));
        if nth % 1_000 == 0 {
            fs::create_dir_all(&dir).unwrap();
        }
        fs::write(dir.join(format!("file-{nth}")), format!("the {nth}th of them")).unwrap();
    }
    let wide = tree.join("wide");
    fs::create_dir(&wide).unwrap();
    for nth in 0..FILES / 10 {
        fs::write(wide.join(format!("one-of-many-{nth:060}")), format!("{nth}")).unwrap();
    }
    let cid = add(&network.requester, &tree);
    assert_small(&network.requester);
    let other = &network.computes[0];
    assert!(other.json(&["store", "pin", &cid])["FetchedBytes"].as_u64().unwrap() > 1 << 20);
    assert_small(other);
    let out = network.dir.path().join("out");
    other.gadus(&["get", &cid, "-o", out.to_str().unwrap()]).ok();
    assert_small(other);
    // The same CID is the same tree.
    assert_eq!(add(other, &out), cid);
}
