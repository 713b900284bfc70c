//! What a record leaves out: names of users, and all of an Ingress that no check reads.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::model::{NGINX_PREFIX, is_relevant, snippet_without_values};
use crate::routing::annotations::may_answer;

/// The fields of metadata that a review reads, besides annotations.
const METADATA: [&str; 7] =
    ["name", "namespace", "generateName", "labels", "creationTimestamp", "deletionTimestamp", "finalizers"];

/// The fields of a request that a review reads, besides objects and user.
const REQUEST: [&str; 7] = ["uid", "kind", "subResource", "name", "namespace", "operation", "dryRun"];

/// Returns a hash of the name of a user or group. Without the salt, equal names of two records cannot be compared.
pub(super) fn hashed(salt: &str, name: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("{salt} {name}").as_bytes());
    in_hexadecimal(&digest.as_ref()[..16])
}

/// Returns bytes as hexadecimal digits.
pub(super) fn in_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns a review without what no check reads. `manager` is the field manager; managed fields are left out.
pub(super) fn reduced_review(body: &[u8], salt: &str, manager: &str, keeps_snippets: bool) -> Option<Value> {
    let mut review: Value = serde_json::from_slice(body).ok()?;
    let request = review.get_mut("request")?.as_object_mut()?;
    let mut kept = taken(request, &REQUEST);
    let user = |name: &Value| name.as_str().map(|name| hashed(salt, name));
    let info = request.get("userInfo");
    let groups = info.and_then(|info| info["groups"].as_array()).map(|groups| groups.iter().filter_map(user).collect());
    let groups: Vec<String> = groups.unwrap_or_default();
    let name = info.and_then(|info| user(&info["username"])).unwrap_or_default();
    kept.insert("userInfo".to_owned(), json!({"username": name, "groups": groups}));
    kept.insert("options".to_owned(), json!({"fieldManager": manager}));
    for field in ["object", "oldObject"] {
        if let Some(object) = request.get_mut(field).filter(|object| object.is_object()) {
            reduce_ingress(object, keeps_snippets);
            kept.insert(field.to_owned(), object.take());
        }
    }
    Some(json!({"kind": review["kind"], "apiVersion": review["apiVersion"], "request": kept}))
}

/// Leaves out metadata and annotations of an Ingress that no check reads. Of snippets, only the names in them are kept, unless
/// they may answer requests, or words in them decide.
pub(super) fn reduce_ingress(ingress: &mut Value, keeps_snippets: bool) {
    let Some(metadata) = ingress.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let mut kept = taken(metadata, &METADATA);
    if let Some(annotations) = metadata.get("annotations").and_then(Value::as_object) {
        let read = annotations.iter().filter(|(key, _)| is_relevant(key));
        let read = read.map(|(key, value)| {
            let is_snippet = key.starts_with(NGINX_PREFIX) && key.ends_with("-snippet");
            let reduced = value
                .as_str()
                .filter(|text| is_snippet && !keeps_snippets && !may_answer(text))
                .map(snippet_without_values);
            (key.clone(), reduced.map_or_else(|| value.clone(), Value::from))
        });
        kept.insert("annotations".to_owned(), Value::Object(read.collect()));
    }
    *metadata = kept;
}

fn taken(object: &mut Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    fields.iter().filter_map(|field| Some(((*field).to_owned(), object.remove(*field)?))).collect()
}
