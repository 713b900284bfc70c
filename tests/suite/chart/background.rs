//! The Lease of the background audit, and the rights to write Events and reports.

use serde_json::{Value, json};

use super::{Helm, Objects};

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
    assert_eq!(writes(&objects), Vec::<String>::new());
}

/// The kinds of the background audit that the pods may write in all namespaces.
fn writes(objects: &Objects) -> Vec<String> {
    let mut found = objects.of("ClusterRole").filter(|role| role["metadata"]["name"] == "ingress-guard-background");
    let rules = found.next().map(|role| role["rules"].as_array().unwrap().clone()).unwrap_or_default();
    let bindings = objects.of("ClusterRoleBinding").filter(|it| it["roleRef"]["name"] == "ingress-guard-background");
    assert_eq!(bindings.count(), usize::from(!rules.is_empty()));
    rules.iter().map(|rule| format!("{} {}", rule["resources"], rule["verbs"])).collect()
}

#[test]
fn rights_to_events_and_reports_follow_the_configuration() {
    let Some(helm) = Helm::find() else { return };
    let with = |background: Value| writes(&helm.template(&json!({"config": {"background": background}})));
    let events = r#"["events"] ["create","list","patch"]"#;
    let reports = [
        r#"["reports"] ["create","delete","list","patch"]"#,
        r#"["policyreports"] ["create","delete","list","patch"]"#,
    ];
    assert_eq!(with(json!({})), [&[events], &reports[..]].concat());
    assert_eq!(with(json!({"events": false})), reports);
    assert_eq!(with(json!({"reports": false})), [events]);
    assert_eq!(with(json!({"events": false, "reports": false})), Vec::<String>::new());
}

#[test]
fn a_change_that_needs_a_restart_restarts_the_pods() {
    let Some(helm) = Helm::find() else { return };
    let checksum = |config: Value| {
        let objects = helm.template(&json!({"config": config}));
        objects.one("Deployment").pointer("/spec/template/metadata/annotations/checksum~1config").unwrap().to_string()
    };
    let first = checksum(json!({}));
    for kept in [
        json!({"secrets": "off"}),
        json!({"secretNamespaces": ["shop"]}),
        json!({"discovery": {"mode": "classes"}}),
        json!({"background": {"interval": "2h"}}),
        json!({"probe": {"interval": "10m"}}),
    ] {
        assert_ne!(checksum(kept.clone()), first, "{kept}");
    }
    assert_eq!(checksum(json!({"profile": "observe"})), first);
}
