//! Guests that want too much of their files.

use std::fs;

use gadus_model::{Det, Outcome, PROFILE_DET_1};

use super::rig::{Rig, command};

async fn run(rig: &Rig, module: &str) -> Outcome {
    let (result, _) = rig
        .run_with(module, |request| {
            request.outputs = vec![rig.output("outputs", "/outputs")];
            request.limits.det = Some(Det { profile: PROFILE_DET_1.into(), ..Det::default() });
        })
        .await;
    result.unwrap().outcome
}

/// A loop that does something for `$n` from 0 on, which must succeed, or exit with why it did not.
fn repeated(times: u32, data: &str, call: &str) -> String {
    command(
        &format!("{data} (global $n (mut i32) (i32.const 0))"),
        &format!(
            "(loop $again
               {call}
               (global.set $n (i32.add (global.get $n) (i32.const 1)))
               (br_if $again (i32.lt_u (global.get $n) (i32.const {times}))))"
        ),
    )
}

/// Opens `.` at 3, or makes a file named by what lies at 1024.
fn open(length: u32, oflags: u32, rights: u32) -> String {
    format!(
        "(call $must (call $path_open (i32.const 3) (i32.const 0)
           (i32.const 1024) (i32.const {length}) (i32.const {oflags})
           (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 32)))"
    )
}

const NAMED: &str = "(i32.store (i32.const 1024) (i32.or (i32.const 0x40404040)
    (i32.or (i32.and (global.get $n) (i32.const 63))
    (i32.or (i32.shl (i32.and (i32.shr_u (global.get $n) (i32.const 6)) (i32.const 63))
                     (i32.const 8))
            (i32.shl (i32.shr_u (global.get $n) (i32.const 12)) (i32.const 16))))))";

#[tokio::test]
async fn a_hundred_thousand_opens_leave_nothing() {
    let rig = Rig::new();
    let data = "(data (i32.const 1024) \".\")";
    let close = "(call $must (call $fd_close (i32.load (i32.const 32))))";
    let opens = repeated(100_000, data, &(open(1, 0, 0) + close));
    assert_eq!(run(&rig, &opens).await, Outcome::Exit(0));
    let opens = repeated(100_000, data, &open(1, 0, 0));
    assert_eq!(run(&rig, &opens).await, Outcome::Exit(41), "ENFILE");
}

#[tokio::test]
async fn many_files_are_made_in_memory_and_beyond() {
    let rig = Rig::with(|config| config.overlay_memory_bytes = 100_000);
    // 16 × 64 names, each of which is made and written.
    let call = format!(
        "{NAMED} {}
         (i32.store (i32.const 4) (i32.const 3))
         (call $must (call $fd_write
           (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
         (call $must (call $fd_close (i32.load (i32.const 32))))",
        open(4, 1, 64)
    );
    assert_eq!(run(&rig, &repeated(1024, "", &call)).await, Outcome::Exit(0));
    let made = fs::read_dir(rig.path("outputs")).unwrap().count();
    assert_eq!(made, 1024);
}

#[tokio::test]
async fn names_made_and_taken_away_take_no_room() {
    let rig = Rig::new();
    let data = "(data (i32.const 1024) \"a\") (data (i32.const 2048) \"b\")";
    let call = format!(
        "{}
         (i32.store (i32.const 4) (i32.const 60000))
         (call $must (call $fd_write
           (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
         (call $must (call $path_rename (i32.const 3) (i32.const 1024) (i32.const 1)
           (i32.const 3) (i32.const 2048) (i32.const 1)))
         (call $must (call $path_unlink_file (i32.const 3) (i32.const 2048) (i32.const 1)))
         (call $must (call $fd_close (i32.load (i32.const 32))))",
        open(1, 1, 64)
    );
    let (result, _) = rig
        .run_with(&repeated(20_000, data, &call), |request| {
            request.outputs = vec![rig.output("outputs", "/outputs")];
            request.limits.det = Some(Det {
                profile: PROFILE_DET_1.into(),
                output_max_bytes: 60_000,
                ..Det::default()
            });
        })
        .await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
}

#[tokio::test]
async fn links_in_circles_and_long_ones_end() {
    let rig = Rig::new();
    let data =
        format!("(data (i32.const 1024) \"{}\") (data (i32.const 8192) \"l\")", "l/".repeat(2000));
    let link = "(drop (call $path_symlink (i32.const 1024) (i32.const 1000)
        (i32.const 3) (i32.const 8192) (i32.const 1)))";
    let stat = "(call $path_filestat_get (i32.const 3) (i32.const 1)
        (i32.const 1024) (i32.const 3999) (i32.const 64))";
    let module = command(&data, &format!("{link} (call $exit {stat})"));
    let outcome = run(&rig, &module).await;
    assert!(matches!(outcome, Outcome::Exit(32 | 37)), "{outcome:?}");
}
