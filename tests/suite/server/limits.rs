//! More than the server can hold.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use ingress_guard::server::Limits;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{Ask, patiently, review, whole};
use super::running::{calm, start, start_app};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_idle_connections_do_not_slow_the_others() {
    let server = start(calm()).await;
    let mut opening = JoinSet::new();
    for _ in 0..300 {
        let client = server.client();
        opening.spawn(async move {
            let mut sender = client.h1().await.unwrap();
            assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
            sender
        });
    }
    let mut idle = patiently(opening.join_all()).await;
    assert!(server.counts(r#"ingress_guard_open_connections{port="webhook"} 300"#).await);
    let mut sender = server.client().h1().await.unwrap();
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for sender in &mut idle {
        assert_eq!(sender.ask(review("{}")).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn excess_connections_wait() {
    let server = start(Limits { connections: 2, ..calm() }).await;
    let first = server.client().h1().await.unwrap();
    let _second = server.client().h1().await.unwrap();
    let client = server.client();
    let mut third = tokio::spawn(async move { client.send(review("third")).await });
    assert!(timeout(Duration::from_millis(200), &mut third).await.is_err(), "served beyond the cap");
    drop(first);
    assert_eq!(patiently(third).await.unwrap().body, "third");
}

#[tokio::test]
async fn excess_reviews_wait_and_are_then_rejected() {
    let wait = Duration::from_millis(100);
    let server = start(Limits { reviews: 1, review_wait: wait, ..calm() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("wait"))));
    server.handler.until_waiting(1).await;
    let started = Instant::now();
    let second = sender.ask(review("second")).await.unwrap();
    assert!(started.elapsed() >= wait);
    assert_eq!(second.status, 503);
    assert!(String::from_utf8_lossy(&second.body).contains(r#""reason":"Overloaded""#), "{:?}", second.body);
    assert!(server.counts(r#"ingress_guard_rejected_requests_total{reason="Overloaded"} 1"#).await);
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap().unwrap().body, "wait");
    // The place is free again.
    assert_eq!(sender.ask(review("third")).await.unwrap().status, 200);
}

#[tokio::test]
async fn large_reviews_wait_for_each_other_and_do_not_delay_small_ones() {
    let wait = Duration::from_millis(100);
    let server = start(Limits { large_bytes: 1000, large_reviews: 1, review_wait: wait, ..calm() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("wait".repeat(250)))));
    server.handler.until_waiting(1).await;
    let second = sender.ask(review("x".repeat(1000))).await.unwrap();
    assert_eq!(second.status, 503);
    assert!(String::from_utf8_lossy(&second.body).contains("too many large reviews in progress"), "{:?}", second.body);
    assert_eq!(sender.ask(review("x".repeat(999))).await.unwrap().status, 200);
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap().unwrap().status, 200);
    assert_eq!(sender.ask(review("x".repeat(1000))).await.unwrap().status, 200);
}

#[tokio::test]
async fn all_bodies_together_are_limited() {
    let server = start(Limits { bodies_bytes: 1000, ..calm() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("wait".repeat(150)))));
    server.handler.until_waiting(1).await;
    assert_eq!(sender.ask(review("x".repeat(600))).await.unwrap().status, 503);
    assert_eq!(sender.ask(review("x".repeat(400))).await.unwrap().status, 200);
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap().unwrap().status, 200);
    assert_eq!(sender.ask(review("x".repeat(600))).await.unwrap().status, 200);
}

#[tokio::test]
async fn no_response_waits_for_a_delayed_acknowledgement() {
    let app = Router::new().route(
        "/validate",
        post(async |milliseconds: String| {
            tokio::time::sleep(Duration::from_millis(milliseconds.parse().unwrap())).await;
        }),
    );
    let server = start_app(calm(), app).await;
    let sender = server.client().h2().await.unwrap();
    let mut times = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        let mut requests = JoinSet::new();
        for milliseconds in ["1", "3", "5", "7"] {
            let mut sender = sender.clone();
            requests.spawn(async move { sender.ask(review(milliseconds)).await.unwrap().status });
        }
        assert!(requests.join_all().await.iter().all(|status| *status == 200));
        times.push(started.elapsed());
    }
    // Linux delays an acknowledgement by 40 ms, and without TCP_NODELAY the next answer waits for it every time.
    assert!(times.iter().min().unwrap() < &Duration::from_millis(35), "{times:?}");
}
