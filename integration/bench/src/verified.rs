//! What it costs that several nodes come to a result, and what it saves that it is known then.

use std::time::{Duration, Instant};

use gadus_auth::{NodeKey, sign_receipt, verify_receipt};
use gadus_e2e::Network;
use gadus_model::codec::{self, RAW, cid_of};
use gadus_model::receipt::RECEIPT_VERSION;
use gadus_model::{Receipt, ReceiptBody, Usage};
use serde_json::{Value, json};

use crate::jobs::{Client, NOOP, wasm};
use crate::table::{Table, ms, percentile};

/// A loop that takes about 50 ms on the machines that these figures are aimed at.
const BUSY: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 40000000))))))"#;

/// Receipts that one figure is made of.
const RECEIPTS: u32 = 20_000;

/// The figures of checked results.
pub(crate) async fn measure(table: &mut Table, jobs: usize) -> anyhow::Result<()> {
    let network = Network::start(3);
    let client = Client::new(&network.requester.api)?;
    let runs = (jobs / 20).max(20);
    for (what, module, runs) in [("empty", NOOP, runs), ("50 ms", BUSY, runs.min(30))] {
        let job = wasm(&client.add(module.into()).await?);
        let attested = median(&client, &job, runs).await?;
        let checked = median(&client, &asking(&job, true), runs).await?;
        let aim = match what {
            "empty" => format!("< {}", ms(attested + Duration::from_millis(6))),
            _ => format!("< {}", ms(attested.mul_f64(1.5))),
        };
        let name = format!("verified 2 of 2, {what} function, p50");
        table.row(&name, &ms(checked), &format!("{} unverified", ms(attested)), &aim);
    }
    let job = asking(&wasm(&client.add(NOOP.into()).await?), false);
    client.run(&job).await?;
    let known = median(&client, &job, runs * 2).await?;
    table.row("verified before, submit to answer, p50", &ms(known), "", "< 2 ms");
    receipts(table)
}

/// The job, checked by two; `fresh`: even where its answer is known.
fn asking(job: &Value, fresh: bool) -> Value {
    let mut job = job.clone();
    job["Job"]["Verification"] = json!("quorum=2/2");
    job["Job"]["Fresh"] = json!(fresh);
    job
}

async fn median(client: &Client, job: &Value, runs: usize) -> anyhow::Result<Duration> {
    for _ in 0..5 {
        client.run(job).await?;
    }
    let mut samples = Vec::new();
    for _ in 0..runs {
        let began = Instant::now();
        client.run(job).await?;
        samples.push(began.elapsed());
    }
    Ok(percentile(&mut samples, 0.5))
}

/// Receipts read and checked, on one core.
fn receipts(table: &mut Table) -> anyhow::Result<()> {
    let key = NodeKey::generate();
    let body = ReceiptBody {
        v: RECEIPT_VERSION,
        task: cid_of(RAW, b"task"),
        manifest: cid_of(RAW, b"manifest"),
        usage: Usage::default(),
        engine: "wasmtime/0+0".to_owned(),
        profile: "unixfs-v1-2025".to_owned(),
        node: key.id(),
        cause: None,
        fx: None,
    };
    let bytes = codec::encode(&sign_receipt(&key, body)?)?;
    let began = Instant::now();
    for _ in 0..RECEIPTS {
        let receipt: Receipt = codec::decode_canonical(&bytes)?;
        verify_receipt(&receipt)?;
    }
    let rate = f64::from(RECEIPTS) / began.elapsed().as_secs_f64();
    table.row("receipts checked, offline, one core", &format!("{rate:.0}/s"), "", "> 5000/s");
    Ok(())
}
