//! A websocket over the client's own connections: with its TLS, its proxy and its resolver.

use reqwest::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Method, StatusCode, Upgraded, Url};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Client, ClientError};

impl Client {
    /// Opens a websocket (<https://www.rfc-editor.org/rfc/rfc6455#section-4.1>).
    ///
    /// # Errors
    /// `Unreachable`, `Refused`; `Nonsense` from a server that opens none.
    pub(super) async fn socket(&self, url: Url) -> Result<WebSocketStream<Upgraded>, ClientError> {
        let key = generate_key();
        let request = self
            .request(Method::GET, url)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(|e| ClientError::sending(self.base(), &e))?;
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(ClientError::from_answer(response).await);
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        let expected = derive_accept_key(key.as_bytes());
        if status != StatusCode::SWITCHING_PROTOCOLS || accepted.is_none_or(|a| a != &expected) {
            let why = format!("it opens no websocket, and says {status}");
            return Err(ClientError::Nonsense { url: self.base().to_string(), why });
        }
        let upgraded = response.upgrade().await;
        let upgraded = upgraded.map_err(|e| ClientError::sending(self.base(), &e))?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;

    use super::*;

    #[tokio::test]
    async fn a_server_that_opens_none_is_no_node() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
        let pages = Router::new()
            .route("/page", get(|| async { "hello" }))
            .route("/other", get(|| async { (StatusCode::SWITCHING_PROTOCOLS, "") }));
        let server = tokio::spawn(axum::serve(listener, pages).into_future());
        for (path, says) in [("page", "200 OK"), ("other", "101 Switching Protocols")] {
            let error = client.socket(client.url(&[path], &[])).await.unwrap_err();
            assert!(matches!(&error, ClientError::Nonsense { .. }), "{error}");
            assert!(error.to_string().ends_with(says), "{error}");
        }
        let error = client.socket(client.url(&["nowhere"], &[])).await.unwrap_err();
        assert_eq!(error.status(), Some(404));
        server.abort();
    }
}
