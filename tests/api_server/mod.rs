//! Answers of a real API server to Ingresses, and what `validation` says about the same Ingresses. The suite compares the recorded
//! answers; the end-to-end tests compare them with a running API server.

use std::sync::Arc;

use ingress_guard::model::{Ingress, Written};
use ingress_guard::validation::{self, KubeVersion, Reason};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The table of answers, one case per line.
pub(crate) const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/api-server-validation.jsonl");

/// One Ingress that is written, by its differences from a valid one, and the answer of the API server.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Case {
    /// The Ingress that is stored before, by its differences; without it, the write is a creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<Map<String, Value>>,
    /// JSON pointers and their values.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    set: Map<String, Value>,
    /// JSON pointers of removed fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<String>,
    #[serde(default)]
    pub(crate) answer: Answer,
}

/// What the API server says about an Ingress.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// The unknown fields, of which the result depends on the client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unknown: Vec<String>,
    /// The fields and reasons for which it is refused by all means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused: Vec<String>,
}

/// Reads the table.
pub(crate) fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(TABLE).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

impl Case {
    /// The Ingress that is written.
    pub(crate) fn object(&self) -> Value {
        changed(&self.set, &self.remove)
    }

    /// The Ingress that is stored before.
    pub(crate) fn stored(&self) -> Option<Value> {
        self.stored.as_ref().map(|set| changed(set, &[]))
    }

    /// What `validation` says.
    pub(crate) fn predicted(&self) -> Answer {
        let replaces = self.stored().map(|stored| Box::new(serde_json::from_value::<Ingress>(stored).unwrap()));
        let written = Written { value: Arc::new(self.object()), replaces };
        let unknown = validation::unknown_fields(&written.value).into_iter();
        let refused =
            validation::refusals(&written, KubeVersion::NEWEST).into_iter().map(|fault| match &fault.reason {
                Reason::Undecodable(text) => text.clone(),
                reason => format!("{}: {reason}", fault.path()),
            });
        Answer { unknown: unknown.map(|unknown| unknown.field.to_string()).collect(), refused: refused.collect() }
    }
}

impl Answer {
    /// Whether both are the same, apart from the order of fields and the end of an error of the decoder.
    pub(crate) fn agrees_with(&self, recorded: &Self) -> bool {
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            texts
        };
        let (ours, theirs) = (sorted(&self.refused), sorted(&recorded.refused));
        let is_same = |(ours, theirs): (&String, &String)| {
            ours == theirs || (ours.starts_with("parsing time") && theirs.starts_with(&**ours))
        };
        sorted(&self.unknown) == sorted(&recorded.unknown)
            && ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(is_same)
    }
}

fn changed(set: &Map<String, Value>, remove: &[String]) -> Value {
    let mut object = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {"rules": [{"host": "app.example.com", "http": {"paths": [
            {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
        ]}}]},
    });
    for (pointer, value) in set {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        create(&mut object, parent);
        match object.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        }
    }
    for pointer in remove {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    }
    object
}

/// Creates the objects on the way to a field.
fn create(object: &mut Value, pointer: &str) {
    if object.pointer(pointer).is_none() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        create(object, parent);
        object.pointer_mut(parent).unwrap()[name] = json!({});
    }
}
