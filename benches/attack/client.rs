//! HTTPS clients of the webhook, close to the wire.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The address of the webhook and the trust in its certificate.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) addr: SocketAddr,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// An answer to a review, as text.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn is_denied(&self) -> bool {
        self.0.contains("\"allowed\":false")
    }

    pub(crate) fn reports(&self, code: &str) -> bool {
        self.0.contains(code)
    }
}

/// An open connection.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Client {
    async fn tls(&self) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.addr).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await
    }

    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let (sender, connection) = handshake(TokioIo::new(self.tls().await?)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(Connection(sender))
    }

    /// Completes the handshake, sends one complete request, and then nothing. Drops `established` at that moment.
    pub(crate) async fn hold_idle(self, established: mpsc::Sender<()>) {
        let Ok(mut connection) = self.connect().await else { return };
        let _ = connection.review(Bytes::from_static(b"{}")).await;
        drop(established);
        pending::<()>().await;
        drop(connection);
    }

    /// Sends the head of a large body and most of it, and then nothing. Drops `established` at that moment.
    pub(crate) async fn hold_unfinished(self, established: mpsc::Sender<()>) {
        let Ok(mut tls) = self.tls().await else { return };
        let head = "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 8388608\r\n\r\n";
        let sent = async {
            tls.write_all(head.as_bytes()).await?;
            tls.write_all(&vec![b' '; 8 * 1024 * 1024 - 16]).await?;
            tls.flush().await
        };
        if sent.await.is_ok() {
            drop(established);
            pending::<()>().await;
        }
    }
}

impl Connection {
    pub(crate) async fn review(&mut self, body: Bytes) -> io::Result<Answer> {
        let request = Request::post("/validate?timeout=3s")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(body))
            .expect("a request");
        self.0.ready().await.map_err(io::Error::other)?;
        let answer = self.0.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status();
        let answer = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        if !status.is_success() {
            return Err(io::Error::other(status.to_string()));
        }
        Ok(Answer(String::from_utf8_lossy(&answer).into_owned()))
    }
}
