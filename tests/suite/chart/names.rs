//! Names of releases, namespaces and values that Kubernetes accepts in some places only.

use serde_json::{Value, json};

use super::{Helm, Objects};

/// The most characters of a label's value and of the name of a Service.
const LABEL: usize = 63;

/// Panics if a name or a label is not a text, or is too long for its place.
#[track_caller]
fn assert_valid(objects: &Objects) {
    for object in &objects.0 {
        let metadata = &object["metadata"];
        let template = &object["spec"]["template"]["metadata"];
        for labels in [&metadata["labels"], &template["labels"]] {
            for (label, value) in labels.as_object().into_iter().flatten() {
                let text = value.as_str().unwrap_or_else(|| panic!("{label}: {value} is no text in {object}"));
                assert!(text.len() <= LABEL && !text.ends_with('-'), "{label}: {text}");
            }
        }
        for field in ["name", "namespace"] {
            assert!(metadata[field].is_string() || metadata[field].is_null(), "{field} of {object}");
        }
        // The names of these become labels of pods, or DNS labels.
        if ["Job", "Pod", "Service"].contains(&object["kind"].as_str().unwrap()) {
            let name = metadata["name"].as_str().unwrap();
            assert!(name.len() <= LABEL && !name.contains('.'), "{name}");
        }
        for subject in object["subjects"].as_array().into_iter().flatten() {
            assert!(subject["namespace"].is_string(), "{object}");
        }
    }
}

fn everything() -> Value {
    json!({"startupCheck": {"enabled": true}, "serviceMonitor": {"enabled": true}, "prometheusRule": {"enabled": true},
           "grafanaDashboard": {"enabled": true}, "flowSchema": {"enabled": true}, "networkPolicy": {"enabled": true},
           "autoscaling": {"enabled": true}, "certificate": {"mode": "certManager"}})
}

#[test]
fn numbers_are_names_as_well() {
    let Some(helm) = Helm::find() else { return };
    let mut values = everything();
    values["nameOverride"] = json!("123");
    values["fullnameOverride"] = json!("true");
    for mode in ["certManager", "selfManaged"] {
        values["certificate"]["mode"] = json!(mode);
        assert_valid(&helm.template_as("456", "789", &values));
    }
    values["namespaceOverride"] = json!("1e3");
    let objects = helm.template_as("456", "789", &values);
    assert_valid(&objects);
    let service = &objects.one("Service")["metadata"];
    assert_eq!((&service["name"], &service["namespace"]), (&json!("true"), &json!("1e3")));
    assert_eq!(service["labels"]["app.kubernetes.io/instance"], "456");
}

#[test]
fn the_longest_names_fit_into_labels() {
    let Some(helm) = Helm::find() else { return };
    let mut values = everything();
    // Helm allows 53 characters.
    assert_valid(&helm.template_as(&"r".repeat(53), "guard", &values));
    for name in [63, 57, 56, 49].map(|length| "n".repeat(length)) {
        values["nameOverride"] = json!(name);
        let objects = helm.template_as("release", "guard", &values);
        assert_valid(&objects);
        let authority = objects.of("Certificate").find_map(|certificate| certificate["spec"]["commonName"].as_str());
        assert!(authority.unwrap().len() <= 64, "{authority:?}");
    }
}

#[test]
fn a_name_that_a_service_cannot_have_is_changed_or_refused() {
    let Some(helm) = Helm::find() else { return };
    let dotted = helm.template_as("my.guard", "guard", &json!({}));
    assert_valid(&dotted);
    assert_eq!(dotted.one("Service")["metadata"]["name"], "my-guard-ingress-guard");
    let refused = helm.run_as("2guard", "guard", super::CHART, &json!({}));
    let refusal = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && refusal.contains("fullnameOverride: the name "), "{refusal}");
    assert!(refusal.contains("begins with a digit"), "{refusal}");
    assert_valid(&helm.template_as("2guard", "guard", &json!({"fullnameOverride": "guard"})));
}

#[test]
fn roles_for_config_maps_and_for_controllers_have_different_names() {
    let Some(helm) = Helm::find() else { return };
    let dialects = json!([{"match": {"class": "a"}, "engine": "nginx", "configMap": "kube-system/controllers"}]);
    let objects = helm.template(&json!({"config": {"dialects": dialects}}));
    let mut names: Vec<&Value> = objects
        .of("Role")
        .filter(|role| role["metadata"]["namespace"] == "kube-system")
        .map(|role| &role["metadata"]["name"])
        .collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["ingress-guard-configmap-controllers", "ingress-guard-controllers"]);
}
