//! Ends that are results.

use gadus_model::{Det, Outcome};
use gadus_ports::{ExecCode, StdStream};

use super::rig::{Rig, command};

#[tokio::test]
async fn exit_codes_come_through_whole() {
    let rig = Rig::new();
    for code in [0, 1, 7, 125, 126, 255, 256, -1] {
        let module = command("", &format!("(call $exit (i32.const {code}))"));
        let finished = rig.run(&module).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Exit(code));
        assert_eq!(finished.error, "");
        assert_eq!(finished.memory_peak_bytes, Some(64 << 10));
    }
}

#[tokio::test]
async fn returning_is_success_and_results_mean_nothing() {
    let rig = Rig::new();
    for module in [
        "(module (func (export \"_start\")))",
        "(module (func (export \"_start\") (result i32) (i32.const 9)))",
        "(module (func (export \"_start\") (result f64 v128)
           (f64.const 1) (v128.const i64x2 1 2)))",
        "(module $named (func (export \"_start\")) (func $f (export \"f\")))",
    ] {
        assert_eq!(rig.run(module).await.unwrap().outcome, Outcome::Exit(0), "{module}");
    }
}

#[tokio::test]
async fn any_function_without_parameters_is_an_entry() {
    let rig = Rig::new();
    // A reactor: its `_initialize` comes first.
    let module = command(
        "(global $ready (mut i32) (i32.const 40))
         (func (export \"_initialize\") (global.set $ready (i32.const 2)))
         (func (export \"serve\") (call $exit (global.get $ready)))",
        "",
    );
    for (entry, code) in [("serve", 2), ("_start", 0), ("_initialize", 0)] {
        let (result, _) = rig
            .run_with(&module, |request| {
                let ExecCode::Wasm { module, .. } = &request.code else { unreachable!() };
                request.code = ExecCode::Wasm { module: *module, entry: entry.to_owned() };
            })
            .await;
        assert_eq!(result.unwrap().outcome, Outcome::Exit(code), "{entry}");
    }
}

#[tokio::test]
async fn traps_have_a_code_and_a_backtrace() {
    let rig = Rig::new();
    let wild = "(i32.load (i32.const 0x7fffffff))";
    for (code, body) in [
        ("unreachable", "unreachable"),
        ("memory_out_of_bounds", &format!("(drop {wild})")),
        ("integer_division_by_zero", "(drop (i32.div_s (i32.const 1) (i32.const 0)))"),
        ("integer_overflow", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"),
        ("bad_conversion_to_integer", "(drop (i32.trunc_f32_s (f32.const nan)))"),
        ("table_out_of_bounds", "(call_indirect (i32.const 9))"),
        ("indirect_call_to_null", "(call_indirect (i32.const 1))"),
        ("bad_signature", "(call_indirect (param i32) (i32.const 1) (i32.const 0))"),
    ] {
        let rest = format!(
            "(table 2 funcref) (elem (i32.const 0) $inner)
             (func $inner {body}) (func $outer (call $inner))"
        );
        let finished = rig.run(&command(&rest, "(call $outer)")).await.unwrap();
        assert_eq!(finished.outcome, Outcome::Trap(code.to_owned()));
        for frame in ["!inner", "!outer", "!_start"] {
            assert!(finished.error.contains(frame), "{code}: {}", finished.error);
        }
    }
}

#[tokio::test]
async fn a_trap_without_names_and_in_a_start_function_is_a_result_too() {
    let rig = Rig::new();
    let module = "(module (func (export \"_start\")) (func unreachable) (start 1))";
    let finished = rig.run(module).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Trap("unreachable".to_owned()));
    assert!(finished.error.contains("<wasm function 1>"), "{}", finished.error);
    let data = "(module (memory 1) (data (i32.const 65536) \"x\") (func (export \"_start\")))";
    let finished = rig.run(data).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Trap("memory_out_of_bounds".to_owned()));
    let exit = "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i32)))
        (func (call 0 (i32.const 3))) (func (export \"_start\")) (start 1))";
    assert_eq!(rig.run(exit).await.unwrap().outcome, Outcome::Exit(3));
}

#[tokio::test]
async fn a_hostile_name_section_makes_no_long_error() {
    let module = command("", &format!("(call ${0}))(func ${0} unreachable", "n".repeat(50_000)));
    let finished = Rig::new().run(&module).await.unwrap();
    assert_eq!(finished.outcome, Outcome::Trap("unreachable".to_owned()));
    assert!(finished.error.len() < 9000, "{} bytes", finished.error.len());
}

#[tokio::test]
async fn fuel_runs_out_and_is_counted() {
    let rig = Rig::new();
    let endless = command("", "(loop $again (br $again))");
    let (result, _) = rig
        .run_with(&endless, |request| {
            let det = Det { fuel_max: Some(10_000), ..Det::default() };
            request.limits.det = Some(det);
        })
        .await;
    let finished = result.unwrap();
    assert_eq!(finished.outcome, Outcome::OutOfFuel);
    assert!(finished.error.starts_with("out of fuel\n"), "{}", finished.error);
    let fuel = finished.fuel.unwrap();
    assert!((9_000..=10_000).contains(&fuel), "{fuel}");
    let loops = |n| {
        command(
            "(global $n (mut i32) (i32.const 0))",
            &format!(
                "(loop $again
                   (global.set $n (i32.add (global.get $n) (i32.const 1)))
                   (br_if $again (i32.lt_u (global.get $n) (i32.const {n}))))"
            ),
        )
    };
    let few = rig.run(&loops(100)).await.unwrap().fuel.unwrap();
    let many = rig.run(&loops(10_000)).await.unwrap().fuel.unwrap();
    assert_eq!(rig.run(&loops(100)).await.unwrap().fuel, Some(few), "fuel is deterministic");
    assert!(many > few * 50, "{few} and {many}");
}

#[tokio::test]
async fn arguments_environment_and_streams_are_passed() {
    let rig = Rig::new();
    let module = command(
        "",
        "(call $must (call $args_sizes_get (i32.const 16) (i32.const 20)))
         (call $must (call $args_get (i32.const 64) (i32.const 1024)))
         (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 20)))
         (call $must (call $environ_sizes_get (i32.const 16) (i32.const 20)))
         (call $must (call $environ_get (i32.const 64) (i32.const 1024)))
         (call $write (i32.const 2) (i32.const 1024) (i32.load (i32.const 20)))",
    );
    let (result, kept) = rig
        .run_with(&module, |request| {
            request.args = vec!["one".into(), String::new(), "drei ß".into()];
            request.env = [("K".into(), "V=1".into()), ("A".into(), String::new())].into();
        })
        .await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(kept.text(StdStream::Stdout), "main\0one\0\0drei ß\0");
    assert_eq!(kept.text(StdStream::Stderr), "A=\0K=V=1\0");
}

#[tokio::test]
async fn a_wild_pointer_given_to_the_host_is_the_guests_own_fault() {
    let rig = Rig::new();
    let module = command(
        "",
        "(i32.store (i32.const 0) (i32.const 0x7fffff00))
         (i32.store (i32.const 4) (i32.const 0x7fffff00))
         (call $exit (call $fd_write
           (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))",
    );
    assert_eq!(rig.run(&module).await.unwrap().outcome, Outcome::Exit(21), "EFAULT");
}
