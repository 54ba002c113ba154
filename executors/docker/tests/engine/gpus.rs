//! GPUs: devices that stand for them here are given as theirs would be.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use gadus_docker::{DriverPlace, GpuAccess};
use gadus_model::{FailureKind, Gpu, Outcome};

use crate::support::{Bench, is_root, skip, socket, spawn};

/// Two GPUs that no other test has, in the order in which they are leased.
struct Gpus {
    bench: Bench,
    uuids: [String; 2],
}

/// A machine with two GPUs, and a driver that is a device and a file.
async fn with_gpus(root: &Path) -> Option<Gpus> {
    if !is_root() {
        skip("devices are made by root");
        return None;
    }
    let socket = socket()?;
    for dir in ["dev", "usr/lib64", "proc/driver/nvidia/gpus/4", "proc/driver/nvidia/gpus/5"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    for (name, minor) in
        [("nvidia4", "5"), ("nvidia5", "5"), ("nvidiactl", "3"), ("nvidia-uvm", "3")]
    {
        // What reads as zeros, and what reads as nothing.
        let mut mknod = Command::new("mknod");
        let made = mknod.arg(root.join("dev").join(name)).args(["c", "1", minor]).status();
        assert!(made.unwrap().success());
    }
    std::fs::write(root.join("usr/lib64/libcuda.so.1"), "a driver").unwrap();
    let uuids = [4, 5].map(|minor| {
        let uuid = format!("GPU-{}", uuid::Uuid::new_v4());
        let information = format!("GPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n");
        let file = root.join(format!("proc/driver/nvidia/gpus/{minor}/information"));
        std::fs::write(file, information).unwrap();
        uuid
    });
    let gpus = uuids.iter().zip(0..).map(|(uuid, index)| gpu(index, uuid)).collect();
    let place = DriverPlace { root: root.to_owned(), libraries: None };
    let bench = Bench::of(socket, |config| {
        config.gpus = gpus;
        config.gpu_access = GpuAccess::Direct(place);
    });
    Some(Gpus { bench: bench.await, uuids })
}

fn gpu(index: u32, uuid: &str) -> Gpu {
    Gpu {
        index,
        uuid: uuid.to_owned(),
        name: String::new(),
        vendor: "NVIDIA".to_owned(),
        memory_mib: 1,
    }
}

#[tokio::test]
async fn a_job_has_the_gpus_that_it_asked_for_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let Some(Gpus { bench, uuids }) = with_gpus(dir.path()).await else { return };
    let look = "ls /dev | grep nvidia; head -c 3 /dev/nvidia4 | wc -c; \
                cat /usr/local/nvidia/lib64/libcuda.so.1; echo; \
                echo x 2>/dev/null >/usr/local/nvidia/lib64/libcuda.so.1 || echo read-only; \
                echo $LD_LIBRARY_PATH $NVIDIA_VISIBLE_DEVICES";
    let mut request = bench.sh(look).await;
    request.limits.resources.gpus = 1;
    request.env.insert("NVIDIA_VISIBLE_DEVICES".to_owned(), "all".to_owned());
    let (ended, kept) = bench.run(request).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Exit(0), "{}", kept.stderr());
    assert_eq!(
        kept.stdout(),
        "nvidia-uvm\nnvidia4\nnvidiactl\n3\na driver\nread-only\n/usr/local/nvidia/lib64 void\n"
    );
    assert_eq!(uuids.len(), 2);
    let none =
        "ls /dev | grep nvidia; ls /usr/local/nvidia 2>&1 | wc -l; echo $NVIDIA_VISIBLE_DEVICES";
    assert_eq!(bench.output_of(none).await, "1\nvoid\n");
    bench.is_clean().await;
}

#[tokio::test]
async fn a_gpu_is_one_jobs_at_a_time_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let Some(Gpus { bench, uuids }) = with_gpus(dir.path()).await else { return };
    let asks = async |gpus: u32, text: &str| {
        let mut request = bench.sh(text).await;
        request.limits.resources.gpus = gpus;
        request
    };
    let first = asks(1, "echo ready >&2; sleep 600").await;
    let running = spawn(&bench.executor, first.clone());
    running.kept.says("ready").await;
    let (kind, message) = bench.failure_of(asks(2, "true").await).await;
    assert_eq!(kind, FailureKind::Internal);
    assert!(message.ends_with("asks for 2 GPUs, and 1 of this node's 2 are free"), "{message}");

    // Another process knows it from the container.
    running.task.abort();
    let again = bench.restarted();
    let second = spawn(&again, asks(1, "ls /dev >&2; sleep 600").await);
    second.kept.says("nvidia5").await;
    let adopted = spawn(&again, first);
    adopted.kept.says("ready").await;
    assert_eq!(leased(&bench).await, uuids.into());
    second.stop.cancel();
    adopted.stop.cancel();
    for task in [second.task, adopted.task] {
        assert_eq!(task.await.unwrap().unwrap_err().kind, FailureKind::Interrupted);
    }
    // What has ended has none any more.
    assert_eq!(bench.exit_of(asks(2, "exit 3").await).await, 3);
    again.settle().await;
    bench.is_clean().await;
}

/// What this node's containers are labelled with.
async fn leased(bench: &Bench) -> BTreeSet<String> {
    let options = bollard::query_parameters::ListContainersOptionsBuilder::default()
        .filters(&[("label", vec![format!("org.gadus.node={}", bench.config.node)])].into())
        .build();
    let listed = bench.docker.list_containers(Some(options)).await.unwrap();
    listed.into_iter().filter_map(|c| c.labels?.remove("org.gadus.gpus")).collect()
}

#[tokio::test]
async fn gpus_are_refused_where_there_are_none() {
    let Some(bench) = Bench::new().await else { return };
    let mut request = bench.sh("true").await;
    request.limits.resources.gpus = 1;
    let (_, message) = bench.failure_of(request).await;
    assert!(message.contains("asks for 1 GPU, and 0 of this node's 0 are free"), "{message}");
    bench.is_clean().await;
}

#[tokio::test]
async fn an_engine_without_the_toolkit_is_told_of() {
    let Some(socket) = socket() else { return };
    if !gadus_docker::gpus(&GpuAccess::Toolkit).await.is_empty() {
        return;
    }
    let bench = Bench::of(socket, |config| config.gpus = vec![gpu(0, "GPU-not-here")]).await;
    let mut request = bench.sh("true").await;
    request.limits.resources.gpus = 1;
    let failure = bench.run(request).await.0.unwrap_err();
    assert_eq!(failure.kind, FailureKind::EngineDown, "{failure}");
    assert!(failure.hint.unwrap().contains("access = \"direct\""));
    bench.is_clean().await;
}
