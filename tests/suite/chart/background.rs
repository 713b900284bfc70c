//! The Lease of the background audit.

use serde_json::json;

use super::Helm;

#[test]
fn the_chart_renders_a_lease_without_spec_and_one_right_for_it() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({}));
    let lease = objects.one("Lease");
    assert_eq!(lease["metadata"]["name"], "ingress-guard-background");
    // Not even an empty one: an upgrade would reset what the holder has written.
    assert!(lease["spec"].is_null(), "{lease}");
    assert_eq!(
        objects.one("Role/ingress-guard-background")["rules"],
        json!([{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                "resourceNames": ["ingress-guard-background"], "verbs": ["get", "update"]}])
    );
    let arguments = objects.one("Deployment").pointer("/spec/template/spec/containers/0/args").unwrap().to_string();
    assert!(arguments.contains("\"--background-lease=ingress-guard/ingress-guard-background\""), "{arguments}");
}

#[test]
fn without_the_audit_there_is_neither_a_lease_nor_a_right() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({"config": {"background": {"enabled": false}}}));
    assert_eq!(objects.of("Lease").count(), 0);
    assert!(!objects.of("Role").any(|role| role.to_string().contains("leases")));
    assert!(!objects.one("Deployment").to_string().contains("--background-lease"));
}
