//! Bytes of an `AdmissionReview`: an answer or a reason, and never a rejection of a review that an API server can send.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use futures::executor::block_on;
use ingress_guard::admission::Reviewer;
use ingress_guard::cluster::SharedInventory;
use k8s_openapi::api::networking::v1::Ingress;
use serde::Deserialize;
use serde_json::Value;

use super::world::{CLUSTER, STRICT, assert_evaluated, assert_visible, now};

static REVIEWER: LazyLock<Reviewer> =
    LazyLock::new(|| Reviewer::new(SharedInventory::new(CLUSTER.clone()), STRICT.engine(), STRICT.policy.clone(), now));

/// A review as the API server's own types can express it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    kind: String,
    api_version: String,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only their types matter")]
struct Request {
    uid: String,
    kind: BTreeMap<String, String>,
    sub_resource: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    operation: String,
    user_info: User,
    object: Option<Ingress>,
    old_object: Option<Ingress>,
    dry_run: Option<bool>,
    options: Option<Options>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only their types matter")]
struct User {
    username: Option<String>,
    groups: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only their types matter")]
struct Options {
    field_manager: Option<String>,
}

pub(super) fn run(bytes: &[u8]) {
    review(bytes);
    // Without duplicate keys, which no API server sends.
    if let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && can_be_sent(&value)
    {
        let is_answered = review(value.to_string().as_bytes());
        assert!(is_answered, "a review that an API server can send is rejected: {value}");
    }
}

/// Reviews a body, and returns whether it was answered.
fn review(body: &[u8]) -> bool {
    let reviewed = match block_on(REVIEWER.review(body)) {
        Ok(reviewed) => reviewed,
        Err(rejection) => {
            assert_eq!(rejection.status, 400);
            assert!(!rejection.message.is_empty());
            return false;
        }
    };
    let answer: Value = serde_json::from_slice(&reviewed.body).expect("the answer is JSON");
    assert_evaluated(reviewed.record.findings.iter().map(|(code, _)| *code));
    let response = &answer["response"];
    assert!(response["uid"].as_str().is_some_and(|uid| !uid.is_empty()), "{answer}");
    let is_allowed = response["allowed"].as_bool().expect("allowed is a bool");
    assert_eq!(response["status"]["code"] == 403, !is_allowed, "{answer}");
    let warnings = response["warnings"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(warnings.len() <= 9, "{answer}");
    for warning in warnings {
        let warning = warning.as_str().expect("a warning is text");
        assert!(warning.chars().count() <= 256, "{warning}");
        assert_visible(warning);
        assert!(!warning.contains('\n'), "{warning:?}");
    }
    if let Some(message) = response["status"]["message"].as_str() {
        assert_visible(message);
    }
    assert!(reviewed.body.len() <= (256 << 10) + 6 * body.len(), "{} bytes for {}", reviewed.body.len(), body.len());
    true
}

/// Whether an API server can send this review, and must not get a rejection.
fn can_be_sent(value: &Value) -> bool {
    let Ok(Review { kind, api_version, request }) = Review::deserialize(value) else { return false };
    let of = |name: &str| request.kind.get(name).map(String::as_str);
    let is_ingress =
        (of("group"), of("version"), of("kind")) == (Some("networking.k8s.io"), Some("v1"), Some("Ingress"));
    let has_objects = match &*request.operation {
        "CREATE" => request.object.is_some(),
        "UPDATE" => request.object.is_some() && request.old_object.is_some(),
        _ => true,
    };
    kind == "AdmissionReview"
        && api_version == "admission.k8s.io/v1"
        && !request.uid.is_empty()
        && is_ingress
        && has_objects
}
