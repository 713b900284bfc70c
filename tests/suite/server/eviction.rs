//! More connections than slots: quiet ones give way.

use std::time::{Duration, Instant};

use ingress_guard::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::{Ask, patiently, plain_get, review, until_closed, whole};
use super::running::{PATIENCE, Running, calm, start};

const QUIET: Duration = Duration::from_millis(50);

async fn crowded(connections: usize) -> Running {
    start(Limits { connections, quiet: QUIET, ..calm() }).await
}

#[tokio::test]
async fn the_connection_that_was_idle_longest_gives_way() {
    let server = crowded(2).await;
    let mut first = server.client().h1().await.unwrap();
    assert_eq!(first.ask(review("1")).await.unwrap().body, "1");
    let mut second = server.client().h2().await.unwrap();
    assert_eq!(second.ask(review("2")).await.unwrap().body, "2");
    assert_eq!(first.ask(review("3")).await.unwrap().body, "3");
    sleep(QUIET * 2).await;
    let mut third = server.client().h1().await.unwrap();
    assert_eq!(third.ask(review("4")).await.unwrap().body, "4");
    assert_eq!(first.ask(review("5")).await.unwrap().body, "5");
    assert!(second.ask(review("6")).await.is_err(), "the oldest one is still open");
    assert!(server.counts(r#"ingress_guard_evicted_connections_total{port="webhook"} 1"#).await);
}

#[tokio::test]
async fn connections_without_a_request_give_way_before_idle_ones() {
    let server = crowded(4).await;
    let mut used = server.client().h1().await.unwrap();
    assert_eq!(used.ask(review("1")).await.unwrap().body, "1");
    // An incomplete handshake, an incomplete head, and no head at all.
    let mut no_handshake = TcpStream::connect(server.addr).await.unwrap();
    let mut half = server.client().raw().await;
    half.write_all(b"POST /validate HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    let mut silent = server.client().tls("h2").await.unwrap();
    sleep(QUIET * 2).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = server.client().h1().await.unwrap();
        assert_eq!(other.ask(review("2")).await.unwrap().body, "2");
        others.push(other);
    }
    until_closed(&mut no_handshake).await;
    until_closed(&mut half).await;
    until_closed(&mut silent).await;
    assert_eq!(used.ask(review("3")).await.unwrap().body, "3");
}

#[tokio::test]
async fn a_new_client_is_served_while_idle_clients_hold_every_slot() {
    let server = crowded(64).await;
    let mut idle = Vec::new();
    for n in 0..64 {
        // The client of HTTP/2 answers pings.
        if n % 2 == 0 {
            let mut sender = server.client().h1().await.unwrap();
            assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
            idle.push((Some(sender), None));
        } else {
            let mut sender = server.client().h2().await.unwrap();
            assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
            idle.push((None, Some(sender)));
        }
    }
    let started = Instant::now();
    let mut new = Vec::new();
    for _ in 0..10 {
        let mut sender = server.client().h1().await.unwrap();
        assert_eq!(sender.ask(review("new")).await.unwrap().body, "new");
        new.push(sender);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_connection_with_a_request_in_progress_never_gives_way() {
    let server = crowded(2).await;
    let mut h1 = server.client().h1().await.unwrap();
    let mut h2 = server.client().h2().await.unwrap();
    let first = tokio::spawn(async move { h1.ask(review("wait 1")).await.unwrap().body });
    let second = tokio::spawn(whole(h2.send_request(review("wait 2"))));
    server.handler.until_waiting(2).await;
    let client = server.client();
    let mut third = tokio::spawn(async move { client.send(review("third")).await.body });
    assert!(timeout(QUIET * 6, &mut third).await.is_err(), "served beyond the limit");
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap(), "wait 1");
    assert_eq!(patiently(second).await.unwrap().unwrap().body, "wait 2");
    // One of the two is idle now.
    assert_eq!(patiently(third).await.unwrap(), "third");
}

#[tokio::test]
async fn probes_are_answered_while_others_hold_the_health_port() {
    let server = start(calm()).await;
    let mut held = Vec::new();
    for n in 0..128 {
        let mut tcp = TcpStream::connect(server.health).await.unwrap();
        if n % 2 == 0 {
            tcp.write_all(b"GET /livez HTTP/1.1\r\nhost: health\r\n").await.unwrap();
        }
        held.push(tcp);
    }
    for _ in 0..5 {
        let answer = timeout(Duration::from_secs(2), plain_get(server.health, "/livez"));
        assert_eq!(answer.await.expect("no answer in time"), (200, "ok\n".to_owned()));
    }
    drop(held);
}

#[tokio::test]
async fn the_health_port_closes_a_connection_after_its_response() {
    let server = start(Limits { first_request: PATIENCE, idle: PATIENCE, ..calm() }).await;
    let mut tcp = TcpStream::connect(server.health).await.unwrap();
    tcp.write_all(b"GET /livez HTTP/1.1\r\nhost: health\r\n\r\n").await.unwrap();
    let started = Instant::now();
    assert!(until_closed(&mut tcp).await.contains("connection: close"));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
