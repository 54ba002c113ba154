//! Records that are kept for an export, and what is behind a verdict among them.

use std::collections::BTreeMap;

use bytes::Bytes;
use gadus_model::bundle::BUNDLE_VERSION;
use gadus_model::{Cid, CodecError, DAG_CBOR, Proof, Sealed, codec};
use serde::Serialize;
use serde_bytes::ByteBuf;

use crate::service::ServiceError;

/// Blocks, each once.
#[derive(Default)]
pub(super) struct Records {
    blocks: BTreeMap<Cid, Bytes>,
}

impl Records {
    /// All of them.
    pub(super) fn into_blocks(self) -> Vec<(Cid, Bytes)> {
        self.blocks.into_iter().collect()
    }

    /// Adds a record, and gives its CID.
    pub(super) fn add<T: Serialize>(&mut self, record: &T) -> Result<Cid, ServiceError> {
        let failed = |error: CodecError| ServiceError::internal(error.to_string());
        let bytes = codec::encode(record).map_err(failed)?;
        let cid = codec::cid_of(DAG_CBOR, &bytes);
        self.blocks.insert(cid, bytes.into());
        Ok(cid)
    }

    /// The verdict over a partition, with all that is behind it; none where there is no verdict.
    pub(super) fn add_proof(&mut self, sealed: &Sealed) -> Result<Option<Cid>, ServiceError> {
        let Some(verdict) = &sealed.verdict else { return Ok(None) };
        let mut reveals = each(&sealed.reveals)?;
        reveals.sort_by_cached_key(|bytes| codec::cid_of(DAG_CBOR, bytes));
        let referee = verdict.body.referee.and(sealed.referee.as_ref());
        let proof = Proof {
            v: BUNDLE_VERSION,
            verdict: bytes_of(verdict)?,
            closes: each(&sealed.closes)?,
            reveals,
            draws: each(&sealed.draws)?,
            referee: referee.map(bytes_of).transpose()?,
        };
        self.add(&proof).map(Some)
    }
}

/// A record in its one form.
pub(super) fn bytes_of<T: Serialize>(record: &T) -> Result<ByteBuf, ServiceError> {
    let bytes = codec::encode(record).map_err(|e| ServiceError::internal(e.to_string()))?;
    Ok(ByteBuf::from(bytes))
}

fn each<T: Serialize>(records: &[T]) -> Result<Vec<ByteBuf>, ServiceError> {
    records.iter().map(bytes_of).collect()
}
