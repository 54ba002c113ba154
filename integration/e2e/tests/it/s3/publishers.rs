//! What is brought into buckets.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gadus_data::publish::{BucketsConfig, LocalConfig, NodePublishers, PublishConfig};
use gadus_data::source::SourceConfig;
use gadus_model::{Cid, ExecutionId, JobId, NodeId, Place, PublisherSpec, S3Form, S3Target};
use gadus_ports::{Layout, Publication, Publisher as _, S3Origin};
use rand::RngExt as _;

use super::server::{Buckets, buckets};
use super::{World, at};

/// Bytes of a file that is brought in several parts, however well it is compressed.
const LARGE: usize = 20 << 20;

struct Results {
    world: World,
    publishers: NodePublishers,
}

fn results(buckets: &Buckets, may: &[&str]) -> Results {
    let world = World::new(&buckets.account(), SourceConfig::default());
    let config = PublishConfig {
        local: LocalConfig::default(),
        s3: BucketsConfig {
            buckets: may.iter().map(|bucket| (*bucket).to_owned()).collect(),
            ..BucketsConfig::default()
        },
    };
    let api = "127.0.0.1:1234".parse().unwrap();
    let publishers = NodePublishers::new(&world.content, &config, &buckets.account(), api);
    Results { world, publishers: publishers.unwrap() }
}

impl Results {
    async fn publish(
        &self,
        result: Cid,
        bucket: &str,
        form: S3Form,
    ) -> Result<Place, gadus_model::Failure> {
        let to = S3Target {
            bucket: bucket.to_owned(),
            key: "{jobID}/{executionID}".to_owned(),
            endpoint: None,
            region: None,
            form,
        };
        let publication = Publication {
            execution: ExecutionId(uuid::Uuid::from_u128(rand::rng().random())),
            job: JobId(uuid::Uuid::from_u128(1)),
            node: NodeId([7; 32]),
            result,
            to: PublisherSpec::S3(Box::new(to)),
        };
        self.publishers.publish(publication).await
    }

    async fn add(&self, path: &Path) -> Cid {
        let added = self.world.content.import_path(path.to_owned(), Layout::default()).await;
        added.unwrap().root
    }
}

/// A result as jobs make them, with a file that is no smaller when it is compressed.
fn tree(dir: &Path) {
    std::fs::create_dir_all(dir.join("outputs/deep")).unwrap();
    std::fs::write(dir.join("stdout"), "hello\n").unwrap();
    std::fs::write(dir.join("stderr"), "").unwrap();
    std::fs::write(dir.join("outputs/b c?é+"), "odd\n").unwrap();
    let mut large = vec![0; LARGE];
    rand::rng().fill(&mut large[..]);
    std::fs::write(dir.join("outputs/deep/large"), large).unwrap();
}

fn origin(place: &Place) -> S3Origin {
    let some = |key: &str| place.params.get(key).filter(|text| !text.is_empty()).cloned();
    let sha256 = some("ChecksumSHA256");
    let sha256 = sha256.map(|text| STANDARD.decode(text).unwrap().try_into().unwrap());
    S3Origin { sha256, region: some("Region"), ..at(&place.params["Bucket"], &place.params["Key"]) }
}

#[tokio::test]
async fn an_archive_is_read_by_whoever_has_the_link() {
    let Some(buckets) = buckets("results in buckets") else { return };
    let results = results(&buckets, &["results"]);
    assert_eq!(results.publishers.kinds(), ["local", "s3"]);
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let root = results.add(dir.path()).await;
    let place = results.publish(root, "results", S3Form::Archive).await.unwrap();
    assert_eq!((place.kind.as_str(), place.params["Bucket"].as_str()), ("s3", "results"));
    assert!(place.params["Key"].ends_with(".tar.gz"), "{place:?}");
    let checked = results.world.pin(origin(&place)).await.unwrap();
    let open = results.publishers.open_to_all(place.clone()).await;
    assert_eq!(open.kind, "s3PreSigned");
    let link = open.params["PreSignedURL"].as_str();
    // No key, no signature but the link's own.
    let answer = reqwest::get(link).await.unwrap();
    assert_eq!(answer.status(), 200);
    let archive = answer.bytes().await.unwrap();
    assert_eq!(archive.len() as u64, checked.bytes);
    let other = link.replacen(".tar.gz", ".tar.gx", 1);
    assert_eq!(reqwest::get(other).await.unwrap().status(), 403, "and for this alone");
    let unpacked = tempfile::tempdir().unwrap();
    let file = unpacked.path().join("archive");
    std::fs::write(&file, &archive).unwrap();
    let to = unpacked.path().join("tree");
    std::fs::create_dir(&to).unwrap();
    let tar = std::process::Command::new("tar").arg("-xzf").arg(&file).arg("-C").arg(&to).status();
    assert!(tar.unwrap().success());
    assert_eq!(results.add(&to).await, root, "it is the same tree");
    let again = results.publishers.open_to_all(open.clone()).await;
    assert_eq!(again, open, "a link is what it was");
}

#[tokio::test]
async fn a_tree_has_an_object_for_each_file() {
    let Some(buckets) = buckets("results in buckets, file by file") else { return };
    let results = results(&buckets, &["results"]);
    let dir = tempfile::tempdir().unwrap();
    tree(dir.path());
    let root = results.add(dir.path()).await;
    let place = results.publish(root, "results", S3Form::Tree).await.unwrap();
    assert!(place.params["Key"].ends_with('/'), "{place:?}");
    assert_eq!(results.world.pin(origin(&place)).await.unwrap().cid, root);
    assert_eq!(results.publishers.open_to_all(place.clone()).await, place, "no link for a tree");
    std::os::unix::fs::symlink("stdout", dir.path().join("link")).unwrap();
    let linked = results.add(dir.path()).await;
    let failure = results.publish(linked, "results", S3Form::Tree).await.unwrap_err();
    assert!(failure.message.contains("'link' is a link"), "{failure:?}");
    assert!(results.publish(linked, "results", S3Form::Archive).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_published_is_told() {
    let Some(buckets) = buckets("results that buckets refuse") else { return };
    let results = results(&buckets, &["results", "absent", "private"]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("stdout"), "hello\n").unwrap();
    let root = results.add(dir.path()).await;
    for (bucket, why) in [
        ("data", "this node may not publish into the bucket data"),
        ("absent", "publishing into the bucket absent failed"),
        ("private", "publishing into the bucket private failed"),
    ] {
        for form in [S3Form::Archive, S3Form::Tree] {
            let failure = results.publish(root, bucket, form).await.unwrap_err();
            assert!(failure.message.contains(why) && failure.hint.is_some(), "{failure:?}");
        }
    }
    let gone = gadus_data::raw_cid(b"gone");
    let failure = results.publish(gone, "results", S3Form::Archive).await.unwrap_err();
    assert!(failure.message.contains("could not be published"), "{failure:?}");
}
