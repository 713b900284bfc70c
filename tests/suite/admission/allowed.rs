//! The contents that reviews have allowed: a watch recognises them, and nothing else.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use futures::executor::block_on;
use ingress_guard::admission::{AllowedWrites, Place};
use ingress_guard::model::Ingress;
use serde_json::{Value, json};

use super::places::costly;
use super::{BAD, GOOD, create, recorded, reviewer, spec};

/// Reviews a write, and returns whether its content as a watch delivers it is among the allowed ones.
fn is_noted(place: Place, cluster: &str, review: &Value) -> bool {
    let allowed = Arc::new(AllowedWrites::new(Instant::now()));
    let reviewer = Arc::into_inner(reviewer("", cluster)).unwrap().with_allowed_writes(Arc::clone(&allowed));
    block_on(reviewer.review_in(place, review.to_string().as_bytes())).unwrap();
    let mut stored = review["request"]["object"].clone();
    // What the API server adds when it stores the object, and what others write to it.
    stored["metadata"]["resourceVersion"] = json!("7");
    stored["metadata"]["labels"]["team"] = json!("shop");
    stored["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    let stored: Ingress = serde_json::from_value(stored).unwrap();
    allowed.contains(stored.fingerprint())
}

#[test]
fn a_stored_ingress_is_recognised_by_the_review_that_allowed_it() {
    for name in ["create", "replace", "ssa-create", "status-update", "update", "update-by-serviceaccount"] {
        let review = recorded(name);
        let (old, new) = (&review["request"]["oldObject"], &review["request"]["object"]);
        let fingerprint = |object: &Value| serde_json::from_value::<Ingress>(object.clone()).unwrap().fingerprint();
        // A write that changes nothing passes, and no watch asks for it.
        let is_changed = old.is_null() || fingerprint(old) != fingerprint(new);
        for place in [Place::Fast, Place::Slow(Arc::default())] {
            assert_eq!(is_noted(place, GOOD, &review), is_changed, "{name}");
        }
    }
}

#[test]
fn a_write_that_is_denied_or_not_stored_is_not_noted() {
    let wrong = create(json!({}), spec(&[("/", "gone", 80)]));
    assert!(!is_noted(Place::Slow(Arc::default()), BAD, &wrong), "denied");
    for name in ["create-dryrun", "update-dryrun", "ssa-update-dryrun"] {
        assert!(!is_noted(Place::Fast, GOOD, &recorded(name)), "{name}");
    }
}

#[test]
fn an_answer_that_is_not_sent_does_not_count() {
    let cancelled = || Place::Slow(Arc::new(AtomicBool::new(true)));
    assert!(!is_noted(cancelled(), GOOD, &recorded("create")), "the client has gone");
    assert!(!is_noted(Place::Fast, GOOD, &costly()), "the review is repeated in a slow place");
}
