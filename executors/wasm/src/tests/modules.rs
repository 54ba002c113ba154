//! From bytes to a module that runs: checks, caches, warmth.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use gadus_model::{Code, FailureKind, Outcome};
use gadus_ports::{ExecCode, Executor};

use super::rig::{Rig, cid_of_module, command, config, kind};
use crate::WasmExecutor;

fn code(module: &[u8], entry: &str) -> ExecCode {
    ExecCode::Wasm { module: cid_of_module(module), entry: entry.to_owned() }
}

#[tokio::test]
async fn bad_modules_are_refused_with_the_reason() {
    let rig = Rig::new();
    for (module, named) in [
        ("", "it is empty"),
        ("garbage", "as text"),
        ("\0asm\x01\0\0\0garbage", "at byte"),
        ("(component)", "it is a component"),
        ("(module (import \"env\" \"magic\" (func)))", "'magic' from 'env'"),
        (
            "(module (import \"wasi_snapshot_preview1\" \"sock_connect\" (func (param i32))))",
            "'sock_connect' from 'wasi_snapshot_preview1'",
        ),
        ("(module (import \"env\" \"memory\" (memory 1)))", "'memory' from 'env'"),
        (
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func)))",
            "incompatible import type",
        ),
        ("(module (memory 1 1 shared))", "threads"),
    ] {
        let failure = rig.run(module).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{module:?}");
        assert!(failure.message.contains(named), "{named:?} is not in {:?}", failure.message);
    }
    let compiled_for_nothing = rig.executor.stats().compiles;
    assert_eq!(compiled_for_nothing, 4, "only unknown imports are found after compiling");
    assert_eq!(
        rig.run("(module (func (export \"_start\")))").await.unwrap().outcome,
        Outcome::Exit(0)
    );
}

#[tokio::test]
async fn a_missing_entry_lists_what_there_is() {
    let rig = Rig::new();
    let module = "(module (func (export \"run\")) (func (export \"stop\"))
        (func (export \"add\") (param i32)) (memory (export \"memory\") 1))";
    for (entry, message, hint) in [
        ("_start", "it exports no function '_start'", "run, stop"),
        ("add", "takes 1 parameters", "run, stop"),
        ("memory", "'memory' is exported, but no function", "run, stop"),
    ] {
        let code = code(module.as_bytes(), entry);
        let failure = rig.executor.prepare(&code, Some(Bytes::from(module))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid);
        assert!(failure.message.contains(message), "{}", failure.message);
        assert!(failure.hint.as_ref().unwrap().ends_with(hint), "{:?}", failure.hint);
    }
    let none = "(module)";
    let failure = rig.run(none).await.unwrap_err();
    assert!(failure.hint.unwrap().contains("main function"));
}

#[tokio::test]
async fn images_are_none_of_its_business() {
    let rig = Rig::new();
    let image = ExecCode::Docker {
        digest: "sha256:0".into(),
        reference: "busybox".into(),
        entrypoint: None,
        workdir: None,
    };
    let failure = rig.executor.prepare(&image, None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    let info = rig.executor.probe().await.unwrap();
    assert!(info.id.starts_with("wasmtime/"));
    assert_eq!(info.arch, "any");
    assert!(rig.executor.reap(&[].into()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_second_executor_compiles_nothing() {
    let rig = Rig::new();
    let module = command("", "(call $exit (i32.const 5))");
    let warm = |executor: &WasmExecutor| {
        let module = cid_of_module(module.as_bytes());
        executor.warmth(&Code::Wasm { module, entry: "_start".into() }).warm
    };
    assert!(!warm(&rig.executor));
    assert_eq!(rig.run(&module).await.unwrap().outcome, Outcome::Exit(5));
    assert_eq!(rig.run(&module).await.unwrap().outcome, Outcome::Exit(5));
    assert!(warm(&rig.executor));
    let stats = rig.executor.stats();
    assert_eq!((stats.compiles, stats.disk_hits), (1, 0));

    let executor = WasmExecutor::new(config(rig.dir.path(), |_| {})).unwrap();
    assert!(warm(&executor));
    // Warm means that no bytes are needed.
    executor.prepare(&code(module.as_bytes(), "_start"), None).await.unwrap();
    let second = Rig { executor, dir: rig.dir };
    assert_eq!(second.run(&module).await.unwrap().outcome, Outcome::Exit(5));
    let stats = second.executor.stats();
    assert_eq!((stats.compiles, stats.disk_hits), (0, 1));
}

#[tokio::test]
async fn a_damaged_cache_file_is_compiled_again() {
    let rig = Rig::new();
    let module = command("", "(call $exit (i32.const 5))");
    rig.run(&module).await.unwrap();
    let engine_dir = fs::read_dir(rig.path("cache")).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(engine_dir).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();

    let executor = WasmExecutor::new(config(rig.dir.path(), |_| {})).unwrap();
    let code = code(module.as_bytes(), "_start");
    // It looked warm, so nobody sent the bytes: the failure is one that is tried again.
    let failure = executor.prepare(&code, None).await.unwrap_err();
    assert!(failure.kind.is_retryable(), "{failure:?}");
    let wasm = Code::Wasm { module: cid_of_module(module.as_bytes()), entry: "_start".into() };
    assert!(!executor.warmth(&wasm).warm);
    let again = Rig { executor, dir: rig.dir };
    assert_eq!(again.run(&module).await.unwrap().outcome, Outcome::Exit(5));
    let stats = again.executor.stats();
    assert_eq!((stats.compiles, stats.disk_hits), (1, 0));
}

#[tokio::test]
async fn a_whole_file_that_is_no_compiled_module_is_compiled_again() {
    let rig = Rig::new();
    let module = command("", "");
    rig.run(&module).await.unwrap();
    let engine_dir = fs::read_dir(rig.path("cache")).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(&engine_dir).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&file).unwrap();
    let cid = cid_of_module(module.as_bytes());
    let name = format!("{cid}.{:08x}.8.cwasm", crc32fast::hash(b"not code"));
    fs::write(engine_dir.join(name), "not code").unwrap();
    let executor = WasmExecutor::new(config(rig.dir.path(), |_| {})).unwrap();
    let again = Rig { executor, dir: rig.dir };
    assert_eq!(again.run(&module).await.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(again.executor.stats().compiles, 1);
}

#[tokio::test]
async fn many_who_want_one_module_compile_it_once() {
    let rig = Rig::new();
    let module = Bytes::from(command("", "(call $exit (i32.const 5))"));
    let code = code(&module, "_start");
    let asked: Vec<_> = (0..32)
        .map(|_| {
            let (executor, module) = (Arc::clone(&rig.executor), module.clone());
            let code = code.clone();
            tokio::spawn(async move { executor.prepare(&code, Some(module)).await })
        })
        .collect();
    for asked in asked {
        asked.await.unwrap().unwrap();
    }
    assert_eq!(rig.executor.stats().compiles, 1);
}

#[tokio::test]
async fn what_leaves_memory_comes_back_from_disk() {
    let rig = Rig::with(|config| config.loaded_max = 2);
    let modules: Vec<_> =
        (0..4).map(|n| command("", &format!("(call $exit (i32.const {n}))"))).collect();
    for _ in 0..2 {
        for (n, module) in (0..).zip(&modules) {
            assert_eq!(rig.run(module).await.unwrap().outcome, Outcome::Exit(n));
        }
    }
    let stats = rig.executor.stats();
    assert_eq!((stats.compiles, stats.disk_hits), (4, 4));
}

#[tokio::test]
async fn compilations_wait_for_each_other_and_not_for_ever() {
    let rig = Rig::with(|config| {
        config.compiles = 1;
        config.compile_max_ms = 1;
    });
    let others = rig.executor.hold_compiles().await;
    let failure = rig.run(&command("", "")).await.unwrap_err();
    assert!(failure.kind.is_retryable(), "{failure:?}");
    assert!(failure.message.contains("were being compiled"), "{}", failure.message);
    assert_eq!(rig.executor.stats().compiles, 0);
    drop(others);
}

#[tokio::test]
async fn a_module_that_becomes_more_code_than_it_may_is_refused() {
    let rig = Rig::with(|config| config.module.code_max_bytes = 1_000);
    let failure = rig.run(&command("", "")).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.ends_with("and 1000 is the limit here"), "{}", failure.message);
}

#[tokio::test]
async fn a_module_that_was_never_prepared_is_asked_for() {
    let rig = Rig::new();
    let request = rig.request(cid_of_module(b"nobody has seen this"));
    let sink = Arc::new(super::rig::Kept::new(1));
    let result = rig.executor.run(request, sink, Default::default()).await;
    assert_eq!(kind(result), FailureKind::Internal);
}

#[tokio::test]
async fn modules_that_only_want_to_be_compiled_are_refused_or_soon_done() {
    let rig = Rig::new();
    for (open, close) in [
        ("(block ", ")"),
        ("(loop ", ")"),
        ("(if (i32.const 1) (then ", "))"),
        ("(drop (block (result i32) (i32.const 1) ", "))"),
    ] {
        for (depth, passes) in [(500, true), (100_000, false)] {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            let module = format!("(module (func (export \"_start\") {open} {close}))");
            match rig.run(&module).await {
                Ok(finished) => assert_eq!(finished.outcome, Outcome::Exit(0)),
                Err(failure) => {
                    assert!(!passes, "{}", failure.message);
                    assert_eq!(failure.kind, FailureKind::Invalid);
                }
            }
        }
    }
    // 110 KB that take a minute: 1000 locals live through 5000 loops.
    let locals = "i32 ".repeat(1000);
    let loops = "(loop (local.set 0 (local.get 999)))".repeat(5000);
    let module = format!("(module (func (export \"_start\") (local {locals}) {loops}))");
    let failure = rig.run(&module).await.unwrap_err();
    assert!(failure.message.contains("locals times structures"), "{}", failure.message);
}
