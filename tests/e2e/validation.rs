//! The validation of Ingresses by a real API server: fields and reasons are those that `check` prints.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::api_server::{Answer, Case, TABLE, cases};
use crate::cluster;
use crate::https::Https;

const NAMESPACE: &str = "validation";

#[test]
fn the_api_server_refuses_what_is_predicted() {
    // Nothing else reads the invalid Ingresses.
    let Some(cluster) = cluster::alone() else { return };
    cluster.kubectl(&["create", "namespace", NAMESPACE]).ok();
    let api = cluster.api();
    let mut cases = cases();
    let mut wrong = String::new();
    for (at, case) in cases.iter_mut().enumerate() {
        let stored = case.stored().map(|stored| {
            // The API server would not store an invalid one today.
            let name = format!("stored-{at}");
            let stored = named(stored, &name);
            cluster.put_into_etcd(&format!("/registry/ingress/{NAMESPACE}/{name}"), &stored.to_string());
            name
        });
        let answer = answer(&api, case, stored.as_deref());
        if std::env::var_os("UPDATE_PAGES").is_some() {
            case.answer = answer;
        } else if !answer.agrees_with(&case.answer) {
            let _ = writeln!(wrong, "{case:?}\nthe API server: {answer:?}");
        }
        if !case.predicted().agrees_with(&case.answer) {
            let _ = writeln!(wrong, "{:?}\npredicted: {:?}", case.answer, case.predicted());
        }
    }
    cluster.kubectl(&["delete", "ingresses", "--all", "-n", NAMESPACE]).ok();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        let lines = cases.iter().map(|case| serde_json::to_string(case).unwrap() + "\n");
        fs::write(TABLE, lines.collect::<String>()).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Writes the Ingress as a dry run: once strictly, which shows the unknown fields, and once without them.
fn answer(api: &Https, case: &Case, stored: Option<&str>) -> Answer {
    let collection = format!("/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses");
    let (method, path, object) = match stored {
        None => ("POST", collection, case.object()),
        Some(name) => ("PUT", format!("{collection}/{name}"), named(case.object(), name)),
    };
    let send = |validation: &str| {
        let path = format!("{path}?dryRun=All&fieldValidation={validation}");
        api.send(method, &path, "application/json", &object.to_string()).unwrap().1
    };
    let text = |answer: &Value| answer["message"].as_str().unwrap_or_default().to_owned();
    let strict = text(&send("Strict"));
    let unknown = strict.split_once("strict decoding error: ").map_or("", |(_, fields)| fields);
    let unknown = unknown.split("unknown field \"").skip(1).filter_map(|rest| rest.split_once('"'));
    let lenient = send("Ignore");
    let causes = lenient["details"]["causes"].as_array();
    let refused = match (lenient["kind"].as_str(), causes) {
        (Some("Status"), Some(causes)) => causes.iter().map(cause).collect(),
        (Some("Status"), None) => {
            let message = text(&lenient);
            vec![message.split_once("cannot be handled as a Ingress: ").map_or(&*message, |(_, text)| text).to_owned()]
        }
        _ => Vec::new(),
    };
    Answer { unknown: unknown.map(|(field, _)| field.to_owned()).collect(), refused }
}

fn cause(cause: &Value) -> String {
    let text = |name: &str| cause[name].as_str().unwrap_or_default();
    format!("{}: {}", text("field"), text("message"))
}

fn named(mut object: Value, name: &str) -> Value {
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = json!(NAMESPACE);
    object
}
