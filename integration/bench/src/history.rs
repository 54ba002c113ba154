//! Submitting beside many finished jobs.

use std::sync::Arc;
use std::time::Instant;

use gadus_e2e::{Process, Role};
use gadus_model::event::Record;
use gadus_model::view::JobView;
use gadus_ports::fake::sample;
use gadus_ports::{Folder, Store};
use gadus_store::{LogStore, StoreConfig};

use crate::jobs::{Client, wasm};
use crate::table::{Table, ms, percentile};

pub(crate) async fn measure(table: &mut Table, finished: u32) -> anyhow::Result<()> {
    for n in [1_000, finished] {
        let dir = tempfile::tempdir()?;
        let mut node = Process::new(dir.path(), "node", Role::Requester);
        fill(&node, n).await?;
        let began = Instant::now();
        node.start();
        let ready = began.elapsed();
        let client = Client::new(&node.api)?;
        let job = wasm("bafkreidtg3lbupvculum2bptpvquiyg24engatrhv3xyfd25yt62o43byy");
        let mut samples = Vec::new();
        for _ in 0..300 {
            let began = Instant::now();
            client.put(&job).await?;
            samples.push(began.elapsed());
        }
        let got = format!("{} (ready in {})", ms(percentile(&mut samples, 0.5)), ms(ready));
        table.row(&format!("history: submit beside {n} finished jobs, p50"), &got, "", "the same");
    }
    Ok(())
}

struct Nothing;

impl Folder for Nothing {
    fn apply(&mut self, _record: Record) -> Option<JobView> {
        None
    }
}

/// A requester's log and index with finished jobs in it.
async fn fill(node: &Process, finished: u32) -> anyhow::Result<()> {
    let dir = node.data_dir.join("requester");
    std::fs::create_dir_all(&dir)?;
    let store = LogStore::open(&dir, &StoreConfig::default(), &mut Nothing)?;
    for n in 0..finished {
        let ticket = store.append(vec![sample::ended(n, 2)]);
        store.fold(Arc::new(sample::view(n)));
        if n % 1_000 == 999 {
            ticket.await?;
        }
    }
    store.checkpoint(Vec::new()).await?;
    Ok(())
}
