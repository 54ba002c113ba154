//! Over real sockets: the server, the log websocket, and our own client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use gadus_model::JobState;
use gadus_model::view::JobView;
use gadus_ports::{Layout, LogChunk, Profile, StdStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::{Client, ClientError, JobFilter, LogOptions, LogOutput, PutOptions};
use crate::fake::sample::{DOCKER_JOB, cid, completed, execution_of, job, job_id, new_view};
use crate::fake::{FakeService, Tree};
use crate::limits::ApiLimits;
use crate::service::ImportKind;
use crate::state::ApiConfig;

struct Server {
    address: SocketAddr,
    fake: Arc<FakeService>,
    task: JoinHandle<std::io::Result<()>>,
    shutdown: DropGuard,
}

async fn server(fake: Arc<FakeService>, limits: ApiLimits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let config = ApiConfig { limits, ..ApiConfig::default() };
    let task = tokio::spawn(crate::serve(listener, fake.clone(), config, shutdown.clone()));
    Server { address, fake, task, shutdown: shutdown.drop_guard() }
}

async fn started(view: JobView) -> Server {
    server(FakeService::with_job(view), ApiLimits::default()).await
}

impl Server {
    fn client(&self) -> Client {
        Client::new(&self.address.to_string()).unwrap()
    }

    async fn frames(&self, path: &str) -> (Vec<String>, Option<(u16, String)>) {
        let url = format!("ws://{}/api/v1/orchestrator/jobs/{path}", self.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut frames = Vec::new();
        while let Some(message) = socket.next().await {
            let message = message.unwrap();
            if let Message::Close(close) = message {
                let close = close.map(|c| (c.code.into(), c.reason.to_string()));
                return (frames, close);
            }
            assert!(message.is_text(), "{message:?}");
            frames.push(message.into_text().unwrap().to_string());
        }
        (frames, None)
    }
}

fn chunk(stream: StdStream, bytes: &'static [u8]) -> LogChunk {
    LogChunk { stream, bytes: Bytes::from_static(bytes) }
}

#[tokio::test]
async fn logs_are_frames_of_lines_and_end_with_1000() {
    let server = started(completed()).await;
    server.fake.inner().logs =
        vec![chunk(StdStream::Stdout, b"a\n<b>"), chunk(StdStream::Stderr, b"\xff\n")];
    let (frames, close) = server.frames("hello/logs?follow=true").await;
    assert_eq!(
        frames,
        [
            "{\"value\":{\"Type\":1,\"Line\":\"a\\n\"}}\n",
            "{\"value\":{\"Type\":1,\"Line\":\"\\u003cb\\u003e\"}}\n",
            "{\"value\":{\"Type\":2,\"Line\":\"\u{fffd}\\n\",\"Bytes\":\"/wo=\"}}\n",
        ]
    );
    assert_eq!(close, Some((1000, String::new())));
    let asked = server.fake.inner().logs_asked[0];
    assert!(asked.follow && !asked.tail && asked.execution.is_none());
}

#[tokio::test]
async fn what_is_wrong_with_a_log_request_is_a_frame() {
    let server = started(new_view(job(job_id(1)))).await;
    let cases = [
        (
            "hello/logs",
            format!("no executions found for job hello with ID {}, and version 0", job_id(1)),
        ),
        ("nobody/logs", "job not found: nobody".to_owned()),
        ("hello/logs?execution_id=e-x", "execution not found: e-x".to_owned()),
        ("hello/logs?follow=maybe", "'follow' must be true or false, not 'maybe'".to_owned()),
    ];
    for (path, error) in cases {
        let (frames, close) = server.frames(path).await;
        let frame = format!("{{\"error\":\"{error}\",\"value\":{{\"Type\":0,\"Line\":\"\"}}}}\n");
        assert_eq!((frames, close), (vec![frame], Some((1000, String::new()))));
    }
}

#[tokio::test]
async fn the_client_gets_the_very_bytes() {
    let server = started(completed()).await;
    server.fake.inner().logs = vec![
        chunk(StdStream::Stdout, b"x\xe2\x80"),
        chunk(StdStream::Stdout, b"\xa6\n\xff\0"),
        chunk(StdStream::Stderr, b"e"),
    ];
    let execution = execution_of(job_id(1), 1).id();
    let options =
        LogOptions { execution: execution.to_string()[..9].to_owned(), ..LogOptions::default() };
    let logs = server.client().logs("hello", &options).await.unwrap();
    let outputs: Vec<_> = logs.try_collect().await.unwrap();
    let of = |stream| {
        let parts = outputs.iter().filter(|o| o.stream == stream);
        parts.flat_map(|o| o.bytes.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(of(StdStream::Stdout), b"x\xe2\x80\xa6\n\xff\0");
    assert_eq!(of(StdStream::Stderr), b"e");
    assert_eq!(server.fake.inner().logs_asked[0].execution, Some(execution));

    let mut logs = server.client().logs("nobody", &LogOptions::default()).await.unwrap();
    let error = logs.next().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "job not found: nobody");
    assert!(logs.next().await.is_none());
}

#[tokio::test]
async fn log_streams_are_limited_and_free_their_place() {
    let limits = ApiLimits { log_streams_max: 1, ..ApiLimits::default() };
    let server = server(FakeService::with_job(completed()), limits).await;
    server.fake.inner().logs = vec![chunk(StdStream::Stdout, b"x")];
    server.fake.inner().logs_go_on = true;
    let client = server.client();
    let mut first = client.logs("hello", &LogOptions::default()).await.unwrap();
    assert_eq!(first.next().await.unwrap().unwrap().bytes, "x");
    let second = client.logs("hello", &LogOptions::default()).await;
    assert_eq!(second.err().and_then(|e| e.status()), Some(429));
    drop(first);
    let mut third = a_place(&client).await;
    assert_eq!(third.next().await.unwrap().unwrap().bytes, "x");
}

/// A log stream, once the server has seen that the one before is gone.
async fn a_place(client: &Client) -> BoxStream<'static, Result<LogOutput, ClientError>> {
    loop {
        if let Ok(logs) = client.logs("hello", &LogOptions::default()).await {
            return logs;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_for_output_frees_its_place() {
    let limits = ApiLimits { log_streams_max: 1, ..ApiLimits::default() };
    let server = server(FakeService::with_job(completed()), limits).await;
    server.fake.inner().logs_never_open = true;
    let client = server.client();
    drop(client.logs("hello", &LogOptions::default()).await.unwrap());
    drop(a_place(&client).await);
}

#[tokio::test]
async fn logs_without_a_websocket_are_refused() {
    let server = started(completed()).await;
    let url = format!("{}api/v1/orchestrator/jobs/hello/logs", server.client().base());
    let reply =
        reqwest::Client::builder().tls_certs_only([]).build().unwrap().get(url).send().await;
    assert_eq!(reply.unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn the_client_submits_waits_and_reads() {
    let server = started(completed()).await;
    let client = server.client();
    let document: serde_json::Value =
        serde_json::from_str(&DOCKER_JOB.replacen("hello", "two words/..", 1)).unwrap();
    let options = PutOptions { idempotency_key: Some("k".into()), force: false };
    let first = client.put_job(&document, &options).await.unwrap();
    assert_eq!(client.put_job(&document, &options).await.unwrap(), first);
    let found = client.job("two words/..").await.unwrap();
    assert_eq!(found.job.id, first.job_id);
    let waited = client.wait(&first.job_id, Duration::from_millis(1)).await.unwrap();
    assert_eq!(waited.job.state.state_type, "Pending");
    let filter = JobFilter { limit: 1, labels: "env=test".into(), ..JobFilter::default() };
    let page = client.jobs(&filter).await.unwrap();
    assert_eq!((page.items.len(), page.next_token.is_empty()), (1, false));
    let next = JobFilter { next_token: page.next_token, ..filter };
    assert!(client.jobs(&next).await.unwrap().next_token.is_empty());
    assert_eq!(client.history("hello").await.unwrap().len(), 8);
    assert_eq!(client.executions("hello").await.unwrap().len(), 1);
    let results = client.results("hello").await.unwrap();
    assert_eq!(results[0].param("cid").unwrap(), cid("result").to_string().as_str());
    assert_eq!(client.explain("hello").await.unwrap().feasible, 1);
    assert_eq!(client.explain_draft(&document).await.unwrap().nodes, 2);
    assert!(!client.stop(&first.job_id, "done").await.unwrap().evaluation_id.is_empty());
    assert_eq!(client.version().await.unwrap().gadus, "0.1.0");
    assert_eq!(client.agent().await.unwrap().node_type, "Requester");
    assert_eq!(client.alive().await.unwrap().status, "OK");
    assert!(client.nodes().await.unwrap().is_empty());
    assert_eq!(client.node("x").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_live_history_is_read_to_its_present_end() {
    let server = started(JobView { state: JobState::Running, ..completed() }).await;
    assert_eq!(server.client().history("hello").await.unwrap().len(), 8);
}

#[tokio::test]
async fn the_client_moves_content_both_ways() {
    let server = started(completed()).await;
    let client = server.client();
    let parts = stream::iter(["ab", "cd"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part))));
    let layout = Layout { profile: Profile::V0, keep_modes: true };
    let imported = client.import(ImportKind::Tar(layout), parts).await.unwrap();
    assert_eq!((imported.cid, imported.bytes), (cid("abcd").to_string(), 4));
    assert_eq!(server.fake.inner().imports[0], (ImportKind::Tar(layout), b"abcd".to_vec()));

    let root = cid("root").to_string();
    let tree = Tree::Directory(vec![("a b?.txt".into(), cid("f"))]);
    server.fake.inner().content =
        [(cid("root"), tree), (cid("f"), Tree::File(vec![7; 2500].into()))].into();
    let reply = client.cat(&root, "/a b?.txt").await.unwrap();
    assert_eq!(reply.length, Some(2500));
    let bytes: Vec<Bytes> = reply.bytes.try_collect().await.unwrap();
    assert_eq!(bytes.concat(), [7; 2500]);
    let listing = client.list(&root, "").await.unwrap();
    assert_eq!((listing.kind.as_str(), listing.entries[0].size), ("directory", 2500));
    let tar: Vec<Bytes> = client.tar(&root, "").await.unwrap().bytes.try_collect().await.unwrap();
    assert_eq!(tar.concat().len(), 512 + 512 + 2560 + 1024);
    assert_eq!(client.cat(&root, "nope").await.err().and_then(|e| e.status()), Some(404));
}

#[tokio::test]
async fn a_broken_download_is_an_error_for_the_client() {
    let server = started(completed()).await;
    server.fake.inner().content = [(cid("b"), Tree::Broken(vec![1; 5000].into()))].into();
    // The connection may break before or after the head has left.
    let result: Result<Vec<Bytes>, ClientError> =
        async { server.client().cat(&cid("b").to_string(), "").await?.bytes.try_collect().await }
            .await;
    assert!(matches!(result, Err(ClientError::Broken { .. })));
}

#[tokio::test]
async fn whoever_still_sends_hears_why_it_is_refused() {
    let limits = ApiLimits { content_bytes_max: 1_000, ..ApiLimits::default() };
    let server = server(FakeService::with_job(completed()), limits).await;
    // More than sockets hold, from a client that does not read before it has sent it all.
    let body = vec![0; 32 << 20];
    let head = "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn nobody_is_listened_to_for_ever_after_the_answer() {
    let limits = ApiLimits { content_bytes_max: 1_000, linger_ms: 50, ..ApiLimits::default() };
    let server = server(FakeService::with_job(completed()), limits).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /api/v1/content HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn nobody_there_is_said_with_a_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Client::new(&address).unwrap().alive().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(error.hint().unwrap().contains("gadus serve"));
}

/// Sends raw bytes and reads until the server closes.
async fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn heads_are_limited_in_size_and_time() {
    let limits = ApiLimits { head_bytes_max: 8192, head_read_ms: 50, ..ApiLimits::default() };
    let server = server(Arc::new(FakeService::default()), limits).await;
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let answer = raw(&server, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    // A head that never ends: the server closes, however long that takes on this machine.
    assert!(!raw(&server, b"GET / HTTP/1.1\r\nHost: lo").await.contains("200"));
}

#[tokio::test]
async fn connections_are_limited_and_others_wait() {
    let limits = ApiLimits { connections_max: 1, ..ApiLimits::default() };
    let server = server(Arc::new(FakeService::default()), limits).await;
    let request = b"GET /api/v1/agent/alive HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(request).await.unwrap();
    let mut begin = [0; 15];
    first.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(request).await.unwrap();
    let second = tokio::spawn(async move {
        let mut answer = [0; 15];
        second.read_exact(&mut answer).await.unwrap();
        answer
    });
    // The first is still served, and the second is not.
    for _ in 0..10 {
        first.write_all(request).await.unwrap();
        let _ = first.read(&mut [0; 4096]).await.unwrap();
    }
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(&second.await.unwrap(), b"HTTP/1.1 200 OK");
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let limits = ApiLimits { drain_ms: 10, ..ApiLimits::default() };
    let server = server(Arc::new(FakeService::default()), limits).await;
    let mut stuck = TcpStream::connect(server.address).await.unwrap();
    let head = "PUT /api/v1/orchestrator/jobs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                Content-Type: application/json\r\nContent-Length: 10\r\n\r\n";
    stuck.write_all(head.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    stuck.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 100", "the route waits for its body");
    drop(server.shutdown);
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_ends_streams_and_the_server() {
    let server = started(completed()).await;
    server.fake.inner().logs_go_on = true;
    let url = format!("ws://{}/api/v1/orchestrator/jobs/hello/logs", server.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.send(Message::Text("hello?".into())).await.unwrap();
    drop(server.shutdown);
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                assert_eq!(u16::from(frame.code), 1000);
                break;
            }
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    while socket.next().await.is_some() {}
    server.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
