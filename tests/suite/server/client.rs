//! Clients close to the wire, so that nothing is retried or hidden.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pki::Pair;
use super::running::PATIENCE;

pub(crate) type Tls = TlsStream<TcpStream>;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Where to connect and whom to trust.
#[derive(Clone)]
pub(crate) struct Client {
    addr: SocketAddr,
    roots: RootCertStore,
    versions: &'static [&'static SupportedProtocolVersion],
    certificate: Option<(String, String)>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr, roots: RootCertStore) -> Self {
        Self { addr, roots, versions: rustls::ALL_VERSIONS, certificate: None }
    }

    pub(crate) fn speaking(self, versions: &'static [&'static SupportedProtocolVersion]) -> Self {
        Self { versions, ..self }
    }

    pub(crate) fn known_as(self, pair: &Pair) -> Self {
        Self { certificate: Some((pair.certificate.clone(), pair.key.clone())), ..self }
    }

    fn config(&self, alpn: &str) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                    PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
                )
                .unwrap(),
        };
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        config
    }

    pub(crate) async fn tls(&self, alpn: &str) -> io::Result<Tls> {
        self.tls_to("localhost", alpn).await
    }

    pub(crate) async fn tls_to(&self, name: &'static str, alpn: &str) -> io::Result<Tls> {
        let tcp = TcpStream::connect(self.addr).await?;
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::new(self.config(alpn)));
        connector.connect(ServerName::try_from(name).unwrap(), tcp).await
    }

    /// A connection for raw bytes.
    pub(crate) async fn raw(&self) -> Tls {
        self.tls("http/1.1").await.unwrap()
    }

    pub(crate) async fn h1(&self) -> io::Result<http1::SendRequest<Full<Bytes>>> {
        let tls = self.tls("http/1.1").await?;
        let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    pub(crate) async fn h2(&self) -> io::Result<http2::SendRequest<Full<Bytes>>> {
        let tls = self.tls("h2").await?;
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let io = TokioIo::new(tls);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let mut sender = self.h1().await.unwrap();
        sender.ask(request).await.unwrap()
    }

    /// The certificate that a new connection sees.
    pub(crate) async fn sees(&self) -> CertificateDer<'static> {
        let tls = self.raw().await;
        tls.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

/// A review in form, if not in content.
pub(crate) fn review(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    request("POST", "https://localhost/validate?timeout=3s", body)
}

/// A review of a write of another object than an Ingress.
pub(crate) fn impact_review(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    request("POST", "https://localhost/impact?timeout=1s", body)
}

pub(crate) fn request(method: &str, uri: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

pub(crate) async fn whole<F>(response: F) -> hyper::Result<Answer>
where
    F: Future<Output = hyper::Result<hyper::Response<hyper::body::Incoming>>>,
{
    let (head, body) = response.await?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
}

/// One request after another on one connection.
pub(crate) trait Ask {
    /// Fails when the connection is or gets closed before the whole answer is here.
    fn ask(&mut self, request: Request<Full<Bytes>>) -> impl Future<Output = hyper::Result<Answer>> + Send;
}

impl Ask for http1::SendRequest<Full<Bytes>> {
    async fn ask(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        patiently(async {
            self.ready().await?;
            whole(self.send_request(request)).await
        })
        .await
    }
}

impl Ask for http2::SendRequest<Full<Bytes>> {
    async fn ask(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Answer> {
        patiently(async {
            self.ready().await?;
            whole(self.send_request(request)).await
        })
        .await
    }
}

/// An operation that takes longer counts as hung.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("hangs")
}

/// Everything until the other side closes, however it does.
pub(crate) async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut read = Vec::new();
    let mut some = [0; 1024];
    while let Ok(count @ 1..) = patiently(stream.read(&mut some)).await {
        read.extend_from_slice(&some[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// GET over plain HTTP on a connection of its own.
pub(crate) async fn plain_get(addr: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = plain(addr, "GET", path).await;
    (status, body)
}

/// Status, head and body of an answer over plain HTTP.
pub(crate) async fn plain(addr: SocketAddr, method: &str, path: &str) -> (u16, String, String) {
    send_plain(addr, &format!("{method} {path} HTTP/1.1\r\nhost: health\r\nconnection: close\r\n\r\n")).await
}

/// The same for a GET with a header `Accept`.
pub(crate) async fn plain_accepting(addr: SocketAddr, path: &str, accept: &str) -> (u16, String, String) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: health\r\nconnection: close\r\naccept: {accept}\r\n\r\n");
    send_plain(addr, &head).await
}

/// The same for a GET with a header `Host`.
pub(crate) async fn plain_to_host(addr: SocketAddr, path: &str, host: &str) -> (u16, String, String) {
    send_plain(addr, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await
}

async fn send_plain(addr: SocketAddr, head: &str) -> (u16, String, String) {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    tcp.write_all(head.as_bytes()).await.unwrap();
    let text = until_closed(&mut tcp).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// Poll until it holds.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
