//! Clients that say nothing, or not enough, while others are served.

use std::time::{Duration, Instant};

use ingress_guard::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::{Ask, review, until_closed};
use super::running::{Running, calm, start};

const LIMIT: Duration = Duration::from_millis(400);

async fn impatient() -> Running {
    start(Limits { handshake: LIMIT, first_request: LIMIT, body: LIMIT, ..calm() }).await
}

/// Serve another client normally for as long as `slow` takes.
async fn meanwhile<T>(server: &Running, slow: impl Future<Output = T>) -> T {
    let mut other = server.client().h1().await.unwrap();
    let others = async {
        for _ in 0..10_000 {
            assert_eq!(other.ask(review("{}")).await.unwrap().status, 200);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        done = slow => done,
        () = others => panic!("the slow client was never let go"),
    }
}

#[tokio::test]
async fn a_silent_connection_is_closed_at_the_handshake_limit() {
    let server = impatient().await;
    let started = Instant::now();
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    assert_eq!(meanwhile(&server, until_closed(&mut tcp)).await, "");
    assert!(started.elapsed() >= LIMIT);
    server.until_counts(r#"ingress_guard_tls_handshake_failures_total{reason="timeout"} 1"#).await;
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_at_the_first_request_limit() {
    let server = impatient().await;
    for alpn in ["http/1.1", "h2"] {
        let mut tls = server.client().tls(alpn).await.unwrap();
        let started = Instant::now();
        meanwhile(&server, until_closed(&mut tls)).await;
        assert!(started.elapsed() >= LIMIT / 2, "{alpn}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_incomplete_head_is_closed_however_slowly_it_arrives() {
    let server = impatient().await;
    let (mut read, mut write) = tokio::io::split(server.client().raw().await);
    let dripping = tokio::spawn(async move {
        write.write_all(b"POST /validate HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
        while write.write_all(b"x: y\r\n").await.is_ok() && write.flush().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert_eq!(meanwhile(&server, until_closed(&mut read)).await, "");
    dripping.abort();
}

#[tokio::test]
async fn an_incomplete_body_is_answered_with_408() {
    let server = impatient().await;
    let mut tls = server.client().raw().await;
    let head =
        "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    tls.write_all(head.as_bytes()).await.unwrap();
    let answer = meanwhile(&server, until_closed(&mut tls)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""reason":"Timeout""#), "{answer}");
    assert!(server.counts(r#"ingress_guard_rejected_requests_total{reason="Timeout"} 1"#).await);
}

#[tokio::test]
async fn an_idle_connection_outlives_the_first_request_limit() {
    let server = impatient().await;
    let mut sender = server.client().h1().await.unwrap();
    assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
    tokio::time::sleep(LIMIT * 2).await;
    assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
}

#[tokio::test]
async fn the_health_port_closes_silent_connections_as_well() {
    let server = impatient().await;
    let mut tcp = TcpStream::connect(server.health).await.unwrap();
    assert_eq!(until_closed(&mut tcp).await, "");
}
