//! Which container has which GPU.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use gadus_model::{ExecutionId, Failure, FailureKind, Gpu};
use parking_lot::Mutex;

/// The label with the UUIDs of a container's GPUs, separated by commas.
pub(crate) const GPUS: &str = "org.gadus.gpus";

/// A container is started at once after it was made; one that was not for so long never will be.
const START_MAX_S: i64 = 60;

/// The GPUs of this machine, and what executions of this process have them.
pub(crate) struct Leases {
    all: Vec<Gpu>,
    taken: Mutex<BTreeMap<ExecutionId, Vec<String>>>,
}

/// What containers have, as their labels tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The execution's own container, which an earlier process made.
    pub(crate) own: Option<Own>,
    /// The GPUs of all others.
    others: BTreeSet<String>,
}

/// A container that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) container: String,
    pub(crate) uuids: Vec<String>,
    pub(crate) stage: Stage,
}

/// How far a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing in it ran yet.
    Created,
    /// It runs.
    Running,
    /// Nothing in it runs any more.
    Ended,
}

impl Held {
    /// Of all containers with the label, at a time in seconds; `own` knows the execution's.
    pub(crate) fn of(
        containers: &[ContainerSummary],
        now: i64,
        own: impl Fn(&HashMap<String, String>) -> bool,
    ) -> Self {
        let mut held = Self::default();
        for container in containers {
            let Some(labels) = container.labels.as_ref() else { continue };
            let Some(gpus) = labels.get(GPUS) else { continue };
            let gpus = gpus.split(',').filter(|uuid| !uuid.is_empty()).map(str::to_owned);
            let stage = stage(container);
            if own(labels) {
                let container = container.id.clone().unwrap_or_default();
                held.own = Some(Own { container, uuids: gpus.collect(), stage });
            } else if stage == Stage::Running
                || (stage == Stage::Created && !is_left(container, now))
            {
                held.others.extend(gpus);
            }
        }
        held
    }
}

/// Whether nobody will start it any more: its node died in between, perhaps for good.
fn is_left(container: &ContainerSummary, now: i64) -> bool {
    container.created.is_none_or(|created| created.saturating_add(START_MAX_S) < now)
}

fn stage(container: &ContainerSummary) -> Stage {
    use ContainerSummaryStateEnum as State;
    match container.state {
        Some(State::CREATED) => Stage::Created,
        Some(State::EXITED | State::DEAD | State::REMOVING) => Stage::Ended,
        Some(
            State::EMPTY | State::STOPPING | State::RUNNING | State::PAUSED | State::RESTARTING,
        )
        | None => Stage::Running,
    }
}

/// GPUs that one execution has until this is dropped.
pub(crate) struct Lease<'a> {
    leases: &'a Leases,
    execution: ExecutionId,
    pub(crate) uuids: Vec<String>,
}

impl Leases {
    pub(crate) fn new(all: Vec<Gpu>) -> Self {
        Self { all, taken: Mutex::default() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// So many GPUs that nobody has; where its container runs already, those that it has.
    ///
    /// # Errors
    /// `Internal`, which is tried again elsewhere, when fewer are free.
    pub(crate) fn lease(
        &self,
        execution: ExecutionId,
        count: u32,
        held: Held,
    ) -> Result<Lease<'_>, Failure> {
        let mut taken = self.taken.lock();
        let own = held.own.as_ref().filter(|own| own.stage == Stage::Running);
        let uuids = own.map(|own| own.uuids.clone()).unwrap_or_else(|| {
            let in_use: BTreeSet<_> = taken.values().flatten().chain(&held.others).collect();
            let uuids = self.all.iter().map(|gpu| &gpu.uuid).filter(|uuid| !in_use.contains(uuid));
            uuids.take(count as usize).cloned().collect()
        });
        if own.is_none() && uuids.len() != count as usize {
            // What has ended needs none: only its answer is fetched.
            return match held.own.filter(|own| own.stage == Stage::Ended) {
                Some(own) => Ok(Lease { leases: self, execution, uuids: own.uuids }),
                None => Err(too_few(count, uuids.len(), self.all.len())),
            };
        }
        if count > 0 {
            taken.insert(execution, uuids.clone());
        }
        Ok(Lease { leases: self, execution, uuids })
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.leases.taken.lock().remove(&self.execution);
    }
}

fn too_few(want: u32, free: usize, all: usize) -> Failure {
    let gpus = if want == 1 { "1 GPU".to_owned() } else { format!("{want} GPUs") };
    let what = format!("the job asks for {gpus}, and {free} of this node's {all} are free");
    Failure::new(FailureKind::Internal, what)
        .with_hint("`nvidia-smi` shows the GPUs that a node can offer")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(n: u8) -> ExecutionId {
        format!("e-6f0e1f4a-57a4-8b57-bd4e-1cf1b3b55a{n:02x}").parse().unwrap()
    }

    fn machine() -> Leases {
        let gpu = |index: u32, uuid: &str| Gpu {
            index,
            uuid: uuid.to_owned(),
            name: "NVIDIA H100".to_owned(),
            vendor: "NVIDIA".to_owned(),
            memory_mib: 81_559,
        };
        Leases::new(vec![gpu(0, "GPU-a"), gpu(1, "GPU-b"), gpu(2, "GPU-c")])
    }

    fn container(gpus: &str, mine: bool, state: ContainerSummaryStateEnum) -> ContainerSummary {
        let labels = [(GPUS.to_owned(), gpus.to_owned()), ("mine".to_owned(), mine.to_string())];
        ContainerSummary {
            labels: Some(labels.into()),
            state: Some(state),
            created: Some(1_000),
            ..ContainerSummary::default()
        }
    }

    fn held(containers: &[ContainerSummary]) -> Held {
        Held::of(containers, 1_060, |labels| labels["mine"] == "true")
    }

    #[test]
    fn each_gpu_is_leased_to_one_execution_until_it_ends() {
        let machine = machine();
        let first = machine.lease(execution(1), 2, Held::default()).unwrap();
        assert_eq!(first.uuids, ["GPU-a", "GPU-b"]);
        let second = machine.lease(execution(2), 1, Held::default()).unwrap();
        assert_eq!(second.uuids, ["GPU-c"]);
        let refused = machine.lease(execution(3), 1, Held::default()).err().unwrap();
        assert!(refused.message.ends_with("asks for 1 GPU, and 0 of this node's 3 are free"));
        assert!(refused.kind.is_retryable());
        assert!(machine.lease(execution(4), 0, Held::default()).unwrap().uuids.is_empty());
        drop(first);
        let third = machine.lease(execution(3), 1, Held::default()).unwrap();
        assert_eq!(third.uuids, ["GPU-a"]);
    }

    #[test]
    fn what_containers_have_is_respected() {
        use ContainerSummaryStateEnum as State;
        let machine = machine();
        let others = [
            container("GPU-a", false, State::RUNNING),
            container("GPU-b", false, State::EXITED),
            container("GPU-b", false, State::REMOVING),
            container("", false, State::RUNNING),
            container("GPU-c", false, State::CREATED),
        ];
        assert_eq!(machine.lease(execution(1), 1, held(&others)).unwrap().uuids, ["GPU-b"]);
        assert!(machine.lease(execution(1), 2, held(&others)).is_err());
        // One that its node made and never started has none for ever.
        let later = Held::of(&others, 1_061, |_| false);
        assert_eq!(machine.lease(execution(1), 2, later).unwrap().uuids, ["GPU-b", "GPU-c"]);
    }

    #[test]
    fn a_container_that_runs_goes_on_with_what_it_has() {
        use ContainerSummaryStateEnum as State;
        let machine = machine();
        let own = |state| held(&[container("GPU-c,GPU-a", true, state)]);
        let leased = |state| machine.lease(execution(1), 2, own(state)).unwrap().uuids.clone();
        assert_eq!(leased(State::RUNNING), ["GPU-c", "GPU-a"]);
        // One that never ran is made anew.
        assert_eq!(leased(State::CREATED), ["GPU-a", "GPU-b"]);
        // One that has ended may be there for its answer alone.
        let _all = machine.lease(execution(2), 3, Held::default()).unwrap();
        assert_eq!(leased(State::EXITED), ["GPU-c", "GPU-a"]);
        assert!(machine.lease(execution(1), 2, own(State::CREATED)).is_err());
    }
}
