//! What waits to be sent to one peer.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::frame;

/// As much as goes out in one write.
const BATCH_BYTES: usize = 256 << 10;

/// A bounded queue that is emptied by the batch.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
    messages_max: usize,
    bytes_max: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: u64,
}

/// Too much waits already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Queue {
    pub(crate) fn new(messages_max: u32, bytes_max: u64) -> Self {
        Self {
            waiting: Mutex::default(),
            filled: Notify::new(),
            messages_max: messages_max as usize,
            bytes_max,
        }
    }

    /// Appends an encoded message.
    pub(crate) fn push(&self, message: Bytes) -> Result<(), Full> {
        let length = message.len() as u64;
        {
            let mut waiting = self.waiting.lock();
            let fits = waiting.messages.len() < self.messages_max
                && waiting.bytes + length <= self.bytes_max;
            if !fits {
                return Err(Full);
            }
            waiting.bytes += length;
            waiting.messages.push_back(message);
        }
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for something to send, then takes all of it that fits into one write, framed. One
    /// caller at a time. Tells how many messages it took.
    pub(crate) async fn batch(&self, out: &mut BytesMut) -> u64 {
        loop {
            let count = self.take(out);
            if count > 0 {
                return count;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self, out: &mut BytesMut) -> u64 {
        let mut waiting = self.waiting.lock();
        let mut count = 0;
        while let Some(message) = waiting.messages.front() {
            let length = message.len();
            if count > 0 && out.len() + frame::HEADER_BYTES + length > BATCH_BYTES {
                break;
            }
            frame::put(out, message);
            waiting.bytes -= length as u64;
            waiting.messages.pop_front();
            count += 1;
        }
        count
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_waits_goes_out_as_one_batch_in_order() {
        let queue = Queue::new(10, 100);
        for byte in 0..3u8 {
            queue.push(Bytes::from(vec![byte])).unwrap();
        }
        let mut out = BytesMut::new();
        assert_eq!(queue.batch(&mut out).await, 3);
        assert_eq!(out[..], [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 2]);
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn a_batch_is_bounded_but_never_empty() {
        let queue = Queue::new(10, 1 << 30);
        for _ in 0..2 {
            queue.push(Bytes::from(vec![0; BATCH_BYTES])).unwrap();
        }
        let mut out = BytesMut::new();
        assert_eq!(queue.batch(&mut out).await, 1);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn both_bounds_hold_and_room_comes_back() {
        let queue = Queue::new(2, 10);
        let five = || Bytes::from_static(b"12345");
        queue.push(five()).unwrap();
        assert_eq!(queue.push(Bytes::from_static(b"123456")), Err(Full), "bytes");
        queue.push(five()).unwrap();
        assert_eq!(queue.push(Bytes::new()), Err(Full), "messages");
        assert_eq!(queue.take(&mut BytesMut::new()), 2);
        queue.push(five()).unwrap();
    }
}
