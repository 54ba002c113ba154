//! Adding files, moving them from one process to another, and reading them back; beside what the
//! machine can do, and beside a Kubo where there is one.

mod kubo;
mod make;

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use gadus_e2e::cli::command;
use gadus_e2e::{Process, Role, gadus};

use self::kubo::Kubo;
use crate::floor;
use crate::table::{Table, mib_s};

/// Files of the directory that is added.
const SMALL_FILES: usize = 50_000;

pub(crate) fn measure(table: &mut Table, mib: usize) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    make::random(&file, mib)?;
    let kubo = Kubo::beside(dir.path(), &file)?;
    let sha = floor::sha256(&file)?;
    let copy = floor::tcp_hash_append(&file)?;
    let mut one = Process::new(dir.path(), "one", Role::Both);
    one.start();
    let (cid, add) = added(&one, &file)?;
    let row = Row { table, mib };
    let kubo_add = kubo.as_ref().map(|kubo| kubo.add);
    let row = row.share("add, durable", add, ("SHA-256", sha, 80), kubo_add);
    let floor = ("TCP, hash, append", copy, 45);
    let beside = |name: &str| {
        let peer = one.peer.clone();
        let mut other = Process::new(dir.path(), name, Role::Both).arg("--peer").arg(peer);
        other.start();
        other
    };
    let other = beside("two");
    let fetch = timed(&other, &["store", "pin", &cid])?;
    drop(other);
    let pin = kubo.as_ref().map(|kubo| kubo.pin);
    let row = row.share("fetched from another process and kept", fetch, floor, pin);
    let out = dir.path().join("got");
    let get = timed(&beside("three"), &["get", "-q", &cid, "-o", &out.to_string_lossy()])?;
    let row = row.share("get from another process, written out as well", get, floor, None);
    let read = floor::read(&file)?;
    let (cat, kubo_cat) = (read_by_cat(&one, &cid)?, kubo.as_ref().map(|kubo| kubo.cat));
    let row = row.rate("cat of a local CID", cat, ("reading the file", read), kubo_cat);
    let gateway = read_by_gateway(&one, &cid)?;
    let kubo_gateway = kubo.as_ref().map(|kubo| kubo.gateway);
    row.rate("gateway, a local CID", gateway, ("reading the file", read), kubo_gateway);
    small_files(table, &one, dir.path(), kubo.as_ref())
}

fn small_files(
    table: &mut Table,
    node: &Process,
    dir: &Path,
    kubo: Option<&Kubo>,
) -> anyhow::Result<()> {
    let tree = dir.join("tree");
    make::small_files(&tree, SMALL_FILES)?;
    let floor = floor::hash_files(&tree)?;
    let theirs = kubo.map(|kubo| kubo.add_tree(&tree)).transpose()?;
    let (_, ours) = added(node, &tree)?;
    let got = format!("{:.2} s", ours.as_secs_f64());
    let floor = format!("reading and hashing {:.2} s{}", floor.as_secs_f64(), beside(ours, theirs));
    let name = format!("content: add {SMALL_FILES} small files, durable");
    table.row(&name, &got, &floor, "Kubo × 10");
    Ok(())
}

/// What a command of a node's takes.
fn timed(node: &Process, args: &[&str]) -> anyhow::Result<Duration> {
    floor::settle()?;
    let began = Instant::now();
    let done = gadus(&node.api, args);
    let took = began.elapsed();
    anyhow::ensure!(done.code == 0, "{}: {}", args.join(" "), done.stderr);
    Ok(took)
}

fn added(node: &Process, path: &Path) -> anyhow::Result<(String, Duration)> {
    floor::settle()?;
    let began = Instant::now();
    let added = gadus(&node.api, &["add", "-q", &path.to_string_lossy()]);
    let took = began.elapsed();
    anyhow::ensure!(added.code == 0, "add: {}", added.stderr);
    Ok((added.stdout.trim().to_owned(), took))
}

/// Through the command line, to nowhere.
fn read_by_cat(node: &Process, cid: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut cat = command();
    let cat = cat.env("GADUS_API", &node.api).args(["cat", cid]).stdout(Stdio::null());
    anyhow::ensure!(cat.status()?.success(), "cat failed");
    Ok(began.elapsed())
}

/// With `curl`, to nowhere.
fn read_by_gateway(node: &Process, cid: &str) -> anyhow::Result<Duration> {
    kubo::curl(&format!("{}/ipfs/{cid}", node.api))
}

/// By how much we are faster than Kubo, where there is one.
fn beside(ours: Duration, kubo: Option<Duration>) -> String {
    let Some(kubo) = kubo else { return String::new() };
    let times = kubo.as_secs_f64() / ours.as_secs_f64();
    format!("; Kubo {:.2} s (× {times:.1})", kubo.as_secs_f64())
}

/// A row about one file.
struct Row<'a> {
    table: &'a mut Table,
    mib: usize,
}

impl<'a> Row<'a> {
    /// A figure as a share of its floor.
    fn share(
        self,
        what: &str,
        ours: Duration,
        (floor_name, floor, aim): (&str, Duration, u32),
        kubo: Option<Duration>,
    ) -> Self {
        let share = floor.as_secs_f64() / ours.as_secs_f64() * 100.0;
        let got = format!("{:.0} MiB/s ({share:.0} %)", mib_s(self.mib, ours));
        let floor = format!("{floor_name} {:.0} MiB/s", mib_s(self.mib, floor));
        let name = format!("content: {} MiB, {what}", self.mib);
        self.table.row(
            &name,
            &got,
            &format!("{floor}{}", beside(ours, kubo)),
            &format!("≥ {aim} %"),
        );
        self
    }

    /// A figure that is to reach 1 GB/s.
    fn rate(
        self,
        what: &str,
        ours: Duration,
        (floor_name, floor): (&str, Duration),
        kubo: Option<Duration>,
    ) -> Self {
        let got = format!("{:.0} MiB/s", mib_s(self.mib, ours));
        let floor = format!("{floor_name} {:.0} MiB/s", mib_s(self.mib, floor));
        let name = format!("content: {} MiB, {what}", self.mib);
        self.table.row(&name, &got, &format!("{floor}{}", beside(ours, kubo)), "≥ 954 MiB/s");
        self
    }
}
