//! Objects whose contents are not in the file: encrypted by SOPS, or written as placeholders.

use serde_json::Value;

use super::outside::Named;
use crate::model::placeholder::{is_placeholder, placeholders};
use crate::model::{Key, Kind};

/// Whether a text may contain such values. Most do not, and are not searched further.
pub(super) fn may_be_unclear(text: &str) -> bool {
    ["${", "$(", "{{", "<path:", "ENC["].iter().any(|sign| text.contains(sign))
}

/// Returns whether the contents of an object are unknown. The fields of an Ingress are each read as they are, and most fields of
/// workloads and pods: `$(NAME)` is a variable of Kubernetes in the arguments of a container.
pub(super) fn is_unclear(kind: Kind, object: &Value) -> bool {
    let any = |field: &str, is_unclear: fn(&str) -> bool| object.get(field).is_some_and(|it| any_text(it, &is_unclear));
    match kind {
        Kind::Secret => {
            let is_encrypted = |text: &str| text.starts_with("ENC[") || is_placeholder(text);
            ["data", "stringData", "type"].iter().any(|field| any(field, is_encrypted))
        }
        // The controller's ConfigMap contains text of nginx, whose variables have lower case.
        Kind::ConfigMap => {
            let is_outside_nginx = |text: &str| {
                placeholders(text)
                    .any(|found| found.name.is_none_or(|name| name.contains(|c: char| c.is_ascii_uppercase())))
            };
            any("data", is_outside_nginx)
        }
        Kind::Service => any("spec", is_placeholder),
        Kind::IngressClass => any("spec", is_placeholder) || any("metadata", is_placeholder),
        Kind::Pod => is_unclear_pod(object),
        kind if Kind::WORKLOADS.contains(&kind) => {
            object.get("spec").and_then(|spec| spec.get("template")).is_some_and(is_unclear_pod)
        }
        _ => false,
    }
}

/// Returns whether a pod, or a template of pods, has placeholders in what a Service selects: its labels and container ports.
fn is_unclear_pod(pod: &Value) -> bool {
    let labels = pod.get("metadata").and_then(|metadata| metadata.get("labels"));
    let containers = ["containers", "initContainers"].map(|field| pod.get("spec")?.get(field)?.as_array());
    let ports = containers.into_iter().flatten().flatten().filter_map(|container| container.get("ports"));
    labels.into_iter().chain(ports).any(has_placeholder)
}

/// Returns whether a value contains a placeholder at any depth.
pub(super) fn has_placeholder(object: &Value) -> bool {
    any_text(object, &is_placeholder)
}

fn any_text(value: &Value, is_so: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_so(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_so)),
        Value::Object(fields) => fields.values().any(|field| any_text(field, is_so)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns kind, namespace and name of an object.
pub(super) fn named(kind: Kind, object: &Value, default: &str) -> Option<Named> {
    let text = |field: &str| object.get("metadata")?.get(field)?.as_str().filter(|text| !text.is_empty());
    let namespace = if kind.is_namespaced() { text("namespace") } else { Some("") };
    let key = Key::new(namespace.unwrap_or(default), text("name")?);
    Some(Named { kind, key, has_namespace: namespace.is_some() })
}
