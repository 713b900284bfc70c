//! Writes that pass without evaluation.

use serde_json::{Value, json};

use super::{BAD, GOOD, ask, reviewer, spec, update};

/// An Ingress that is denied when it is created, updated in its metadata only.
fn bad_update(old_annotations: Value, new_annotations: Value) -> Value {
    let bad = spec(&[("/", "absent", 80)]);
    update((old_annotations, bad.clone()), (new_annotations, bad))
}

#[test]
fn an_update_that_changes_neither_spec_nor_relevant_annotations_passes() {
    let reviewer = reviewer("", BAD);
    let labels = {
        let mut review = bad_update(json!({}), json!({}));
        review["request"]["object"]["metadata"]["labels"] = json!({"team": "shop"});
        review
    };
    let last_applied = bad_update(
        json!({"kubectl.kubernetes.io/last-applied-configuration": "{}\n"}),
        json!({"kubectl.kubernetes.io/last-applied-configuration": "{\"a\":1}\n", "a": "b"}),
    );
    let finalizer_removed = {
        let mut review = bad_update(json!({}), json!({}));
        review["request"]["oldObject"]["metadata"]["finalizers"] = json!(["example.com/wait"]);
        review
    };
    for review in [labels, last_applied, finalizer_removed] {
        assert_eq!(ask(&reviewer, &review).verdict, "pass");
    }
}

#[test]
fn an_update_of_an_object_that_is_being_deleted_passes_if_it_removes_the_object() {
    let mut review = update((json!({}), spec(&[("/", "wbe", 80)])), (json!({}), spec(&[("/", "absent", 80)])));
    review["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-22T06:02:12Z");
    for removed in [json!(null), json!([])] {
        review["request"]["object"]["metadata"]["finalizers"] = removed;
        assert_eq!(ask(&reviewer("", BAD), &review).verdict, "pass");
    }
    // Until then the object is served.
    review["request"]["object"]["metadata"]["finalizers"] = json!(["example.com/wait"]);
    assert_eq!(ask(&reviewer("", BAD), &review).verdict, "deny");
    let spec = review["request"]["object"]["spec"].clone();
    review["request"]["oldObject"]["spec"] = spec;
    assert_eq!(ask(&reviewer("", BAD), &review).verdict, "pass");
}

#[test]
fn a_status_update_is_evaluated_if_it_changes_relevant_annotations() {
    let rewrite = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    let stored = json!({"ingressClassName": "nginx", "rules": [{"host": "app.example.com", "http": {"paths": [
        {"path": "/api(.*)", "pathType": "ImplementationSpecific", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
    ]}}]});
    let mut review = update((json!({}), stored.clone()), (rewrite.clone(), stored.clone()));
    review["request"]["subResource"] = json!("status");
    ask(&reviewer("", GOOD), &review).assert(&[], &["IG310"]);
    review["request"]["subResource"] = json!("scale");
    assert_eq!(ask(&reviewer("", GOOD), &review).verdict, "pass");
    let mut unchanged = update((rewrite.clone(), stored.clone()), (rewrite, stored));
    unchanged["request"]["subResource"] = json!("status");
    unchanged["request"]["object"]["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    assert_eq!(ask(&reviewer("", GOOD), &unchanged).verdict, "pass");
}

#[test]
fn a_change_of_a_relevant_annotation_is_evaluated() {
    let review = bad_update(json!({}), json!({"nginx.ingress.kubernetes.io/use-regex": "true"}));
    assert_eq!(ask(&reviewer("", BAD), &review).verdict, "warn", "the finding is pre-existing: it warns");
    let review = bad_update(json!({"ingress-guard.io/ignore": "IG201 reason=x"}), json!({}));
    assert_eq!(ask(&reviewer("", BAD), &review).verdict, "warn", "removing a waiver is a change");
}
