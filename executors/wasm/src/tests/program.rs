//! A real program: `wordfreq`, in C over wasi-libc, as the demo runs it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use gadus_model::Outcome;
use gadus_ports::{ExecRequest, StdStream};
use tokio_util::sync::CancellationToken;

use super::built::built;
use super::rig::Rig;

fn wordfreq() -> Option<(Bytes, PathBuf)> {
    built("wordfreq")
}

async fn run(
    rig: &Rig,
    wasm: &Bytes,
    change: impl FnOnce(&mut ExecRequest),
) -> (Outcome, String, String) {
    let (result, kept) = rig.run_bytes(wasm.clone(), change, &CancellationToken::new()).await;
    let finished = result.unwrap();
    (finished.outcome, kept.text(StdStream::Stdout), kept.text(StdStream::Stderr))
}

#[tokio::test]
async fn words_are_counted_below_a_directory() {
    let rig = Rig::new();
    let Some((wasm, native)) = wordfreq() else { return };
    let inputs = rig.path("inputs");
    fs::create_dir_all(inputs.join("a/b/c")).unwrap();
    fs::write(inputs.join("one.txt"), "The cod, the COD; the sea.").unwrap();
    fs::write(inputs.join("a/b/c/two.bin"), b"\xff\0sea\0\xfe cod9cod\n\0").unwrap();
    fs::write(inputs.join("empty"), "").unwrap();
    fs::write(inputs.join("long"), "x".repeat(300_000)).unwrap();
    std::os::unix::fs::symlink("/etc", inputs.join("out")).unwrap();
    // More names than one buffer of readdir, more words than the first table.
    for n in 0..500u32 {
        let word: String =
            n.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect();
        let text: String = ('a'..='z').map(|letter| format!("zz{word}{letter} ")).collect();
        fs::write(inputs.join(format!("a/file-{n}")), text).unwrap();
    }
    let (outcome, stdout, stderr) = run(&rig, &wasm, |request| {
        request.args = vec!["5".to_owned()];
        request.mounts = vec![rig.mount("inputs", "/inputs")];
        request.outputs = vec![rig.output("outputs", "/outputs")];
    })
    .await;
    assert_eq!((outcome, stderr.as_str()), (Outcome::Exit(0), ""));
    let counts = fs::read_to_string(rig.path("outputs/counts.txt")).unwrap();
    let top: Vec<_> = counts.lines().collect();
    assert_eq!(top[..3], ["4 cod", "3 the", "2 sea"]);
    assert_eq!(top.len(), 5);
    assert!(top[3].starts_with("1 xxx"), "{}", top[3]);
    assert!(stdout.starts_with("504 files, "), "{stdout}");
    assert!(stdout.contains(", 13010 words, 13004 distinct\n"), "{stdout}");
    assert!(stdout.contains("\n       4 cod\n       3 the\n"), "{stdout}");

    // The same source as a native program says the same.
    let own_outputs = rig.path("native");
    fs::create_dir(&own_outputs).unwrap();
    let native = Command::new(native).arg("5").args([&inputs, &own_outputs]).output().unwrap();
    assert_eq!(String::from_utf8(native.stdout).unwrap(), stdout);
    assert_eq!(fs::read_to_string(own_outputs.join("counts.txt")).unwrap(), counts);
}

#[tokio::test]
async fn a_single_file_is_opened_by_its_path() {
    let rig = Rig::new();
    let Some((wasm, _)) = wordfreq() else { return };
    fs::write(rig.path("host-name"), "one two two").unwrap();
    for guest in ["/in.txt", "/data/deep/in.txt"] {
        let (outcome, stdout, stderr) = run(&rig, &wasm, |request| {
            request.args = vec!["9".to_owned(), guest.to_owned(), "/results/here".to_owned()];
            request.mounts = vec![rig.mount("host-name", guest)];
            request.outputs = vec![rig.output("out", "/results/here")];
        })
        .await;
        assert_eq!((outcome, stderr.as_str()), (Outcome::Exit(0), ""));
        assert_eq!(stdout, "1 files, 11 bytes, 3 words, 2 distinct\n       2 two\n       1 one\n");
        assert_eq!(fs::read_to_string(rig.path("out/counts.txt")).unwrap(), "2 two\n1 one\n");
    }
}

#[tokio::test]
async fn what_the_program_refuses_comes_through() {
    let rig = Rig::new();
    let Some((wasm, _)) = wordfreq() else { return };
    let (outcome, _, stderr) =
        run(&rig, &wasm, |request| request.args = vec!["many".to_owned()]).await;
    assert_eq!(outcome, Outcome::Exit(2));
    assert_eq!(stderr, "usage: wordfreq [TOP [INPUT [OUTPUT_DIR]]]\n");
    let (outcome, _, stderr) = run(&rig, &wasm, |_| {}).await;
    assert_eq!(outcome, Outcome::Exit(1));
    assert!(stderr.contains("cannot write /outputs/counts.txt"), "{stderr}");
}
