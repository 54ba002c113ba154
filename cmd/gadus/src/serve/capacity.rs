//! What this machine has, and how much of it jobs may use.

use std::path::Path;

use gadus_model::{Gpu, Resources};

use super::settings::{Amount, Offer};

/// What the machine has: cores that this process may use, memory (of its cgroup, where that is
/// less), and room on the disk of the data directory.
pub(crate) fn machine(data_dir: &Path, gpus: &[Gpu]) -> Resources {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Resources {
        cpu_millis: cores as u64 * 1000,
        memory_bytes: memory_bytes(),
        disk_bytes: disk_bytes(data_dir),
        gpus: u32::try_from(gpus.len()).unwrap_or(u32::MAX),
    }
}

/// The part of it that is offered.
pub(crate) fn offered(machine: &Resources, offer: &Offer) -> Resources {
    let part = |amount: Amount, all: u64| match amount {
        Amount::Absolute(n) => n,
        Amount::Percent(p) => all / 100 * u64::from(p) + all % 100 * u64::from(p) / 100,
    };
    let gpus = part(offer.gpu, u64::from(machine.gpus)).min(u64::from(machine.gpus));
    Resources {
        cpu_millis: part(offer.cpu, machine.cpu_millis),
        memory_bytes: part(offer.memory, machine.memory_bytes),
        disk_bytes: part(offer.disk, machine.disk_bytes),
        gpus: u32::try_from(gpus).unwrap_or(u32::MAX),
    }
}

fn memory_bytes() -> u64 {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let total = kib.map_or(1 << 30, |kib| kib << 10);
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limits.iter().find_map(|path| {
        std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok())
    });
    limit.map_or(total, |limit| limit.min(total))
}

fn disk_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |s| s.f_bavail.saturating_mul(s.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_amounts() {
        let machine = Resources { cpu_millis: 2_000, memory_bytes: 1_001, disk_bytes: 50, gpus: 4 };
        let offer = Offer {
            cpu: Amount::Percent(80),
            memory: Amount::Percent(50),
            disk: Amount::Absolute(7),
            gpu: Amount::Absolute(9),
        };
        let offered = offered(&machine, &offer);
        let expected = Resources { cpu_millis: 1_600, memory_bytes: 500, disk_bytes: 7, gpus: 4 };
        assert_eq!(offered, expected);
    }

    #[test]
    fn this_machine_has_something_of_everything() {
        let machine = machine(Path::new("/"), &[]);
        assert!(machine.cpu_millis >= 1_000 && machine.memory_bytes > 1 << 20);
        assert!(machine.disk_bytes > 0);
    }
}
