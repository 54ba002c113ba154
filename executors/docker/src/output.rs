//! What a container writes to stdout and stderr, on its way to the sink.

use std::pin::Pin;
use std::sync::Arc;

use bollard::container::LogOutput;
use bollard::errors::Error;
use futures::Stream;
use gadus_ports::{LogSink, StdStream};

/// Frames from the container, live, or from the engine's log.
pub(crate) type Frames = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// Bytes of stderr that the verdict looks at.
const HEAD_BYTES: usize = 512;

/// Passes output on, each byte once, though it may have to be read again from the start.
pub(crate) struct Output {
    sink: Arc<dyn LogSink>,
    /// Bytes that the sink was given of stdout and of stderr.
    given: [u64; 2],
    /// Bytes that come again.
    again: [u64; 2],
    stderr_head: Vec<u8>,
}

impl Output {
    pub(crate) fn new(sink: Arc<dyn LogSink>) -> Self {
        Self { sink, given: [0; 2], again: [0; 2], stderr_head: Vec::new() }
    }

    /// The next frame is the first one of all again.
    pub(crate) fn rewind(&mut self) {
        self.again = self.given;
    }

    /// Takes a frame. `false` for one that is no output: the engine broke off, or says why it has
    /// no more.
    pub(crate) fn take(&mut self, frame: &LogOutput) -> bool {
        let (stream, bytes) = match frame {
            LogOutput::StdOut { message } => (StdStream::Stdout, message),
            LogOutput::StdErr { message } => (StdStream::Stderr, message),
            LogOutput::StdIn { .. } | LogOutput::Console { .. } => return false,
        };
        let i = stream as usize;
        let skipped = self.again[i].min(bytes.len() as u64);
        self.again[i] -= skipped;
        let new = usize::try_from(skipped).map_or(&[][..], |n| &bytes[n..]);
        if !new.is_empty() {
            self.given[i] += new.len() as u64;
            if stream == StdStream::Stderr {
                let room = HEAD_BYTES.saturating_sub(self.stderr_head.len()).min(new.len());
                self.stderr_head.extend_from_slice(&new[..room]);
            }
            self.sink.write(stream, new);
        }
        true
    }

    /// The first bytes of stderr.
    pub(crate) fn into_stderr_head(self) -> Vec<u8> {
        self.stderr_head
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<(StdStream, Vec<u8>)>>);

    impl LogSink for Kept {
        fn write(&self, stream: StdStream, bytes: &[u8]) {
            self.0.lock().push((stream, bytes.to_vec()));
        }
    }

    fn stdout(text: &'static str) -> LogOutput {
        LogOutput::StdOut { message: text.into() }
    }

    #[test]
    fn what_comes_again_is_passed_on_once() {
        let kept = Arc::new(Kept::default());
        let mut output = Output::new(Arc::clone(&kept) as Arc<dyn LogSink>);
        assert!(output.take(&stdout("abc")));
        assert!(output.take(&LogOutput::StdErr { message: "x".into() }));
        output.rewind();
        // Other frames than before, and broken off once more.
        assert!(output.take(&stdout("ab")));
        output.rewind();
        for frame in ["a", "bcd", "e"] {
            assert!(output.take(&stdout(frame)));
        }
        assert!(output.take(&LogOutput::StdErr { message: "xy".into() }));
        let of = |stream| {
            let kept = kept.0.lock();
            kept.iter()
                .filter(|(s, _)| *s == stream)
                .flat_map(|(_, b)| b.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (of(StdStream::Stdout), of(StdStream::Stderr)),
            (b"abcde".to_vec(), b"xy".to_vec())
        );
        assert_eq!(output.into_stderr_head(), b"xy");
    }

    #[test]
    fn what_is_no_frame_is_not_output() {
        let mut output = Output::new(Arc::new(Kept::default()));
        assert!(!output.take(&LogOutput::Console { message: "garbled".into() }));
    }
}
