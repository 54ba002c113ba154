//! Adding a file, and moving it from one process to another.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use gadus_e2e::{Process, Role, gadus};

use crate::floor;
use crate::table::{Table, mib_s};

pub(crate) fn measure(table: &mut Table, mib: usize) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    write_random(&file, mib)?;
    let sha = floor::sha256(&file)?;
    let copy = floor::tcp_hash_append(&file)?;
    let mut one = Process::new(dir.path(), "one", Role::Both);
    one.start();
    let mut two = Process::new(dir.path(), "two", Role::Both).arg("--peer").arg(one.peer.clone());
    two.start();
    let began = Instant::now();
    let added = gadus(&one.api, &["add", "-q", &file.to_string_lossy()]);
    let add = began.elapsed();
    anyhow::ensure!(added.code == 0, "add: {}", added.stderr);
    let cid = added.stdout.trim().to_owned();
    share(table, &format!("content: add {mib} MiB, durable"), mib, (add, sha), ("SHA-256", 60));
    let began = Instant::now();
    let got =
        gadus(&two.api, &["get", "-q", &cid, "-o", &dir.path().join("got").to_string_lossy()]);
    let get = began.elapsed();
    anyhow::ensure!(got.code == 0, "get: {}", got.stderr);
    let name = format!("content: get {mib} MiB between processes, written out");
    share(table, &name, mib, (get, copy), ("TCP, hash, append", 40));
    Ok(())
}

fn share(
    table: &mut Table,
    name: &str,
    mib: usize,
    (ours, floor): (Duration, Duration),
    (what, aim): (&str, u32),
) {
    let share = floor.as_secs_f64() / ours.as_secs_f64() * 100.0;
    let got = format!("{:.0} MiB/s ({share:.0} %)", mib_s(mib, ours));
    let floor = format!("{what} {:.0} MiB/s", mib_s(mib, floor));
    table.row(name, &got, &floor, &format!("≥ {aim} %"));
}

/// Bytes that do not compress and are not zero.
fn write_random(path: &Path, mib: usize) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path)?;
    let mut block = vec![0_u8; 1 << 20];
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..mib {
        for word in block.chunks_exact_mut(8) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            word.copy_from_slice(&x.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}
