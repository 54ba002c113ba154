//! Whether a node can take a job, and how well it fits.

use gadus_model::message::Requirements;
use gadus_model::{Constraint, Engine, Network, NodeInfo, Operator, Reason, Resources};

use super::rig::{GIB, info, node};
use crate::matching::{fit_permille, reasons_against, seats};

fn amount(cpu_millis: u64, memory_bytes: u64, disk_bytes: u64, gpus: u32) -> Resources {
    Resources { cpu_millis, memory_bytes, disk_bytes, gpus }
}

fn needs(resources: Resources) -> Requirements {
    let (constraints, network) = (Vec::new(), Network::None);
    Requirements { engine: Engine::Wasm, resources, constraints, network, publishes_to: None }
}

fn in_zone(zone: &str) -> Constraint {
    let values = vec![zone.to_owned()];
    Constraint { key: "zone".to_owned(), operator: Operator::In, values }
}

#[test]
fn every_reason_against_a_node_is_given_and_only_those() {
    let small = || needs(amount(1_000, GIB, GIB, 0));
    let too_big = |what: &str, need, have| Reason::TooBig { what: what.to_owned(), need, have };
    let busy = |what: &str, need, free| Reason::Busy { what: what.to_owned(), need, free };
    type Case = (&'static str, fn(&mut NodeInfo, &mut Resources, &mut Requirements), Vec<Reason>);
    let cases: Vec<Case> = vec![
        ("an idle node", |_, _, _| {}, vec![]),
        (
            "no engine",
            |n, _, _| _ = n.engines.remove(&Engine::Wasm),
            vec![Reason::Engine(Engine::Wasm)],
        ),
        ("no network", |_, _, r| r.network = Network::Host, vec![Reason::NoNetwork]),
        ("a network", |n, _, r| (n.networked_jobs, r.network) = (true, Network::Bridge), vec![]),
        ("its zone", |_, _, r| r.constraints = vec![in_zone("a")], vec![]),
        (
            "another zone",
            |_, _, r| r.constraints = vec![in_zone("b"), in_zone("a"), in_zone("c")],
            vec![Reason::Constraint("zone=b".to_owned()), Reason::Constraint("zone=c".to_owned())],
        ),
        ("all that is free", |_, free, r| *free = r.resources, vec![]),
        ("a core too few", |_, free, _| free.cpu_millis = 999, vec![busy("cpu", 1_000, 999)]),
        ("no memory", |_, free, _| free.memory_bytes = 0, vec![busy("memory", GIB, 0)]),
        ("no disk", |_, free, _| free.disk_bytes = 0, vec![busy("disk", GIB, 0)]),
        ("a GPU", |_, _, r| r.resources.gpus = 1, vec![too_big("gpu", 1, 0)]),
        (
            "more than any job gets",
            |n, _, _| n.job_max.cpu_millis = 900,
            vec![too_big("cpu", 1_000, 900)],
        ),
        // What will never fit is not called busy.
        (
            "too big and busy",
            |n, free, _| (n.job_max.memory_bytes, free.memory_bytes) = (1, 0),
            vec![too_big("memory", GIB, 1)],
        ),
        (
            "all at once",
            |n, free, r| {
                n.engines.clear();
                r.network = Network::Host;
                r.constraints = vec![in_zone("b")];
                free.cpu_millis = 0;
            },
            vec![
                Reason::Engine(Engine::Wasm),
                Reason::NoNetwork,
                Reason::Constraint("zone=b".to_owned()),
                busy("cpu", 1_000, 0),
            ],
        ),
    ];
    for (what, change, expected) in cases {
        let (mut node, mut requirements) = (info(node(1)), small());
        let mut free = node.capacity;
        change(&mut node, &mut free, &mut requirements);
        assert_eq!(reasons_against(&node, &free, &requirements), expected, "{what}");
    }
}

#[test]
fn a_job_fits_as_well_as_the_scarcest_thing_would_be_left() {
    let all = amount(4_000, 4_000, 4_000, 4);
    let cases = [
        ("an idle node and no need", all, all, amount(0, 0, 0, 0), 1_000),
        ("a quarter of one thing", all, all, amount(1_000, 0, 0, 0), 750),
        ("the scarcest counts", all, all, amount(1_000, 2_000, 3_000, 1), 250),
        ("half taken before", all, amount(2_000, 4_000, 4_000, 4), amount(1_000, 0, 0, 0), 250),
        ("all that is free", all, amount(1_000, 4_000, 4_000, 4), amount(1_000, 0, 0, 0), 0),
        ("more than is free", all, amount(500, 4_000, 4_000, 4), amount(1_000, 0, 0, 0), 0),
        (
            "what it has none of does not count",
            amount(4_000, 0, 0, 0),
            all,
            amount(0, 0, 0, 0),
            1_000,
        ),
        ("nothing at all", amount(0, 0, 0, 0), amount(0, 0, 0, 0), amount(0, 0, 0, 0), 1_000),
        ("more free than there is", all, amount(9_000, 9_000, 9_000, 9), amount(0, 0, 0, 0), 1_000),
        (
            "amounts that overflow",
            amount(u64::MAX, 0, 0, 0),
            amount(u64::MAX, 0, 0, 0),
            amount(0, 0, 0, 0),
            1,
        ),
    ];
    for (what, capacity, free, need, expected) in cases {
        assert_eq!(fit_permille(&capacity, &free, &need), expected, "{what}");
    }
}

#[test]
fn seats_are_how_often_a_job_fits() {
    let free = amount(4_000, 3 * GIB, 10 * GIB, 2);
    let cases = [
        ("the scarcest decides", amount(1_000, GIB, GIB, 0), 3),
        ("whole seats only", amount(1_500, 0, 0, 0), 2),
        ("all of it", free, 1),
        ("a little more", amount(4_001, 0, 0, 0), 0),
        ("no need of anything", amount(0, 0, 0, 0), 10_000),
        ("next to nothing", amount(0, 1, 0, 0), 10_000),
    ];
    for (what, need, expected) in cases {
        assert_eq!(seats(&free, &need), expected, "{what}");
    }
}
