//! Inputs, outputs, and the ways out of them that must not exist.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use gadus_model::{FailureKind, Outcome};
use gadus_ports::StdStream;

use super::rig::{Rig, command, kind};

/// Preopened directories come in the order of their names, from 3 on.
const INPUTS: u32 = 3;
const OUTPUTS: u32 = 4;

const NOTHING: u32 = 0;
const CREATE: u32 = 1;
const TRUNCATE: u32 = 8;
const READ: u32 = 2;
const WRITE: u32 = 64;

/// A guest's path and its place in memory.
struct Text(&'static str, u32);

impl Text {
    fn data(&self) -> String {
        format!("(data (i32.const {}) \"{}\")", self.1, self.0)
    }

    fn args(&self) -> String {
        format!("(i32.const {}) (i32.const {})", self.1, self.0.len())
    }
}

fn open(fd: u32, path: &Text, flags: u32, rights: u32) -> String {
    format!(
        "(call $path_open (i32.const {fd}) (i32.const 1) {} (i32.const {flags})
           (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 32))",
        path.args()
    )
}

/// Exits with the number that `call` gives.
fn errno_of(texts: &[&Text], call: &str) -> String {
    let data: String = texts.iter().map(|text| text.data()).collect();
    command(&data, &format!("(call $exit {call})"))
}

/// Writes a file's first bytes to stdout, or exits with why it cannot.
fn cat(fd: u32, path: &'static str) -> String {
    let path = Text(path, 1024);
    command(
        &path.data(),
        &format!(
            "(call $must {})
             (i32.store (i32.const 0) (i32.const 4096))
             (i32.store (i32.const 4) (i32.const 100))
             (call $must (call $fd_read
               (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8)))
             (call $write (i32.const 1) (i32.const 4096) (i32.load (i32.const 8)))",
            open(fd, &path, NOTHING, READ)
        ),
    )
}

/// `inputs/` with a file, a subdirectory and links; `secret` beside it; `outputs/` not made yet.
fn rig() -> Rig {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("inputs/sub")).unwrap();
    fs::write(rig.path("inputs/a.txt"), "input").unwrap();
    fs::write(rig.path("inputs/sub/b.txt"), "deeper").unwrap();
    fs::write(rig.path("secret"), "secret").unwrap();
    symlink("../secret", rig.path("inputs/up")).unwrap();
    symlink(rig.path("secret"), rig.path("inputs/absolute")).unwrap();
    symlink("/", rig.path("inputs/root")).unwrap();
    symlink("sub/b.txt", rig.path("inputs/inside")).unwrap();
    rig
}

async fn run(rig: &Rig, module: &str) -> (Outcome, String) {
    let (result, kept) = rig
        .run_with(module, |request| {
            request.mounts = vec![rig.mount("inputs", "/inputs")];
            request.outputs = vec![rig.output("outputs", "/outputs")];
        })
        .await;
    (result.unwrap().outcome, kept.text(StdStream::Stdout))
}

fn tree(dir: &Path) -> Vec<(String, u64)> {
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let bytes = entry.path().symlink_metadata().unwrap().len();
            (entry.file_name().into_string().unwrap(), bytes)
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn inputs_are_read() {
    let rig = rig();
    for (path, text) in [("a.txt", "input"), ("sub/b.txt", "deeper"), ("inside", "deeper")] {
        assert_eq!(run(&rig, &cat(INPUTS, path)).await, (Outcome::Exit(0), text.to_owned()));
    }
    assert!(!rig.path("scratch").exists(), "directories need no files of ours");
}

#[tokio::test]
async fn a_single_file_is_read_where_it_was_put() {
    let rig = rig();
    for (guest, directory, name) in [
        ("/in.txt", "/", "in.txt"),
        ("/data/cfg/in.txt", "/data/cfg", "in.txt"),
        ("/in.txt/", "/", "in.txt"),
    ] {
        let names = command(
            "",
            "(call $must (call $fd_prestat_get (i32.const 3) (i32.const 16)))
             (call $must (call $fd_prestat_dir_name
               (i32.const 3) (i32.const 1024) (i32.load (i32.const 20))))
             (call $write (i32.const 1) (i32.const 1024) (i32.load (i32.const 20)))",
        );
        for (module, text) in [(names, directory), (cat(3, name), "input")] {
            let (result, kept) = rig
                .run_with(&module, |request| {
                    request.mounts = vec![rig.mount("inputs/a.txt", guest)];
                })
                .await;
            assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
            assert_eq!(kept.text(StdStream::Stdout), text);
            assert!(!rig.path("scratch").exists(), "files need no copies of ours");
        }
    }
}

#[tokio::test]
async fn outputs_are_written_and_made_when_missing() {
    let rig = rig();
    let (path, text) = (Text("made.txt", 1024), Text("hello", 2048));
    let module = command(
        &(path.data() + &text.data()),
        &format!(
            "(call $must {})
             (call $write (i32.load (i32.const 32)) {})",
            open(OUTPUTS, &path, CREATE, WRITE),
            text.args()
        ),
    );
    assert_eq!(run(&rig, &module).await.0, Outcome::Exit(0));
    assert_eq!(fs::read_to_string(rig.path("outputs/made.txt")).unwrap(), "hello");
}

#[tokio::test]
async fn inputs_cannot_be_changed() {
    let rig = rig();
    let before = (tree(&rig.path("inputs")), tree(&rig.path("inputs/sub")));
    let (file, new) = (Text("a.txt", 1024), Text("new", 2048));
    let (old_args, new_args) = (file.args(), new.args());
    let (i, o) = (format!("(i32.const {INPUTS})"), format!("(i32.const {OUTPUTS})"));
    for call in [
        open(INPUTS, &new, CREATE, WRITE),
        open(INPUTS, &file, NOTHING, WRITE),
        open(INPUTS, &file, TRUNCATE, READ),
        open(INPUTS, &file, CREATE | TRUNCATE, WRITE),
        format!("(call $path_unlink_file {i} {old_args})"),
        format!("(call $path_create_directory {i} {new_args})"),
        format!("(call $path_symlink {old_args} {i} {new_args})"),
        format!("(call $path_rename {i} {old_args} {i} {new_args})"),
        format!("(call $path_rename {i} {old_args} {o} {new_args})"),
        format!("(call $path_link {i} (i32.const 0) {old_args} {i} {new_args})"),
        // A hard link in an output would be the input, and writable.
        format!("(call $path_link {i} (i32.const 0) {old_args} {o} {new_args})"),
        format!(
            "(call $must {}) (call $fd_filestat_set_size (i32.load (i32.const 32)) (i64.const 0))",
            open(INPUTS, &file, NOTHING, READ)
        ),
    ] {
        let module = match call.strip_prefix("(call $must ") {
            None => errno_of(&[&file, &new], &call),
            Some(_) => {
                let (first, last) = call.split_once(") (call $fd_file").unwrap();
                let data = file.data() + &new.data();
                command(&data, &format!("{first}) (call $exit (call $fd_file{last})"))
            }
        };
        let (outcome, _) = run(&rig, &module).await;
        assert!(matches!(outcome, Outcome::Exit(errno) if errno != 0), "{outcome:?}: {call}");
        let after = (tree(&rig.path("inputs")), tree(&rig.path("inputs/sub")));
        assert_eq!(before, after, "{call}");
        assert!(tree(&rig.path("outputs")).is_empty(), "{call}");
    }
    assert_eq!(fs::read_to_string(rig.path("inputs/a.txt")).unwrap(), "input");
}

#[tokio::test]
async fn nothing_outside_is_reached() {
    let rig = rig();
    for path in [
        "../secret",
        "sub/../../secret",
        "..",
        "/etc/passwd",
        "up",
        "absolute",
        "root/etc/passwd",
        "root",
        "./././../inputs/../secret",
    ] {
        let (outcome, text) = run(&rig, &cat(INPUTS, path)).await;
        assert!(matches!(outcome, Outcome::Exit(errno) if errno != 0), "{path}: {outcome:?}");
        assert_eq!(text, "", "{path}");
    }
}

#[tokio::test]
async fn links_that_a_guest_makes_lead_nowhere() {
    let rig = rig();
    for (target, through) in [
        ("../secret", "link"),
        ("../../../../../../../../etc/passwd", "link"),
        ("..", "link/secret"),
        ("/etc", "link/passwd"),
        ("/etc/passwd", "link"),
    ] {
        fs::remove_dir_all(rig.path("outputs")).ok();
        let (to, link, path) = (Text(target, 1024), Text("link", 2048), Text(through, 3072));
        let data = to.data() + &link.data() + &path.data();
        for (flags, rights) in [(NOTHING, READ), (NOTHING, WRITE), (CREATE | TRUNCATE, WRITE)] {
            let made =
                format!("(call $path_symlink {} (i32.const {OUTPUTS}) {})", to.args(), link.args());
            let opened = open(OUTPUTS, &path, flags, rights);
            let module = command(&data, &format!("(drop {made}) (call $exit {opened})"));
            let (outcome, _) = run(&rig, &module).await;
            let inside =
                rig.path("outputs/link").is_file() && !rig.path("outputs/link").is_symlink();
            assert!(
                inside || matches!(outcome, Outcome::Exit(errno) if errno != 0),
                "{target}: {outcome:?}"
            );
        }
    }
    assert_eq!(fs::read_to_string(rig.path("secret")).unwrap(), "secret");
}

#[tokio::test]
async fn an_output_that_is_a_link_is_refused() {
    let rig = rig();
    symlink(rig.path("inputs"), rig.path("outputs")).unwrap();
    let (result, _) = rig
        .run_with(&command("", ""), |request| {
            request.outputs = vec![rig.output("outputs", "/outputs")];
        })
        .await;
    assert_eq!(kind(result), FailureKind::Internal);
}

#[tokio::test]
async fn overlapping_directories_go_by_the_longest_name_and_clashes_are_refused() {
    let rig = rig();
    let (result, kept) = rig
        .run_with(&cat(4, "b.txt"), |request| {
            request.mounts =
                vec![rig.mount("inputs", "/inputs"), rig.mount("inputs/sub", "/inputs/other")];
        })
        .await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
    assert_eq!(kept.text(StdStream::Stdout), "deeper");
    let (result, _) = rig
        .run_with(&command("", ""), |request| {
            request.mounts =
                vec![rig.mount("inputs", "/inputs"), rig.mount("secret", "/inputs/secret")];
        })
        .await;
    assert_eq!(kind(result), FailureKind::Invalid);
}
