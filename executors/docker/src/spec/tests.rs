use std::collections::BTreeMap;
use std::path::PathBuf;

use gadus_model::{ExecutionId, NodeId, Resources};
use gadus_ports::{Mount as Input, OutputDir};

use super::*;
use crate::gpu::Driver;

fn request() -> ExecRequest {
    let execution: ExecutionId = "e-6f0e1f4a-57a4-8b57-bd4e-1cf1b3b55a1e".parse().unwrap();
    ExecRequest {
        execution,
        code: ExecCode::Docker {
            digest: format!("sha256:{}", "0".repeat(64)),
            reference: "busybox".into(),
            entrypoint: None,
            workdir: None,
        },
        args: vec!["true".into()],
        seed: [0; 32],
        env: BTreeMap::from([("K".into(), "a=b".into())]),
        mounts: vec![Input::host("/s/in", "/inputs")],
        outputs: vec![output("/outputs")],
        limits: ExecLimits {
            resources: Resources {
                cpu_millis: 1500,
                memory_bytes: 64 << 20,
                ..Resources::default()
            },
            ..ExecLimits::default()
        },
        network: Network::None,
        scratch: PathBuf::from("/s"),
    }
}

fn output(guest: &str) -> OutputDir {
    OutputDir { name: "outputs".into(), host: "/s/out".into(), guest: guest.into() }
}

fn image() -> LocalImage {
    LocalImage { id: "sha256:1".into(), volumes: vec!["/data".into()], ..LocalImage::default() }
}

fn describe(request: &ExecRequest) -> Result<ContainerCreateBody, Failure> {
    describe_with(request, &image(), &Grant::default())
}

fn describe_with(
    request: &ExecRequest,
    image: &LocalImage,
    gpus: &Grant,
) -> Result<ContainerCreateBody, Failure> {
    let scope = Scope::new("test".into(), NodeId([7; 32]));
    container(request, image, &scope, &DockerLimits::default(), gpus)
}

/// The container section (5) of the CIS Docker Benchmark 1.6, as far as a description shows it.
#[test]
fn every_fence_is_up() {
    let body = describe(&request()).unwrap();
    assert_eq!(body.network_disabled, Some(true), "5.9");
    let host = body.host_config.unwrap();
    assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]), "5.3");
    assert_eq!(host.cap_add, None, "5.3");
    assert_eq!(host.privileged, Some(false), "5.4");
    let sources: Vec<_> = host.mounts.unwrap().into_iter().filter_map(|m| m.source).collect();
    assert_eq!(
        sources,
        ["/s/in", "/s/out", "/s/hosts"],
        "5.5, 5.31: nothing of the host but what was named, and the hosts file"
    );
    assert_eq!(host.binds, None);
    assert_eq!(host.port_bindings, None, "5.7");
    assert_eq!(host.network_mode.as_deref(), Some("none"), "5.9");
    assert_eq!((host.memory, host.memory_swap), (Some(64 << 20), Some(64 << 20)), "5.10");
    assert_eq!(host.nano_cpus, Some(1_500_000_000), "5.11");
    assert_eq!(host.readonly_rootfs, Some(true), "5.12");
    assert_eq!(host.restart_policy, None, "5.14");
    assert_eq!(host.pid_mode, None, "5.15");
    assert_eq!(host.ipc_mode.as_deref(), Some("private"), "5.16");
    assert_eq!(host.devices, None, "5.17");
    assert_eq!(host.uts_mode, None, "5.20");
    assert_eq!(host.security_opt, Some(vec!["no-new-privileges:true".to_owned()]), "5.21, 5.25");
    assert_eq!(host.pids_limit, Some(512), "5.28");
    assert_eq!(host.userns_mode, None, "5.30");
    assert_eq!(host.init, Some(true));
}

#[test]
fn what_an_image_declares_as_a_volume_is_a_small_tmpfs() {
    let host = describe(&request()).unwrap().host_config.unwrap();
    let tmpfs = host.tmpfs.unwrap();
    let size = format!("size={}", 32 << 20);
    assert!(tmpfs.values().all(|options| options.ends_with(&size)), "{tmpfs:?}");
    assert!(tmpfs.contains_key("/tmp") && tmpfs.contains_key("/data"));
}

#[test]
fn an_output_at_tmp_takes_the_tmpfss_place() {
    let host = describe(&ExecRequest { outputs: vec![output("/tmp/")], ..request() }).unwrap();
    assert!(!host.host_config.unwrap().tmpfs.unwrap().contains_key("/tmp"));
}

#[test]
fn only_a_container_without_a_network_and_a_file_of_its_own_gets_a_hosts_file() {
    let has_hosts = |request: &ExecRequest| {
        let body = describe(request).unwrap();
        let mounts = body.host_config.unwrap().mounts.unwrap();
        mounts.iter().any(|mount| mount.source.as_deref() == Some("/s/hosts"))
    };
    assert!(has_hosts(&request()));
    for network in [Network::Host, Network::Bridge] {
        let networked = ExecRequest { network, ..request() };
        assert!(!has_hosts(&networked));
        assert_eq!(describe(&networked).unwrap().network_disabled, Some(false));
    }
    for guest in ["/etc", "/etc/", "/etc/hosts"] {
        assert!(!has_hosts(&ExecRequest { outputs: vec![output(guest)], ..request() }), "{guest}");
    }
    assert!(has_hosts(&ExecRequest { outputs: vec![output("/etc/hosts.d")], ..request() }));
}

#[test]
fn a_request_without_limits_gets_the_defaults() {
    let mut bare = request();
    bare.limits = ExecLimits::default();
    let host = describe(&bare).unwrap().host_config.unwrap();
    assert_eq!((host.memory, host.nano_cpus), (Some(512 << 20), Some(500_000_000)));
}

#[test]
fn paths_that_would_break_out_are_refused() {
    for guest in
        ["outputs", "/", "//", "/a/../etc", "/proc/sys", "/sys", "/dev/shm", "/inputs/", ""]
    {
        let failure =
            describe(&ExecRequest { outputs: vec![output(guest)], ..request() }).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Invalid, "{guest}");
    }
}

#[test]
fn working_directories_that_lead_out_are_refused() {
    let at = |given: Option<&str>, images: &str| {
        let mut request = request();
        let ExecCode::Docker { workdir, .. } = &mut request.code else { return true };
        *workdir = given.map(str::to_owned);
        let image = LocalImage { workdir: images.into(), ..image() };
        describe_with(&request, &image, &Grant::default()).is_ok()
    };
    assert!(at(None, "") && at(None, "/srv") && at(Some("/process"), "") && at(Some("/"), "/proc"));
    for path in ["/proc/self/fd/8", "/x/../proc", "//proc/1/cwd", "srv", "/dev/fd/7"] {
        assert!(!at(Some(path), "/srv") && !at(None, path), "{path}");
    }
}

#[test]
fn names_that_are_no_names_are_refused() {
    for name in ["", "A=B", "A\0"] {
        let env = BTreeMap::from([(name.to_owned(), String::new())]);
        assert!(describe(&ExecRequest { env, ..request() }).is_err(), "{name:?}");
    }
}

#[test]
fn gpus_come_with_what_they_take_and_no_more() {
    let uuids = ["GPU-1".to_owned(), "GPU-2".to_owned()];
    let mut asks = request();
    for name in ["NVIDIA_VISIBLE_DEVICES", "NVIDIA_GDS", "LD_LIBRARY_PATH"] {
        asks.env.insert(name.into(), "all".into());
    }
    let image = LocalImage { library_path: Some("/image".into()), ..image() };
    let described = |asks: &ExecRequest, gpus: &Grant| {
        let body = describe_with(asks, &image, gpus).unwrap();
        (body.env.unwrap(), body.labels.unwrap(), body.host_config.unwrap())
    };
    let by_engine = Grant { uuids: uuids.to_vec(), driver: None };
    let (env, labels, host) = described(&asks, &by_engine);
    for set in ["NVIDIA_VISIBLE_DEVICES=GPU-1,GPU-2", "NVIDIA_GDS=", "LD_LIBRARY_PATH=all"] {
        assert!(env.iter().any(|pair| pair == set), "{set}: {env:?}");
    }
    assert_eq!(labels["org.gadus.gpus"], "GPU-1,GPU-2");
    assert_eq!(host.device_requests.unwrap()[0].device_ids, Some(uuids.to_vec()));
    assert_eq!(host.devices, None);

    let driver = Driver {
        gpus: [("GPU-1".to_owned(), PathBuf::from("/dev/nvidia0"))].into(),
        control: vec!["/dev/nvidiactl".into()],
        files: [("/usr/local/nvidia/lib64/libcuda.so.1".into(), "/l/libcuda.so.1".into())].into(),
    };
    let by_gadus = Grant { uuids: uuids[..1].to_vec(), driver: Some(driver) };
    let (env, _, host) = described(&request(), &by_gadus);
    let path = "LD_LIBRARY_PATH=/image:/usr/local/nvidia/lib64";
    assert_eq!(env, ["K=a=b", path, "NVIDIA_VISIBLE_DEVICES=void"]);
    assert_eq!((host.device_requests, host.devices.unwrap().len()), (None, 2));
    let library = host.mounts.unwrap().pop().unwrap();
    let read_only = (library.source.as_deref(), library.read_only);
    assert_eq!(read_only, (Some("/l/libcuda.so.1"), Some(true)));

    // Whoever asks for none gets none, whatever its image says.
    let (env, labels, host) = described(&asks, &Grant::default());
    assert!(env.contains(&"NVIDIA_VISIBLE_DEVICES=void".to_owned()), "{env:?}");
    assert_eq!((host.device_requests, host.devices), (None, None));
    assert_eq!(labels["org.gadus.gpus"], "");
}

#[test]
fn nothing_is_mounted_where_the_driver_is() {
    let mut asks = request();
    asks.limits.resources.gpus = 1;
    for (guest, is_fine) in [
        ("/usr", false),
        ("/usr/local/nvidia/", false),
        ("/usr/local/nvidia/bin", false),
        ("/usr/x", true),
    ] {
        asks.outputs = vec![output(guest)];
        assert_eq!(describe(&asks).is_ok(), is_fine, "{guest}");
    }
}

#[test]
fn a_job_without_any_program_is_refused() {
    assert!(describe(&ExecRequest { args: Vec::new(), ..request() }).is_err());
}
