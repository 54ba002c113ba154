//! What a Wasm profile costs, beside the same module in plain wasmtime and the same work on files
//! by the host itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gadus_model::codec::{RAW, cid_of};
use gadus_model::{Caps, Det, ExecutionId, Network, Outcome, PROFILE_DET_1};
use gadus_ports::{ExecCode, ExecLimits, ExecRequest, Executor, LogSink, OutputDir, StdStream};
use gadus_wasm::{WasmConfig, WasmExecutor};
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Instance, Module, Store};

use crate::table::{Table, ms, percentile};

const INTEGERS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $x i64)
    (local.set $x (i64.const 88172645463325252))
    (loop $again
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
      (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
      (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
      (i64.store (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 65528)) (local.get $x))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 30000000))))))"#;

const FLOATS: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32) (local $x f64) (local $y f64)
    (local.set $y (f64.const 0.5))
    (loop $again
      (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.999)) (local.get $y)))
      (local.set $y (f64.sub (f64.sqrt (f64.abs (local.get $x))) (f64.const 1.25)))
      (f64.store (i32.shl (i32.and (local.get $n) (i32.const 4095)) (i32.const 3)) (local.get $y))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 10000000))))))"#;

/// Files that are made, written, and read back.
const FILES: usize = 2_000;
const FILE_BYTES: usize = 4_096;

const FILE_WORK: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "f0000")
  (func $must (param $errno i32) (if (local.get $errno) (then unreachable)))
  (func $name (param $n i32) (local $at i32)
    (local.set $at (i32.const 20))
    (loop $digit
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $digit (i32.gt_u (local.get $at) (i32.const 16)))))
  (func $open (param $n i32) (param $flags i32) (result i32)
    (call $name (local.get $n))
    (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5)
      (local.get $flags) (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 12)))
    (i32.load (i32.const 12)))
  (func (export "_start") (local $n i32) (local $fd i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 4096))
    (loop $make
      (local.set $fd (call $open (local.get $n) (i32.const 9)))
      (call $must (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $must (call $fd_close (local.get $fd)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $make (i32.lt_u (local.get $n) (i32.const 2000))))
    (local.set $n (i32.const 0))
    (loop $read
      (local.set $fd (call $open (local.get $n) (i32.const 0)))
      (call $must (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $must (call $fd_close (local.get $fd)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $read (i32.lt_u (local.get $n) (i32.const 2000))))))"#;

/// Times that each module is run.
const RUNS: u32 = 9;

/// The figures of the profile `det/1`.
pub(crate) async fn measure(table: &mut Table) -> anyhow::Result<()> {
    for (what, text) in [("integers", INTEGERS), ("floats", FLOATS)] {
        beside_plain(table, what, text.as_bytes()).await?;
    }
    for (name, module) in programs()? {
        beside_plain(table, &name, &module).await?;
    }
    let (ours, floor) = (in_profile(FILE_WORK.as_bytes()).await?, by_the_host()?);
    let times = floor.as_secs_f64() / ours.as_secs_f64();
    let got = format!("{} (× {times:.1} as fast)", ms(ours));
    let name = format!("det/1, {FILES} files made and read");
    table.row(&name, &got, &format!("{} host's files", ms(floor)), "> × 1");
    Ok(())
}

/// A module's own time, beside that in plain wasmtime.
async fn beside_plain(table: &mut Table, what: &str, module: &[u8]) -> anyhow::Result<()> {
    let floor = plain(module).map_err(|e| anyhow::anyhow!("{e:#}"))?;
    let ours = in_profile(module).await?;
    let times = ours.as_secs_f64() / floor.as_secs_f64();
    let got = format!("{} (× {times:.2})", ms(ours));
    table.row(&format!("det/1, {what}"), &got, &format!("{} plain", ms(floor)), "< × 1.15");
    Ok(())
}

/// Real programs of floats, by name, where `GADUS_BENCH_PROGRAMS` is a directory of them.
fn programs() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let Some(dir) = std::env::var_os("GADUS_BENCH_PROGRAMS") else { return Ok(BTreeMap::new()) };
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            found.insert(name.to_owned(), std::fs::read(&path)?);
        }
    }
    Ok(found)
}

struct Nowhere;

impl LogSink for Nowhere {
    fn write(&self, _stream: StdStream, _bytes: &[u8]) {}
}

/// The program's own time as the executor tells it.
async fn in_profile(module: &[u8]) -> anyhow::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let fail = |e: gadus_model::Failure| anyhow::anyhow!("{e}");
    let wasm = WasmExecutor::new(WasmConfig::new(dir.path())).map_err(fail)?;
    let code = ExecCode::Wasm { module: cid_of(RAW, module), entry: "_start".to_owned() };
    wasm.prepare(&code, Some(module.to_vec().into())).await.map_err(fail)?;
    let mut samples = Vec::new();
    for n in 0..RUNS {
        let scratch = dir.path().join(format!("run-{n}"));
        let out = OutputDir {
            name: "out".to_owned(),
            host: scratch.join("out"),
            guest: "/out".to_owned(),
        };
        let det = Det { profile: PROFILE_DET_1.to_owned(), ..Det::default() };
        let request = ExecRequest {
            execution: format!("e-00000000-0000-0000-0000-{n:012}").parse::<ExecutionId>()?,
            code: code.clone(),
            args: Vec::new(),
            seed: [0; 32],
            env: BTreeMap::new(),
            mounts: Vec::new(),
            outputs: vec![out],
            limits: ExecLimits { caps: Caps::default(), det: Some(det), ..ExecLimits::default() },
            network: Network::None,
            scratch,
        };
        let done = wasm.run(request, Arc::new(Nowhere), CancellationToken::new()).await;
        let done = done.map_err(fail)?;
        anyhow::ensure!(done.outcome == Outcome::Exit(0), "{:?}: {}", done.outcome, done.error);
        samples.push(Duration::from_micros(done.run_us));
    }
    Ok(percentile(&mut samples, 0.5))
}

/// The same module with nothing around it: no fuel, no epochs, no canonical NaN.
fn plain(module: &[u8]) -> wasmtime::Result<Duration> {
    let engine = Engine::default();
    let module = Module::new(&engine, module)?;
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        let began = Instant::now();
        start.call(&mut store, ())?;
        samples.push(began.elapsed());
    }
    Ok(percentile(&mut samples, 0.5))
}

/// The same work on files by this process: less than a guest with preopened directories of the
/// host could do with.
fn by_the_host() -> anyhow::Result<Duration> {
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let dir = tempfile::tempdir()?;
        let path = |n: usize| dir.path().join(format!("f{n:04}"));
        let mut block = vec![0; FILE_BYTES];
        let began = Instant::now();
        for n in 0..FILES {
            File::create(path(n))?.write_all(&block)?;
        }
        for n in 0..FILES {
            File::open(path(n))?.read_exact(&mut block)?;
        }
        samples.push(began.elapsed());
    }
    Ok(percentile(&mut samples, 0.5))
}
