//! NVIDIA's driver as this machine has it: what a container needs of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gadus_model::{Failure, FailureKind};

/// Where containers see the driver. NVIDIA's own images look for it there.
pub(crate) const GUEST: &str = "/usr/local/nvidia";
/// Its libraries below that.
pub(crate) const GUEST_LIBRARIES: &str = "/usr/local/nvidia/lib64";
const GUEST_PROGRAMS: &str = "/usr/local/nvidia/bin";

/// Where distributions put the driver's libraries.
const LIBRARY_DIRS: [&str; 5] = [
    "usr/local/nvidia/lib64",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "usr/lib64",
    "usr/lib",
];
const PROGRAM_DIRS: [&str; 3] = ["usr/local/nvidia/bin", "usr/bin", "bin"];

/// What a program that computes loads of it, by how the names begin. The rest is for displays.
const LIBRARIES: [&str; 17] = [
    "libcuda.so.",
    "libcudadebugger.so.",
    "libnvcuvid.so.",
    "libnvidia-allocator.so.",
    "libnvidia-cfg.so.",
    "libnvidia-compiler.so.",
    "libnvidia-encode.so.",
    "libnvidia-fatbinaryloader.so.",
    "libnvidia-gpucomp.so.",
    "libnvidia-ml.so.",
    "libnvidia-nvvm.so.",
    "libnvidia-nvvm70.so.",
    "libnvidia-opencl.so.",
    "libnvidia-opticalflow.so.",
    "libnvidia-pkcs11",
    "libnvidia-ptxjitcompiler.so.",
    "libnvidia-sandboxutils.so.",
];
/// The library itself, and the name by which older programs load it.
const CUDA: &str = "libcuda.so.1";
const CUDA_PLAIN: &str = "libcuda.so";
const PROGRAMS: [&str; 1] = ["nvidia-smi"];

/// Devices of the driver itself; the last need not be there.
const CONTROL: [&str; 2] = ["nvidiactl", "nvidia-uvm"];
const TOOLS: &str = "nvidia-uvm-tools";

/// Where a machine has its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverPlace {
    /// `/`, except in tests.
    pub root: PathBuf,
    /// The directory of its libraries; one of the usual ones when absent.
    pub libraries: Option<PathBuf>,
}

/// The driver's devices, libraries and programs, as they are now: an upgrade changes their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Driver {
    /// The device of each GPU, by its UUID.
    pub(crate) gpus: BTreeMap<String, PathBuf>,
    /// Devices that go with any of them.
    pub(crate) control: Vec<PathBuf>,
    /// Files, by where a container sees them.
    pub(crate) files: BTreeMap<String, PathBuf>,
}

impl Driver {
    /// Finds the driver.
    ///
    /// # Errors
    /// `EngineDown`: what is not there.
    pub(crate) fn find(place: &DriverPlace) -> Result<Self, Failure> {
        let DriverPlace { root, libraries } = place;
        let gpus = devices(root).map_err(|error| {
            missing(format!("what the driver says of its GPUs cannot be read: {error}"))
        })?;
        if gpus.is_empty() {
            return Err(missing("the driver knows no GPU".to_owned()));
        }
        let mut control = Vec::new();
        for name in CONTROL {
            let device = root.join("dev").join(name);
            if !device.exists() {
                return Err(missing(format!("the device {} is not there", device.display()))
                    .with_hint("run `nvidia-modprobe -u -c=0` as root, and at each boot"));
            }
            control.push(device);
        }
        control.extend(Some(root.join("dev").join(TOOLS)).filter(|device| device.exists()));
        let dirs = match libraries {
            Some(dir) => vec![dir.clone()],
            None => LIBRARY_DIRS.iter().map(|dir| root.join(dir)).collect(),
        };
        let found = dirs.iter().find_map(|dir| Some((dir, fs::canonicalize(dir.join(CUDA)).ok()?)));
        let Some((dir, cuda)) = found else {
            let places: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            return Err(missing(format!("{CUDA} is in none of {}", places.join(", ")))
                .with_hint("name its directory: `driver_dir` in the config's [docker.gpu]"));
        };
        let mut files = BTreeMap::new();
        // Some distributions keep the driver in a directory of its own, and link to parts of it.
        for dir in [Some(dir.as_path()), cuda.parent()].into_iter().flatten() {
            libraries_in(dir, &mut files)
                .map_err(|error| missing(format!("{} cannot be listed: {error}", dir.display())))?;
        }
        files.insert(format!("{GUEST_LIBRARIES}/{CUDA_PLAIN}"), cuda);
        files.extend(programs(root, dir));
        Ok(Self { gpus, control, files })
    }
}

/// The device of each GPU: the driver numbers them in an order of its own.
fn devices(root: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root.join("proc/driver/nvidia/gpus"))? {
        let text = fs::read_to_string(entry?.path().join("information"))?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        if let (Some(uuid), Some(minor)) = (field("GPU UUID"), field("Device Minor")) {
            let device = root.join(format!("dev/nvidia{minor}"));
            found.extend(device.exists().then_some((uuid, device)));
        }
    }
    Ok(found)
}

fn libraries_in(dir: &Path, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if !LIBRARIES.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        // Links lead to names that the container does not have.
        match fs::canonicalize(dir.join(name)) {
            Ok(real) => drop(files.insert(format!("{GUEST_LIBRARIES}/{name}"), real)),
            Err(error) => tracing::warn!(dir = %dir.display(), name, %error, "not given to jobs"),
        }
    }
    Ok(())
}

fn programs(root: &Path, libraries: &Path) -> Vec<(String, PathBuf)> {
    let beside = libraries.parent().map(|parent| parent.join("bin"));
    let dirs: Vec<_> =
        beside.into_iter().chain(PROGRAM_DIRS.iter().map(|dir| root.join(dir))).collect();
    let find = |name: &str| {
        let path = dirs.iter().find_map(|dir| fs::canonicalize(dir.join(name)).ok())?;
        Some((format!("{GUEST_PROGRAMS}/{name}"), path))
    };
    PROGRAMS.iter().filter_map(|name| find(name)).collect()
}

fn missing(why: String) -> Failure {
    Failure::new(FailureKind::EngineDown, format!("containers cannot be given GPUs: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let gpus = "proc/driver/nvidia/gpus";
        let information = "Model: \t\t NVIDIA H100\nIRQ:   \t\t 5\nGPU UUID: \t GPU-a\n\
                           Bus Location: \t 0000:04:00.0\nDevice Minor: \t 1\n";
        write(&format!("{gpus}/0000:04:00.0/information"), information);
        write(
            &format!("{gpus}/0000:05:00.0/information"),
            "GPU UUID: \t GPU-b\nDevice Minor: \t 0\n",
        );
        for device in ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"] {
            write(&format!("dev/{device}"), "");
        }
        for library in ["libcuda.so.580.1", "libnvidia-ml.so.580.1", "libnvidia-glcore.so.580.1"] {
            write(&format!("usr/lib/x86_64-linux-gnu/{library}"), "");
        }
        let dir = root.path().join("usr/lib/x86_64-linux-gnu");
        std::os::unix::fs::symlink("libcuda.so.580.1", dir.join("libcuda.so.1")).unwrap();
        write("usr/bin/nvidia-smi", "");
        root
    }

    fn find(root: &Path, libraries: Option<&Path>) -> Result<Driver, Failure> {
        let libraries = libraries.map(Path::to_owned);
        Driver::find(&DriverPlace { root: root.to_owned(), libraries })
    }

    #[test]
    fn a_driver_is_found_with_all_that_computing_takes() {
        let root = machine();
        let dir = root.path().join("usr/lib/x86_64-linux-gnu");
        std::os::unix::fs::symlink("gone", dir.join("libnvidia-cfg.so.1")).unwrap();
        let driver = find(root.path(), None).unwrap();
        let at = |path: &str| root.path().join(path);
        let gpus = [("GPU-a", "dev/nvidia1"), ("GPU-b", "dev/nvidia0")];
        assert_eq!(driver.gpus, gpus.map(|(uuid, path)| (uuid.to_owned(), at(path))).into());
        assert_eq!(driver.control, [at("dev/nvidiactl"), at("dev/nvidia-uvm")]);
        let real = fs::canonicalize(root.path()).unwrap();
        let file = |guest: &str, host: &str| (format!("{GUEST}/{guest}"), real.join(host));
        let cuda = "usr/lib/x86_64-linux-gnu/libcuda.so.580.1";
        let ml = "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.1";
        let expected = [
            file("lib64/libcuda.so", cuda),
            file("lib64/libcuda.so.1", cuda),
            file("lib64/libcuda.so.580.1", cuda),
            file("lib64/libnvidia-ml.so.580.1", ml),
            file("bin/nvidia-smi", "usr/bin/nvidia-smi"),
        ];
        assert_eq!(driver.files, expected.into());
    }

    /// As on Debian, where alternatives lead to a directory of the driver's own.
    #[test]
    fn a_driver_in_a_directory_of_its_own_is_found_whole() {
        let root = machine();
        let dir = root.path().join("usr/lib/x86_64-linux-gnu");
        fs::create_dir(dir.join("nvidia")).unwrap();
        for library in ["libcuda.so.580.1", "libnvidia-ml.so.580.1"] {
            fs::rename(dir.join(library), dir.join("nvidia").join(library)).unwrap();
        }
        fs::remove_file(dir.join("libcuda.so.1")).unwrap();
        std::os::unix::fs::symlink("nvidia/libcuda.so.580.1", dir.join("libcuda.so.1")).unwrap();
        let driver = find(root.path(), None).unwrap();
        let names: Vec<_> = driver.files.keys().map(|guest| &guest[GUEST.len() + 1..]).collect();
        assert_eq!(
            names,
            [
                "bin/nvidia-smi",
                "lib64/libcuda.so",
                "lib64/libcuda.so.1",
                "lib64/libcuda.so.580.1",
                "lib64/libnvidia-ml.so.580.1"
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let why =
            |root: &Path, libraries: Option<&Path>| find(root, libraries).unwrap_err().message;
        let root = machine();
        let elsewhere = root.path().join("elsewhere");
        assert!(why(root.path(), Some(&elsewhere)).contains("libcuda.so.1 is in none of"));
        fs::remove_file(root.path().join("dev/nvidia-uvm")).unwrap();
        assert!(why(root.path(), None).ends_with("dev/nvidia-uvm is not there"));
        assert!(why(&elsewhere, None).contains("cannot be read"));
        fs::create_dir_all(elsewhere.join("proc/driver/nvidia/gpus")).unwrap();
        assert!(why(&elsewhere, None).ends_with("the driver knows no GPU"));
    }
}
