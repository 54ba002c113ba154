//! Real programs come to the same on engines of all kinds, in a first run and in those after it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use bytes::Bytes;
use gadus_model::{Det, Outcome, PROFILE_DET_1};
use gadus_ports::{ExecRequest, StdStream};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::built::built;
use super::engines::{Code, Kind};
use super::rig::Rig;

/// All that a run came to.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    outcome: Outcome,
    fuel: Option<u64>,
    memory_peak_bytes: Option<u64>,
    stdout: String,
    stderr: String,
    outputs: BTreeMap<String, String>,
}

/// Runs a program on an engine of each kind: compiled just now, in memory, and found on disk. Where
/// it is interpreted, which is slow, the first will do.
async fn everywhere(name: &str, arg: &str) -> Option<Answer> {
    let (wasm, _) = built(name)?;
    let mut seen = Vec::new();
    for kind in Kind::ALL {
        let rig = Rig::of_kind(kind);
        seen.push((kind, answer(&rig, &wasm, arg).await));
        if kind.code == Code::Pulley {
            continue;
        }
        seen.push((kind, answer(&rig, &wasm, arg).await));
        let rig = rig.restarted(kind);
        seen.push((kind, answer(&rig, &wasm, arg).await));
        assert_eq!(rig.executor.stats().disk_hits, 1);
    }
    let (_, first) = seen.swap_remove(0);
    for (kind, other) in seen {
        assert_eq!(other, first, "{name} on {kind:?}");
    }
    Some(first)
}

async fn answer(rig: &Rig, wasm: &Bytes, arg: &str) -> Answer {
    make_inputs(&rig.path("inputs"));
    let _ = fs::remove_dir_all(rig.path("outputs"));
    let change = |request: &mut ExecRequest| {
        request.args = vec![arg.to_owned()];
        request.mounts = vec![rig.mount("inputs", "/inputs")];
        request.outputs = vec![rig.output("outputs", "/outputs")];
        request.limits.det = Some(Det { profile: PROFILE_DET_1.into(), ..Det::default() });
    };
    let (result, kept) = rig.run_bytes(wasm.clone(), change, &CancellationToken::new()).await;
    let finished = result.unwrap();
    let mut outputs = BTreeMap::new();
    collect(&rig.path("outputs"), "", &mut outputs);
    Answer {
        outcome: finished.outcome,
        fuel: finished.fuel,
        memory_peak_bytes: finished.memory_peak_bytes,
        stdout: kept.text(StdStream::Stdout),
        stderr: kept.text(StdStream::Stderr),
        outputs,
    }
}

/// Each file's hash, each link's target, and each directory, by path.
fn collect(dir: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().unwrap();
        let what = if kind.is_dir() {
            collect(&entry.path(), &path, found);
            "a directory".to_owned()
        } else if kind.is_symlink() {
            fs::read_link(entry.path()).unwrap().to_string_lossy().into_owned()
        } else {
            hex::encode(Sha256::digest(fs::read(entry.path()).unwrap()))
        };
        found.insert(path, what);
    }
}

/// Made anew for every run, in another order each time, so that no two directories of the host's
/// are alike.
fn make_inputs(dir: &Path) {
    let is_first = !dir.exists();
    let _ = fs::remove_dir_all(dir);
    let mut names: Vec<_> = (0..60).map(|n| format!("{}/{n}", n % 4)).collect();
    if is_first {
        names.reverse();
    }
    for name in names {
        let path = dir.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name.repeat(300)).unwrap();
    }
    symlink("0/0", dir.join("link")).unwrap();
}

#[tokio::test]
async fn many_files_are_the_same_everywhere() {
    let Some(answer) = everywhere("files", "400").await else { return };
    assert_eq!((answer.outcome, answer.stderr.as_str()), (Outcome::Exit(0), ""));
    assert!(answer.outputs.len() > 330, "{} entries", answer.outputs.len());
    for line in answer.stdout.lines().filter(|line| !line.contains("/.. ")) {
        assert!(line.contains(" dev 0 ") && line.contains(" times 0 0 0"), "{line}");
    }
}

#[tokio::test]
async fn floats_are_the_same_everywhere() {
    let Some(answer) = everywhere("floats", "").await else { return };
    assert_eq!((answer.outcome, answer.stderr.as_str()), (Outcome::Exit(0), ""));
    // Each NaN is the one that there is, where a processor's own would differ or keep a payload.
    for line in [
        "0/0 7ff8000000000000",
        "inf-inf 7ff8000000000000",
        "payload+1 7ff8000000000000",
        "sqrt(-1) 7ff8000000000000",
        "narrow payload 7fc00000",
        "tiny*3 0000000000000003",
    ] {
        assert!(answer.stdout.contains(line), "{line}: {}", answer.stdout);
    }
}

#[tokio::test]
async fn ten_mebibytes_are_sorted_the_same_everywhere() {
    let Some(answer) = everywhere("sorting", "10").await else { return };
    assert_eq!((answer.outcome, answer.stderr.as_str()), (Outcome::Exit(0), ""));
    assert!(answer.stdout.ends_with(", 0 lost\n"), "{}", answer.stdout);
}

#[tokio::test]
async fn counted_words_are_the_same_everywhere() {
    let Some(answer) = everywhere("wordfreq", "5").await else { return };
    assert_eq!((answer.outcome, answer.stderr.as_str()), (Outcome::Exit(0), ""));
}
