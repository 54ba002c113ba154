//! Plain HTTP, as `curl` would: what goes over the wire, and not what our own client makes of it.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

/// A node's API.
pub struct Http {
    runtime: Runtime,
    client: reqwest::Client,
    api: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// No answer takes longer; generous, since machines are shared.
const ANSWER_MAX: Duration = Duration::from_secs(120);

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body of a 200 as JSON.
    #[must_use]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str())
    }
}

impl Http {
    /// A client of the API at `http://HOST:PORT`.
    #[must_use]
    pub fn new(api: &str) -> Self {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(redirects).timeout(ANSWER_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            client: client.build().expect("a client"),
            api: api.to_owned(),
        }
    }

    /// Sends a request.
    pub fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let url = format!("{}{path}", self.api);
        let mut request = self.client.request(method.clone(), &url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap_or_else(|e| panic!("{method} {url}: {e:?}"));
            let text = |value: &reqwest::header::HeaderValue| {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            let headers = response.headers().iter();
            Answer {
                status: response.status().as_u16(),
                headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
                body: response.bytes().await.expect("a body").to_vec(),
            }
        })
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.send(&Method::GET, path, &[], Vec::new())
    }

    /// `PUT` of JSON.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send(&Method::PUT, path, &json, body.to_string().into_bytes())
    }

    /// The text frames of a websocket, and the code it is closed with; 0 where it just ends.
    pub fn frames(&self, path: &str) -> (Vec<Value>, u16) {
        let url = format!("{}{path}", self.api.replacen("http", "ws", 1));
        self.runtime.block_on(async {
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("a websocket");
            let mut frames = Vec::new();
            while let Some(message) = socket.next().await {
                match message.expect("a message") {
                    Message::Text(text) => {
                        frames.push(serde_json::from_str(text.as_str()).expect("JSON"));
                    }
                    Message::Close(close) => {
                        return (frames, close.map_or(0, |close| close.code.into()));
                    }
                    Message::Binary(_)
                    | Message::Ping(_)
                    | Message::Pong(_)
                    | Message::Frame(_) => {}
                }
            }
            (frames, 0)
        })
    }
}
