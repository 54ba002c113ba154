//! The GPUs of this machine.

use std::time::Duration;

use gadus_model::Gpu;
use tokio::process::Command;

/// How long the inventory may take; a driver that hangs must not keep the node from starting.
const INVENTORY_MAX: Duration = Duration::from_secs(10);

/// The GPUs that NVIDIA's driver knows; none where it is not installed.
pub async fn gpus() -> Vec<Gpu> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]);
    command.kill_on_drop(true);
    match tokio::time::timeout(INVENTORY_MAX, command.output()).await {
        Ok(Ok(output)) if output.status.success() => {
            parse(&String::from_utf8_lossy(&output.stdout))
        }
        Ok(Ok(output)) => {
            tracing::warn!(status = %output.status, "nvidia-smi failed: no GPU is offered");
            Vec::new()
        }
        Ok(Err(_)) => Vec::new(),
        Err(_) => {
            tracing::warn!("nvidia-smi does not answer: no GPU is offered");
            Vec::new()
        }
    }
}

/// Lines of `index, uuid, name, MiB`. A line that is anything else is left out.
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
                memory_mib: memory.parse().ok()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_gpu() {
        let text = "0, GPU-5f1d, NVIDIA H200, 143771\n1, GPU-77aa, Tesla T4, 15360\n";
        let gpus = parse(text);
        assert_eq!(gpus.len(), 2);
        assert_eq!(
            (gpus[1].index, gpus[1].uuid.as_str(), gpus[1].memory_mib),
            (1, "GPU-77aa", 15360)
        );
        assert_eq!(gpus[0].name, "NVIDIA H200");
    }

    #[test]
    fn an_error_in_place_of_a_table_is_no_gpu() {
        assert_eq!(parse("No devices were found\n"), []);
        assert_eq!(parse("0, [N/A], x, [N/A]\n"), []);
    }
}
