//! Files made to mislead or to wear out whoever checks them: each is refused by its own name, and
//! soon.

use std::time::{Duration, Instant};

use gadus_auth::sign;
use gadus_model::{
    Bundle, Cid, DAG_CBOR, Quorum, Receipt, Signed, VerdictBody, Verification, codec,
};

use super::sample::{REQUESTER, World, bytes, id, job, key, raw_car, varint};
use crate::proof::Found;

/// No file takes longer, however slow and busy the machine.
const SOON: Duration = Duration::from_secs(30);

async fn flaw(world: &World, file: &[u8]) -> String {
    let began = Instant::now();
    let why = world.check(file, &[id(1), id(2)], false).await.unwrap_err();
    assert!(began.elapsed() < SOON, "{:?}: {why}", began.elapsed());
    why
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_does_not_hold_is_named() {
    let world = World::new().await;
    let good = world.bundle().await;
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        bundle
    };
    let mut stolen = world.receipt(1, &world.right);
    stolen.body.node = id(4);
    let stolen = world.keep(&stolen).await;
    let of_wrong = world.keep(&world.receipt(3, &world.wrong)).await;
    let answers = [(1, true), (2, true), (3, false)];
    let other = world.keep(&world.proof(job(2), &answers, &world.right)).await;
    let few = world.keep(&world.proof(job(1), &[(1, true), (3, false)], &world.right)).await;
    let mut unsigned = world.proof(job(1), &answers, &world.right);
    let last = unsigned.verdict.len() - 1;
    unsigned.verdict[last] ^= 1;
    let unsigned = world.keep(&unsigned).await;
    let cases = [
        (with(&|b| b.answers[0].receipt = stolen), "the receipt: the signature is not one by"),
        (with(&|b| b.answers[0].receipt = of_wrong), "the receipt: it is for answer"),
        (with(&|b| b.answers[0].verdict = Some(other)), "it is about another job, task or answer"),
        (with(&|b| b.answers[0].origin = Some(job(3))), "it is about another job, task or answer"),
        (with(&|b| b.answers[0].verdict = Some(few)), "and the answers come to inconclusive"),
        (with(&|b| b.answers[0].verdict = Some(unsigned)), "the verdict: the signature is not one"),
        (with(&|b| b.answers.push(b.answers[0].clone())), "the bundle: it answers task"),
        (with(&|b| b.answers.clear()), "the bundle: it has no answer"),
        (with(&|b| b.v = 7), "version 7 of this record is unknown"),
    ];
    assert!(world.check(&world.car_of(&good).await, &[id(1), id(2)], true).await.is_ok());
    for (bundle, named) in cases {
        let why = flaw(&world, &world.car_of(&bundle).await).await;
        assert!(why.contains(named), "{named}: {why}");
    }
}

/// Whoever has a node's receipt can sign a verdict around it.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_s_word_is_no_verdict_whoever_signed_one() {
    let world = World::new().await;
    let mut bundle = world.bundle().await;
    let alone = |level: Quorum, referee: Option<Receipt>| {
        let mut proof = world.proof(job(1), &[(1, true)], &world.right);
        let verdict: Signed<VerdictBody> = codec::decode(&proof.verdict).unwrap();
        let referee_cid = referee.as_ref().map(|r| codec::cid_of_value(r).unwrap());
        let level = Verification::Quorum(level);
        let body = VerdictBody { level, referee: referee_cid, ..verdict.body };
        proof.verdict = bytes(&sign(&key(REQUESTER), body).unwrap());
        proof.referee = referee.as_ref().map(bytes);
        proof
    };
    let itself = alone(Quorum::TWO, Some(world.receipt(1, &world.right)));
    bundle.answers[0].verdict = Some(world.keep(&itself).await);
    match world.check(&world.car_of(&bundle).await, &[id(1)], false).await {
        Ok(Found::Answers(checked)) => {
            assert!(!checked.is_verified(), "{checked:?}");
            let why = &checked.answers[0].verdict.as_ref().unwrap().why_not;
            assert!(why.contains("one node's word"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    let of_one = alone(Quorum { equal: 1, of: 1 }, None);
    bundle.answers[0].verdict = Some(world.keep(&of_one).await);
    let why = flaw(&world, &world.car_of(&bundle).await).await;
    assert!(why.contains("one answer agrees with itself"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_file_of_ours_is_named() {
    let world = World::new().await;
    let bundle = world.bundle().await;
    let whole = world.car_of(&bundle).await;
    let root = codec::cid_of_value(&bundle).unwrap();
    let block = codec::encode(&bundle).unwrap();
    // The version as an integer that is longer than need be: the last byte of the record, under `v`.
    let at = block.windows(3).position(|part| part == [0x61, b'v', 1]).unwrap() + 2;
    let long = [&block[..at], &[0x18, 1], &block[at + 1..]].concat();
    let long_root = codec::cid_of(DAG_CBOR, &long);
    let task = world.task;
    // The head is shorter than 128 bytes, so that its length is one.
    let body = &whole[usize::from(whole[0]) + 1..];
    let of_roots = |roots: &[Cid]| [&raw_car(roots, &[])[..], body].concat();
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("nothing", Vec::new(), "the CAR"),
        ("a text", b"not a CAR, but a text".to_vec(), "the CAR"),
        ("half of it", whole[..whole.len() / 2].to_vec(), "the CAR"),
        ("one byte less", whole[..whole.len() - 1].to_vec(), "the CAR"),
        ("one byte more", [&whole[..], &[0]].concat(), "the CAR"),
        ("two roots", of_roots(&[root, task]), "it has 2 roots instead of one"),
        ("no root", of_roots(&[]), "root"),
        ("a root alone", raw_car(&[root], &[(root, &block)]), "which is not here either"),
    ];
    for (what, file, named) in cases {
        let why = flaw(&world, &file).await;
        assert!(why.contains(named), "{what}: {why}");
    }
    let mut spelled_otherwise = raw_car(&[long_root], &[(long_root, &long)]);
    // All but the root, which is the first block.
    let first = varint((root.to_bytes().len() + block.len()) as u64).len();
    spelled_otherwise.extend(&body[first + root.to_bytes().len() + block.len()..]);
    let why = flaw(&world, &spelled_otherwise).await;
    assert!(why.contains("is malformed: decode error: NonMinimal"), "{why}");
    let why = flaw(&world, &world.car(world.task).await).await;
    assert!(why.contains("the bundle: not a valid"), "a task is no bundle: {why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_answers_are_not_read() {
    let world = World::new().await;
    let mut bundle = world.bundle().await;
    let one = codec::encode(&bundle.answers[0]).unwrap().len() as u64;
    // Nothing but their length is looked at.
    let root = codec::cid_of(DAG_CBOR, b"a million");
    let mut file = raw_car(&[root], &[]);
    file.extend(varint(root.to_bytes().len() as u64 + one * 1_000_000));
    file.extend(root.to_bytes());
    file.extend([0; 4096]);
    let why = flaw(&world, &file).await;
    assert!(why.contains("the limit is 2097152"), "{why}");
    // As many as there is room for in a block, the first of which is good.
    let room = (2 << 20) / usize::try_from(one).unwrap() - 1;
    bundle.answers = vec![bundle.answers[0].clone(); room];
    let why = flaw(&world, &world.car_of(&bundle).await).await;
    assert!(room > 5_000 && why.contains("it answers task"), "{room}: {why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_votes_are_not_read() {
    let world = World::new().await;
    let mut bundle = world.bundle().await;
    let answers = [(1, true), (2, true), (3, false)];
    let mut proof = world.proof(job(1), &answers, &world.right);
    // Each well signed, and none of them named: as many as there is room for.
    let vote = proof.reveals[0].clone();
    let room = ((2 << 20) - bytes(&proof).len()) / (vote.len() + 3);
    proof.reveals.extend(vec![vote; room]);
    bundle.answers[0].verdict = Some(world.keep(&proof).await);
    let why = flaw(&world, &world.car_of(&bundle).await).await;
    assert!(
        room > 2_000 && why.contains("the answers are not those that the verdict names"),
        "{why}"
    );
}
