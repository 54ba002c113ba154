//! The output of a job, over its websocket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use gadus_ports::StdStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Client, ClientError};
use crate::types::{ErrorBody, LogFrame, LogLine};

/// Which output.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Of this execution; else of the one that changed last.
    pub execution: String,
    /// Go on until the execution ends.
    pub follow: bool,
    /// Only what comes after now.
    pub tail: bool,
}

/// Some output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOutput {
    /// Which stream.
    pub stream: StdStream,
    /// The bytes, as the job wrote them.
    pub bytes: Bytes,
}

impl Client {
    /// The output of a job, as it comes. Ends when the node says that all was sent; a connection
    /// that ends otherwise is an error.
    ///
    /// # Errors
    /// `Unreachable`, `Refused`; the stream's own errors are the node's words, or `Broken`.
    pub async fn logs(
        &self,
        reference: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, Result<LogOutput, ClientError>>, ClientError> {
        let flag = |on: bool| if on { "true" } else { "" };
        let query = [
            ("execution_id", options.execution.as_str()),
            ("follow", flag(options.follow)),
            ("tail", flag(options.tail)),
        ];
        let place = self.base().to_string();
        let socket = self.socket(self.job_url(reference, &["logs"], &query)).await?;
        Ok(stream::unfold(Some((socket, place)), |open| async {
            let (mut socket, place) = open?;
            loop {
                let output = match socket.next().await {
                    Some(Ok(Message::Text(text))) => read_frame(text.as_str(), &place),
                    Some(Ok(Message::Close(_))) => return None,
                    Some(Ok(_)) => continue,
                    Some(Err(error)) => {
                        Err(ClientError::Broken { url: place.clone(), why: error.to_string() })
                    }
                    None => {
                        let why = "it ended before all was sent".to_owned();
                        Err(ClientError::Broken { url: place.clone(), why })
                    }
                };
                let next = output.is_ok().then_some((socket, place));
                return Some((output, next));
            }
        })
        .boxed())
    }
}

fn read_frame(text: &str, url: &str) -> Result<LogOutput, ClientError> {
    let nonsense = |why: String| ClientError::Nonsense {
        url: url.to_owned(),
        why: format!("a log frame: {why}"),
    };
    let frame: LogFrame = serde_json::from_str(text).map_err(|e| nonsense(e.to_string()))?;
    if !frame.error.is_empty() {
        let body = ErrorBody { message: frame.error, ..ErrorBody::default() };
        return Err(ClientError::Refused { body: Box::new(body) });
    }
    let LogLine { kind, line, bytes } = frame.value;
    let stream = match kind {
        1 => StdStream::Stdout,
        2 => StdStream::Stderr,
        other => return Err(nonsense(format!("unknown stream {other}"))),
    };
    let bytes = if bytes.is_empty() {
        Bytes::from(line)
    } else {
        STANDARD.decode(bytes).map_err(|e| nonsense(e.to_string()))?.into()
    };
    Ok(LogOutput { stream, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_give_the_very_bytes() {
        let read = |text: &str| read_frame(text, "u");
        let out = read("{\"value\":{\"Type\":1,\"Line\":\"hi\\n\"}}\n").unwrap();
        assert_eq!((out.stream, &out.bytes[..]), (StdStream::Stdout, &b"hi\n"[..]));
        let out = read(r#"{"value":{"Type":2,"Line":"�","Bytes":"/w=="}}"#).unwrap();
        assert_eq!((out.stream, &out.bytes[..]), (StdStream::Stderr, &[0xff][..]));
        let error = read(r#"{"error":"no","value":{"Type":0,"Line":""}}"#).unwrap_err();
        assert_eq!(error.to_string(), "no");
        assert!(read(r#"{"value":{"Type":7,"Line":""}}"#).is_err());
    }
}
