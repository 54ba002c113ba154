//! The types whose bytes others see, with samples of each.

use gadus_model::codec;
use gadus_model::event::Record;
use gadus_model::message::{Envelope, Gossip};
use gadus_model::verdict::DrawRecord;
use gadus_model::{
    Bundle, Claim, CloseBody, CommitBody, Evidence, Job, Manifest, Opening, Proof, Receipt, Reveal,
    Sealed, Signed, Task, VerdictBody,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sample;

/// A type that crosses the wire, is stored, or is named by its bytes.
pub(crate) struct Wire {
    pub(crate) name: &'static str,
    pub(crate) samples: Vec<Vec<u8>>,
    pub(crate) reads: fn(&[u8]) -> bool,
    /// The same, when they are also the value's one encoding.
    pub(crate) reads_canonical: fn(&[u8]) -> bool,
}

fn wire<T>(name: &'static str, values: impl IntoIterator<Item = T>) -> Wire
where
    T: Serialize + DeserializeOwned,
{
    Wire {
        name,
        samples: values.into_iter().map(|value| codec::encode(&value).unwrap()).collect(),
        reads: |bytes| codec::decode::<T>(bytes).is_ok(),
        reads_canonical: |bytes| {
            let value = codec::decode_canonical::<T>(bytes);
            let same = value.as_ref().is_ok_and(|value| codec::encode(value).unwrap() == bytes);
            assert_eq!(same, value.is_ok(), "what is canonical encodes to the same bytes");
            same
        },
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Wire> {
    let messages = sample::messages().into_iter().map(sample::envelope);
    addressed()
        .into_iter()
        .chain([
            wire::<Job>("job", sample::jobs().into_iter().map(|(_, job)| job)),
            wire::<Claim>("claim", [sample::claim()]),
            wire::<Envelope>("message", messages),
            wire::<Gossip>("gossip", [sample::gossip(), sample::gossip_of_filled_rounds()]),
            wire::<Record>("record", sample::events().into_iter().map(sample::record)),
            wire::<Sealed>("sealed", sample::sealed().into_iter().map(|(_, sealed)| sealed)),
        ])
        .collect()
}

/// What is named by its bytes or signed: here not even an unknown field is skipped.
pub(crate) fn addressed() -> Vec<Wire> {
    vec![
        wire::<Task>("task", sample::tasks().into_iter().map(|(_, task)| task)),
        wire::<Manifest>("manifest", sample::manifests()),
        wire::<Receipt>("receipt", [sample::receipt(true), sample::receipt(false)]),
        wire::<Opening>("opening", [sample::opening()]),
        wire::<Signed<CommitBody>>("commit", [sample::commit()]),
        wire::<Signed<CloseBody>>("close", [sample::close()]),
        wire::<Reveal>("reveal", [sample::reveal()]),
        wire::<DrawRecord>("draw", [sample::draw()]),
        wire::<Signed<VerdictBody>>("verdict", sample::verdicts()),
        wire::<Bundle>("bundle", [sample::bundle()]),
        wire::<Proof>("proof", [sample::proof()]),
        wire::<Evidence>("evidence", [sample::evidence()]),
    ]
}

/// Each sample, with its type.
pub(crate) fn each_sample() -> impl Iterator<Item = (Wire, Vec<u8>)> {
    all().into_iter().flat_map(|wire| {
        let of = |sample: &Vec<u8>| (Wire { samples: Vec::new(), ..wire }, sample.clone());
        wire.samples.iter().map(of).collect::<Vec<_>>()
    })
}
