//! More than the server can hold.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use ingress_guard::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::client::{Ask, Tls, eventually, impact_review, patiently, review, whole};
use super::running::{PATIENCE, Running, calm, start, start_app};

#[tokio::test]
async fn reviews_of_other_objects_take_no_fast_place_and_no_memory_of_ingresses() {
    let body = "wait".repeat(100);
    let limits = Limits { reviews: 1, review_wait: Duration::from_millis(200), small_bodies_bytes: 500, ..calm() };
    let server = start(limits).await;
    let (client, waiting) = (server.client(), body.clone());
    let deletion = tokio::spawn(async move { client.send(impact_review(waiting)).await });
    server.handler.until_waiting(1).await;
    assert_eq!(server.client().send(impact_review(body.clone())).await.status, 503, "they have as much");
    assert_eq!(server.client().send(review("x".repeat(400))).await.status, 200);
    server.handler.let_go();
    assert_eq!(patiently(deletion).await.unwrap().status, 200);
}

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
async fn all_bodies_together_are_limited() {
    let server = start(Limits { small_bodies_bytes: 1000, ..calm() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("wait".repeat(150)))));
    server.handler.until_waiting(1).await;
    assert_eq!(sender.ask(review("x".repeat(600))).await.unwrap().status, 503);
    assert_eq!(sender.ask(review("x".repeat(400))).await.unwrap().status, 200);
    server.handler.let_go();
    assert_eq!(patiently(first).await.unwrap().unwrap().status, 200);
    assert_eq!(sender.ask(review("x".repeat(600))).await.unwrap().status, 200);
}

/// A connection with the head of a request and all bytes of its body but one.
async fn unfinished(server: &Running, size: usize) -> Tls {
    let mut tls = server.client().raw().await;
    let head = "POST /validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    tls.write_all(format!("{head}content-length: {size}\r\n\r\n").as_bytes()).await.unwrap();
    tls.write_all(&vec![b' '; size - 1]).await.unwrap();
    tls.flush().await.unwrap();
    tls
}

#[tokio::test]
async fn unfinished_bodies_give_way_to_new_ones_of_their_size() {
    let quiet = Duration::from_millis(700);
    let sizes = Limits { large_bytes: 10_000, large_bodies_bytes: 200_000, small_bodies_bytes: 20_000, ..calm() };
    let server = start(Limits { body: PATIENCE, quiet, ..sizes }).await;
    for size in [9_000, 99_000] {
        let _unfinished = [unfinished(&server, size).await, unfinished(&server, size).await];
        let mut sender = server.client().h1().await.unwrap();
        eventually("the memory is used", async || server.client().send(review("x".repeat(size))).await.status == 503)
            .await;
        tokio::time::sleep(quiet).await;
        for _ in 0..10 {
            assert_eq!(sender.ask(review("x".repeat(size))).await.unwrap().status, 200, "{size}");
        }
    }
}

#[tokio::test]
async fn unfinished_large_bodies_leave_memory_for_small_ones() {
    let limits = Limits {
        body: PATIENCE,
        quiet: PATIENCE,
        large_bytes: 10_000,
        large_bodies_bytes: 200_000,
        small_bodies_bytes: 20_000,
        ..calm()
    };
    let server = start(limits).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(unfinished(&server, 100_000).await);
    }
    // Seven of them exceed the limit; they are read to their end before they are answered.
    let mut sender = server.client().h1().await.unwrap();
    eventually("the memory for large bodies is used", async || {
        let mut sender = server.client().h1().await.unwrap();
        sender.ask(review("x".repeat(10_000))).await.unwrap().status == 503
    })
    .await;
    for _ in 0..100 {
        assert_eq!(sender.ask(review("x".repeat(9_999))).await.unwrap().status, 200);
    }
    drop(held);
    eventually("the memory is free again", async || {
        server.client().send(review("x".repeat(100_000))).await.status == 200
    })
    .await;
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
