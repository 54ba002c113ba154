//! What jobs leave behind, whoever they and gadus are.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use gadus_model::{FailureKind, Outcome};
use gadus_ports::Executor as _;

use crate::support::{self, Bench, NOBODY_IMAGE, ROOT_IMAGE, is_root, output, spawn};

/// Files, closed ones and nested ones, links, and a directory that nobody may enter.
const MESS: &str = "umask 077; cd /out; echo a >a; mkdir -p d/e; echo b >d/e/b; ln -s /etc/passwd link; \
    chmod 000 a; chmod 500 d/e; mkdir shut; echo c >shut/c; chmod 000 shut; chmod 600 /out/d/e/b";

/// Every regular file under a directory, read as an importer would.
fn read_all(root: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() {
                todo.push(path);
            } else if kind.is_file() {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

#[tokio::test]
async fn every_images_user_can_write_and_gadus_can_read_and_remove() {
    let Some(bench) = Bench::new().await else { return };
    for image in [ROOT_IMAGE, NOBODY_IMAGE] {
        let mut request = bench.request(image, &["/bin/sh", "-c", MESS]).await;
        let host = output(&mut request, "/out");
        let scratch = request.scratch.clone();
        let (ended, kept) = bench.run(request).await;
        assert_eq!(ended.unwrap().outcome, Outcome::Exit(0), "{image}: {}", kept.stderr());
        let parent = std::fs::metadata(host.parent().unwrap()).unwrap();
        assert_eq!(parent.mode() & 0o777, 0o700, "nobody else may enter");
        let files = [("a", "a\n"), ("d/e/b", "b\n"), ("shut/c", "c\n")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(read_all(&host), BTreeMap::from(files), "{image}");
        assert!(std::fs::symlink_metadata(host.join("link")).unwrap().is_symlink());
        std::fs::remove_dir_all(scratch).unwrap();
    }
    bench.is_clean().await;
}

#[tokio::test]
async fn what_a_stopped_job_leaves_can_be_removed() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh(&format!("{MESS}; echo ready >&2; sleep 600")).await;
    _ = output(&mut request, "/out");
    let scratch = request.scratch.clone();
    let running = spawn(&bench.executor, request);
    running.kept.says("ready").await;
    running.stop.cancel();
    assert_eq!(running.task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
    std::fs::remove_dir_all(scratch).unwrap();
}

#[tokio::test]
async fn what_an_orphan_leaves_can_be_removed() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh(&format!("{MESS}; echo ready >&2; sleep 600")).await;
    _ = output(&mut request, "/out");
    let (scratch, execution) = (request.scratch.clone(), request.execution);
    let running = spawn(&bench.executor, request);
    running.kept.says("ready").await;
    running.task.abort();
    _ = running.task.await;
    assert_eq!(bench.restarted().reap(&[].into()).await.unwrap(), [execution]);
    std::fs::remove_dir_all(scratch).unwrap();
}

#[tokio::test]
async fn an_earlier_runs_leftovers_are_no_result() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("echo new >/out/new").await;
    let host = output(&mut request, "/out");
    std::fs::create_dir_all(host.join("old/er")).unwrap();
    std::fs::write(host.join("old/er/file"), "old").unwrap();
    assert_eq!(bench.exit_of(request).await, 0);
    assert_eq!(read_all(&host), BTreeMap::from([("new".to_owned(), "new\n".to_owned())]));
}

/// The tests above and others again, by a user who may use the engine and nothing else.
#[test]
fn an_ordinary_user_gets_the_same() {
    let Some(socket) = support::socket() else { return };
    if !is_root() {
        return;
    }
    let group = std::fs::metadata(socket).unwrap().gid();
    if group == 0 {
        return support::skip("the engine's socket belongs to root alone");
    }
    let dir = tempfile::tempdir().unwrap();
    let exe = dir.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &exe).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&exe);
    command.args(["outputs::", "limits::", "runs::output_is_exact", "endings::stop"]);
    command.args(["--test-threads", "2"]);
    command.env("GADUS_TEST_DOCKER_SOCK", socket).env("TMPDIR", dir.path()).env("HOME", "/");
    command.current_dir("/").uid(54_321).gid(group);
    let ran = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(
        said.contains("every_images_user_can_write_and_gadus_can_read_and_remove ... ok"),
        "{said}"
    );
}
