//! More than the server can hold.

use std::time::{Duration, Instant};

use ingress_guard::server::Limits;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{patiently, review, whole};
use super::judge::Echo;
use super::running::{calm, start, start_judging};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_idle_connections_do_not_slow_the_others() {
    let server = start(calm()).await;
    let mut opening = JoinSet::new();
    for _ in 0..300 {
        let client = server.client();
        opening.spawn(async move {
            let mut sender = client.h1().await.unwrap();
            assert_eq!(patiently(whole(sender.send_request(review("{}")))).await.unwrap().status, 200);
            sender
        });
    }
    let mut idle = patiently(opening.join_all()).await;
    assert!(server.counts(r#"ingress_guard_open_connections{port="webhook"} 300"#).await);
    let mut sender = server.client().h1().await.unwrap();
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(patiently(whole(sender.send_request(review("{}")))).await.unwrap().status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for sender in &mut idle {
        assert_eq!(patiently(whole(sender.send_request(review("{}")))).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn the_excess_of_connections_waits_instead_of_failing() {
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
async fn the_excess_of_reviews_waits_a_little_and_is_then_refused() {
    let limits = Limits { reviews: 1, review_wait: Duration::from_millis(100), ..calm() };
    let server = start_judging(limits, Echo { takes: Duration::from_secs(1), ..Echo::default() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review("first"))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = patiently(whole(sender.send_request(review("second")))).await.unwrap();
    assert_eq!(second.status, 503);
    assert!(second.body.windows(10).any(|part| part == b"Overloaded"), "{:?}", second.body);
    assert_eq!(patiently(first).await.unwrap().unwrap().body, "first");
    assert!(server.counts(r#"ingress_guard_rejected_requests_total{reason="Overloaded"} 1"#).await);
    // The place is free again.
    assert_eq!(patiently(whole(sender.send_request(review("third")))).await.unwrap().status, 200);
}

#[tokio::test]
async fn all_bodies_together_take_no_more_than_their_room() {
    let limits = Limits { bodies_bytes: 1000, ..calm() };
    let server = start_judging(limits, Echo { takes: Duration::from_secs(1), ..Echo::default() }).await;
    let mut sender = server.client().h2().await.unwrap();
    let first = tokio::spawn(whole(sender.send_request(review(vec![b'1'; 600]))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = patiently(whole(sender.send_request(review(vec![b'2'; 600])))).await.unwrap();
    assert_eq!(second.status, 503);
    assert_eq!(patiently(first).await.unwrap().unwrap().status, 200);
    let third = patiently(whole(sender.send_request(review(vec![b'3'; 600])))).await.unwrap();
    assert_eq!(third.status, 200);
}
