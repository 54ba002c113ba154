//! Every call of WASI preview 1, by what it answers.

use std::fs;
use std::os::unix::fs::symlink;

use gadus_model::{Det, Outcome, PROFILE_DET_1, PROFILE_WASI_1};
use gadus_ports::StdStream;

use super::rig::{CALLS, Rig, command};
use super::script::{open, script};

const INPUTS: u32 = 3;
const OUTPUTS: u32 = 4;
const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;
const READ: u32 = 2;
const WRITE: u32 = 64;
const BOTH: u32 = READ | WRITE;

const BADF: i32 = 8;
const EXIST: i32 = 20;
const FAULT: i32 = 21;
const ILSEQ: i32 = 25;
const INVAL: i32 = 28;
const ISDIR: i32 = 31;
const LOOP: i32 = 32;
const NAMETOOLONG: i32 = 37;
const NOENT: i32 = 44;
const NOSPC: i32 = 51;
const NOSYS: i32 = 52;
const NOTDIR: i32 = 54;
const NOTEMPTY: i32 = 55;
const NOTSUP: i32 = 58;
const ROFS: i32 = 69;
const SPIPE: i32 = 70;
const NOTCAPABLE: i32 = 76;

/// Runs a guest in a profile with inputs and outputs; small outputs.
async fn run(rig: &Rig, profile: &str, module: &str) -> (Outcome, String) {
    let (result, kept) = rig
        .run_with(module, |request| {
            request.mounts = vec![rig.mount("inputs", "/inputs")];
            request.outputs = vec![rig.output("outputs", "/outputs")];
            request.limits.det =
                Some(Det { profile: profile.into(), output_max_bytes: 1000, ..Det::default() });
        })
        .await;
    (result.unwrap().outcome, kept.text(StdStream::Stdout))
}

fn rig() -> Rig {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("inputs/sub")).unwrap();
    fs::write(rig.path("inputs/a.txt"), "input").unwrap();
    symlink("loop", rig.path("inputs/loop")).unwrap();
    symlink("a.txt", rig.path("inputs/link")).unwrap();
    symlink("../secret", rig.path("inputs/up")).unwrap();
    rig
}

async fn check(cases: &[(&[&str], i32)]) {
    let rig = rig();
    for (calls, answer) in cases {
        for profile in [PROFILE_DET_1, PROFILE_WASI_1] {
            let _ = fs::remove_dir_all(rig.path("outputs"));
            let (outcome, _) = run(&rig, profile, &script(calls)).await;
            assert_eq!(outcome, Outcome::Exit(*answer), "{profile}: {calls:?}");
        }
    }
}

#[tokio::test]
async fn opening_answers() {
    let of = |fd, path, oflags, rights| open(fd, path, oflags, rights);
    check(&[
        (&[&of(INPUTS, "a.txt", 0, READ)], 0),
        (&[&of(INPUTS, "link", 0, READ)], 0),
        (&[&of(INPUTS, "none", 0, READ)], NOENT),
        (&[&of(INPUTS, "a.txt/x", 0, READ)], NOTDIR),
        (&[&of(INPUTS, "a.txt", DIRECTORY, READ)], NOTDIR),
        (&[&of(INPUTS, "sub", 0, BOTH)], ISDIR),
        (&[&of(INPUTS, "loop", 0, READ)], LOOP),
        (&[&of(INPUTS, "up", 0, READ)], NOTCAPABLE),
        (&[&of(INPUTS, "..", 0, READ)], NOTCAPABLE),
        (&[&of(INPUTS, "/etc", 0, READ)], NOTCAPABLE),
        (&[&of(INPUTS, "a.txt", 0, WRITE)], ROFS),
        (&[&of(INPUTS, "a.txt", TRUNCATE, READ)], ROFS),
        (&[&of(INPUTS, "new", CREATE, WRITE)], ROFS),
        (&[&of(99, "a", 0, READ)], BADF),
        (&[&of(1, "a", 0, READ)], NOTDIR),
        (&[&of(OUTPUTS, "f", CREATE, BOTH)], 0),
        (&[&of(OUTPUTS, "f", CREATE, BOTH), &of(OUTPUTS, "f", CREATE | EXCLUSIVE, BOTH)], EXIST),
        (&[&of(OUTPUTS, "f", 16, BOTH)], INVAL),
        (&["(call $path_open #4 #0 #65000 #9999 #0 L0 L0 #0 #32)"], FAULT),
        (&["(call $path_open #4 #0 '.' #0 L0 L0 #0 #65533)"], FAULT),
        (&["(call $path_open #4 #0 '\\ff' #0 L0 L0 #0 #32)"], ILSEQ),
        (&["(call $path_open #4 #0 #1024 #5000 #0 L0 L0 #0 #32)"], NAMETOOLONG),
        (&["(call $path_open #4 #0 '.' #0 L0 L0 #0 #32)", "(call $fd_close @)"], 0),
        (&["(call $fd_close #4)", "(call $fd_close #4)"], BADF),
        (&["(call $fd_renumber #4 #3)", "(call $fd_close #4)"], BADF),
        (&["(call $fd_renumber #4 #99)"], BADF),
    ])
    .await;
}

#[tokio::test]
async fn reading_and_writing_answer() {
    let file = open(OUTPUTS, "f", CREATE, BOTH);
    let input = open(INPUTS, "a.txt", 0, READ);
    check(&[
        // At 64 lies no buffer: zero bytes at zero.
        (&[&file, "(call $fd_write @ #64 #1 #8)"], 0),
        (&[&file, "(call $fd_write @ #64 #1024 #8)"], 0),
        (&[&file, "(call $fd_write @ #64 #1025 #8)"], INVAL),
        (&[&file, "(call $fd_write @ #65532 #1 #8)"], FAULT),
        (&[&file, "(call $fd_write @ #64 #1 #65533)"], FAULT),
        (&[&file, "(call $fd_pwrite @ #64 #1 L7 #8)"], 0),
        (&[&file, "(call $fd_read @ #64 #1 #8)"], 0),
        (&[&file, "(call $fd_read @ #64 #1 #65533)"], FAULT),
        (&[&file, "(call $fd_pread @ #64 #1 L-1 #8)"], 0),
        (&["(call $fd_read #0 #64 #1 #8)"], 0),
        (&["(call $fd_read #1 #64 #1 #8)"], NOTCAPABLE),
        (&["(call $fd_write #0 #64 #1 #8)"], NOTCAPABLE),
        (&["(call $fd_read #4 #64 #1 #8)"], ISDIR),
        (&["(call $fd_read #99 #64 #1 #8)"], BADF),
        (&["(call $fd_pread #0 #64 #1 L0 #8)"], SPIPE),
        (&["(call $fd_pwrite #1 #64 #1 L0 #8)"], SPIPE),
        (&[&input, "(call $fd_write @ #64 #1 #8)"], NOTCAPABLE),
        (&[&input, "(call $fd_filestat_set_size @ L0)"], ROFS),
        (&[&file, "(call $fd_filestat_set_size @ L1000)"], 0),
        (&[&file, "(call $fd_filestat_set_size @ L1001)"], NOSPC),
        (&[&file, "(call $fd_filestat_set_size @ L-1)"], 22),
        (&["(call $fd_filestat_set_size #4 L0)"], INVAL),
        (&[&file, "(call $fd_allocate @ L1 L999)"], 0),
        (&[&file, "(call $fd_allocate @ L1 L1000)"], NOSPC),
        (&[&file, "(call $fd_allocate @ L-1 L2)"], 22),
        (&[&file, "(call $fd_seek @ L5 #0 #40)", "(call $fd_seek @ L-6 #1 #40)"], INVAL),
        (&[&file, "(call $fd_seek @ L0 #3 #40)"], INVAL),
        (&[&file, "(call $fd_seek @ L0 #2 #65530)"], FAULT),
        (&["(call $fd_seek #1 L0 #0 #40)"], SPIPE),
        (&[&file, "(call $fd_tell @ #40)"], 0),
        (&[&file, "(call $fd_tell @ #65530)"], FAULT),
        (&["(call $fd_tell #4 #40)"], ISDIR),
        (&[&file, "(call $fd_sync @)", "(call $fd_datasync @)"], 0),
        (&["(call $fd_sync #99)"], BADF),
        (&["(call $fd_datasync #99)"], BADF),
        (&[&file, "(call $fd_advise @ L0 L0 #5)"], 0),
        (&[&file, "(call $fd_advise @ L0 L0 #6)"], INVAL),
        (&["(call $fd_advise #99 L0 L0 #0)"], BADF),
    ])
    .await;
}

#[tokio::test]
async fn asking_answers() {
    let file = open(OUTPUTS, "f", CREATE, BOTH);
    check(&[
        (&[&file, "(call $fd_filestat_get @ #40)"], 0),
        (&[&file, "(call $fd_filestat_get @ #65500)"], FAULT),
        (&["(call $fd_filestat_get #99 #40)"], BADF),
        (&[&file, "(call $fd_filestat_set_times @ L1 L2 #5)"], 0),
        (&[&file, "(call $fd_filestat_set_times @ L1 L2 #3)"], INVAL),
        (&["(call $fd_filestat_set_times #99 L1 L2 #5)"], BADF),
        (&["(call $fd_fdstat_get #4 #40)"], 0),
        (&["(call $fd_fdstat_get #4 #65530)"], FAULT),
        (&["(call $fd_fdstat_get #99 #40)"], BADF),
        (&[&file, "(call $fd_fdstat_set_flags @ #1)"], 0),
        (&[&file, "(call $fd_fdstat_set_flags @ #32)"], INVAL),
        (&[&file, "(call $fd_fdstat_set_rights @ L2 L0)"], 0),
        (&[&file, "(call $fd_fdstat_set_rights @ L-1 L0)"], NOTCAPABLE),
        (&["(call $fd_prestat_get #3 #40)"], 0),
        (&["(call $fd_prestat_get #5 #40)"], BADF),
        (&["(call $fd_prestat_get #3 #65530)"], FAULT),
        (&["(call $fd_prestat_dir_name #3 #40 #7)"], 0),
        (&["(call $fd_prestat_dir_name #3 #40 #6)"], NAMETOOLONG),
        (&["(call $fd_prestat_dir_name #3 #65530 #7)"], FAULT),
        (&["(call $fd_readdir #3 #40 #0 L0 #32)"], 0),
        (&["(call $fd_readdir #3 #1024 #64000 L99 #32)"], 0),
        (&["(call $fd_readdir #3 #1024 #65000 L0 #32)"], FAULT),
        (&["(call $fd_readdir #1 #1024 #64 L0 #32)"], NOTDIR),
        (&["(call $path_filestat_get #3 #1 'link' #40)"], 0),
        (&["(call $path_filestat_get #3 #1 'loop' #40)"], LOOP),
        (&["(call $path_filestat_get #3 #0 'loop' #40)"], 0),
        (&["(call $path_filestat_get #3 #0 'none' #40)"], NOENT),
        (&["(call $path_filestat_get #3 #0 '.' #65500)"], FAULT),
        (&["(call $path_filestat_set_times #3 #0 'a.txt' L1 L1 #5)"], 0),
        (&["(call $path_filestat_set_times #3 #0 'none' L1 L1 #5)"], NOENT),
        (&["(call $path_readlink #3 'link' #40 #99 #32)"], 0),
        (&["(call $path_readlink #3 'a.txt' #40 #99 #32)"], INVAL),
        (&["(call $path_readlink #3 'link' #65534 #99 #32)"], FAULT),
    ])
    .await;
}

#[tokio::test]
async fn changing_names_answers() {
    let mkdir = "(call $path_create_directory #4 'd')";
    check(&[
        (&[mkdir], 0),
        (&[mkdir, mkdir], EXIST),
        (&["(call $path_create_directory #4 'none/d')"], NOENT),
        (&["(call $path_create_directory #3 'd')"], ROFS),
        (&["(call $path_create_directory #4 #65535 #9)"], FAULT),
        (&[mkdir, "(call $path_remove_directory #4 'd')"], 0),
        (
            &[
                mkdir,
                "(call $path_create_directory #4 'd/e')",
                "(call $path_remove_directory #4 'd')",
            ],
            NOTEMPTY,
        ),
        (&["(call $path_remove_directory #3 'sub')"], ROFS),
        (&["(call $path_unlink_file #3 'a.txt')"], ROFS),
        (&["(call $path_unlink_file #4 'none')"], NOENT),
        (&[mkdir, "(call $path_unlink_file #4 'd')"], ISDIR),
        (&[mkdir, "(call $path_rename #4 'd' #4 'e')"], 0),
        (&[mkdir, "(call $path_rename #4 'd' #4 'd/e')"], INVAL),
        (&["(call $path_rename #4 'none' #4 'e')"], NOENT),
        (&["(call $path_rename #3 'a.txt' #4 'e')"], ROFS),
        (&[mkdir, "(call $path_rename #4 'd' #3 'e')"], ROFS),
        (&["(call $path_rename #4 'd' #4 #65535 #9)"], FAULT),
        (&["(call $path_symlink 'target' #4 'l')"], 0),
        (&["(call $path_symlink '/target' #4 'l')"], NOTCAPABLE),
        (&["(call $path_symlink 'target' #3 'l')"], ROFS),
        (&[mkdir, "(call $path_symlink 'target' #4 'd')"], EXIST),
        (&["(call $path_symlink #65535 #9 #4 'd')"], FAULT),
        (&["(call $path_link #4 #0 'd' #4 'e')"], NOTSUP),
    ])
    .await;
}

#[tokio::test]
async fn the_rest_answers() {
    check(&[
        (&["(call $args_sizes_get #40 #44)"], 0),
        (&["(call $args_sizes_get #65533 #44)"], FAULT),
        (&["(call $args_get #65533 #44)"], FAULT),
        (&["(call $args_get #40 #65533)"], FAULT),
        (&["(call $environ_sizes_get #40 #65533)"], FAULT),
        (&["(call $environ_get #40 #44)"], 0),
        (&["(call $clock_res_get #0 #40)"], 0),
        (&["(call $clock_res_get #3 #40)"], 0),
        (&["(call $clock_res_get #4 #40)"], INVAL),
        (&["(call $clock_res_get #1 #65530)"], FAULT),
        (&["(call $clock_time_get #3 L0 #40)"], 0),
        (&["(call $clock_time_get #4 L0 #40)"], INVAL),
        (&["(call $clock_time_get #1 L0 #65530)"], FAULT),
        (&["(call $random_get #40 #64)"], 0),
        (&["(call $random_get #65530 #64)"], FAULT),
        (&["(call $poll_oneoff #64 #256 #0 #32)"], INVAL),
        (&["(call $poll_oneoff #64 #256 #5000 #32)"], FAULT),
        (&["(call $sched_yield)"], 0),
        (&["(call $proc_raise #9)"], NOSYS),
        (&["(call $sock_accept #3 #0 #32)"], NOSYS),
        (&["(call $sock_recv #3 #64 #1 #0 #32 #36)"], NOSYS),
        (&["(call $sock_send #3 #64 #1 #0 #32)"], NOSYS),
        (&["(call $sock_shutdown #3 #3)"], NOSYS),
    ])
    .await;
}

#[tokio::test]
async fn without_a_memory_there_is_nothing_to_write_to() {
    let rig = Rig::new();
    for (name, params) in CALLS {
        if name == "proc_exit" {
            continue;
        }
        let zeros: String =
            params.split_whitespace().map(|kind| format!("({kind}.const 0)")).collect();
        let module = format!(
            "(module
               (import \"wasi_snapshot_preview1\" \"{name}\"
                 (func $f (param {params}) (result i32)))
               (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
               (func (export \"_start\") (call $exit (call $f {zeros}))))"
        );
        assert!(matches!(rig.run(&module).await.unwrap().outcome, Outcome::Exit(_)), "{name}");
    }
}

#[tokio::test]
async fn wild_numbers_never_hurt_the_host() {
    let rig = rig();
    let wild: [i64; 6] = [0, -1, 3, 4, 65_535, i64::MIN];
    for (name, params) in CALLS {
        if name == "proc_exit" {
            continue;
        }
        let kinds: Vec<_> = params.split_whitespace().collect();
        let mut body = String::new();
        // Every number in every place, the others of another kind.
        for place in 0..kinds.len().max(1) {
            for (one, other) in wild.iter().flat_map(|a| wild.map(|b| (*a, b))) {
                let args: String = kinds
                    .iter()
                    .enumerate()
                    .map(|(n, kind)| {
                        let number = if n == place { one } else { other };
                        match *kind {
                            "i32" => format!("(i32.const {})", number as i32),
                            _ => format!("(i64.const {number})"),
                        }
                    })
                    .collect();
                body.push_str(&format!("(drop (call ${name} {args}))"));
            }
        }
        let (outcome, _) = run(&rig, PROFILE_DET_1, &command("", &body)).await;
        assert_eq!(outcome, Outcome::Exit(0), "{name}");
    }
}
