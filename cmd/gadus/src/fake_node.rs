//! A node that answers as a script says, and streams to look at, for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, serve};
use bytes::Bytes;
use gadus_api::client::Client;
use gadus_api::types::GetJobResponse;
use serde_json::{Value, json};

use crate::printer::{Printer, Sink};
use crate::render::samples::JOB;
use crate::session::Session;

/// What a node does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// What is answered about the job, one after the other; the last one for ever.
    pub(crate) answers: Vec<GetJobResponse>,
    /// The log streams, one after the other.
    pub(crate) streams: Vec<(Vec<Value>, bool)>,
    /// Files by the path of their URL.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The CID of whatever is added.
    pub(crate) imported: String,
    /// What a draft is explained by; a node of before, or another's, knows no such thing.
    pub(crate) plan: Option<Value>,
    /// Submissions are refused with a status and a message.
    pub(crate) refusal: Option<(u16, String)>,
}

impl Script {
    /// A job that stands as it stands.
    pub(crate) fn over(answer: GetJobResponse) -> Self {
        Self { answers: vec![answer], ..Self::default() }
    }
}

/// A log stream: lines with their types, and whether it ends as it should.
pub(crate) fn stream(lines: &[(u8, &str)], is_whole: bool) -> (Vec<Value>, bool) {
    let frame = |(kind, line): &(u8, &str)| json!({"value": {"Type": kind, "Line": line}});
    (lines.iter().map(frame).collect(), is_whole)
}

type Shared = Arc<Mutex<Script>>;

/// A node on a port of its own.
pub(crate) struct FakeNode {
    address: String,
}

impl FakeNode {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let jobs = "/api/v1/orchestrator/jobs";
        let router = Router::new()
            .route(jobs, put(submit))
            .route(&format!("{jobs}/{{id}}"), get(job))
            .route(&format!("{jobs}/{{id}}/logs"), get(logs))
            .route("/api/v1/orchestrator/explain", post(explain))
            .route("/api/v1/content", post(import))
            .layer(DefaultBodyLimit::disable())
            .fallback(file)
            .with_state(Arc::new(Mutex::new(script)));
        tokio::spawn(async move { serve(listener, router).await });
        Self { address }
    }

    /// A session with it, and what it prints.
    pub(crate) fn session(&self) -> (Session, Captured) {
        let captured = Captured::default();
        let printer = captured.printer();
        (Session { client: Client::new(&self.address).unwrap(), printer }, captured)
    }
}

async fn submit(State(script): State<Shared>) -> Response {
    if let Some((status, message)) = script.lock().unwrap().refusal.clone() {
        let body = Json(json!({"Status": status, "Message": message, "Code": "BadRequest"}));
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    Json(json!({"JobID": JOB, "EvaluationID": "", "Warnings": null})).into_response()
}

async fn explain(State(script): State<Shared>) -> Response {
    match script.lock().unwrap().plan.clone() {
        Some(plan) => Json(plan).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn import(State(script): State<Shared>, body: Bytes) -> Json<Value> {
    Json(json!({"CID": script.lock().unwrap().imported, "Bytes": body.len(), "Files": 1}))
}

async fn job(State(script): State<Shared>, Path(id): Path<String>) -> Json<GetJobResponse> {
    assert_eq!(id, JOB);
    let mut script = script.lock().unwrap();
    let answer =
        if script.answers.len() > 1 { script.answers.remove(0) } else { script.answers[0].clone() };
    Json(answer)
}

async fn logs(State(script): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let stream = {
        let mut script = script.lock().unwrap();
        if script.streams.is_empty() { (vec![], true) } else { script.streams.remove(0) }
    };
    upgrade.on_upgrade(move |socket| play(socket, stream))
}

async fn play(mut socket: WebSocket, (frames, is_whole): (Vec<Value>, bool)) {
    for frame in frames {
        socket.send(Message::text(format!("{frame}\n"))).await.unwrap();
    }
    if is_whole {
        socket.send(Message::Close(None)).await.unwrap();
    }
}

async fn file(State(script): State<Shared>, uri: Uri) -> Response {
    match script.lock().unwrap().files.get(uri.path()) {
        Some(bytes) => bytes.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What was printed.
#[derive(Default)]
pub(crate) struct Captured {
    out: Arc<Buffer>,
    err: Arc<Buffer>,
}

impl Captured {
    /// Prints to here.
    pub(crate) fn printer(&self) -> Printer {
        Printer::to(self.out.clone(), self.err.clone(), None)
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.out.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.err.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn err_bytes(&self) -> Vec<u8> {
        self.err.0.lock().unwrap().clone()
    }
}

#[derive(Default)]
struct Buffer(Mutex<Vec<u8>>);

impl Sink for Buffer {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }
}
