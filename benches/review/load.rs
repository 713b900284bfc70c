//! The load: persistent HTTPS connections, as the API server keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;

use crate::server::Running;

/// The number of connections.
pub(crate) const CONNECTIONS: usize = 16;

/// One kind of request.
pub(crate) struct Target {
    /// Its name in the output.
    pub(crate) name: &'static str,
    /// The path on the server.
    pub(crate) path: &'static str,
    /// The body of every request.
    pub(crate) body: Bytes,
    /// The index of the server.
    pub(crate) server: usize,
}

/// Sends this many requests. Each connection sends its next request after the last response.
pub(crate) async fn flood(server: &Running, target: &Target, requests: usize) {
    let left = Arc::new(AtomicUsize::new(requests));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, left) = (Client::new(server, target), Arc::clone(&left));
            tokio::spawn(async move {
                let mut connection = client.connect().await;
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    client.request(&mut connection).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("no client panics");
    }
}

/// Sends this many requests, one every `interval`, and returns the time from the planned start of each to its response.
pub(crate) async fn pace(server: &Running, target: &Target, requests: usize, interval: Duration) -> Vec<Duration> {
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|first| {
            let client = Client::new(server, target);
            tokio::spawn(async move {
                let mut connection = client.connect().await;
                // The handshakes are over.
                let start = Instant::now() + Duration::from_millis(200);
                let mut times = Vec::new();
                for number in (first..requests).step_by(CONNECTIONS) {
                    let planned = start + interval * u32::try_from(number).expect("a small number");
                    // A timer has the resolution of a millisecond.
                    while Instant::now() < planned {
                        tokio::task::yield_now().await;
                    }
                    client.request(&mut connection).await;
                    times.push(planned.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::with_capacity(requests);
    for client in clients {
        times.extend(client.await.expect("no client panics"));
    }
    times
}

/// One connection and its request.
struct Client {
    connector: tokio_rustls::TlsConnector,
    port: u16,
    path: &'static str,
    body: Bytes,
}

impl Client {
    fn new(server: &Running, target: &Target) -> Self {
        Self { connector: server.connector.clone(), port: server.port, path: target.path, body: target.body.clone() }
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let tcp = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.expect("a listening server");
        tcp.set_nodelay(true).expect("a socket");
        let name = ServerName::try_from("localhost").expect("a name");
        let io = TokioIo::new(self.connector.connect(name, tcp).await.expect("a handshake"));
        let (sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        sender
    }

    async fn request(&self, connection: &mut SendRequest<Full<Bytes>>) {
        let request = Request::post(self.path).header("host", "localhost").header("content-type", "application/json");
        let request = request.body(Full::new(self.body.clone())).expect("a request");
        connection.ready().await.expect("a kept connection");
        let answer = connection.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let answer = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        assert!(self.path == "/noop" || answer.windows(14).any(|part| part == b"\"allowed\":true"), "{answer:?}");
    }
}
