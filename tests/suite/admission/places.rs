//! The place of a review: a fast one has a small allowance, and the verdict does not depend on it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::executor::block_on;
use ingress_guard::admission::{Place, Preview, Reviewed};
use serde_json::{Value, json};

use super::{BAD, GOOD, answer, create, recorded, reviewer};

fn review_in(place: Place, cluster: &str, review: &Value) -> Reviewed {
    block_on(reviewer("", cluster).review_in(place, review.to_string().as_bytes())).unwrap()
}

fn slow() -> Place {
    Place::Slow(Arc::default())
}

/// An Ingress of less than 64 KiB whose patterns cost more than a fast place allows.
pub(super) fn costly() -> Value {
    let path = |path: String| {
        json!({"path": path, "pathType": "ImplementationSpecific",
               "backend": {"service": {"name": "missing", "port": {"number": 80}}}})
    };
    let paths: Vec<Value> = (0..300).map(|n| path(format!("/part-{n}/(.*)/(a|b|c)+/x{n}$"))).collect();
    create(
        json!({"nginx.ingress.kubernetes.io/use-regex": "true"}),
        json!({"ingressClassName": "nginx", "rules": [{"host": "app.example.com", "http": {"paths": paths}}]}),
    )
}

#[test]
fn recorded_reviews_get_the_same_answer_in_both_places() {
    for cluster in [GOOD, BAD] {
        for name in ["create", "update", "delete"] {
            let review = recorded(name);
            let (fast, slow) = (review_in(Place::Fast, cluster, &review), review_in(slow(), cluster, &review));
            assert!(!fast.exceeded_allowance, "{name}");
            assert_eq!(fast.body, slow.body, "{name}");
        }
    }
}

#[test]
fn a_costly_review_exceeds_the_allowance_of_a_fast_place_only() {
    let review = costly();
    assert!(review.to_string().len() < 64 * 1024);
    assert!(review_in(Place::Fast, GOOD, &review).exceeded_allowance);
    let whole = review_in(slow(), GOOD, &review);
    assert!(!whole.exceeded_allowance);
    assert!(!answer(&review, whole).allowed);
}

#[test]
fn a_cancelled_review_ends_early() {
    let review = costly();
    let cancelled = review_in(Place::Slow(Arc::new(AtomicBool::new(true))), GOOD, &review);
    assert_eq!(answer(&review, cancelled).codes(), (vec!["IG902".to_owned()], vec![]));
}

#[test]
fn a_preview_reads_the_beginning_of_a_body() {
    let expected = Preview {
        uid: "1".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        operation: "UPDATE".to_owned(),
        user: "ann \"a\"".to_owned(),
    };
    let fields = r#""uid":"1","kind":{"kind":"Ingress"},"name":"web","namespace":"shop","operation":"UPDATE","userInfo":{"username":"ann \"a\"","groups":["x"]}"#;
    let review = |request: &str| format!(r#"{{"kind":"AdmissionReview","request":{request}}}"#);
    for request in [
        format!("{{{fields}}}"),
        format!(r#"{{{fields},"object":{{"spec":[{}"#, "1,".repeat(100_000)),
        format!(r#"{{{fields},"oldObject":!"#),
        format!(r#"{{"object":{{"spec":[]}},{fields}}}"#),
    ] {
        assert_eq!(Preview::of(review(&request).as_bytes()), expected);
    }
    for unread in ["", "[", "{", "null", r#"{"request":[]}"#] {
        assert_eq!(Preview::of(unread.as_bytes()), Preview::default(), "{unread}");
    }
}
