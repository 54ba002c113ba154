//! Wasm jobs: latency one at a time, and how many a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use gadus_e2e::Network;
use gadus_model::codec::{RAW, cid_of};
use gadus_model::{Caps, Det, ExecutionId, Network as JobNetwork};
use gadus_ports::{ExecCode, ExecLimits, ExecRequest, Executor, LogSink, StdStream};
use gadus_wasm::{WasmConfig, WasmExecutor};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::table::{Table, ms, percentile};

pub(crate) const NOOP: &str = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;

/// A client of one requester.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    api: String,
}

impl Client {
    pub(crate) fn new(api: &str) -> anyhow::Result<Self> {
        Ok(Self { http: reqwest::Client::builder().build()?, api: api.to_owned() })
    }

    pub(crate) async fn add(&self, bytes: Vec<u8>) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/content", self.api);
        let answer = self.http.post(url).body(bytes).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        answer["CID"].as_str().map(str::to_owned).context("no CID")
    }

    /// Submits; the answer means that the job is durable.
    pub(crate) async fn put(&self, job: &Value) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/orchestrator/jobs", self.api);
        let answer = self.http.put(url).json(job).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        answer["JobID"].as_str().map(str::to_owned).context("no JobID")
    }

    /// Stops a job; what of it runs is gone soon.
    pub(crate) async fn stop(&self, id: &str) -> anyhow::Result<()> {
        let url = format!("{}/api/v1/orchestrator/jobs/{id}", self.api);
        self.http.delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// Submits and waits for the end.
    pub(crate) async fn run(&self, job: &Value) -> anyhow::Result<Value> {
        let id = self.put(job).await?;
        let url = format!("{}/api/v1/orchestrator/jobs/{id}?wait_ms=60000", self.api);
        let view: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let state = &view["Job"]["State"];
        anyhow::ensure!(state["StateType"] == "Completed", "job {id}: {state}");
        Ok(view)
    }
}

/// A Wasm job in Bacalhau's JSON.
pub(crate) fn wasm(module: &str) -> Value {
    json!({"Job": {"Type": "batch", "Count": 1, "Tasks": [{
        "Name": "main",
        "Engine": {"Type": "wasm", "Params": {
            "EntryModule": format!("ipfs://{module}"), "Entrypoint": "_start"}},
        "Resources": {"CPU": "10m", "Memory": "16Mb"},
    }]}})
}

/// The figures of Wasm jobs that are asked for.
pub(crate) async fn measure(table: &mut Table, fsync_us: f64, jobs: usize) -> anyhow::Result<()> {
    // Of many in flight, many are run: else the beginning and the end would be most of it.
    let in_flight = [(1, jobs), (4, jobs), (64, jobs * 5)];
    let in_flight = in_flight.map(|(n, jobs)| (n, jobs, format!("wasm jobs, {n} in flight")));
    let wanted = in_flight.iter().filter(|(.., name)| table.wants(name)).collect::<Vec<_>>();
    let wants_latency = table.wants("wasm job, warm");
    if wanted.is_empty() && !wants_latency {
        return Ok(());
    }
    let network = Network::start(3);
    let client = Client::new(&network.requester.api)?;
    let job = wasm(&client.add(NOOP.into()).await?);
    for _ in 0..50 {
        client.run(&job).await?;
    }
    if wants_latency {
        latency(table, &client, &job, fsync_us, jobs).await?;
    }
    for (in_flight, jobs, name) in wanted {
        let rate = sustained(&client, &job, *jobs, *in_flight).await?;
        let aim = if *in_flight == 64 { "≥ 1500/s" } else { "" };
        table.row(name, &format!("{rate:.0}/s"), "", aim);
    }
    Ok(())
}

/// One job at a time.
async fn latency(
    table: &mut Table,
    client: &Client,
    job: &Value,
    fsync_us: f64,
    jobs: usize,
) -> anyhow::Result<()> {
    let floor = in_process(200).await? + Duration::from_secs_f64(fsync_us / 1e6);
    let mut samples = Vec::new();
    for _ in 0..(jobs / 4).max(100) {
        let began = Instant::now();
        client.run(job).await?;
        samples.push(began.elapsed());
    }
    let (p50, p99) = (percentile(&mut samples, 0.5), percentile(&mut samples, 0.99));
    let aim = 4.0 + 5.0 * fsync_us / 1e3;
    let floor = ms(floor);
    table.row("wasm job, warm, p50", &ms(p50), &floor, &format!("< {aim:.2} ms"));
    table.row("wasm job, warm, p99", &ms(p99), &floor, &format!("< {}", ms(p50 * 4)));
    Ok(())
}

/// Jobs per second, with as many in flight.
async fn sustained(
    client: &Client,
    job: &Value,
    jobs: usize,
    in_flight: usize,
) -> anyhow::Result<f64> {
    let each = (jobs / in_flight).max(1);
    let job = Arc::new(job.clone());
    let began = Instant::now();
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (client, job) = (client.clone(), job.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    client.run(&job).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few thousand jobs")]
    Ok((each * in_flight) as f64 / began.elapsed().as_secs_f64())
}

struct Nowhere;

impl LogSink for Nowhere {
    fn write(&self, _stream: StdStream, _bytes: &[u8]) {}
}

/// The same module, called in this process with the same engine.
async fn in_process(calls: usize) -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let fail = |e: gadus_model::Failure| anyhow::anyhow!("{e}");
    let wasm = WasmExecutor::new(WasmConfig::new(dir.path())).map_err(fail)?;
    let module = cid_of(RAW, NOOP.as_bytes());
    let code = ExecCode::Wasm { module, entry: "_start".to_owned() };
    wasm.prepare(&code, Some(NOOP.into())).await.map_err(fail)?;
    let mut samples = Vec::new();
    for n in 0..calls {
        let request = ExecRequest {
            execution: format!("e-00000000-0000-0000-0000-{n:012}").parse::<ExecutionId>()?,
            code: code.clone(),
            args: Vec::new(),
            seed: [0; 32],
            env: std::collections::BTreeMap::new(),
            mounts: Vec::new(),
            outputs: Vec::new(),
            limits: ExecLimits {
                caps: Caps::default(),
                det: Some(Det::default()),
                ..ExecLimits::default()
            },
            network: JobNetwork::None,
            scratch: dir.path().join("scratch"),
        };
        let began = Instant::now();
        wasm.run(request, Arc::new(Nowhere), CancellationToken::new()).await.map_err(fail)?;
        samples.push(began.elapsed());
    }
    Ok(percentile(&mut samples, 0.5))
}
