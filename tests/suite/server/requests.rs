//! Responses of the webhook port: accepted requests, and rejected ones with their reasons.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use ingress_guard::server::Limits;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::client::{Answer, Ask, request, review, until_closed};
use super::running::{Running, calm, start, start_app};

const MIB: usize = 1024 * 1024;

/// A refusal is a Kubernetes `Status`.
#[track_caller]
fn refused(answer: &Answer, code: u16, reason: &str) {
    assert_eq!(answer.status, StatusCode::from_u16(code).unwrap());
    assert_eq!(answer.headers["content-type"], "application/json");
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    let message = status["message"].as_str().unwrap();
    assert!(!message.is_empty());
    let expected = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": message, "metadata": {}});
    assert_eq!(status, expected);
}

#[tokio::test]
async fn a_review_is_answered_as_json() {
    let server = start(calm()).await;
    let answer = server.client().send(review(r#"{"a":1}"#)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body, r#"{"a":1}"#);
    assert!(answer.headers.get("connection").is_none());
}

#[tokio::test]
async fn a_body_that_is_not_a_review_is_rejected_with_the_reason_of_the_handler() {
    let server = start(calm()).await;
    refused(&server.client().send(review("reject")).await, 400, "MalformedJson");
    assert!(server.counts(r#"ingress_guard_rejected_requests_total{reason="MalformedJson"} 1"#).await);
}

#[tokio::test]
async fn other_paths_are_404_and_other_methods_405() {
    let server = start(calm()).await;
    let client = server.client();
    for path in ["/", "/validate/x", "/metrics", "/readyz"] {
        refused(&client.send(request("POST", path, "{}")).await, 404, "NotFound");
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = client.send(request(method, "/validate", "")).await;
        refused(&answer, 405, "MethodNotAllowed");
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn only_json_is_accepted() {
    let server = start(calm()).await;
    for (kind, taken) in [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("Application/JSON;charset=UTF-8", true),
        ("text/plain", false),
        ("application/jsonx", false),
        ("application/yaml", false),
        ("", false),
    ] {
        let mut request = review("{}");
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        let answer = server.client().send(request).await;
        if taken {
            assert_eq!(answer.status, 200, "{kind}");
        } else {
            refused(&answer, 415, "UnsupportedMediaType");
        }
    }
    let mut request = review("{}");
    request.headers_mut().remove("content-type");
    refused(&server.client().send(request).await, 415, "UnsupportedMediaType");
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_accepted_and_a_larger_one_is_not() {
    let server = start(Limits { body_bytes: 100_000, ..calm() }).await;
    assert_eq!(server.client().send(review(vec![b' '; 100_000])).await.body.len(), 100_000);
    refused(&server.client().send(review(vec![b' '; 100_001])).await, 413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn nine_mebibytes_are_rejected_by_their_declared_length() {
    let server = start(calm()).await;
    let body = vec![b' '; 9 * MIB];
    refused(&server.client().send(review(body.clone())).await, 413, "RequestEntityTooLarge");
    let mut h2 = server.client().h2().await.unwrap();
    let answer = h2.ask(review(body)).await.unwrap();
    refused(&answer, 413, "RequestEntityTooLarge");
    assert!(server.counts(r#"ingress_guard_rejected_requests_total{reason="RequestEntityTooLarge"} 2"#).await);
}

/// Send a body in chunks of a mebibyte, all of it before reading anything of the answer.
async fn in_chunks(server: &Running, mebibytes: usize) -> String {
    let mut tls = server.client().raw().await;
    let head = "POST /validate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    tls.write_all(head.as_bytes()).await.unwrap();
    tls.write_all(b"transfer-encoding: chunked\r\n\r\n").await.unwrap();
    for _ in 0..mebibytes {
        tls.write_all(format!("{MIB:x}\r\n").as_bytes()).await.unwrap();
        tls.write_all(&vec![b' '; MIB]).await.unwrap();
        tls.write_all(b"\r\n").await.unwrap();
    }
    tls.write_all(b"0\r\n\r\n").await.unwrap();
    tls.flush().await.unwrap();
    until_closed(&mut tls).await
}

#[tokio::test]
async fn nine_mebibytes_in_chunks_are_rejected() {
    let server = start(calm()).await;
    let answer = in_chunks(&server, 9).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#""reason":"RequestEntityTooLarge""#), "{answer}");
}

#[tokio::test]
async fn a_client_with_a_too_large_body_can_finish_and_read_the_error() {
    let server = start(calm()).await;
    assert!(in_chunks(&server, 15).await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_head_above_the_limit_is_rejected() {
    let server = start(calm()).await;
    let mut request = review("{}");
    request.headers_mut().insert("x-long", "x".repeat(70_000).parse().unwrap());
    let answer = server.client().send(request).await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn a_panic_during_a_review_is_answered_and_the_connection_stays_open() {
    let server = start(calm()).await;
    let mut h1 = server.client().h1().await.unwrap();
    let mut h2 = server.client().h2().await.unwrap();
    for _ in 0..2 {
        refused(&h1.ask(review("panic")).await.unwrap(), 500, "InternalError");
        refused(&h2.ask(review("panic")).await.unwrap(), 500, "InternalError");
    }
    assert_eq!(h1.ask(review("{}")).await.unwrap().status, 200);
    assert_eq!(h2.ask(review("{}")).await.unwrap().status, 200);
    assert!(server.counts("ingress_guard_panics_total 4").await);
}

#[tokio::test]
async fn a_panic_in_any_application_is_answered() {
    async fn broken() {
        panic!("as written")
    }
    let server = start_app(calm(), Router::new().route("/validate", post(broken))).await;
    refused(&server.client().send(review("{}")).await, 500, "InternalError");
    refused(&server.client().send(review("{}")).await, 500, "InternalError");
}
