//! What rules and selectors of the API server select.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::RuleWithOperations;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};

/// Whether a list of a rule contains a value or the wildcard.
fn has(list: Option<&Vec<String>>, value: &str) -> bool {
    list.is_some_and(|list| list.iter().any(|item| item == value || item == "*"))
}

/// Whether a rule selects an operation on a resource of `networking.k8s.io/v1`, for which `ingresses` and `ingresses/status` count.
pub(super) fn selects_operation(rule: &RuleWithOperations, operation: &str, resource: &str) -> bool {
    let is_wildcard = |item: &String| match resource.split_once('/') {
        None => item == "*" || item == "*/*",
        Some((parent, child)) => item == "*/*" || *item == format!("{parent}/*") || *item == format!("*/{child}"),
    };
    let is_resource = |item: &String| item == resource || is_wildcard(item);
    has(rule.api_groups.as_ref(), "networking.k8s.io")
        && has(rule.api_versions.as_ref(), "v1")
        && has(rule.operations.as_ref(), operation)
        && rule.resources.as_ref().is_some_and(|resources| resources.iter().any(is_resource))
        && rule.scope.as_deref() != Some("Cluster")
}

/// Whether a selector of the API server selects these labels. No selector selects everything; `None`: it cannot be read.
pub(super) fn selects_labels(
    selector: Option<&LabelSelector>,
    labels: Option<&BTreeMap<String, String>>,
) -> Option<bool> {
    let Some(selector) = selector else { return Some(true) };
    let selector = Selector::try_from(selector.clone()).ok()?;
    let none = BTreeMap::new();
    Some(selector.matches(labels.unwrap_or(&none)))
}
