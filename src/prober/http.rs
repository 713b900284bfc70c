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
use crate::probe::{NoAnswer, Response};

/// The most bytes of a body that are kept.
const MAX_BODY: usize = 4 << 10;
/// The most bytes of the head of a response.
const MAX_HEAD: usize = 32 << 10;

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
        let text = |name: HeaderName| {
            head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
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
