//! How the server ends.

use std::time::{Duration, Instant};

use ingress_guard::server::Limits;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::client::{Ask, Client, eventually, patiently, review, whole};
use super::handler::Echo;
use super::running::{PATIENCE, calm, start, start_handling};

#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    answered: usize,
    closes: usize,
    lost: usize,
}

/// Sends POSTs one after another without retries. It reconnects when the server closes the connection, and returns once
/// connections are refused. Each request on an open connection must be answered.
async fn insist(client: Client) -> Tally {
    let mut tally = Tally::default();
    while let Ok(mut sender) = client.h1().await {
        loop {
            let Ok(answer) = sender.ask(review("{}")).await else {
                tally.lost += 1;
                break;
            };
            assert_eq!(answer.status, 200);
            tally.answered += 1;
            if answer.headers.get("connection").is_some_and(|value| value == "close") {
                tally.closes += 1;
                break;
            }
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_loses_no_request() {
    let limits = Limits { lame_duck: Duration::from_secs(1), grace: Duration::from_millis(500), ..Limits::default() };
    let server = start_handling(limits, Echo::taking(Duration::from_millis(5))).await;
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        clients.spawn(insist(server.client()));
    }
    server.until_counts(r#"ingress_guard_open_connections{port="webhook"} 16"#).await;
    server.shutdown.cancel();
    let drained = patiently(server.end).await.unwrap();
    assert_eq!(drained.cut, 0);
    for tally in patiently(clients.join_all()).await {
        assert!(tally.lost == 0 && tally.answered > 1 && tally.closes > 0, "{tally:?}");
    }
}

#[tokio::test]
async fn http_2_requests_in_progress_are_answered_without_forbidden_headers() {
    let server = start(Limits { drain: PATIENCE, lame_duck: Duration::from_secs(1), ..calm() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("wait"))));
    server.handler.until_waiting(1).await;
    server.shutdown.cancel();
    eventually("not ready", || async { server.readyz().await.0 == 503 }).await;
    let late = sender.ask(review("late")).await.unwrap();
    assert_eq!(late.body, "late");
    assert!(late.headers.get("connection").is_none());
    eventually("closed to others", || async { TcpStream::connect(server.addr).await.is_err() }).await;
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap().unwrap().body, "wait");
    assert_eq!(patiently(server.end).await.unwrap().cut, 0);
}

#[tokio::test]
async fn readiness_fails_at_once_while_requests_are_still_accepted() {
    let server = start(Limits { lame_duck: Duration::from_secs(1), ..calm() }).await;
    assert_eq!(server.readyz().await.0, 200);
    server.shutdown.cancel();
    eventually("not ready", || async { server.readyz().await == (503, "not ready\ndraining\n".to_owned()) }).await;
    let answer = server.client().send(review("{}")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["connection"], "close");
    let after_panic = server.client().send(review("panic")).await;
    assert_eq!(after_panic.status, 500);
    assert_eq!(after_panic.headers["connection"], "close");
    patiently(server.end).await.unwrap();
    assert!(TcpStream::connect(server.addr).await.is_err());
    assert!(TcpStream::connect(server.health).await.is_err());
}

#[tokio::test]
async fn requests_that_take_too_long_are_cut_and_counted() {
    let server = start(Limits { drain: Duration::from_millis(200), ..calm() }).await;
    let mut clients = JoinSet::new();
    for _ in 0..3 {
        let mut sender = server.client().h1().await.unwrap();
        clients.spawn(async move { sender.ask(review("wait")).await.is_err() });
    }
    server.handler.until_waiting(3).await;
    let asked = Instant::now();
    server.shutdown.cancel();
    assert_eq!(patiently(server.end).await.unwrap().cut, 3);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(patiently(clients.join_all()).await.into_iter().all(|cut| cut));
}

#[tokio::test]
async fn an_idle_server_drains_without_waiting_for_idle_connections() {
    let server = start(Limits { drain: Duration::from_mins(1), ..calm() }).await;
    let mut idle = server.client().h1().await.unwrap();
    assert_eq!(idle.ask(review("{}")).await.unwrap().status, 200);
    let silent = server.client().raw().await;
    server.shutdown.cancel();
    assert_eq!(patiently(server.end).await.unwrap().cut, 0);
    drop(silent);
}

#[tokio::test]
async fn the_first_request_of_a_new_connection_is_answered_during_a_drain() {
    let server = start(Limits { grace: PATIENCE, drain: PATIENCE, ..calm() }).await;
    let mut h1 = server.client().h1().await.unwrap();
    let mut h2 = server.client().h2().await.unwrap();
    server.until_counts(r#"ingress_guard_open_connections{port="webhook"} 2"#).await;
    server.shutdown.cancel();
    eventually("closed to others", || async { TcpStream::connect(server.addr).await.is_err() }).await;
    assert_eq!(h1.ask(review("h1")).await.unwrap().body, "h1");
    assert_eq!(h2.ask(review("h2")).await.unwrap().body, "h2");
    drop((h1, h2));
    assert_eq!(patiently(server.end).await.unwrap().cut, 0);
}
