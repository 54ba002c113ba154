//! A tree, or part of it, as a CAR (v1): written as it is walked, in bounded memory.
//!
//! [`Walk`] goes depth first and says which block comes next; what it lacks is fetched between two
//! batches.

mod frame;
mod seen;
pub(crate) mod steps;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use gadus_model::Cid;
use gadus_ports::{ByteStream, CarPart, ContentError, FetchFrom};

use self::walk::{Batch, Walk};
use crate::content::Core;
use crate::fetch;
use crate::read::{route, walk};

/// The CAR of what stands at a path. Blocks that are not here are fetched where `from` is given.
///
/// # Errors
/// Of the way to it, and of its first block: `Missing`, `NoSuchPath`, `Malformed`. What is wrong
/// below ends the stream.
pub(crate) async fn car(
    core: &Arc<Core>,
    root: Cid,
    path: &str,
    part: CarPart,
    from: Option<FetchFrom>,
) -> Result<ByteStream, ContentError> {
    let route = walk(core, root, path, from.as_ref(), route::route).await?;
    let namespace = from.as_ref().and_then(|from| from.namespace);
    let walk = Walk::new(&core.config, namespace, &route, part)?;
    let writer = Writer { core: core.clone(), walk, from };
    let Some((begin, writer)) = writer.next().await? else { return Ok(stream::empty().boxed()) };
    let rest = stream::try_unfold(writer, Writer::next);
    let pieces = stream::iter([Ok(begin)]).chain(rest);
    Ok(pieces.map_ok(|pieces| stream::iter(pieces).map(Ok)).try_flatten().boxed())
}

/// A CAR that is being written.
struct Writer {
    core: Arc<Core>,
    walk: Walk,
    from: Option<FetchFrom>,
}

impl Writer {
    /// The next pieces; what is here goes out before anybody is asked for the rest.
    async fn next(mut self) -> Result<Option<(Vec<Bytes>, Self)>, ContentError> {
        loop {
            let walk = self.walk;
            let batch = self.core.reading(move |core| walk.batch(core)).await?;
            let (walk, Batch { pieces, missing, .. }) = batch;
            self.walk = walk;
            if !pieces.is_empty() {
                return Ok(Some((pieces, self)));
            }
            match (missing.first(), &self.from) {
                (None, _) => return Ok(None),
                (Some(_), Some(from)) => fetch::blocks(&self.core, missing, from).await?,
                (Some(cid), None) => {
                    return Err(ContentError::Missing { cid: *cid, asked: 0, waited_ms: 0 });
                }
            }
        }
    }
}
