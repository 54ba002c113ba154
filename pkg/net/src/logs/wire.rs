//! The bytes of log streams.

use gadus_model::ExecutionId;
use gadus_ports::{LogRequest, StdStream};

pub(super) const REFUSED: u8 = 0;
pub(super) const ACCEPTED: u8 = 1;
const STDOUT: u8 = 2;
const STDERR: u8 = 3;

/// Bytes of a request's frame: a UUID and two flags.
pub(super) const REQUEST_BYTES_MAX: u32 = 256;

pub(super) type WireRequest = (ExecutionId, bool, bool);

pub(super) fn to_wire(request: LogRequest) -> WireRequest {
    (request.execution, request.follow, request.tail)
}

pub(super) fn from_wire((execution, follow, tail): WireRequest) -> LogRequest {
    LogRequest { execution, follow, tail }
}

pub(super) fn mark(stream: StdStream) -> u8 {
    match stream {
        StdStream::Stdout => STDOUT,
        StdStream::Stderr => STDERR,
    }
}

pub(super) fn stream_of(mark: u8) -> Option<StdStream> {
    match mark {
        STDOUT => Some(StdStream::Stdout),
        STDERR => Some(StdStream::Stderr),
        _ => None,
    }
}
