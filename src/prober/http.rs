//! One HTTP/1.1 exchange over a connection.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::explain::RequestUrl;
use crate::probe::{CUT, NoAnswer, Response};

/// The most bytes of a body that are kept.
const MAX_BODY: usize = 4 << 10;
/// The most bytes of the head of a response.
const MAX_HEAD: usize = 32 << 10;
/// The most bytes that are kept of the value of a header.
const MAX_VALUE: usize = 1 << 10;

/// Marks the requests in the logs of controllers and applications.
const AGENT: &str = concat!("ingress-guard-probe/", env!("CARGO_PKG_VERSION"));

/// Sends a request and reads the beginning of the response.
///
/// # Errors
/// If the path cannot be sent, or there is no response.
pub async fn exchange<S>(stream: S, url: &RequestUrl, method: Method) -> Result<Response, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let has_body = method != Method::HEAD;
    let request = Request::builder()
        .method(method)
        .uri(url.target())
        .header(HOST, &url.host)
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| NoAnswer::NotSent(format!("the path cannot be sent: {error}")))?;
    let closed = |error: hyper::Error| NoAnswer::Closed(error.to_string());
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await.map_err(closed)?;
    let asked = async move {
        let response = sender.send_request(request).await.map_err(closed)?;
        let (head, body) = response.into_parts();
        let text = |name: HeaderName| head.headers.get(name).map(|value| kept(value.as_bytes()));
        Ok(Response {
            status: head.status.as_u16(),
            location: text(LOCATION),
            challenge: text(WWW_AUTHENTICATE),
            content_type: text(CONTENT_TYPE),
            body: if has_body { Some(beginning(body).await) } else { None },
        })
    };
    // The connection ends with the exchange: it is not driven by a task of its own.
    tokio::pin!(connection, asked);
    tokio::select! {
        biased;
        answered = &mut asked => answered,
        // The response may be complete when the server closes the connection.
        _ = &mut connection => asked.await,
    }
}

/// The value of a header, or its beginning.
fn kept(value: &[u8]) -> String {
    let end = if value.len() > MAX_VALUE { CUT } else { "" };
    String::from_utf8_lossy(&value[..value.len().min(MAX_VALUE)]).into_owned() + end
}

/// Reads the beginning of a body. What has arrived counts if the rest does not.
async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut kept = Vec::new();
    while kept.len() < MAX_BODY {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Ok(data) = frame.into_data() {
            kept.extend_from_slice(&data[..data.len().min(MAX_BODY - kept.len())]);
        }
    }
    kept
}

/// Writes the header of the PROXY protocol, version 1.
pub(super) async fn write_proxy_header(
    stream: &mut (impl AsyncWrite + Unpin),
    from: SocketAddr,
    to: SocketAddr,
) -> std::io::Result<()> {
    let family = if to.is_ipv4() { "TCP4" } else { "TCP6" };
    let header = format!("PROXY {family} {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port());
    stream.write_all(header.as_bytes()).await
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::routing::Scheme;

    #[tokio::test]
    async fn little_of_a_long_response_is_kept() {
        let (client, mut server) = tokio::io::duplex(1 << 20);
        let (location, body) = ("l".repeat(20 << 10), "b".repeat(20 << 10));
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: /{location}\r\n\r\n{body}");
        let answering = tokio::spawn(async move {
            assert!(server.read(&mut [0; 1024]).await? > 0);
            server.write_all(answer.as_bytes()).await
        });
        let (host, path) = ("app.example.com".to_owned(), "/".to_owned());
        let url = RequestUrl { scheme: Scheme::Http, host, path, query: None, notes: Vec::new() };
        let response = exchange(client, &url, Method::GET).await.unwrap();
        answering.await.unwrap().unwrap();
        assert_eq!(response.location, Some(format!("/{}{CUT}", &location[..MAX_VALUE - 1])));
        assert_eq!(response.body.map(|body| body.len()), Some(MAX_BODY));
    }
}
