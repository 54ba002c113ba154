//! Every row of the golden table, made by a real Kubo, and every CAR that Kubo exported.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt as _;
use gadus_data::import::{Budget, Importer, Pool};
use gadus_data::unixfs::NullSink;
use gadus_data::{ContentConfig, EmbeddedContent};
use gadus_ports::{CarPart, Content as _, ContentError, EntryKind, Layout, Node, Profile};
use serde_json::Value;
use sha3::Shake128;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};

/// The first bytes of SHAKE-128("gadus:" + seed), as the table's recipes say.
struct Content {
    left: u64,
    stream: Option<sha3::Shake128Reader>,
}

impl Content {
    fn of(entry: &Value) -> Self {
        let left = entry["size"].as_u64().unwrap();
        let seed = entry.get("seed").map(|seed| seed.as_str().unwrap());
        Self { left, stream: seed.map(shake) }
    }
}

fn shake(seed: &str) -> sha3::Shake128Reader {
    let mut shake = Shake128::default();
    shake.update(b"gadus:");
    shake.update(seed.as_bytes());
    shake.finalize_xof()
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).unwrap().min(buffer.len());
        match &mut self.stream {
            Some(stream) => stream.read(&mut buffer[..length]),
            None => buffer[..length].fill(0),
        }
        self.left -= length as u64;
        Ok(length)
    }
}

fn rows() -> Vec<Value> {
    let text = std::fs::read_to_string("tests/golden.json").unwrap();
    let table: Value = serde_json::from_str(&text).unwrap();
    table["trees"].as_array().unwrap().clone()
}

/// Writes a tree as its recipe says; answers the path of what is to be imported.
fn write(entries: &[Value], base: &Path) -> std::path::PathBuf {
    for entry in entries {
        let path = base.join(entry["path"].as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry["kind"].as_str().unwrap() {
            "file" | "zeros" => {
                let mut file = std::fs::File::create(path).unwrap();
                io::copy(&mut Content::of(entry), &mut file).unwrap();
            }
            "dir" => std::fs::create_dir_all(path).unwrap(),
            "symlink" => {
                std::os::unix::fs::symlink(entry["target"].as_str().unwrap(), path).unwrap();
            }
            "many" => {
                std::fs::create_dir_all(&path).unwrap();
                let number = |key: &str| usize::try_from(entry[key].as_u64().unwrap()).unwrap();
                let (width, size, seeds) = (number("width"), number("size"), number("seeds"));
                for nth in 0..number("entries") {
                    let mut bytes = vec![0; size];
                    shake(&(nth % seeds).to_string()).read(&mut bytes);
                    std::fs::write(path.join(format!("{nth:0width$}")), bytes).unwrap();
                }
            }
            other => panic!("unknown kind {other}"),
        }
    }
    let top = entries[0]["path"].as_str().unwrap().split('/').next().unwrap();
    base.join(top)
}

/// Single files, streamed into nowhere: a GiB takes no disk and no memory. Making the bytes takes
/// longer than importing them, so the rows are made side by side.
#[test]
fn every_file_of_the_table_has_kubos_cid() {
    let pool = Arc::new(Pool::new(2).unwrap());
    let importer = |profile| {
        let layout = Layout { profile, keep_modes: false };
        Importer::new(Arc::new(NullSink), pool.clone(), layout)
    };
    let rows = rows();
    let is_file = |row: &&Value| row["name"].as_str().unwrap().starts_with("file-");
    let files: Vec<&Value> = rows.iter().filter(is_file).collect();
    assert_eq!(files.len(), 20);
    std::thread::scope(|scope| {
        for (row, profile) in files.iter().flat_map(|row| Profile::ALL.map(|p| (row, p))) {
            let importer = importer(profile);
            scope.spawn(move || {
                let entry = &row["entries"][0];
                let mut budget = Budget::new(u64::MAX, u64::MAX);
                let built = importer.file(&mut Content::of(entry), None, &mut budget).unwrap();
                let expected = &row["cids"][profile.as_str()]["cid"];
                assert_eq!(built.cid.to_string(), *expected, "{profile} {}", row["name"]);
                assert_eq!(budget.bytes(), entry["size"].as_u64().unwrap());
            });
        }
    });
}

/// Directories, written out, imported, and listed again.
#[tokio::test]
async fn every_directory_of_the_table_has_kubos_cid_and_lists_back() {
    let dir = tempfile::tempdir().unwrap();
    let content =
        EmbeddedContent::open(dir.path().join("store"), ContentConfig::default()).unwrap();
    let mut tested = 0;
    for row in rows() {
        let name = row["name"].as_str().unwrap();
        if name.starts_with("file-") {
            continue;
        }
        let path = write(row["entries"].as_array().unwrap(), &dir.path().join(name));
        let mut names: Vec<String> = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        for profile in Profile::ALL {
            let layout = Layout { profile, keep_modes: false };
            let imported = content.import_path(path.clone(), layout).await.unwrap();
            let expected = row["cids"][profile.as_str()]["cid"].as_str().unwrap();
            assert_eq!(imported.root.to_string(), expected, "{profile} {name}");
            let Node::Directory { entries, .. } =
                content.open(imported.root, "", None).await.unwrap()
            else {
                panic!("{name} is no directory")
            };
            let listed: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
            assert_eq!(listed, names, "{profile} {name}");
        }
        std::fs::remove_dir_all(dir.path().join(name)).unwrap();
        tested += 1;
    }
    assert_eq!(tested, 15);
}

async fn read(content: &EmbeddedContent, root: gadus_model::Cid, path: &str) -> Vec<u8> {
    match content.open(root, path, None).await.unwrap() {
        Node::File { reader, size, .. } => {
            let bytes = reader.read(0, u64::MAX).try_collect::<Vec<_>>().await.unwrap().concat();
            assert_eq!(bytes.len() as u64, size);
            bytes
        }
        Node::Directory { .. } | Node::Symlink { .. } => panic!("{path} is no file"),
    }
}

fn car_roots() -> Vec<(String, gadus_model::Cid)> {
    let text = std::fs::read_to_string("tests/cars/roots.txt").unwrap();
    let line = |line: &str| {
        let (name, cid) = line.split_once(' ').unwrap();
        (name.to_owned(), cid.parse().unwrap())
    };
    text.lines().map(line).collect()
}

async fn import_car(
    content: &EmbeddedContent,
    name: &str,
) -> Result<gadus_model::Cid, ContentError> {
    let file = tokio::fs::File::open(format!("tests/cars/{name}.car")).await.unwrap();
    content.import_car(Box::pin(file)).await.map(|imported| imported.root)
}

#[tokio::test]
async fn the_cars_of_kubo_are_read_whatever_their_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    for (name, root) in car_roots() {
        assert_eq!(import_car(&content, &name).await.unwrap(), root, "{name}");
        assert_eq!(content.bytes_missing(&root, 1), 0, "{name}");
        match name.as_str() {
            "v1-trickle" | "v1-rabin" => assert_eq!(read(&content, root, "").await, [0; 30_000]),
            "dag-cbor" | "dag-json" => assert!(content.block(&root, None).await.unwrap().is_some()),
            "hamt-fanout-16" => {
                let Node::Directory { entries, .. } = content.open(root, "", None).await.unwrap()
                else {
                    panic!("a HAMT is a directory")
                };
                let names: Vec<_> = entries.iter().map(|entry| entry.name.clone()).collect();
                assert_eq!(names, (1..=300).map(|nth| format!("{nth:03}")).collect::<Vec<_>>());
                assert_eq!(read(&content, root, "217").await, b"");
                assert!(content.open(root, "301", None).await.is_err());
            }
            _ => {
                assert_eq!(read(&content, root, "hello.txt").await, b"hello", "{name}");
                assert_eq!(read(&content, root, "zeros").await, [0; 30_000], "{name}");
                let Node::Directory { entries, .. } = content.open(root, "", None).await.unwrap()
                else {
                    panic!("{name} is a directory")
                };
                let link = entries.iter().find(|entry| entry.name == "link").unwrap();
                assert_eq!(link.kind, EntryKind::Symlink, "{name}");
            }
        }
    }
}

/// Kubo writes blocks of identity CIDs too, which the trustless gateway's specification forbids.
#[tokio::test]
async fn what_kubo_exported_is_exported_again_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
    let mut compared = 0;
    for (name, root) in car_roots() {
        if name == "v1-inline-identity" || import_car(&content, &name).await.is_err() {
            continue;
        }
        let car = content.export_car(root, "", CarPart::default(), None).await.unwrap();
        let car = car.try_collect::<Vec<_>>().await.unwrap().concat();
        let theirs = std::fs::read(format!("tests/cars/{name}.car")).unwrap();
        assert!(car == theirs, "{name}: {} bytes, theirs has {}", car.len(), theirs.len());
        compared += 1;
    }
    assert!(compared >= 8, "only {compared} were imported");
}
