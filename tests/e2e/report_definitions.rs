//! The definitions of the kinds of reports that a cluster can have.

use serde_json::{Value, json};

/// The CustomResourceDefinition of a kind of reports, with the fields that are written here. Facts of the CRD files of
/// openreports/reports-api (`config/crd/openreports.io_reports.yaml`) and kubernetes-sigs/wg-policy-prototypes
/// (`policy-report/crd/v1alpha2/wgpolicyk8s.io_policyreports.yaml`), both under Apache-2.0.
fn definition(group: &str, version: &str, kind: &str, plural: &str, has_source: bool) -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let one_of = |values: &[&str]| json!({"type": "string", "enum": values});
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let reference = json!({"type": "object", "x-kubernetes-map-type": "atomic", "properties": {
        "apiVersion": text, "fieldPath": text, "kind": text, "name": text, "namespace": text, "resourceVersion": text, "uid": text}});
    let result = json!({"type": "object", "required": ["policy"], "properties": {
        "source": text, "policy": text, "rule": text, "category": text, "message": text, "scored": {"type": "boolean"},
        "result": one_of(&["pass", "fail", "warn", "error", "skip"]),
        "severity": one_of(&["critical", "high", "low", "medium", "info"]),
        "properties": {"type": "object", "additionalProperties": text},
        "resources": {"type": "array", "items": reference},
        "timestamp": {"type": "object", "required": ["nanos", "seconds"], "properties": {
            "nanos": {"type": "integer", "format": "int32"}, "seconds": {"type": "integer", "format": "int64"}}}}});
    let summary = object(json!({"error": number, "fail": number, "pass": number, "skip": number, "warn": number}));
    let mut schema =
        object(json!({"apiVersion": text, "kind": text, "metadata": {"type": "object"}, "scope": reference,
                                   "summary": summary, "results": {"type": "array", "items": result}}));
    if has_source {
        schema["properties"]["source"] = text;
    }
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
           "metadata": {"name": format!("{plural}.{group}")},
           "spec": {"group": group, "scope": "Namespaced",
                    "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
                    "versions": [{"name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

/// Returns the definition of the newer kind.
pub(crate) fn open_reports() -> Value {
    definition("openreports.io", "v1alpha1", "Report", "reports", true)
}

/// Returns the definition of the older kind.
pub(crate) fn policy_reports() -> Value {
    definition("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports", false)
}
