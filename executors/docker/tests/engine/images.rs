//! Images: local ones, and ones from a real registry.

use bollard::query_parameters::{
    ImportImageOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use futures::TryStreamExt as _;
use gadus_docker::{Registries, RegistryLimits};
use gadus_model::codec::sha256;
use gadus_model::{Code, FailureKind, Image, Outcome};
use gadus_ports::{ExecCode, Executor as _, ImageResolver};

use crate::support::{self, Bench, NOBODY_IMAGE, ROOT_IMAGE, ops, script, state_dir};

fn code(image: Image) -> Code {
    Code::Docker { image, entrypoint: None, workdir: None }
}

fn exec(digest: &str, reference: &str) -> ExecCode {
    ExecCode::Docker {
        digest: digest.into(),
        reference: reference.into(),
        entrypoint: None,
        workdir: None,
    }
}

#[tokio::test]
async fn a_local_image_is_pinned_to_its_id_and_warm() {
    let Some(bench) = Bench::new().await else { return };
    bench.executor.probe().await.unwrap();
    let id = bench.docker.inspect_image(ROOT_IMAGE).await.unwrap().id.unwrap();
    assert_eq!(bench.executor.resolve_image(ROOT_IMAGE).await.unwrap(), id);
    assert_eq!(bench.executor.resolve_image(&id).await.unwrap(), id);
    for image in [
        Image::Reference(ROOT_IMAGE.into()),
        Image::Digest(id.clone()),
        Image::Reference(id.clone()),
    ] {
        let warmth = bench.executor.warmth(&code(image));
        assert_eq!((warmth.warm, warmth.image_digest.as_ref()), (true, Some(&id)));
    }
    let cold = bench.executor.warmth(&code(Image::Reference("gadus-test:nope".into())));
    assert_eq!((cold.warm, cold.image_digest), (false, None));
    bench.executor.prepare(&exec(&id, ROOT_IMAGE), None).await.unwrap();
}

#[tokio::test]
async fn images_that_cannot_be_had_are_told_apart() {
    let Some(bench) = Bench::new().await else { return };
    let nowhere = format!("sha256:{}", "0".repeat(64));
    let kind = |failure: gadus_model::Failure| failure.kind;
    let resolve = async |name: &str| kind(bench.executor.resolve_image(name).await.unwrap_err());
    assert_eq!(resolve(&nowhere).await, FailureKind::ImageMissing);
    // Port 9 discards: nobody listens there.
    assert_eq!(resolve("127.0.0.1:9/a:b").await, FailureKind::ImagePull);
    assert_eq!(resolve("../etc/passwd").await, FailureKind::Invalid);
    let prepare = async |digest: &str, name: &str| {
        kind(bench.executor.prepare(&exec(digest, name), None).await.unwrap_err())
    };
    assert_eq!(prepare(&nowhere, &nowhere).await, FailureKind::ImageMissing);
    assert_eq!(prepare(&nowhere, "127.0.0.1:9/a:b").await, FailureKind::ImagePull);
    let mut request = bench.sh("true").await;
    request.code = exec(&nowhere, &nowhere);
    assert_eq!(bench.failure_of(request).await.0, FailureKind::ImageMissing);
}

#[tokio::test]
async fn an_image_for_another_machine_is_refused() {
    let Some(bench) = Bench::new().await else { return };
    let tag = "gadus-test:alien";
    let body = bollard::body_full(foreign_image(tag).into());
    let options = ImportImageOptionsBuilder::default().build();
    bench.docker.import_image(options, body, None).try_collect::<Vec<_>>().await.unwrap();
    let digest = bench.executor.resolve_image(tag).await.unwrap();
    let failure = bench.executor.prepare(&exec(&digest, tag), None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Invalid);
    assert!(failure.message.contains("linux/s390x"), "{failure}");
}

/// An image of one empty layer for a machine that tests do not run on, as `docker load` takes it.
fn foreign_image(tag: &str) -> Vec<u8> {
    let layer = tar::Builder::new(Vec::new()).into_inner().unwrap();
    let diff_id = hex(&sha256(&[&layer]));
    let config = format!(
        r#"{{"architecture":"s390x","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["sha256:{diff_id}"]}}}}"#
    );
    let manifest =
        format!(r#"[{{"Config":"config.json","RepoTags":["{tag}"],"Layers":["layer.tar"]}}]"#);
    let mut archive = tar::Builder::new(Vec::new());
    let files = [
        ("config.json", config.as_bytes()),
        ("layer.tar", &layer),
        ("manifest.json", manifest.as_bytes()),
    ];
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A registry on loopback, where Debian's docker-registry is installed.
fn registry() -> Option<String> {
    let found = std::process::Command::new("docker-registry").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        support::skip("no docker-registry: apt-get install docker-registry");
        return None;
    }
    let dir = state_dir("registry.sh");
    // Any free port will do; nobody takes it in between on a machine that runs tests.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    Some(script(&ops("registry.sh"), &["start", &dir.to_string_lossy(), &free.to_string()], &[]))
}

/// Held by tests that push: the same image has the same digest in each of their registries.
static PUSHED: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Puts an image into a registry, and gives the digest that the engine says it has there.
async fn push(bench: &Bench, repository: &str, tag: &str) -> String {
    // Not the image of other tests' assertions: this one gets names and digests meanwhile.
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
    bench.docker.tag_image(NOBODY_IMAGE, Some(options)).await.unwrap();
    let options = PushImageOptionsBuilder::default().tag(tag).build();
    bench.docker.push_image(repository, Some(options), None).try_collect::<Vec<_>>().await.unwrap();
    let image = bench.docker.inspect_image(&format!("{repository}:{tag}")).await.unwrap();
    let digests = image.repo_digests.unwrap();
    let own = digests.iter().find_map(|name| name.strip_prefix(&format!("{repository}@")));
    own.unwrap().to_owned()
}

/// Takes an image away from the engine, by each of its names.
async fn remove(bench: &Bench, names: &[&str]) {
    for name in names {
        let options = RemoveImageOptionsBuilder::default().force(false).build();
        // The last name but one takes the others with it.
        _ = bench.docker.remove_image(name, Some(options), None).await;
    }
    bench.executor.probe().await.unwrap();
}

#[tokio::test]
async fn images_are_pulled_by_tag_and_by_digest() {
    let Some(bench) = Bench::new().await else { return };
    let Some(registry) = registry() else { return };
    let _turn = PUSHED.lock().await;
    let registries = Registries::new(RegistryLimits::default());
    let repository = format!("{registry}/team/tool");
    let tagged = format!("{repository}:v1");
    let pushed = push(&bench, &repository, "v1").await;
    assert_eq!(bench.executor.resolve_image(&tagged).await.unwrap(), pushed);
    let by_digest = format!("{repository}@{pushed}");

    // From here on this engine does not have it.
    remove(&bench, &[&tagged, &by_digest]).await;
    assert!(!bench.executor.warmth(&code(Image::Digest(pushed.clone()))).warm);
    let absent = format!("{repository}:v2");
    for images in [&*bench.executor as &dyn ImageResolver, &registries] {
        let failure = images.resolve_image(&absent).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::ImageMissing, "{failure}");
        // By tag, as the registry has it now, and by digest, as a requester pins it.
        assert_eq!(images.resolve_image(&tagged).await.unwrap(), pushed);
        assert_eq!(images.resolve_image(&by_digest).await.unwrap(), pushed);
    }
    let nowhere = format!("sha256:{}", "1".repeat(64));
    let failure = bench.executor.prepare(&exec(&nowhere, &tagged), None).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::ImageMissing, "{failure}");

    bench.executor.prepare(&exec(&pushed, &by_digest), None).await.unwrap();
    assert!(bench.executor.warmth(&code(Image::Digest(pushed.clone()))).warm);
    let mut request = bench.sh("echo pulled").await;
    request.code = exec(&pushed, &tagged);

    // It is known, and somebody removes it: the run fetches it again.
    let options = RemoveImageOptionsBuilder::default().force(true).build();
    bench.docker.remove_image(&by_digest, Some(options), None).await.unwrap();
    let (ended, kept) = bench.run(request).await;
    assert_eq!((ended.unwrap().outcome, kept.stdout().as_str()), (Outcome::Exit(0), "pulled\n"));
    bench.is_clean().await;
    remove(&bench, &[&tagged, &by_digest]).await;
}

/// Puts an index of one image into a registry. Its digest.
async fn push_index(registry: &str, path: &str, tag: &str, image: &str) -> String {
    const KIND: &str = "application/vnd.docker.distribution.manifest.v2+json";
    const INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    // Another test may have been faster.
    _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let at = |name: &str| format!("http://{registry}/v2/{path}/manifests/{name}");
    let manifest = client.get(at(image)).header("accept", KIND).send().await.unwrap();
    let size = manifest.bytes().await.unwrap().len();
    let arch = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"mediaType":"{KIND}","digest":"{image}","size":{size},"platform":{{"architecture":"{arch}","os":"linux"}}}}]}}"#
    );
    let digest = format!("sha256:{}", hex(&sha256(&[index.as_bytes()])));
    let put = client.put(at(tag)).header("content-type", INDEX).body(index).send().await.unwrap();
    assert_eq!(put.status().as_u16(), 201, "{}", put.text().await.unwrap());
    digest
}

#[tokio::test]
async fn an_image_for_several_machines_is_pinned_to_its_index() {
    let Some(bench) = Bench::new().await else { return };
    let Some(registry) = registry() else { return };
    let _turn = PUSHED.lock().await;
    let registries = Registries::new(RegistryLimits::default());
    let repository = format!("{registry}/team/many");
    let one = push(&bench, &repository, "one").await;
    let index = push_index(&registry, "team/many", "all", &one).await;
    assert_ne!(one, index);
    let (all, single) = (format!("{repository}:all"), format!("{repository}:one"));
    remove(&bench, &[&single, &format!("{repository}@{one}")]).await;
    for images in [&*bench.executor as &dyn ImageResolver, &registries] {
        assert_eq!(images.resolve_image(&all).await.unwrap(), index);
        assert_eq!(images.resolve_image(&single).await.unwrap(), one);
    }
    // What a requester pins is what a node pulls by, and what it knows the image by from then on.
    let mut request = bench.sh("echo pulled").await;
    request.code = exec(&index, &all);
    let (ended, kept) = bench.run(request).await;
    assert_eq!((ended.unwrap().outcome, kept.stdout().as_str()), (Outcome::Exit(0), "pulled\n"));
    assert!(bench.executor.warmth(&code(Image::Digest(index.clone()))).warm);
    // The same image by the digest of its own manifest.
    bench.executor.prepare(&exec(&one, &single), None).await.unwrap();
    for pin in [&one, &index] {
        assert!(bench.executor.warmth(&code(Image::Digest(pin.clone()))).warm, "{pin}");
    }
    bench.is_clean().await;
    remove(&bench, &[&format!("{repository}@{one}"), &format!("{repository}@{index}")]).await;
}
