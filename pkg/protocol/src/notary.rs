//! What a requester does with its key.

use std::fmt::Debug;

use gadus_model::{CodecError, JobId, NodeId, Signed, Statement, codec};

/// Signs, and keeps secrets that can be had again. The same question always has the same answer,
/// so that a replay gives what was there before: Ed25519 signatures are so by definition.
pub trait Notary: Debug + Send + Sync {
    /// The signature of some bytes, 64 bytes.
    fn sign(&self, bytes: &[u8]) -> Vec<u8>;

    /// A secret that nobody without the key knows, 32 bytes, for a label.
    fn secret(&self, label: &[u8]) -> [u8; 32];

    /// Who signs.
    fn node(&self) -> NodeId;
}

impl dyn Notary {
    /// A signed statement.
    ///
    /// # Errors
    /// When it has no DAG-CBOR form; our own statements always have one.
    pub fn state<T: Statement>(&self, body: T) -> Result<Signed<T>, CodecError> {
        let signature = self.sign(&body.signing_bytes()?);
        Ok(Signed { body, node: self.node(), signature })
    }

    /// The secret of the draw of a round of bidding.
    #[must_use]
    pub fn draw_secret(&self, job: JobId, round: u32) -> [u8; 32] {
        self.secret(&[b"draw", &job.0.as_bytes()[..], &round.to_be_bytes()].concat())
    }

    /// Whether the answer of a partition's only node is checked, where so many of a thousand are.
    #[must_use]
    pub fn is_spot(&self, job: JobId, partition: u32, permille: u16) -> bool {
        let label = [b"spot", &job.0.as_bytes()[..], &partition.to_be_bytes()].concat();
        let secret = self.secret(&label);
        let number = secret.iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        number % 1_000 < u64::from(permille)
    }
}

/// A notary whose signatures are hashes that anybody could make: for simulators and tests.
#[derive(Clone, Debug)]
pub struct Fake(pub NodeId);

impl Notary for Fake {
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        codec::sha256(&[&self.0.0, bytes]).to_vec()
    }

    fn secret(&self, label: &[u8]) -> [u8; 32] {
        codec::sha256(&[b"secret", &self.0.0, label])
    }

    fn node(&self) -> NodeId {
        self.0
    }
}
