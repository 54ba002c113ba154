//! What is no value of ours is refused: never misread, dropped in silence, or fatal.

use gadus_model::codec::{self, CodecError};
use gadus_model::event::{ComputeEvent, Event, JobEvent, TrustEvent};
use gadus_model::message::{Gossip, Message, Proposal};
use gadus_model::{AwaitBranch, Code, Decision, Image, Input, NodeId, Outcome, Task, Time};
use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use crate::sample::{self, Words};
use crate::tree::{Step, places, with, with_entry, without};
use crate::wire::{Wire, addressed, all, each_sample};

fn tree(bytes: &[u8]) -> Ipld {
    codec::decode(bytes).unwrap()
}

fn bytes(tree: &Ipld) -> Vec<u8> {
    codec::encode(tree).unwrap()
}

fn is_key(step: Option<&Step>, of: &str) -> bool {
    matches!(step, Some(Step::Key(key)) if key == of)
}

#[test]
fn what_is_cut_short() {
    for (wire, sample) in each_sample() {
        for end in 0..sample.len() {
            assert!(!(wire.reads)(&sample[..end]), "{}: {end} of {}", wire.name, sample.len());
        }
    }
}

#[test]
fn what_has_something_after_it() {
    for (wire, sample) in each_sample() {
        assert!((wire.reads)(&sample) && (wire.reads_canonical)(&sample), "{}", wire.name);
        for more in [0x00, 0xa0, 0xf6, 0xff] {
            let longer = [&sample[..], &[more]].concat();
            assert!(!(wire.reads)(&longer), "{} and {more:#x}", wire.name);
        }
    }
}

#[test]
fn a_version_that_is_unknown() {
    for (wire, sample) in each_sample() {
        let tree = tree(&sample);
        for (path, value) in places(&tree) {
            // The versions of messages are the transport's to judge, which relays what it cannot
            // read, and then the machines': they act on none but their own.
            let told_apart_later = path.len() == 1 && matches!(wire.name, "message" | "gossip");
            if path.last() != Some(&Step::Key("v".to_owned())) || told_apart_later {
                continue;
            }
            assert_eq!(value, &Ipld::Integer(1), "{} {path:?}", wire.name);
            for v in [0, 2, 255, 256, -1] {
                let other = with(&tree, &path, |at| *at = Ipld::Integer(v));
                assert!(!(wire.reads)(&bytes(&other)), "{} {path:?}: version {v}", wire.name);
            }
        }
    }
}

#[test]
fn a_version_that_is_unknown_is_named() {
    let mut task = sample::tasks().remove(0).1;
    task.v = 2;
    let refused = codec::decode::<Task>(&codec::encode(&task).unwrap()).unwrap_err().to_string();
    assert!(refused.contains("version 2") && refused.contains("knows version 1"), "{refused}");
}

#[test]
fn a_variant_that_is_unknown() {
    fn knows<T: DeserializeOwned>() -> fn(&[u8]) -> bool {
        |bytes| codec::decode::<T>(bytes).is_ok()
    }
    let large = [
        knows::<Message>(),
        knows::<Proposal>(),
        knows::<Event>(),
        knows::<JobEvent>(),
        knows::<ComputeEvent>(),
        knows::<TrustEvent>(),
        knows::<Code>(),
        knows::<Image>(),
        knows::<Input>(),
        knows::<Outcome>(),
        knows::<Decision>(),
    ];
    let small = Words::all();
    for word in &small {
        assert!(word.words.iter().all(|(_, bytes)| (word.knows)(bytes)), "{}", word.of);
    }
    let novelty = |content: Ipld| Ipld::Map([("novelty".to_owned(), content)].into());
    let empty = || Ipld::Map([].into());
    for unknown in [Ipld::String("novelty".to_owned()), novelty(Ipld::Null), novelty(empty())] {
        for knows in large.iter().chain(small.iter().map(|word| &word.knows)) {
            assert!(!knows(&bytes(&unknown)), "{unknown:?}");
        }
    }
}

/// Parts whose own reading skips an unknown field, so that only a canonical reading refuses it.
const LAX: [&str; 1] = ["execution"];

#[test]
fn a_field_that_is_unknown_where_bytes_are_identity() {
    for Wire { name, samples, reads, reads_canonical } in addressed() {
        for sample in samples {
            let tree = tree(&sample);
            for (path, _) in places(&tree).iter().filter(|(_, v)| matches!(v, Ipld::Map(_))) {
                let more = bytes(&with_entry(&tree, path, "novelty", Ipld::Integer(1)));
                assert!(!reads_canonical(&more), "{name}: at {path:?}");
                let is_lax = |step| LAX.into_iter().any(|of| is_key(Some(step), of));
                if !path.iter().any(is_lax) {
                    assert!(!reads(&more), "{name}: at {path:?}");
                }
            }
        }
    }
}

/// The fields that may be null.
const OPTIONAL: [&str; 23] = [
    "cause",
    "det",
    "entrypoint",
    "execution_ms",
    "fuel",
    "fuel_max",
    "fx",
    "hint",
    "idempotency_key",
    "image_digest",
    "image_reference",
    "memory_peak_bytes",
    "origin",
    "place",
    "prefix",
    "proof",
    "publishes_to",
    "queue_ms",
    "referee",
    "referee_from",
    "total_ms",
    "verdict",
    "workdir",
];
/// Fields that only share a name with these, with the variants or types that they are fields of.
const REQUIRED: [(&str, &str); 6] = [
    ("evidence", "proof"),
    ("judged", "verdict"),
    ("origin", "verdict"),
    ("proof", "verdict"),
    ("rejected", "referee"),
    ("replay", "origin"),
];
/// Maps whose keys are a user's or a node's own.
const FREE: [&str; 9] =
    ["counts", "engines", "env", "input_bytes", "inputs", "labels", "outputs", "params", "tasks"];

#[test]
fn a_field_that_is_missing() {
    for (wire, sample) in each_sample() {
        let tree = tree(&sample);
        for (path, _) in places(&tree) {
            let Some((Step::Key(key), parent)) = path.split_last() else { continue };
            // Left out where there is none: most gossip is about no filled round.
            if key == "filled" {
                continue;
            }
            let is_of = |of: &str| match parent.last() {
                None => wire.name == of,
                step => is_key(step, of),
            };
            let required = |(of, field)| is_of(of) && key == field;
            let may_be_null =
                OPTIONAL.contains(&key.as_str()) && !REQUIRED.into_iter().any(required);
            if FREE.into_iter().any(|of| is_key(parent.last(), of)) {
                continue;
            }
            let less = bytes(&without(&tree, parent, key));
            assert_eq!((wire.reads)(&less), may_be_null, "{}: without {path:?}", wire.name);
            assert!(!(wire.reads_canonical)(&less), "{}: without {path:?}", wire.name);
        }
    }
}

#[test]
fn something_of_another_kind_anywhere_is_never_fatal() {
    let others = [
        Ipld::Null,
        Ipld::Bool(true),
        Ipld::Integer(-1),
        Ipld::Integer(i128::from(u64::MAX)),
        Ipld::Float(0.5),
        Ipld::String(String::new()),
        Ipld::Bytes(Vec::new()),
        Ipld::List(Vec::new()),
        Ipld::Map([].into()),
        Ipld::Link(sample::cid("other")),
    ];
    for (wire, sample) in each_sample() {
        let tree = tree(&sample);
        for (path, _) in places(&tree) {
            for other in &others {
                let changed = with(&tree, &path, |at| *at = other.clone());
                (wire.reads_canonical)(&bytes(&changed));
            }
        }
    }
}

/// Heads of a byte string, a text, a list and a map of more than any memory holds.
fn giants() -> Vec<Vec<u8>> {
    let lengths = [u64::MAX, 1 << 62, 1 << 40, u64::from(u32::MAX)];
    let head = |kind: u8, length: u64| [&[kind << 5 | 27][..], &length.to_be_bytes()].concat();
    (2..=5).flat_map(|kind| lengths.map(|length| head(kind, length))).collect()
}

#[test]
fn a_length_that_no_memory_holds_anywhere() {
    for (wire, sample) in each_sample() {
        for at in 0..sample.len() {
            for giant in giants() {
                let claim = [&sample[..at], &giant, &sample[at + 1..]].concat();
                // Inside of a text or a byte string these are bytes like others.
                if (wire.reads)(&claim) {
                    assert!(claim.len() > sample.len(), "{} at {at}", wire.name);
                }
            }
        }
    }
}

#[test]
fn nesting_without_end() {
    let starts: [&[u8]; 3] = [&[0x81], &[0xa1, 0x61, b'a'], &[0xd8, 0x2a]];
    for start in starts {
        let deep = start.repeat(1 << 20);
        for wire in all() {
            assert!(!(wire.reads)(&deep), "{} {start:x?}", wire.name);
        }
        assert!(codec::decode::<Ipld>(&deep).is_err());
    }
}

#[test]
fn nesting_without_end_in_a_field_that_is_skipped() {
    let sample = codec::encode(&sample::gossip()).unwrap();
    let end = 1 << 20;
    // A fifth field of a gossip, `z`, comes first but for `v`, and is skipped.
    let deep = [&[0xa5, 0x61, b'v', 0x01, 0x61, b'z'][..], &[0x81].repeat(end), &sample[4..]];
    assert_eq!(&sample[..4], [0xa4, 0x61, b'v', 0x01]);
    assert!(codec::decode::<Gossip>(&deep.concat()).is_err());
    let shallow = [&[0xa5, 0x61, b'v', 0x01, 0x61, b'z', 0x81, 0x00][..], &sample[4..]].concat();
    assert!(codec::decode::<Gossip>(&shallow).is_ok());
}

#[test]
fn another_spelling_of_the_same() {
    let canonical = |bytes: &[u8]| {
        codec::decode_canonical::<Time>(bytes).is_ok()
            || codec::decode_canonical::<AwaitBranch>(bytes).is_ok()
            || codec::decode_canonical::<NodeId>(bytes).is_ok()
            || codec::decode_canonical::<std::collections::BTreeMap<String, u8>>(bytes).is_ok()
    };
    let id = [&[0x58, 32][..], &[7; 32]].concat();
    let good: [&[u8]; 4] =
        [&[0x18, 24], &[0x62, b'o', b'k'], &id, &[0xa2, 0x61, b'a', 1, 0x61, b'b', 2]];
    assert!(good.into_iter().all(canonical));
    let list = [&[0x98, 32][..], &[7; 32]].concat();
    let bad: [(&str, &[u8]); 10] = [
        ("an integer longer than need be", &[0x18, 23]),
        ("a float that is an integer", &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("a text of unknown length", &[0x7f, 0x62, b'o', b'k', 0xff]),
        ("a word as a map without a value", &[0xa1, 0x62, b'o', b'k']),
        ("a word as a map", &[0xa1, 0x62, b'o', b'k', 0xf6]),
        ("a list for bytes", &list),
        ("a length longer than need be", &[&[0x59, 0, 32][..], &[7; 32]].concat()),
        ("keys out of order", &[0xa2, 0x61, b'b', 2, 0x61, b'a', 1]),
        ("a key twice", &[0xa2, 0x61, b'a', 1, 0x61, b'a', 2]),
        ("a map of unknown length", &[0xbf, 0x61, b'a', 1, 0xff]),
    ];
    for (what, bytes) in bad {
        assert!(!canonical(bytes), "{what}");
    }
    let error = codec::decode_canonical::<AwaitBranch>(&[0xa1, 0x62, b'o', b'k']).unwrap_err();
    assert!(matches!(error, CodecError::NotCanonical { .. }), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_never_fatal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for wire in all() {
            (wire.reads_canonical)(&bytes);
        }
    }

    #[test]
    fn a_few_other_bytes_are_never_fatal(
        at in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for Wire { samples, reads_canonical, .. } in all() {
            let mut bytes = at.get(&samples).clone();
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            reads_canonical(&bytes);
        }
    }
}
