//! The certificate changes while the server serves.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use super::client::{Ask, Client, eventually, patiently, plain_get, review};
use super::running::{calm, start};

/// Sends requests one after another, on open or on new connections, until `stop`. Returns the number of responses.
async fn load(client: Client, keep: bool, stop: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut sender = client.h1().await.unwrap();
        loop {
            let answer = sender.ask(review("{}")).await.unwrap();
            assert_eq!(answer.status, 200);
            answered += 1;
            if !keep || stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    answered
}

/// Replace one file as a careful writer does.
fn replace(path: &Path, content: &str) {
    let parts = path.with_extension("part");
    fs::write(&parts, content).unwrap();
    fs::rename(parts, path).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_secret_is_served_to_new_connections_and_no_request_fails() {
    let server = start(calm()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for keep in [true, true, true, false] {
        clients.spawn(load(server.client(), keep, Arc::clone(&stop)));
    }
    for _ in 0..3 {
        let next = server.authority.issue();
        assert_ne!(server.client().sees().await, next.der);
        server.mount.swap(&next.certificate, &next.key);
        eventually("the new certificate is seen", || async { server.client().sees().await == next.der }).await;
    }
    stop.store(true, Ordering::Relaxed);
    for answered in patiently(clients.join_all()).await {
        assert!(answered > 0);
    }
    assert!(server.counts("ingress_guard_certificate_reload_failures_total 0").await);
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn a_mismatched_pair_keeps_the_last_valid_one_until_the_key_arrives() {
    let server = start(calm()).await;
    let (before, next) = (server.client().sees().await, server.authority.issue());

    replace(&server.mount.path("tls.crt"), &next.certificate);
    server.until_counts("ingress_guard_certificate_reload_failures_total 1").await;
    assert!(server.counts("ingress_guard_certificate_reload_failing 1").await);
    let (status, body) = server.readyz().await;
    assert_eq!(status, 200);
    assert!(body.contains("certificate not reloaded, serving the last valid one: the key in"), "{body}");
    assert!(body.contains("tls.key does not match the certificate in"), "{body}");
    assert_eq!(server.client().sees().await, before);
    // Some more looks at the same files are no more failures.
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(server.counts("ingress_guard_certificate_reload_failures_total 1").await);

    replace(&server.mount.path("tls.key"), &next.key);
    server.until_counts("ingress_guard_certificate_reload_failing 0").await;
    assert_eq!(server.client().sees().await, next.der);
    assert_eq!(server.readyz().await, (200, "ready\n".to_owned()));
}

#[tokio::test]
async fn missing_files_keep_the_last_valid_pair() {
    let server = start(calm()).await;
    let before = server.client().sees().await;
    fs::remove_file(server.mount.path("tls.crt")).unwrap();
    server.until_counts("ingress_guard_certificate_reload_failing 1").await;
    let (status, body) = server.readyz().await;
    assert_eq!(status, 200);
    assert!(body.contains("cannot read "), "{body}");
    assert_eq!(server.client().sees().await, before);
}

#[tokio::test]
async fn the_expiry_of_the_served_certificate_is_published() {
    let server = start(calm()).await;
    let expiry = async || {
        let (_, text) = plain_get(server.health, "/metrics").await;
        let line = text.lines().find(|line| line.starts_with("ingress_guard_certificate_expiry_timestamp_seconds "));
        line.unwrap().rsplit(' ').next().unwrap().parse::<i64>().unwrap()
    };
    let first = expiry().await;
    let next = server.authority.issue_until(SystemTime::now() + Duration::from_hours(31 * 24));
    server.mount.swap(&next.certificate, &next.key);
    eventually("another expiry", || async { (86_000..=87_000).contains(&(expiry().await - first)) }).await;
}
