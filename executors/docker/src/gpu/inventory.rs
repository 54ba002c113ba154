//! The GPUs of this machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gadus_model::Gpu;
use tokio::process::Command;

use super::GpuAccess;
use super::driver::Driver;

/// How long the inventory may take; a driver that hangs must not keep the node from starting.
const INVENTORY_MAX: Duration = Duration::from_secs(10);

const INVENTORY: &str = "--query-gpu=index,uuid,name,memory.total";
/// Apart, since older drivers do not know it.
const SLICED: &str = "--query-gpu=uuid,mig.mode.current";

/// The GPUs that containers can be given; none where NVIDIA's driver is not installed.
pub async fn gpus(access: &GpuAccess) -> Vec<Gpu> {
    let libraries = match access {
        GpuAccess::Toolkit => None,
        GpuAccess::Direct(place) => place.libraries.as_deref(),
    };
    let Some(found) = ask(libraries, INVENTORY).await else { return Vec::new() };
    let mut gpus = parse(&found);
    let sliced = sliced(&ask(libraries, SLICED).await.unwrap_or_default());
    gpus.retain(|gpu| {
        let whole = !sliced.contains(&gpu.uuid);
        if !whole {
            tracing::warn!(uuid = gpu.uuid, "a GPU in MIG mode is not offered");
        }
        whole
    });
    if let GpuAccess::Direct(place) = access
        && !gpus.is_empty()
    {
        match Driver::find(place) {
            Ok(driver) => gpus.retain(|gpu| is_known(gpu, &driver)),
            Err(failure) => {
                tracing::error!(%failure, hint = failure.hint, "no GPU is offered");
                gpus.clear();
            }
        }
    }
    gpus
}

fn is_known(gpu: &Gpu, driver: &Driver) -> bool {
    let known = driver.gpus.contains_key(&gpu.uuid);
    if !known {
        tracing::warn!(uuid = gpu.uuid, "a GPU whose device is not there is not offered");
    }
    known
}

/// What `nvidia-smi` says, from the first place where there is one.
async fn ask(libraries: Option<&Path>, query: &str) -> Option<String> {
    for (program, libraries) in programs(libraries) {
        let mut command = Command::new(&program);
        command.args([query, "--format=csv,noheader,nounits"]).kill_on_drop(true);
        if let Some(libraries) = libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        match tokio::time::timeout(INVENTORY_MAX, command.output()).await {
            Ok(Ok(output)) if output.status.success() => {
                return Some(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            Ok(Ok(output)) => {
                tracing::warn!(status = %output.status, query, "nvidia-smi failed");
                return None;
            }
            Ok(Err(_)) => {}
            Err(_) => {
                tracing::warn!(query, "nvidia-smi does not answer");
                return None;
            }
        }
    }
    None
}

/// Where `nvidia-smi` may be, and the libraries that it then takes.
fn programs(libraries: Option<&Path>) -> Vec<(PathBuf, Option<PathBuf>)> {
    let beside = libraries
        .and_then(|dir| Some((dir.parent()?.join("bin/nvidia-smi"), Some(dir.to_owned()))));
    let usual = Path::new("/usr/local/nvidia");
    let there = (usual.join("bin/nvidia-smi"), Some(usual.join("lib64")));
    [(PathBuf::from("nvidia-smi"), None)].into_iter().chain(beside).chain([there]).collect()
}

/// Lines of `index, uuid, name, MiB`. A line that is anything else is left out; memory that the GPU
/// shares with the machine is not told, and counts as none.
fn parse(text: &str) -> Vec<Gpu> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let [index, uuid, name, memory] = fields.as_slice() else { return None };
            Some(Gpu {
                index: index.parse().ok()?,
                uuid: uuid.starts_with("GPU-").then(|| (*uuid).to_owned())?,
                name: (*name).to_owned(),
                vendor: "NVIDIA".to_owned(),
                memory_mib: memory.parse().unwrap_or_default(),
            })
        })
        .collect()
}

/// UUIDs of GPUs that are cut into slices (MIG): as a whole, no program can use them.
fn sliced(text: &str) -> BTreeSet<String> {
    let line = |line: &str| {
        let (uuid, mode) = line.split_once(',')?;
        (mode.trim() == "Enabled").then(|| uuid.trim().to_owned())
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_gpu() {
        let text = "0, GPU-5f1d, NVIDIA H200, 143771\n1, GPU-77aa, Tesla T4, 15360\n\
                    2, GPU-9c, NVIDIA GB10, [N/A]\n";
        let gpus = parse(text);
        assert_eq!(gpus.len(), 3);
        assert_eq!(
            (gpus[1].index, gpus[1].uuid.as_str(), gpus[1].memory_mib),
            (1, "GPU-77aa", 15360)
        );
        assert_eq!(gpus[0].name, "NVIDIA H200");
        assert_eq!(gpus[2].memory_mib, 0);
    }

    #[test]
    fn an_error_in_place_of_a_table_is_no_gpu() {
        assert_eq!(parse("No devices were found\n"), []);
        assert_eq!(parse("0, [N/A], x, [N/A]\n"), []);
    }

    #[test]
    fn gpus_in_slices_are_known() {
        let text = "GPU-a, Enabled\nGPU-b, Disabled\nGPU-c, [N/A]\n";
        assert_eq!(sliced(text), ["GPU-a".to_owned()].into());
        assert!(sliced("Field \"mig.mode.current\" is not a valid field to query.\n").is_empty());
    }

    #[test]
    fn the_program_is_looked_for_beside_the_libraries() {
        let places = programs(Some(Path::new("/home/kubernetes/bin/nvidia/lib64")));
        let (program, libraries) = &places[1];
        assert_eq!(program, Path::new("/home/kubernetes/bin/nvidia/bin/nvidia-smi"));
        assert_eq!(libraries.as_deref(), Some(Path::new("/home/kubernetes/bin/nvidia/lib64")));
        assert_eq!(programs(None).len(), 2);
    }
}
