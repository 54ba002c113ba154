//! Output directories, honest and hostile.

mod racing;

use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use futures::TryStreamExt as _;
use gadus_model::{Caps, ExecutionId};
use gadus_ports::{Content as _, NamespaceId, Node, Pinning};
use rustix::fs::{CWD, FileType, Mode, mkfifoat, mknodat};
use tempfile::TempDir;

use super::*;
use crate::{ContentConfig, EmbeddedContent, raw_cid};

struct Case {
    dir: TempDir,
    content: EmbeddedContent,
}

const NAMESPACE: NamespaceId = ExecutionId(uuid::Uuid::from_u128(9));

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = ContentConfig { path_depth_max: 6, ..ContentConfig::default() };
        let content = EmbeddedContent::open(dir.path().join("store"), config).unwrap();
        std::fs::create_dir(dir.path().join("out")).unwrap();
        Self { dir, content }
    }

    fn out(&self, path: &str) -> PathBuf {
        self.dir.path().join("out").join(path)
    }

    fn tree(&self, caps: Caps) -> ResultTree {
        ResultTree {
            stdout: Bytes::from_static(b"said"),
            stderr: Bytes::from_static(b"moaned"),
            exit_code: 3,
            outputs: vec![("outputs".to_owned(), self.dir.path().join("out"))],
            caps,
        }
    }

    async fn import(&self) -> Result<ImportedResult, ContentError> {
        self.content.import_result(NAMESPACE, self.tree(Caps::default())).await
    }

    async fn import_capped(&self, bytes: u64, files: u64) -> Result<ImportedResult, ContentError> {
        let caps = Caps { output_max_bytes: bytes, output_max_files: files, ..Caps::default() };
        self.content.import_result(NAMESPACE, self.tree(caps)).await
    }

    /// Makes it public and reads a path of it.
    async fn read(&self, root: Cid, path: &str) -> String {
        match self.content.open(root, path, None).await.unwrap() {
            Node::File { reader, .. } => {
                let bytes = reader.read(0, u64::MAX).try_collect::<Vec<_>>().await.unwrap();
                String::from_utf8(bytes.concat()).unwrap()
            }
            Node::Symlink { target, .. } => format!("-> {target}"),
            Node::Directory { entries, .. } => {
                let names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
                names.join(" ")
            }
        }
    }
}

#[tokio::test]
async fn a_result_is_a_directory_that_is_seen_once_promoted() {
    let case = Case::new();
    std::fs::create_dir(case.out("sub")).unwrap();
    std::fs::write(case.out("sub/answer"), "42").unwrap();
    symlink("sub/answer", case.out("link")).unwrap();
    let result = case.import().await.unwrap();
    assert_eq!(result.warnings, Vec::<String>::new());
    assert_eq!(result.bytes, 4 + 6 + 1 + 2);
    assert!(!case.content.has(&result.result));
    assert!(!case.content.has(&raw_cid(b"42")));
    for (cid, bytes) in &result.inline {
        let stored = case.content.block(cid, Some(NAMESPACE)).await.unwrap();
        assert_eq!(stored.as_ref(), Some(bytes));
    }
    let reason = gadus_ports::PinReason::Result(NAMESPACE);
    case.content.promote(NAMESPACE, result.result, reason.into()).await.unwrap();
    assert_eq!(case.read(result.result, "").await, "exitCode outputs stderr stdout");
    assert_eq!(case.read(result.result, "stdout").await, "said");
    assert_eq!(case.read(result.result, "stderr").await, "moaned");
    assert_eq!(case.read(result.result, "exitCode").await, "3");
    assert_eq!(case.read(result.result, "outputs/sub/answer").await, "42");
    assert_eq!(case.read(result.result, "outputs/link").await, "-> sub/answer");
    assert_eq!((result.stdout, result.stderr), (raw_cid(b"said"), raw_cid(b"moaned")));
}

#[tokio::test]
async fn the_inline_blocks_are_the_whole_result_or_none() {
    let case = Case::new();
    // Public already: still part of what is sent along.
    let said = (raw_cid(b"said"), Bytes::from_static(b"said"));
    case.content.put(vec![said.clone()]).await.unwrap();
    let small = case.import().await.unwrap();
    assert!(small.inline.contains(&said));
    let other = Case::new();
    other.content.put(small.inline).await.unwrap();
    assert_eq!(other.content.bytes_missing(&small.result, 1), 0);
    std::fs::write(case.out("large"), vec![1; INLINE_BYTES_MAX]).unwrap();
    assert_eq!(case.import().await.unwrap().inline, []);
}

#[tokio::test]
async fn an_output_that_is_empty_or_gone_is_a_warning_that_names_it() {
    let case = Case::new();
    let warning = ["output 'outputs' is empty".to_owned()];
    assert_eq!(case.import().await.unwrap().warnings, warning);
    std::fs::remove_dir(case.out("")).unwrap();
    assert_eq!(case.import().await.unwrap().warnings, warning);
}

#[tokio::test]
async fn a_link_that_leads_out_refuses_the_result_and_nothing_is_read_through_it() {
    let secret = |case: &Case| {
        std::fs::write(case.dir.path().join("secret"), "the host's").unwrap();
        case.dir.path().join("secret")
    };
    type Make = fn(&Case, &Path);
    let table: [(Make, &str, &str); 4] = [
        (|case, secret| symlink(secret, case.out("abs")).unwrap(), "outputs/abs", "leads out"),
        (|case, _| symlink("../secret", case.out("up")).unwrap(), "outputs/up", "leads out"),
        (|case, _| symlink("..", case.out("dir")).unwrap(), "outputs/dir", "leads out"),
        (
            |case, _| {
                std::fs::create_dir_all(case.out("d/e")).unwrap();
                symlink("../..", case.out("d/e/root")).unwrap();
                // Inside by its text; what is there is the host's.
                symlink("d/e/root/../secret", case.out("sly")).unwrap();
                assert_eq!(std::fs::read(case.out("sly")).unwrap(), b"the host's");
            },
            "outputs/sly",
            "comes after the link 'outputs/d/e/root'",
        ),
    ];
    for (make, link, expected) in table {
        let case = Case::new();
        make(&case, &secret(&case));
        let error = case.import().await.unwrap_err();
        let ContentError::UnsafeOutput { path, why } = &error else { panic!("{link}: {error}") };
        assert_eq!(path, link);
        assert!(why.contains(expected), "{error}");
        assert_eq!(case.content.core.store.used_bytes(), 0, "{link}");
    }
}

#[tokio::test]
async fn links_that_stay_inside_stay_links() {
    let case = Case::new();
    std::fs::create_dir_all(case.out("d/e")).unwrap();
    std::fs::write(case.out("d/answer"), "42").unwrap();
    symlink("d", case.out("dir")).unwrap();
    symlink("dir/answer", case.out("by-way-of-a-link")).unwrap();
    symlink("../../d/answer", case.out("d/e/up")).unwrap();
    symlink("gone", case.out("dangling")).unwrap();
    let result = case.import().await.unwrap();
    assert_eq!(result.warnings, Vec::<String>::new());
    let reason = gadus_ports::PinReason::Result(NAMESPACE);
    case.content.promote(NAMESPACE, result.result, reason.into()).await.unwrap();
    for (link, target) in [
        ("dir", "d"),
        ("by-way-of-a-link", "dir/answer"),
        ("d/e/up", "../../d/answer"),
        ("dangling", "gone"),
    ] {
        let shown = case.read(result.result, &format!("outputs/{link}")).await;
        assert_eq!(shown, format!("-> {target}"));
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused_by_name() {
    type Make = fn(&Case);
    let table: [(&str, Make, &str); 6] = [
        ("fifo", |case| mkfifoat(CWD, case.out("fifo"), Mode::RWXU).unwrap(), "is a FIFO"),
        ("socket", |case| drop(UnixListener::bind(case.out("socket")).unwrap()), "is a socket"),
        ("a/b/c/d/e/f", |case| std::fs::create_dir_all(case.out("a/b/c/d/e/f")).unwrap(), "deeper"),
        (
            "name",
            |case| {
                use std::os::unix::ffi::OsStrExt as _;
                let name = std::ffi::OsStr::from_bytes(b"name\xff");
                std::fs::write(case.dir.path().join("out").join(name), "").unwrap();
            },
            "not UTF-8",
        ),
        (
            "link",
            |case| {
                use std::os::unix::ffi::OsStrExt as _;
                symlink(std::ffi::OsStr::from_bytes(b"\xff"), case.out("link")).unwrap();
            },
            "target is not UTF-8",
        ),
        (
            "outputs",
            |case| {
                std::fs::remove_dir(case.out("")).unwrap();
                symlink("/etc", case.dir.path().join("out")).unwrap();
            },
            "is not a directory",
        ),
    ];
    for (name, make, expected) in table {
        let case = Case::new();
        make(&case);
        let error = case.import().await.unwrap_err();
        let ContentError::UnsafeOutput { path, why } = &error else { panic!("{name}: {error}") };
        assert!(path.contains(name) && why.contains(expected), "{name}: {error}");
        assert_eq!(case.content.core.store.used_bytes(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_device_is_refused_without_being_opened() {
    let case = Case::new();
    let made = mknodat(CWD, case.out("null"), FileType::CharacterDevice, Mode::RWXU, 0x103);
    if made.is_err() {
        // Only root can make devices, and not everywhere.
        return;
    }
    let error = case.import().await.unwrap_err().to_string();
    assert_eq!(error, "output 'outputs/null' is a device");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_by_name() {
    let case = Case::new();
    std::fs::write(case.out("shut"), "x").unwrap();
    std::fs::set_permissions(case.out("shut"), std::fs::Permissions::from_mode(0o000)).unwrap();
    match case.import().await {
        // Root reads everything.
        Ok(_) => assert!(rustix::process::geteuid().is_root()),
        Err(error) => assert!(error.to_string().contains("'outputs/shut' cannot be read")),
    }
}

#[tokio::test]
async fn caps_hold_and_sparse_files_count_by_their_length() {
    let case = Case::new();
    std::fs::write(case.out("a"), "12345").unwrap();
    std::fs::write(case.out("b"), "678").unwrap();
    assert!(case.import_capped(8, 2).await.is_ok());
    let error = case.import_capped(7, 2).await.unwrap_err();
    assert!(matches!(error, ContentError::TooMuchOutput { what: "bytes", max: 7 }), "{error}");
    let error = case.import_capped(8, 1).await.unwrap_err();
    assert!(matches!(error, ContentError::TooMuchOutput { what: "files", max: 1 }), "{error}");
    // A petabyte of nothing is not read to be refused.
    let sparse = std::fs::File::create(case.out("sparse")).unwrap();
    sparse.set_len(1 << 42).unwrap();
    let error = case.import_capped(1 << 30, 100).await.unwrap_err();
    assert!(matches!(error, ContentError::TooMuchOutput { what: "bytes", .. }), "{error}");
    // A small one is content like any other.
    sparse.set_len(3 << 20).unwrap();
    sparse.write_all_at(b"end", (3 << 20) - 3).unwrap();
    assert_eq!(case.import().await.unwrap().bytes, 4 + 6 + 1 + 8 + (3 << 20));
}

#[tokio::test]
async fn an_output_may_not_take_the_name_of_a_stream_or_a_path() {
    for (name, expected) in
        [("stdout", "is there twice"), ("../x", "not allowed"), ("", "not allowed")]
    {
        let case = Case::new();
        let mut tree = case.tree(Caps::default());
        name.clone_into(&mut tree.outputs[0].0);
        let error = case.content.import_result(NAMESPACE, tree).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn equal_outputs_are_equal_results() {
    let (a, b) = (Case::new(), Case::new());
    for case in [&a, &b] {
        std::fs::write(case.out("f"), "same").unwrap();
    }
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(b.out("f"), mode).unwrap();
    assert_eq!(a.import().await.unwrap(), b.import().await.unwrap(), "modes are dropped");
}
