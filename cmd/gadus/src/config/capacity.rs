//! What a node offers: shares of something, or amounts, as the file has them.

use gadus_api::quantity::{parse_bytes, parse_cpu_millis};
use gadus_model::Resources;
use serde::{Deserialize, Serialize};

use crate::serve::settings::{Amount, Offer};

/// A share (`80%`) or an amount of each resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capacity {
    cpu: String,
    memory: String,
    disk: String,
    gpu: String,
}

/// An amount of each resource, empty for no bound of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobMax {
    cpu: String,
    memory: String,
    disk: String,
    gpu: String,
}

impl Default for Capacity {
    fn default() -> Self {
        let share = || "80%".to_owned();
        // GPUs are offered whole.
        Self { cpu: share(), memory: share(), disk: share(), gpu: "100%".to_owned() }
    }
}

impl Capacity {
    /// What it says.
    ///
    /// # Errors
    /// The name of the field that says nothing, and what it could say.
    pub(super) fn offer(&self) -> Result<Offer, (&'static str, String)> {
        let Self { cpu, memory, disk, gpu } = self;
        let amount = |field, text: &str, kind: &Kind| match text.trim().strip_suffix('%') {
            Some(share) => match share.trim().parse() {
                Ok(share @ 0..=100) => Ok(Amount::Percent(share)),
                _ => Err((field, format!("'{text}' is no share; use 0% to 100%"))),
            },
            None => kind.read(text).map(Amount::Absolute).map_err(|why| (field, why)),
        };
        Ok(Offer {
            cpu: amount("cpu", cpu, &CORES)?,
            memory: amount("memory", memory, &BYTES)?,
            disk: amount("disk", disk, &BYTES)?,
            gpu: amount("gpu", gpu, &COUNT)?,
        })
    }
}

impl JobMax {
    /// What it says; `None` where it says nothing at all.
    ///
    /// # Errors
    /// The name of the field that says nothing, and what it could say.
    pub(super) fn resources(&self) -> Result<Option<Resources>, (&'static str, String)> {
        if *self == Self::default() {
            return Ok(None);
        }
        let Self { cpu, memory, disk, gpu } = self;
        let amount = |field, text: &str, kind: &Kind| match text {
            "" => Ok(u64::MAX),
            text => kind.read(text).map_err(|why| (field, why)),
        };
        Ok(Some(Resources {
            cpu_millis: amount("cpu", cpu, &CORES)?,
            memory_bytes: amount("memory", memory, &BYTES)?,
            disk_bytes: amount("disk", disk, &BYTES)?,
            gpus: u32::try_from(amount("gpu", gpu, &COUNT)?).unwrap_or(u32::MAX),
        }))
    }
}

/// How an amount of a resource is written.
struct Kind {
    read: fn(&str) -> Option<u64>,
    example: &'static str,
}

const CORES: Kind = Kind { read: parse_cpu_millis, example: "cores such as 4 or 2500m" };
const BYTES: Kind = Kind { read: parse_bytes, example: "bytes such as 8Gi or 500MB" };
const COUNT: Kind = Kind { read: |text| text.parse().ok(), example: "a number such as 1" };

impl Kind {
    fn read(&self, text: &str) -> Result<u64, String> {
        (self.read)(text.trim())
            .ok_or_else(|| format!("'{text}' is no amount; use {}", self.example))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(cpu: &str, memory: &str) -> Capacity {
        Capacity { cpu: cpu.into(), memory: memory.into(), ..Capacity::default() }
    }

    #[test]
    fn shares_and_amounts_are_read() {
        let offer = capacity("2500m", "1Gi").offer().unwrap();
        let expected = Offer {
            cpu: Amount::Absolute(2500),
            memory: Amount::Absolute(1 << 30),
            disk: Amount::Percent(80),
            gpu: Amount::Percent(100),
        };
        assert_eq!(offer, expected);
        assert_eq!(Capacity::default().offer().unwrap(), Offer::default());
    }

    #[test]
    fn nonsense_is_named() {
        let cases = [("101%", "1Gi", "cpu"), ("-1", "1Gi", "cpu"), ("2", "1 elephant", "memory")];
        for (cpu, memory, field) in cases {
            let (named, why) = capacity(cpu, memory).offer().unwrap_err();
            assert_eq!(named, field);
            assert!(why.contains("; use "), "{why}");
        }
    }

    #[test]
    fn a_bound_that_is_not_named_binds_nothing() {
        assert_eq!(JobMax::default().resources(), Ok(None));
        let max = JobMax { memory: "1Gi".into(), ..JobMax::default() };
        let resources = max.resources().unwrap().unwrap();
        assert_eq!((resources.memory_bytes, resources.cpu_millis), (1 << 30, u64::MAX));
        let share = JobMax { cpu: "50%".into(), ..JobMax::default() };
        assert_eq!(share.resources().unwrap_err().0, "cpu");
    }
}
