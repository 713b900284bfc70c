//! Reviews that a kube-apiserver sent (recorded with Kubernetes 1.36), and the responses to them.

mod allowed;
mod bodies;
mod ceilings;
mod exceptions;
mod impact;
mod missing_references;
mod pass;
mod places;
mod replay;
mod size;
mod temporary;
mod words;

use std::sync::Arc;

use ingress_guard::admission::{Rejection, Reviewed, Reviewer};
use ingress_guard::cluster::{Inventory, SharedInventory, load_text};
use ingress_guard::config::Config;
use serde_json::{Value, json};

use crate::pages::now;

pub(crate) const GOOD: &str = include_str!("../../reviews/good.yaml");
pub(crate) const BAD: &str = include_str!("../../reviews/bad.yaml");

/// A reviewer over a cluster of manifests under a configuration.
pub(crate) fn reviewer(config: &str, cluster: &str) -> Arc<Reviewer> {
    reviewer_over(config, load_text("cluster", cluster).unwrap_or_else(|error| panic!("{error}")))
}

pub(crate) fn reviewer_over(config: &str, mut inventory: Inventory) -> Arc<Reviewer> {
    let config = Config::parse_at("config", config, now()).unwrap_or_else(|error| panic!("{error}"));
    config.restrict(&mut inventory);
    Arc::new(Reviewer::new(SharedInventory::new(inventory), config.engine(), config.policy, now))
}

/// A recorded review by its name.
pub(crate) fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/reviews/recorded/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A review of the creation of an Ingress with these annotations and this spec.
pub(crate) fn create(annotations: Value, spec: Value) -> Value {
    let mut review = recorded("create");
    review["request"]["object"]["metadata"]["annotations"] = annotations;
    review["request"]["object"]["spec"] = spec;
    review
}

/// A review of an update from one Ingress to another, each `(annotations, spec)`.
pub(crate) fn update(old: (Value, Value), new: (Value, Value)) -> Value {
    let mut review = recorded("update");
    for (field, (annotations, spec)) in [("oldObject", old), ("object", new)] {
        review["request"][field]["metadata"]["annotations"] = annotations;
        review["request"][field]["spec"] = spec;
    }
    review
}

/// A spec with these paths on `app.example.com`, each `(path, service, port)`.
pub(crate) fn spec(paths: &[(&str, &str, u16)]) -> Value {
    let paths: Vec<Value> = paths
        .iter()
        .map(|(path, service, port)| {
            json!({"path": path, "pathType": "Prefix",
                   "backend": {"service": {"name": service, "port": {"number": port}}}})
        })
        .collect();
    json!({"ingressClassName": "nginx", "rules": [{"host": "app.example.com", "http": {"paths": paths}}]})
}

/// The response to a review.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) warnings: Vec<String>,
    pub(crate) message: String,
    pub(crate) body: Value,
    pub(crate) verdict: &'static str,
    pub(crate) would_deny: Vec<&'static str>,
}

impl Answer {
    /// The codes of the warnings and of the denial.
    pub(crate) fn codes(&self) -> (Vec<String>, Vec<String>) {
        let code = |warning: &String| warning.split(' ').find(|word| word.starts_with("IG")).map(str::to_owned);
        let warned = self.warnings.iter().filter_map(code).collect();
        let causes = self.body["response"]["status"]["details"]["causes"].as_array();
        let denied = causes.into_iter().flatten().map(|cause| cause["reason"].as_str().unwrap().to_owned()).collect();
        (warned, denied)
    }

    pub(crate) fn assert(&self, warned: &[&str], denied: &[&str]) {
        let (have_warned, have_denied) = self.codes();
        assert_eq!((have_warned, have_denied), (texts(warned), texts(denied)), "{:#}", self.body);
        assert_eq!(self.allowed, denied.is_empty(), "{:#}", self.body);
    }
}

fn texts(codes: &[&str]) -> Vec<String> {
    codes.iter().map(ToString::to_string).collect()
}

/// Review a body. Without a live cluster no future waits.
pub(crate) fn review(reviewer: &Arc<Reviewer>, body: &[u8]) -> Result<Reviewed, Rejection> {
    futures::executor::block_on(reviewer.review(body))
}

/// Send a review and read the answer.
pub(crate) fn ask(reviewer: &Arc<Reviewer>, review: &Value) -> Answer {
    let outcome = self::review(reviewer, review.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error:?}"));
    answer(review, outcome)
}

/// Read the answer to a review.
pub(crate) fn answer(review: &Value, Reviewed { body, record, .. }: Reviewed) -> Answer {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let response = &body["response"];
    assert_eq!(response["uid"], review["request"]["uid"], "the response must be for the review that was sent");
    let warnings = response["warnings"].as_array().into_iter().flatten();
    Answer {
        allowed: response["allowed"].as_bool().unwrap(),
        warnings: warnings.map(|warning| warning.as_str().unwrap().to_owned()).collect(),
        message: response["status"]["message"].as_str().unwrap_or_default().to_owned(),
        verdict: record.outcome.name(),
        would_deny: record.would_deny,
        body,
    }
}
