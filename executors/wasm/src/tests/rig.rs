//! An executor in a directory of its own, requests for it, and sinks that remember.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::codec::cid_of;
use gadus_model::{Cid, Failure, FailureKind, Network, RAW};
use gadus_ports::{
    ExecCode, ExecLimits, ExecRequest, Executor, Finished, LogSink, Mount, OutputDir, StdStream,
};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::engines::Kind;
use crate::{WasmConfig, WasmExecutor};

/// An executor and its directory.
pub(super) struct Rig {
    pub(super) executor: Arc<WasmExecutor>,
    pub(super) dir: TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With settings changed from small defaults.
    pub(super) fn with(change: impl FnOnce(&mut WasmConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let executor = WasmExecutor::new(config(dir.path(), change)).unwrap();
        Self { executor, dir }
    }

    /// Over an engine of a kind.
    pub(super) fn of_kind(kind: Kind) -> Self {
        Self::of_kind_in(kind, tempfile::tempdir().unwrap())
    }

    fn of_kind_in(kind: Kind, dir: TempDir) -> Self {
        let config = config(dir.path(), |_| {});
        let executor = WasmExecutor::over(kind.engine(&config), config).unwrap();
        Self { executor, dir }
    }

    /// Over another engine of the kind, as when a node starts again: modules come from the disk.
    pub(super) fn restarted(self, kind: Kind) -> Self {
        let Self { executor, dir } = self;
        drop(executor);
        Self::of_kind_in(kind, dir)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Prepares the module and runs it to its end.
    pub(super) async fn run(&self, module: &str) -> Result<Finished, Failure> {
        self.run_with(module, |_| {}).await.0
    }

    /// The same with a changed request; what it wrote comes too.
    pub(super) async fn run_with(
        &self,
        module: &str,
        change: impl FnOnce(&mut ExecRequest),
    ) -> (Result<Finished, Failure>, Arc<Kept>) {
        self.run_bytes(Bytes::from(module.to_owned()), change, &CancellationToken::new()).await
    }

    pub(super) async fn run_bytes(
        &self,
        module: Bytes,
        change: impl FnOnce(&mut ExecRequest),
        stop: &CancellationToken,
    ) -> (Result<Finished, Failure>, Arc<Kept>) {
        let mut request = self.request(cid_of_module(&module));
        change(&mut request);
        let sink = Arc::new(Kept::new(1 << 20));
        if let Err(failure) = self.executor.prepare(&request.code, Some(module)).await {
            return (Err(failure), sink);
        }
        let log: Arc<dyn LogSink> = Arc::clone(&sink) as _;
        (self.executor.run(request, log, stop.clone()).await, sink)
    }

    pub(super) fn request(&self, module: Cid) -> ExecRequest {
        ExecRequest {
            execution: "e-00000000-0000-0000-0000-000000000001".parse().unwrap(),
            code: ExecCode::Wasm { module, entry: "_start".to_owned() },
            args: Vec::new(),
            seed: [7; 32],
            env: [].into(),
            mounts: Vec::new(),
            outputs: Vec::new(),
            limits: ExecLimits::default(),
            network: Network::None,
            scratch: self.path("scratch"),
        }
    }

    pub(super) fn mount(&self, name: &str, guest: &str) -> Mount {
        Mount::host(self.path(name), guest)
    }

    pub(super) fn output(&self, name: &str, guest: &str) -> OutputDir {
        OutputDir { name: name.to_owned(), host: self.path(name), guest: guest.to_owned() }
    }
}

/// Few threads and a small pool, so that many can exist at once.
pub(super) fn config(dir: &Path, change: impl FnOnce(&mut WasmConfig)) -> WasmConfig {
    let mut config = WasmConfig::new(dir.join("cache"));
    config.threads = 4;
    config.pool_slots = 6;
    change(&mut config);
    config
}

pub(super) fn cid_of_module(module: &[u8]) -> Cid {
    cid_of(RAW, module)
}

/// A sink that keeps so many bytes of each stream, and counts all.
pub(super) struct Kept {
    bytes_max: usize,
    streams: Mutex<[(Vec<u8>, u64); 2]>,
    written: tokio::sync::Notify,
}

impl Kept {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, streams: Mutex::default(), written: tokio::sync::Notify::new() }
    }

    pub(super) fn text(&self, stream: StdStream) -> String {
        String::from_utf8(self.streams.lock()[stream as usize].0.clone()).unwrap()
    }

    pub(super) fn bytes(&self, stream: StdStream) -> Vec<u8> {
        self.streams.lock()[stream as usize].0.clone()
    }

    pub(super) fn counted(&self, stream: StdStream) -> u64 {
        self.streams.lock()[stream as usize].1
    }

    /// Waits until the guest has written something.
    pub(super) async fn first_write(&self) {
        self.written.notified().await;
    }
}

impl LogSink for Kept {
    fn write(&self, stream: StdStream, bytes: &[u8]) {
        let mut streams = self.streams.lock();
        let (kept, counted) = &mut streams[stream as usize];
        let room = self.bytes_max - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        *counted += bytes.len() as u64;
        self.written.notify_one();
    }
}

pub(super) fn kind(result: Result<Finished, Failure>) -> FailureKind {
    result.unwrap_err().kind
}

/// All of WASI preview 1, with the parameters of each call.
pub(super) const CALLS: [(&str, &str); 46] = [
    ("args_get", "i32 i32"),
    ("args_sizes_get", "i32 i32"),
    ("environ_get", "i32 i32"),
    ("environ_sizes_get", "i32 i32"),
    ("clock_res_get", "i32 i32"),
    ("clock_time_get", "i32 i64 i32"),
    ("fd_advise", "i32 i64 i64 i32"),
    ("fd_allocate", "i32 i64 i64"),
    ("fd_close", "i32"),
    ("fd_datasync", "i32"),
    ("fd_fdstat_get", "i32 i32"),
    ("fd_fdstat_set_flags", "i32 i32"),
    ("fd_fdstat_set_rights", "i32 i64 i64"),
    ("fd_filestat_get", "i32 i32"),
    ("fd_filestat_set_size", "i32 i64"),
    ("fd_filestat_set_times", "i32 i64 i64 i32"),
    ("fd_pread", "i32 i32 i32 i64 i32"),
    ("fd_prestat_get", "i32 i32"),
    ("fd_prestat_dir_name", "i32 i32 i32"),
    ("fd_pwrite", "i32 i32 i32 i64 i32"),
    ("fd_read", "i32 i32 i32 i32"),
    ("fd_readdir", "i32 i32 i32 i64 i32"),
    ("fd_renumber", "i32 i32"),
    ("fd_seek", "i32 i64 i32 i32"),
    ("fd_sync", "i32"),
    ("fd_tell", "i32 i32"),
    ("fd_write", "i32 i32 i32 i32"),
    ("path_create_directory", "i32 i32 i32"),
    ("path_filestat_get", "i32 i32 i32 i32 i32"),
    ("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
    ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
    ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
    ("path_readlink", "i32 i32 i32 i32 i32 i32"),
    ("path_remove_directory", "i32 i32 i32"),
    ("path_rename", "i32 i32 i32 i32 i32 i32"),
    ("path_symlink", "i32 i32 i32 i32 i32"),
    ("path_unlink_file", "i32 i32 i32"),
    ("poll_oneoff", "i32 i32 i32 i32"),
    ("proc_exit", "i32"),
    ("proc_raise", "i32"),
    ("sched_yield", ""),
    ("random_get", "i32 i32"),
    ("sock_accept", "i32 i32 i32"),
    ("sock_recv", "i32 i32 i32 i32 i32 i32"),
    ("sock_send", "i32 i32 i32 i32 i32"),
    ("sock_shutdown", "i32 i32"),
];

/// A command with a memory of one page and all imports. `body` is its main
/// function, `rest` what else it defines. Scratch memory: 0..64; texts go from 1024 on.
pub(super) fn command(rest: &str, body: &str) -> String {
    let p1 = "wasi_snapshot_preview1";
    let mut imports = String::new();
    for (name, params) in CALLS {
        let result = if name == "proc_exit" { "" } else { "(result i32)" };
        writeln!(imports, "(import \"{p1}\" \"{name}\" (func ${name} (param {params}) {result}))")
            .unwrap();
    }
    format!(
        "(module {imports}
           (memory (export \"memory\") 1)
           {rest}
           (func $exit (param i32) (call $proc_exit (local.get 0)))
           (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
           (func $write (param $fd i32) (param $at i32) (param $length i32)
             (i32.store (i32.const 0) (local.get $at))
             (i32.store (i32.const 4) (local.get $length))
             (call $must (call $fd_write
               (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
           (func $_start (export \"_start\") {body}))"
    )
}
