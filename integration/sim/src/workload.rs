//! The jobs of a run.

use std::collections::BTreeMap;

use gadus_model::codec::{RAW, cid_of};
use gadus_model::job::JOB_VERSION;
use gadus_model::task::TASK_VERSION;
use gadus_model::{
    Class, Code, Constraint, Context, Det, Durability, Image, Job, JobId, JobType, Operator,
    PROFILE_DET_1, Partition, Placement, PublisherSpec, Quorum, Resources, RetryPolicy, Task,
    Timeouts, Verification,
};
use uuid::Uuid;

use crate::dice::{Dice, mix};
use crate::swarm::Swarm;

/// What every job reserves, and a function may grow to.
const MEMORY_BYTES: u64 = 1 << 20;

/// A job, and what the world knows of it that no machine does.
#[derive(Clone, Debug)]
pub struct Work {
    /// The job.
    pub job: Job,
    /// Which requester it is for, by its place among them.
    pub requester: usize,
    /// How long a run takes on a healthy node, in microseconds.
    pub run_us: u64,
    /// Submitted after the trouble is over: it must complete.
    pub probe: bool,
    /// Somebody stops it.
    pub cancelled: bool,
}

/// The cores of a small node, in thousandths.
pub const SMALL_NODE_MILLIS: u64 = 2_000;

/// The id of the n-th job.
#[must_use]
pub fn job_id(n: usize) -> JobId {
    JobId(Uuid::from_u128((n as u128 + 1) << 96))
}

/// The n-th job of a run.
#[must_use]
pub fn make(swarm: &Swarm, dice: &mut Dice, n: usize) -> Work {
    let mix = swarm.mix;
    let every = dice.chance(mix.every);
    let kind = if every { JobType::Ops } else { JobType::Batch };
    let count = if dice.chance(300) { dice.between(2, 5) as u32 } else { 1 };
    let docker = dice.chance(mix.docker);
    let job = Job {
        v: JOB_VERSION,
        id: job_id(n),
        version: 1,
        name: format!("job-{n}"),
        namespace: "default".to_owned(),
        kind: kind.kind(count),
        priority: if dice.chance(100) { 1 } else { 0 },
        tasks: BTreeMap::from([("main".to_owned(), task(dice, n, docker))]),
        context: context(swarm, dice, docker),
        document: String::new(),
        idempotency_key: dice.chance(200).then(|| format!("key-{n}")),
    };
    let job = sealed(swarm, job, n);
    let requester = dice.index(swarm.requesters);
    let run_us = dice.skewed(mix.run_min_us, mix.run_max_us);
    Work { job, requester, run_us, probe: false, cancelled: dice.chance(mix.cancel) }
}

/// Some pure functions' results are checked. The draws are a stream of their own.
fn sealed(swarm: &Swarm, mut job: Job, n: usize) -> Job {
    let mut dice = Dice::new(mix(swarm.seed ^ mix(n as u64)));
    let is_function = job.tasks.values().all(|task| task.det.is_some());
    let once_each = matches!(job.kind.placement, Placement::Ranked { .. });
    let fits = is_function && once_each && job.context.class == Class::Pure;
    if !fits || !dice.chance(swarm.mix.sealed) {
        return job;
    }
    job.context.verification = dice.pick(&LEVELS);
    job.context.fresh = dice.chance(150);
    if dice.chance(swarm.mix.equal) {
        let args = vec![format!("of all, {}", dice.below(EQUALS))];
        job.tasks.values_mut().for_each(|task| task.args.clone_from(&args));
        // One that wants other nodes is no reason to wait.
        job.context.resources.cpu_millis = 100;
        job.context.constraints.clear();
    }
    if let Placement::Ranked { count } = &mut job.kind.placement {
        *count = (*count).min(SEALED_PARTITIONS_MAX);
    }
    for det in job.tasks.values_mut().filter_map(|task| task.det.as_mut()) {
        PROFILE_DET_1.clone_into(&mut det.profile);
    }
    if swarm.process.leavers > 0 {
        // Where nodes have left for good there may never be seats enough.
        job.context.timeouts.total_ms.get_or_insert(SEALED_TOTAL_MS);
    }
    job
}

/// How results are checked: mostly by two of two.
const LEVELS: [Verification; 7] = [
    Verification::Quorum(Quorum::TWO),
    Verification::Quorum(Quorum::TWO),
    Verification::Quorum(Quorum { equal: 2, of: 3 }),
    Verification::Quorum(Quorum { equal: 2, of: 3 }),
    Verification::Quorum(Quorum { equal: 3, of: 3 }),
    Verification::Spot(300),
    Verification::Spot(1_000),
];
/// Different tasks among those that several jobs have.
const EQUALS: u64 = 3;
/// More partitions of sealed work show nothing new.
const SEALED_PARTITIONS_MAX: u32 = 2;
const SEALED_TOTAL_MS: u64 = 150_000;

/// A job that any node can take, for when the trouble is over.
#[must_use]
pub fn probe(dice: &mut Dice, n: usize, requester: usize) -> Work {
    let context = Context {
        resources: Resources {
            cpu_millis: 100,
            memory_bytes: MEMORY_BYTES,
            ..Resources::default()
        },
        retry: RetryPolicy { attempts_max: 100, ..RetryPolicy::default() },
        ..Context::default()
    };
    let job = Job {
        v: JOB_VERSION,
        id: job_id(n),
        version: 1,
        name: format!("probe-{n}"),
        namespace: "default".to_owned(),
        kind: JobType::Batch.kind(1),
        priority: 0,
        tasks: BTreeMap::from([("main".to_owned(), task(dice, n, false))]),
        context,
        document: String::new(),
        idempotency_key: None,
    };
    Work { job, requester, run_us: 1_000, probe: true, cancelled: false }
}

fn task(dice: &mut Dice, n: usize, docker: bool) -> Task {
    let code = match docker {
        true => Code::Docker {
            image: Image::Reference(format!("image-{}", dice.below(3))),
            entrypoint: None,
            workdir: None,
        },
        false => Code::Wasm { module: cid_of(RAW, b"module"), entry: "_start".to_owned() },
    };
    Task {
        v: TASK_VERSION,
        code,
        args: vec![n.to_string()],
        env: BTreeMap::new(),
        inputs: BTreeMap::new(),
        outputs: BTreeMap::new(),
        partition: Partition::default(),
        nonce: Vec::new(),
        det: (!docker).then(|| Det { memory_max_bytes: MEMORY_BYTES, ..Det::default() }),
    }
}

fn context(swarm: &Swarm, dice: &mut Dice, docker: bool) -> Context {
    let mix = swarm.mix;
    let cpu_millis = match dice.chance(mix.large) {
        true => SMALL_NODE_MILLIS,
        false => dice.pick(&[100, 500]),
    };
    let class = match (dice.chance(mix.command), dice.chance(mix.query)) {
        (true, _) => Class::Command,
        (false, true) => Class::Query,
        (false, false) => Class::Pure,
    };
    let durability = match (dice.chance(mix.replicas), dice.chance(mix.producer)) {
        (true, _) => Durability::Replicas(dice.between(1, 4) as u32),
        (false, true) => Durability::Producer,
        (false, false) => Durability::Keeper,
    };
    let attempts_max = match (dice.chance(mix.once), durability) {
        (true, _) => 1,
        // Where nodes have left for good there may never be holders enough.
        (false, Durability::Replicas(_)) => 3,
        (false, Durability::Producer | Durability::Keeper) => dice.pick(&[3, 3, 100]) as u32,
    };
    let never = Constraint {
        key: "planet".to_owned(),
        operator: Operator::In,
        values: vec!["mars".to_owned()],
    };
    let timeouts = match dice.chance(mix.timeouts) {
        false => Timeouts::default(),
        true => Timeouts {
            execution_ms: Some(dice.skewed(10, 40_000)),
            queue_ms: dice.chance(500).then(|| dice.skewed(100, 20_000)),
            total_ms: dice.chance(500).then(|| dice.skewed(1_000, 120_000)),
        },
    };
    Context {
        resources: Resources { cpu_millis, memory_bytes: MEMORY_BYTES, ..Resources::default() },
        timeouts,
        class,
        retry: RetryPolicy { attempts_max, backoff_ms: 100, backoff_max_ms: 5_000 },
        constraints: dice.chance(mix.impossible).then_some(never).into_iter().collect(),
        client: format!("client-{}", dice.below(2)),
        durability,
        publisher: match dice.chance(mix.outside) {
            true => PublisherSpec::Local,
            false => PublisherSpec::Ipfs,
        },
        image_reference: docker.then(|| "image".to_owned()),
        ..Context::default()
    }
}
