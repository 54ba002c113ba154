//! From `serve` to ready, and what an idle node takes.

use std::time::{Duration, Instant};

use gadus_e2e::{Process, Role};

use crate::table::{Table, ms, percentile};

pub(crate) fn measure(table: &mut Table) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut samples = Vec::new();
    let mut node = Process::new(dir.path(), "node", Role::Both);
    for _ in 0..5 {
        let began = Instant::now();
        node.start();
        samples.push(began.elapsed());
        if samples.len() < 5 {
            node.terminate();
        }
    }
    table.row("start: serve to ready", &ms(percentile(&mut samples, 0.5)), "", "< 300 ms");
    std::thread::park_timeout(Duration::from_secs(2));
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid().unwrap_or(0)))?;
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    let kib: u64 = rss.trim().trim_end_matches(" kB").trim().parse()?;
    table.row("start: idle memory", &format!("{} MiB", kib >> 10), "", "< 80 MB");
    Ok(())
}
