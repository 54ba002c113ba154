//! A server whose every answer is written by the test, byte for byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// Ends with the test's runtime.
pub(crate) struct OriginServer {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl OriginServer {
    /// Answers each request by its path, and closes.
    pub(crate) async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let (counter, answer): (_, Answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (counter, answer) = (counter.clone(), answer.clone());
                tokio::spawn(serve(stream, counter, answer));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many it has answered.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn serve(stream: TcpStream, counter: Arc<AtomicUsize>, answer: Answer) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let is_chunked = |line: &String| line.to_lowercase().starts_with("transfer-encoding: chunked");
    if lines.iter().any(is_chunked) {
        // To the last chunk, which is empty: who hangs up earlier takes the answer with it.
        let mut line = String::new();
        while line.trim() != "0" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
    }
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
    counter.fetch_add(1, Ordering::Relaxed);
    // Who has heard enough may be gone.
    let _ = stream.write_all(&answer(path)).await;
}

/// An answer with its length.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"connection: close\r\n\r\n", body].concat()
}
