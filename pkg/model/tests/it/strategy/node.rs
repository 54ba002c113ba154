//! Any node, and anything that is said about one.

use gadus_model::plan::{Ranked, TurnedDown};
use gadus_model::{
    Constraint, Engine, EngineInfo, Failure, FailureKind, Gpu, NodeInfo, Operator, Plan, Reason,
    Resources,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::{cid, node, one_of, text};

pub(super) fn resources() -> impl Strategy<Value = Resources> {
    any::<(u64, u64, u64, u32)>().prop_map(|(cpu_millis, memory_bytes, disk_bytes, gpus)| {
        Resources { cpu_millis, memory_bytes, disk_bytes, gpus }
    })
}

pub(super) fn constraint() -> impl Strategy<Value = Constraint> {
    use Operator::{DoesNotExist, Exists, Gt, In, Lt, NotIn};
    let operator = one_of(vec![In, NotIn, Exists, DoesNotExist, Gt, Lt]);
    (text(), operator, vec(text(), 0..3)).prop_map(|(key, operator, values)| Constraint {
        key,
        operator,
        values,
    })
}

pub(super) fn engine() -> impl Strategy<Value = Engine> {
    one_of(vec![Engine::Docker, Engine::Wasm])
}

fn gpu() -> impl Strategy<Value = Gpu> {
    (any::<u32>(), text(), text(), text(), any::<u64>()).prop_map(
        |(index, uuid, name, vendor, memory_mib)| Gpu { index, uuid, name, vendor, memory_mib },
    )
}

pub(crate) fn node_info() -> impl Strategy<Value = NodeInfo> {
    let engine_info = (text(), text()).prop_map(|(id, arch)| EngineInfo { id, arch });
    let engines = btree_map(engine(), engine_info, 0..3);
    let words = (text(), text(), btree_map(text(), text(), 0..3), vec(text(), 0..3));
    let amounts = (resources(), resources(), resources(), vec(gpu(), 0..2));
    let facts = (any::<u32>(), any::<bool>(), vec(text(), 0..3));
    (node(), words, engines, amounts, facts).prop_map(
        |(id, (name, version, labels, addresses), engines, amounts, facts)| {
            let (running, networked_jobs, publishers) = facts;
            let (capacity, available, job_max, gpus) = amounts;
            NodeInfo {
                id,
                name,
                version,
                labels,
                engines,
                capacity,
                available,
                job_max,
                gpus,
                running,
                networked_jobs,
                publishers,
                addresses,
            }
        },
    )
}

pub(super) fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        engine().prop_map(Reason::Engine),
        text().prop_map(Reason::UnknownEngine),
        text().prop_map(Reason::NoPublisher),
        (text(), any::<u64>(), any::<u64>()).prop_map(|(what, need, have)| Reason::TooBig {
            what,
            need,
            have
        }),
        (text(), any::<u64>(), any::<u64>()).prop_map(|(what, need, free)| Reason::Busy {
            what,
            need,
            free
        }),
        (text(), text()).prop_map(|(image, node)| Reason::ImageArch { image, node }),
        any::<u32>().prop_map(|max| Reason::TooMany { max }),
        Just(Reason::Stale),
        text().prop_map(Reason::Unrevealed),
        Just(Reason::Banned),
    ]
}

pub(super) fn failure() -> impl Strategy<Value = Failure> {
    let kind = prop_oneof![
        cid().prop_map(|cid| FailureKind::MissingBlock(Box::new(cid))),
        Just(FailureKind::OutOfMemory),
    ];
    (kind, text(), option::of(text())).prop_map(|(kind, message, hint)| Failure {
        kind,
        message,
        hint,
    })
}

fn ranked() -> impl Strategy<Value = Ranked> {
    let numbers = any::<(i64, u16, u64, u64)>();
    (node(), numbers, any::<(bool, bool)>()).prop_map(|(node, numbers, (warm, bid))| {
        let (score, fit_permille, bytes_missing, price) = numbers;
        Ranked { node, score, fit_permille, bytes_missing, warm, price, bid }
    })
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let turned_down =
        (node(), vec(reason(), 0..3)).prop_map(|(node, reasons)| TurnedDown { node, reasons });
    let counts = btree_map(text(), any::<u32>(), 0..3);
    (vec(ranked(), 0..3), vec(turned_down, 0..3), counts, any::<(u32, u32, bool)>()).prop_map(
        |(ranked, turned_down, counts, (feasible, nodes, may_pass))| Plan {
            ranked,
            feasible,
            turned_down,
            counts,
            nodes,
            may_pass,
        },
    )
}
