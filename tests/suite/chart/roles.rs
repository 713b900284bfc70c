//! Roles of the pods and of users.

use std::collections::BTreeSet;
use std::fs;

use ingress_guard::model::Kind;
use serde_json::{Value, json};

use super::{CHART, Helm, Objects};

/// The rights that rules grant: `group/resource verb`.
fn rights(role: &Value) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let mut found = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                found.extend(texts(&rule["verbs"]).into_iter().map(|verb| format!("{group}/{resource} {verb}")));
            }
        }
    }
    found
}

/// Bindings in a namespace: `namespace/role`.
fn bindings(objects: &Objects) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let role =
        |binding: &Value| format!("{}/{}", text(&binding["metadata"]["namespace"]), text(&binding["roleRef"]["name"]));
    objects.of("RoleBinding").map(role).collect()
}

#[test]
fn a_rule_for_namespaces_can_need_config_maps_again() {
    let Some(helm) = Helm::find() else { return };
    let reads = |namespaces: Value| {
        let config = json!({"checks": {"IG604": "off"}, "namespaces": namespaces});
        rights(helm.template(&json!({"config": config})).one("ClusterRole/ingress-guard")).contains("/configmaps get")
    };
    assert!(!reads(json!([])));
    assert!(!reads(
        json!([{"match": "shop", "checks": {"IG201": "warn"}}, {"match": "a", "checks": {"IG604": "off"}}])
    ));
    for check in ["annotation-reference-missing", "IG604", "ig604"] {
        assert!(reads(json!([{"match": "shop", "checks": {check: "deny"}}])), "{check}");
    }
}

#[test]
fn secrets_and_config_maps_can_be_limited_to_namespaces() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({"rbac": {"secretNamespaces": ["shop", "docs", "shop"]}}));
    let wide = rights(objects.one("ClusterRole/ingress-guard"));
    assert!(!wide.iter().any(|right| right.contains("secrets") || right.contains("configmaps")), "{wide:?}");
    let references = rights(objects.one("ClusterRole/ingress-guard-references"));
    assert_eq!(references, BTreeSet::from(["/configmaps get", "/secrets get"].map(str::to_owned)));
    let bound = bindings(&objects);
    for namespace in ["shop", "docs"] {
        let binding = format!("{namespace}/ingress-guard-references");
        assert_eq!(bound.iter().filter(|bound| **bound == binding).count(), 1, "{bound:?}");
    }
    assert!(!objects.of("ClusterRoleBinding").any(|binding| binding["roleRef"]["name"] == "ingress-guard-references"));
    let config: Value = serde_saphyr::from_str(&objects.config()).unwrap();
    assert_eq!(config["secretNamespaces"], json!(["shop", "docs", "shop"]));

    // The key of the configuration does the same.
    let configured = helm.template(&json!({"config": {"secretNamespaces": ["shop"]}}));
    assert!(bindings(&configured).contains(&"shop/ingress-guard-references".to_owned()));
    let wide = rights(configured.one("ClusterRole/ingress-guard"));
    assert!(!wide.iter().any(|right| right.contains("secrets") || right.contains("configmaps")), "{wide:?}");
    let both = |rbac: &str| json!({"config": {"secretNamespaces": ["shop"]}, "rbac": {"secretNamespaces": [rbac]}});
    assert_eq!(bindings(&helm.template(&both("shop"))), bindings(&configured));
    let refusal = helm.refusal(&both("blog"));
    assert!(refusal.contains("rbac.secretNamespaces and config.secretNamespaces differ"), "{refusal}");

    let refusal = helm.refusal(&json!({"rbac": {"secretNamespaces": ["shop"]}, "config": {"secrets": "watch"}}));
    assert!(refusal.contains("rbac.secretNamespaces: config.secrets must be `get` or `off`"), "{refusal}");
}

#[test]
fn rights_to_secrets_follow_the_configuration() {
    let Some(helm) = Helm::find() else { return };
    let secrets = |config: Value| -> Vec<String> {
        let objects = helm.template(&json!({"config": config}));
        let found = rights(objects.one("ClusterRole/ingress-guard")).into_iter();
        found.filter(|right| right.contains("secrets")).collect()
    };
    assert_eq!(secrets(json!({})), ["/secrets get"]);
    assert_eq!(secrets(json!({"secrets": false})), Vec::<String>::new());
    assert_eq!(secrets(json!({"secrets": "watch"})), ["/secrets get", "/secrets list", "/secrets watch"]);
}

#[test]
fn readers_read_all_that_commands_list_and_no_secret() {
    let Some(helm) = Helm::find() else { return };
    let readers = json!([{"kind": "Group", "name": "ci", "apiGroup": "rbac.authorization.k8s.io"}]);
    let objects = helm.template(&json!({"rbac": {"readers": readers}}));
    let granted = rights(objects.one("ClusterRole/ingress-guard-reader"));
    for kind in Kind::ALL.into_iter().filter(|kind| ![Kind::Secret, Kind::ConfigMap].contains(kind)) {
        for verb in ["get", "list"] {
            let right = format!("{}/{} {verb}", kind.group(), kind.plural());
            assert!(granted.contains(&right), "{right}");
        }
    }
    assert!(!granted.iter().any(|right| right.contains("secrets")), "{granted:?}");
    let writes = |right: &&String| !["get", "list"].iter().any(|verb| right.ends_with(&format!(" {verb}")));
    assert_eq!(granted.iter().find(writes), None);
    assert_eq!(objects.one("ClusterRoleBinding/ingress-guard-reader")["subjects"], readers);

    assert_eq!(objects.of("ClusterRole").filter(|role| role["metadata"]["name"] == "ingress-guard-classes").count(), 0);
    let classes = helm.template(&json!({"rbac": {"classReaders": readers}}));
    assert_eq!(classes.one("ClusterRoleBinding/ingress-guard-classes")["subjects"], readers);
    let granted = rights(classes.one("ClusterRole/ingress-guard-classes"));
    assert_eq!(granted, BTreeSet::from(["get", "list"].map(|verb| format!("networking.k8s.io/ingressclasses {verb}"))));

    let view = objects.one("ClusterRole/ingress-guard-view");
    assert_eq!(view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"], "true");
    let none = helm.template(&json!({"rbac": {"readerRole": false, "aggregateToView": false}}));
    let names: Vec<&Value> = none.of("ClusterRole").map(|role| &role["metadata"]["name"]).collect();
    assert_eq!(
        names,
        ["ingress-guard-background", "ingress-guard-webhook-ca", "ingress-guard", "ingress-guard-doctor"]
    );
}

#[test]
fn controllers_are_discovered_in_configured_namespaces_only() {
    let Some(helm) = Helm::find() else { return };
    let values = json!({"config": {"discovery": {"namespaces": ["a"]}}, "rbac": {"controllerNamespaces": ["b"]}});
    let objects = helm.template(&values);
    let mut bound = bindings(&objects);
    bound.sort();
    assert_eq!(
        bound,
        [
            "a/ingress-guard-controllers",
            "b/ingress-guard-controllers",
            "default/ingress-guard-doctor",
            "ingress-guard/ingress-guard-background",
            "ingress-guard/ingress-guard-doctor",
            "ingress-guard/ingress-guard-events",
            "ingress-guard/ingress-guard-webhook-ca"
        ]
    );
}

#[test]
fn the_test_and_the_startup_check_create_dry_runs_with_an_account_of_their_own() {
    let Some(helm) = Helm::find() else { return };
    let hooks = |objects: &Objects, name: &str| {
        let found: Vec<Value> = objects.0.iter().filter(|found| found["metadata"]["name"] == name).cloned().collect();
        assert!(!found.is_empty(), "{name}");
        found.into_iter().map(|object| object["metadata"]["annotations"].clone()).collect::<Vec<_>>()
    };
    let values = json!({"doctor": {"dryRunNamespace": "shop"}, "startupCheck": {"enabled": true}});
    let objects = helm.template(&values);
    for pod in [&objects.one("Pod")["spec"], &objects.one("Job")["spec"]["template"]["spec"]] {
        assert_eq!(pod["serviceAccountName"], "ingress-guard-doctor");
        let arguments = pod["containers"][0]["args"].to_string();
        assert!(arguments.contains("--dry-run-namespace=shop") && !arguments.contains("no-write"), "{arguments}");
    }
    // Before the pods, and only while they run.
    for annotations in hooks(&objects, "ingress-guard-doctor") {
        assert_eq!(annotations["helm.sh/hook"], "test,post-install,post-upgrade");
        assert_eq!(annotations["helm.sh/hook-weight"], "-1");
        assert_eq!(annotations["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded,hook-failed");
    }
    let created = |role: &&Value| rights(role).iter().any(|right| right.ends_with("/ingresses create"));
    let creating: Vec<&Value> = objects.of("Role").filter(created).map(|role| &role["metadata"]["namespace"]).collect();
    assert_eq!(creating, ["shop"]);
    for annotations in hooks(&helm.template(&json!({})), "ingress-guard-doctor") {
        assert_eq!(annotations["helm.sh/hook"], "test");
    }

    // The account `default` belongs to other pods as well.
    let refusal = helm.refusal(&json!({"serviceAccount": {"create": false}}));
    assert!(refusal.contains("serviceAccount.name: name the account"), "{refusal}");
    // Without accounts and roles of the chart, the pods have those of the server.
    let none = helm.template(&json!({"rbac": {"create": false}, "serviceAccount": {"create": false, "name": "guard"}}));
    assert_eq!(none.one("Pod")["spec"]["serviceAccountName"], "guard");
    assert!(none.0.iter().all(|object| object["metadata"]["name"] != "ingress-guard-doctor"));
}

#[test]
fn every_right_has_a_reason_in_the_document() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm
        .template(&json!({"config": {"dialects": [{"match": {"class": "a"}, "engine": "nginx", "configMap": "b/c"}]}}));
    let document = fs::read_to_string(format!("{CHART}/../docs/security.md")).unwrap();
    let table = document.split("\n## Permissions").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(" | ").collect()).collect();
    for role in objects.of("ClusterRole").chain(objects.of("Role")) {
        for rule in role["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                let resource = format!("`{}`", resource.as_str().unwrap());
                let verbs: Vec<&str> =
                    rule["verbs"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
                let verbs = verbs.join(", ");
                let is_one = rule["resourceNames"].is_array();
                let has_row = rows.iter().any(|row| {
                    let [resources, of, scope, ..] = row[..] else { return false };
                    resources.contains(&resource) && of == verbs && scope.starts_with("one object") == is_one
                });
                // Roles for users only read, and have a table of their own.
                let name = role["metadata"]["name"].as_str().unwrap();
                let is_for_users = ["-reader", "-view", "-classes"].iter().any(|end| name.ends_with(end));
                let is_named = table.contains(&resource) && is_for_users;
                assert!(has_row || is_named, "docs/security.md has no reason for {verbs} of {resource}");
            }
        }
    }
}
