//! Bodies that are not reviews: rejected with a reason, never a panic.

use serde_json::{Value, json};

use super::{BAD, recorded, review, reviewer};

fn rejection(body: &[u8]) -> (u16, &'static str) {
    let rejection = review(&reviewer("", BAD), body).expect_err("must be rejected");
    assert!(!rejection.message.is_empty());
    (rejection.status, rejection.reason)
}

#[test]
fn a_truncated_review_is_rejected_at_every_position() {
    let reviewer = reviewer("", BAD);
    for name in ["create", "update", "ssa-update-dryrun", "delete", "status-update"] {
        let body = recorded(name).to_string();
        for end in 0..body.len() {
            let rejection = review(&reviewer, &body.as_bytes()[..end]).expect_err("a truncated review is not a review");
            assert_eq!((rejection.status, rejection.reason), (400, "MalformedReview"), "{name} cut at {end}");
        }
    }
}

#[test]
fn a_review_with_one_changed_byte_never_panics() {
    let reviewer = reviewer("", BAD);
    let body = recorded("update").to_string().into_bytes();
    for position in 0..body.len() {
        for byte in [b'"', b'{', b']', 0xff, b'0', b'\\'] {
            let mut changed = body.clone();
            changed[position] = byte;
            let _ = review(&reviewer, &changed);
        }
    }
}

#[test]
fn bodies_that_are_not_reviews_of_an_ingress_get_a_reason() {
    assert_eq!(rejection(b""), (400, "MalformedReview"));
    assert_eq!(rejection(b"[]"), (400, "MalformedReview"));
    assert_eq!(rejection(b"{}"), (400, "WrongKind"));
    assert_eq!(rejection(b"\xff\xfe"), (400, "MalformedReview"));
    let changed = |change: fn(&mut Value)| {
        let mut sent = recorded("create");
        change(&mut sent);
        rejection(sent.to_string().as_bytes())
    };
    assert_eq!(changed(|review| review["kind"] = json!("Status")), (400, "WrongKind"));
    assert_eq!(changed(|review| review["apiVersion"] = json!("admission.k8s.io/v1beta1")), (400, "WrongVersion"));
    assert_eq!(changed(|review| review["request"] = Value::Null), (400, "MissingRequest"));
    assert_eq!(changed(|review| review["request"]["uid"] = json!("")), (400, "MissingUid"));
    assert_eq!(
        changed(|review| {
            review["request"].as_object_mut().unwrap().remove("uid");
        }),
        (400, "MissingUid")
    );
    assert_eq!(changed(|review| review["request"]["kind"]["kind"] = json!("Service")), (400, "WrongObject"));
    assert_eq!(changed(|review| review["request"]["kind"]["version"] = json!("v1beta1")), (400, "WrongObject"));
    assert_eq!(changed(|review| review["request"]["object"] = Value::Null), (400, "MissingObject"));
    assert_eq!(changed(|review| review["request"]["object"]["spec"]["rules"] = json!("x")), (400, "MalformedObject"));
    assert_eq!(
        changed(|review| review["request"]["object"]["metadata"]["labels"] = json!(1)),
        (400, "MalformedObject")
    );
}

#[test]
fn unbounded_nesting_is_rejected() {
    for deep in ["[".repeat(1_000_000), "{\"a\":".repeat(200_000)] {
        assert_eq!(rejection(deep.as_bytes()).0, 400);
        let body = recorded("create").to_string().replacen("\"spec\":", &format!("\"x\":{deep},\"spec\":"), 1);
        assert_eq!(rejection(body.as_bytes()).0, 400);
        let closed = "[".repeat(100_000) + &"]".repeat(100_000);
        let body = recorded("create").to_string().replacen("\"rules\":", &format!("\"rules\":{closed},\"x\":"), 1);
        assert_eq!(rejection(body.as_bytes()).0, 400);
    }
}

#[test]
fn null_counts_as_absent_as_in_go() {
    let mut sent = recorded("create");
    for field in ["labels", "annotations", "managedFields"] {
        sent["request"]["object"]["metadata"][field] = Value::Null;
    }
    sent["request"]["object"]["status"] = Value::Null;
    sent["request"]["object"]["spec"]["tls"] = Value::Null;
    sent["request"]["userInfo"] = Value::Null;
    sent["request"]["options"] = Value::Null;
    assert!(review(&reviewer("", BAD), sent.to_string().as_bytes()).is_ok());
}
