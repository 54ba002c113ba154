//! Inputs that are read where they lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gadus_model::codec::cid_of;
use gadus_model::{Det, Failure, FailureKind, Outcome, PROFILE_DET_1, RAW};
use gadus_ports::{
    ContentError, Finished, InputDirectory, InputEntry, InputFile, InputKind, InputNode, Mount,
    MountSource, StdStream,
};

use super::rig::{Rig, kind};
use super::script::{open, script};

/// A directory with a file `whole`, one `half` that ends in a block that is not there, and one
/// `gone`.
#[derive(Debug)]
struct Tree;

#[derive(Debug)]
struct Half;

fn missing() -> ContentError {
    ContentError::Missing { cid: cid_of(RAW, b""), asked: 0, waited_ms: 0 }
}

fn whole() -> InputNode {
    InputNode::File(Arc::new(Bytes::from_static(b"whole")))
}

impl InputDirectory for Tree {
    fn entry(&self, name: &str) -> Result<Option<InputNode>, ContentError> {
        match name {
            "whole" => Ok(Some(whole())),
            "half" => Ok(Some(InputNode::File(Arc::new(Half)))),
            "gone" => Err(missing()),
            _ => Ok(None),
        }
    }

    fn list(&self) -> Result<Vec<InputEntry>, ContentError> {
        Ok(vec![InputEntry { name: "whole".to_owned(), kind: InputKind::File }])
    }
}

impl InputFile for Half {
    fn size(&self) -> u64 {
        10
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        if offset + buffer.len() as u64 > 5 {
            return Err(missing());
        }
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

/// Runs a guest on the tree, and on one of its files given alone.
async fn run(calls: &[&str]) -> (Result<Finished, Failure>, String) {
    let (result, kept) = Rig::new()
        .run_with(&script(calls), |request| {
            let mount = |source, guest: &str| Mount { source, guest: guest.to_owned() };
            request.mounts = vec![
                mount(MountSource::Tree(InputNode::Directory(Arc::new(Tree))), "/inputs"),
                mount(MountSource::Tree(whole()), "/single/file"),
            ];
            request.limits.det = Some(Det { profile: PROFILE_DET_1.into(), ..Det::default() });
        })
        .await;
    (result, kept.text(StdStream::Stdout))
}

#[tokio::test]
async fn a_tree_and_a_file_alone_are_read() {
    for (fd, name) in [(3, "whole"), (4, "file")] {
        let (result, _) = run(&[&open(fd, name, 0, 2), "(call $fd_filestat_get @ #64)"]).await;
        assert_eq!(result.unwrap().outcome, Outcome::Exit(0));
        let (_, stdout) = run(&[
            &open(fd, name, 0, 2),
            "(block (result i32) (i32.store #0 #1024) (i32.store #4 #99) #0)",
            "(call $fd_read @ #0 #1 #8)",
            "=1024:5",
        ])
        .await;
        assert_eq!(stdout, "whole");
    }
}

#[tokio::test]
async fn a_block_that_is_missing_in_the_middle_is_no_result() {
    let (result, _) = run(&[&open(3, "none", 0, 2)]).await;
    assert_eq!(result.unwrap().outcome, Outcome::Exit(44), "what is not in the tree is a result");
    for calls in [
        &[open(3, "gone", 0, 2)][..],
        &[
            open(3, "half", 0, 2),
            "(block (result i32) (i32.store #0 #1024) (i32.store #4 #5) #0)".to_owned(),
            "(call $fd_read @ #0 #1 #8)".to_owned(),
            "(call $fd_read @ #0 #1 #8)".to_owned(),
        ],
    ] {
        let calls: Vec<_> = calls.iter().map(String::as_str).collect();
        let failure = kind(run(&calls).await.0);
        assert!(matches!(failure, FailureKind::MissingBlock(_)), "{failure:?}");
        assert!(failure.is_retryable());
    }
}

/// How long a guest may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A large file that is read a few times, and whose disk then answers too late for its guest.
#[derive(Debug)]
struct Slow(Arc<AtomicU32>);

/// Reads of it that are in time.
const IN_TIME: u32 = 2;

impl InputFile for Slow {
    fn size(&self) -> u64 {
        1 << 30
    }

    fn read_at(&self, _: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        if self.0.fetch_add(1, Ordering::Relaxed) == IN_TIME {
            // From here on the guest's time is over, however fast the machine is.
            std::thread::sleep(TIMEOUT);
        }
        Ok(buffer.len())
    }
}

#[tokio::test]
async fn a_large_read_ends_with_its_guest() {
    let reads = Arc::new(AtomicU32::new(0));
    let module = script(&[
        &open(3, "file", 0, 2),
        // All of 32 MiB but the first page.
        "(block (result i32) (i32.store #0 #65536) (i32.store #4 #33488896) #0)",
        "(call $fd_read @ #0 #1 #8)",
    ]);
    let module =
        module.replace("(memory (export \"memory\") 1)", "(memory (export \"memory\") 512)");
    let (result, _) = Rig::new()
        .run_with(&module, |request| {
            let file = InputNode::File(Arc::new(Slow(Arc::clone(&reads))));
            let mount = Mount { source: MountSource::Tree(file), guest: "/single/file".to_owned() };
            request.mounts = vec![mount];
            request.limits.timeout = Some(TIMEOUT);
        })
        .await;
    assert_eq!(kind(result), FailureKind::Timeout);
    let reads = reads.load(Ordering::Relaxed);
    assert_eq!(reads, IN_TIME + 1, "of 511");
}
