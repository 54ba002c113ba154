//! Frames: a length (u32, big endian), then as many bytes of DAG-CBOR.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use futures::AsyncRead;
use gadus_model::codec;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

/// Bytes of a frame's length.
pub(crate) const HEADER_BYTES: usize = 4;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// The frames of a stream, each at most so many bytes.
pub(crate) type Frames<R> = FramedRead<Compat<R>, LengthDelimitedCodec>;

pub(crate) fn frames<R: AsyncRead>(stream: R, bytes_max: u32) -> Frames<R> {
    let codec = LengthDelimitedCodec::builder()
        .length_field_length(HEADER_BYTES)
        .max_frame_length(bytes_max as usize)
        .new_codec();
    FramedRead::with_capacity(stream.compat(), codec, READ_BYTES)
}

/// Appends a frame; what is longer than 4 GiB was refused long before.
pub(crate) fn put(out: &mut BytesMut, body: &[u8]) {
    out.reserve(HEADER_BYTES + body.len());
    out.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.put_slice(body);
}

/// A value as a frame of its own.
pub(crate) fn of<T: Serialize>(value: &T) -> io::Result<Bytes> {
    let body = codec::encode(value).map_err(io::Error::other)?;
    let mut out = BytesMut::new();
    put(&mut out, &body);
    Ok(out.freeze())
}

/// Whether a stream's failure is the peer's nonsense, not the end of a connection.
pub(crate) fn is_nonsense(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Reads a frame's value.
pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> io::Result<T> {
    codec::decode(frame).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn frames_come_back_in_order() {
        let mut bytes = BytesMut::new();
        for body in [&b"one"[..], b"", b"three"] {
            put(&mut bytes, body);
        }
        let read: Vec<_> =
            frames(Cursor::new(bytes), 5).map(|f| f.unwrap().freeze()).collect().await;
        assert_eq!(read, [&b"one"[..], b"", b"three"]);
    }

    #[tokio::test]
    async fn a_frame_over_the_limit_is_nonsense_before_its_body_is_read() {
        let mut frames = frames(Cursor::new([0, 0, 0, 6]), 5);
        assert!(is_nonsense(&frames.next().await.unwrap().unwrap_err()));
    }

    #[tokio::test]
    async fn half_a_frame_is_an_end_not_nonsense() {
        let mut frames = frames(Cursor::new([0, 0, 0, 5, 1, 2]), 5);
        let error = frames.next().await.unwrap().unwrap_err();
        assert!(!is_nonsense(&error), "{error:?}");
    }
}
