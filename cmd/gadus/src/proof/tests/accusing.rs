//! Evidence that holds, and each way in which it does not.

use clap::Parser;
use gadus_auth::sign;
use gadus_model::verdict::Inconclusive;
use gadus_model::{Decision, Evidence, Receipt, Signed, VerdictBody, codec};

use serde_bytes::ByteBuf;

use super::sample::{REQUESTER, World, bytes, id, job, key};
use crate::cli::Cli;
use crate::command::client;
use crate::exit::Exit;
use crate::fake_node::Captured;
use crate::proof::{CheckedLie, Found};

async fn lie(world: &World, evidence: &Evidence, trusted: &[u8], replays: bool) -> CheckedLie {
    let trusted: Vec<_> = trusted.iter().map(|n| id(*n)).collect();
    let file = world.car_of(evidence).await;
    match world.check(&file, &trusted, replays).await {
        Ok(Found::Lie(lie)) => *lie,
        other => panic!("{other:?}"),
    }
}

/// Why evidence does not hold.
async fn flaw(world: &World, evidence: &Evidence, replays: bool) -> String {
    let file = world.car_of(evidence).await;
    world.check(&file, &[id(1), id(2)], replays).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_is_proven_by_whom_one_trusts_or_by_running_the_task() {
    let world = World::new().await;
    let evidence = world.evidence().await;
    for (trusted, replays, is_proven) in [
        (&[][..], false, false),
        (&[1], false, false),
        (&[1, 3], false, false),
        (&[1, 2], false, true),
        (&[REQUESTER], false, true),
        (&[], true, true),
    ] {
        let lie = lie(&world, &evidence, trusted, replays).await;
        assert_eq!(lie.is_proven(), is_proven, "{trusted:?} {replays}");
        assert_eq!((lie.accused, lie.is_replayed), (id(3).did_key(), replays));
        assert_eq!(lie.manifest_cid, world.wrong.cid().unwrap().to_string());
        assert_eq!(lie.accepted_cid, world.right.cid().unwrap().to_string());
        assert_eq!(lie.decided_by, "quorum");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_right_against_all_is_cleared_by_running_the_task() {
    let world = World::new().await;
    let proof = world.proof(job(1), &[(1, false), (2, false), (3, true)], &world.wrong);
    let proof = world.keep(&proof).await;
    let receipt = bytes(&world.receipt(3, &world.right));
    let evidence = Evidence { proof, receipt, ..world.evidence().await };
    assert!(lie(&world, &evidence, &[1, 2], false).await.is_proven(), "by their word");
    let why = flaw(&world, &evidence, true).await;
    assert!(why.contains("it was right") && why.contains(&id(3).did_key()), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_engine_came_to_is_no_lie_here() {
    let mut world = World::new().await;
    world.engine = "wasmtime/1".to_owned();
    let proof = world.proof(job(1), &[(1, false), (2, false), (3, true)], &world.wrong);
    let proof = world.keep(&proof).await;
    let receipt = bytes(&world.receipt(3, &world.right));
    let evidence = Evidence { proof, receipt, ..world.evidence().await };
    let file = world.write(&world.car_of(&evidence).await);
    let captured = Captured::default();
    let words = ["gadus", "verify", "--replay", file.to_str().unwrap()];
    let cli = Cli::try_parse_from(words).unwrap();
    let failure = client(cli, captured.printer()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Unverified, "{failure:?}");
    assert!(format!("{failure:?}").contains("wasmtime/1"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accusation_that_does_not_hold_is_named() {
    let world = World::new().await;
    let good = world.evidence().await;
    let mine = |receipt: &Receipt| Evidence { receipt: bytes(receipt), ..good.clone() };
    let wrong = world.receipt(3, &world.wrong);
    let mut forged = wrong.clone();
    forged.signature[5] ^= 1;
    let mut of_other_task = wrong.clone().body;
    of_other_task.task = world.right.cid().unwrap();
    let of_other_task = gadus_auth::sign_receipt(&key(3), of_other_task).unwrap();
    let mut of_other_engine = wrong.clone().body;
    of_other_engine.engine = "wasmtime/47".to_owned();
    let of_other_engine = gadus_auth::sign_receipt(&key(3), of_other_engine).unwrap();
    let agrees = Evidence {
        accused: id(2),
        receipt: bytes(&world.receipt(2, &world.right)),
        ..good.clone()
    };
    let answers = [(1, true), (2, true), (3, false)];
    let other_job = world.keep(&world.proof(job(2), &answers, &world.right)).await;
    let tie = undecided(&world).await;
    let cases = [
        (agrees, "which is the answer that was found right"),
        (Evidence { accused: id(2), ..good.clone() }, "it is one of did:key:"),
        (Evidence { receipt: spelled_otherwise(&wrong), ..good.clone() }, "NonMinimal"),
        (mine(&forged), "the signature is not one by"),
        (mine(&of_other_task), "and the verdict is about"),
        (mine(&of_other_engine), "under its engine, wasmtime/47"),
        (Evidence { proof: other_job, ..good.clone() }, "it is about another job, task or answer"),
        (Evidence { version: 2, ..good.clone() }, "it is about another job, task or answer"),
        (Evidence { proof: tie, ..good.clone() }, "does not say which answer is right"),
        (
            Evidence { receipt: vec![0xa0].into(), ..good.clone() },
            "the accused's receipt: not a valid",
        ),
        (Evidence { v: 2, ..good.clone() }, "version 2 of this record is unknown"),
    ];
    for (evidence, named) in cases {
        let why = flaw(&world, &evidence, false).await;
        assert!(why.contains(named), "{named}: {why}");
    }
}

/// The same record, with its version as an integer that is longer than need be.
fn spelled_otherwise(receipt: &Receipt) -> ByteBuf {
    let short = bytes(receipt);
    let at = short.windows(3).position(|part| part == [0x61, b'v', 1]).unwrap() + 2;
    [&short[..at], &[0x18, 1], &short[at + 1..]].concat().into()
}

/// A verdict to which two different answers lead, and that says so.
async fn undecided(world: &World) -> gadus_model::Cid {
    let mut proof = world.proof(job(1), &[(1, true), (3, false)], &world.right);
    let verdict: Signed<VerdictBody> = codec::decode(&proof.verdict).unwrap();
    let decision = Decision::Inconclusive { why: Inconclusive::Tie };
    let body = VerdictBody { decision, ..verdict.body };
    proof.verdict = bytes(&sign(&key(REQUESTER), body).unwrap());
    world.keep(&proof).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_evidence_can_be_changed() {
    let world = World::new().await;
    let whole = world.car_of(&world.evidence().await).await;
    for at in (0..whole.len()).step_by(23) {
        let mut changed = whole.clone();
        changed[at] ^= 0x08;
        let found = world.check(&changed, &[id(1), id(2)], false).await;
        assert!(found.is_err(), "byte {at}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_how_much_it_is_worth() {
    let world = World::new().await;
    let file = world.car_of(&world.evidence().await).await;
    let (one, two) = (id(1).did_key(), id(2).did_key());
    let no_file = file[1..].to_vec();
    for (file, flags, exit, told) in [
        (&file, &[][..], Exit::Unverified, "unproven: everything holds"),
        (&file, &["--trust", &one], Exit::Unverified, "unproven: everything holds"),
        (&file, &["--trust", &one, "--trust", &two], Exit::Success, "signed another answer than"),
        (&file, &["--replay"], Exit::Success, "what the task does not come to here"),
        (&no_file, &[], Exit::Forged, ""),
    ] {
        let path = world.write(file);
        let words = [&["gadus", "verify", path.to_str().unwrap()], flags].concat();
        let captured = Captured::default();
        let done = client(Cli::try_parse_from(words).unwrap(), captured.printer()).await;
        assert_eq!(done.unwrap_or_else(|failure| failure.exit()), exit, "{flags:?}");
        assert!(captured.err().contains(told), "{flags:?}: {}", captured.err());
    }
}
