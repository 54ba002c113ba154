//! Buckets of a real server: inputs from them, results into them.

mod publishers;
mod server;
mod sources;

use std::sync::Arc;

use gadus_data::source::{NodeSources, SourceConfig};
use gadus_data::{ContentConfig, EmbeddedContent, S3Config};
use gadus_e2e::{Network, program};
use gadus_model::Cid;
use gadus_ports::{Content as _, Node, Origin, Pinned, S3Origin, SourceError, Sources as _};

use self::server::{Buckets, buckets};

/// A store, and sources that fill it.
struct World {
    _dir: tempfile::TempDir,
    content: EmbeddedContent,
    sources: NodeSources,
}

impl World {
    fn new(account: &S3Config, config: SourceConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let content = EmbeddedContent::open(dir.path(), ContentConfig::default()).unwrap();
        let sources = NodeSources::new(content.clone(), config, account).unwrap();
        Self { _dir: dir, content, sources }
    }

    async fn pin(&self, origin: S3Origin) -> Result<Pinned, SourceError> {
        self.sources.pin(&Origin::S3(Box::new(origin))).await
    }

    /// Whether nothing is kept.
    async fn is_empty(&self) -> bool {
        self.content.pins().await.unwrap().is_empty()
    }

    /// Paths of the files of a tree, with their sizes.
    async fn files(&self, root: Cid) -> Vec<(String, u64)> {
        let (mut files, mut stack) = (Vec::new(), vec![(String::new(), root)]);
        while let Some((path, cid)) = stack.pop() {
            match self.content.open(cid, "", None).await.unwrap() {
                Node::Directory { entries, .. } => {
                    let below = entries.into_iter().rev();
                    stack.extend(below.map(|entry| (format!("{path}/{}", entry.name), entry.cid)));
                }
                Node::File { size, .. } => files.push((path, size)),
                Node::Symlink { target, .. } => panic!("{path} -> {target}"),
            }
        }
        files
    }
}

/// What a bucket of the test's server holds under a key.
fn at(bucket: &str, key: &str) -> S3Origin {
    S3Origin { bucket: bucket.to_owned(), key: key.to_owned(), ..S3Origin::default() }
}

fn network(buckets: &Arc<Buckets>) -> Network {
    let buckets = buckets.clone();
    Network::start_with(1, move |mut process| {
        // As Amazon's own tools are told.
        process.set_env("AWS_ACCESS_KEY_ID", &buckets.key);
        process.set_env("AWS_SECRET_ACCESS_KEY", &buckets.secret);
        process.set_env("AWS_REGION", &buckets.region);
        process.set_env("AWS_ENDPOINT_URL", &buckets.endpoint);
        process
    })
}

#[test]
fn a_job_reads_objects_and_a_person_adds_them() {
    let Some(buckets) = buckets("a job that reads from a bucket") else { return };
    let network = network(&buckets);
    let steps = program("steps");
    let args = ["wasm", "run", &steps, "cat", "/in/a.txt", "-i", "s3://data/d/a.txt:/in"];
    assert_eq!(network.gadus(&args).ok(), "new\n");
    let old = format!("src=s3://data/d/a.txt,dst=/in,opt=version-id={}", buckets.old);
    let args = ["wasm", "run", &steps, "cat", "/in/a.txt", "-i", &old];
    assert_eq!(network.gadus(&args).ok(), "old\n");
    let args = ["wasm", "run", &steps, "cat", "/in/deep/x.csv", "-i", "s3://data/d/:/in"];
    assert_eq!(network.gadus(&args).ok(), "deep\n");
    let cid = network.gadus(&["add", "s3://data/d/?filter=csv$"]).ok();
    assert_eq!(network.gadus(&["cat", &format!("{}/deep/x.csv", cid.trim())]).ok(), "deep\n");
    let refused = network.gadus(&["add", "s3://private/secret"]);
    assert_eq!(refused.code, 123, "{refused:#?}");
    assert!(refused.stderr.contains("access is denied"), "{refused:#?}");
    assert!(refused.stderr.contains("section [s3]"), "{refused:#?}");
}
