//! Life with the webhook: the order of a first apply, and changes of the configuration.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, host, ingress, path, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

fn hint(object: &str) -> String {
    format!("\nif {object} comes later in the same apply, apply again\n")
}

/// A folder with these files.
fn folder(files: &[(&str, &Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, object) in files {
        fs::write(folder.path().join(name), object.to_string()).unwrap();
    }
    folder
}

#[test]
fn a_folder_with_the_ingress_first_is_applied_by_the_second_run() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "living-folder", "");
    let terminal = Terminal { cluster: &cluster, namespace: "living-folder" };
    terminal.stores(&[class("living-folder")]);
    let (ingress, service) = (ingress("web", "living-folder", "web", 80), service("web", &[80]));
    let folder = folder(&[("ingress.yaml", &ingress), ("service.yaml", &service)]);
    let apply = || terminal.run(&["apply", "--filename", folder.path().to_str().unwrap()], "");
    let first = apply();
    assert_eq!((first.code, first.stdout.as_str()), (1, "service/web created\n"), "{first}");
    assert!(first.stderr.contains(&hint("Service living-folder/web")), "{first}");
    assert_eq!(apply().ok(), "ingress.networking.k8s.io/web created\nservice/web unchanged\n");
}

#[test]
fn a_kustomization_with_its_own_class_is_applied_by_the_second_run() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "living-kustomize", "");
    let terminal = Terminal { cluster: &cluster, namespace: "living-kustomize" };
    let folder = folder(&[
        ("kustomization.yaml", &json!({"resources": ["ingress.yaml", "service.yaml", "class.yaml"]})),
        ("ingress.yaml", &ingress("web", "living-kustomize", "web", 80)),
        ("service.yaml", &service("web", &[80])),
        ("class.yaml", &class("living-kustomize")),
    ]);
    let apply = || terminal.run(&["apply", "--kustomize", folder.path().to_str().unwrap()], "");
    let first = apply();
    assert!(first.code == 1 && first.stdout.contains("living-kustomize created\n"), "{first}");
    assert!(first.stderr.contains(&hint("IngressClass living-kustomize")), "{first}");
    let second = apply();
    assert!(second.ok().contains("ingress.networking.k8s.io/web created\n"));
}

#[test]
fn clients_without_an_order_are_warned_at_creation() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "living-parallel", "");
    let terminal = Terminal { cluster: &cluster, namespace: "living-parallel" };
    terminal.stores(&[class("living-parallel"), service("web", &[80])]);
    // `kubernetes_ingress_v1` of Terraform sends no field manager.
    let terraform = cluster.api().with_user_agent("HashiCorp/1.0 Terraform/1.15.2");
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/living-parallel/ingresses";
    let by_agent = ingress("by-agent", "living-parallel", "later", 80);
    assert_eq!(terraform.post(ingresses, &by_agent).unwrap().0, 201);
    let logged = webhook.reviews().pop().unwrap();
    assert_eq!((&logged["fieldManager"], &logged["verdict"]), (&json!("HashiCorp"), &json!("warn")), "{logged}");
    // `kubernetes_manifest` of Terraform, and Pulumi.
    for (name, manager) in [("by-terraform", "Terraform"), ("by-pulumi", "pulumi-kubernetes-9880894e")] {
        let object = ingress(name, "living-parallel", "later", 80).to_string();
        let apply = ["apply", "--server-side", &format!("--field-manager={manager}"), "--filename=-"];
        let output = terminal.run(&apply, &object);
        assert!(output.code == 0 && output.stderr.contains(" IG201 "), "{output}");
        // A change is denied as it is for all clients.
        let changed = object.replace("later", "never").replace(&host(name, "living-parallel"), "changed.example.com");
        let output = terminal.run(&apply, &changed);
        assert!(output.code == 1 && output.stderr.contains("[IG201 service-not-found]"), "{output}");
    }
    let curl = cluster.api().with_user_agent("curl/8.0");
    assert_eq!(curl.post(ingresses, &ingress("by-curl", "living-parallel", "later", 80)).unwrap().0, 403);
    // Dry runs and denials are not evaluated again; the three stored Ingresses are, after 60 seconds.
    webhook.wait(Duration::from_secs(100), || {
        let metrics = webhook.metrics();
        metrics.contains("ingress_guard_missing_reference_rechecks_total{result=\"missing\"} 3\n")
    });
    assert_eq!(webhook.log("references of a stored Ingress are still missing").len(), 3);
}

/// The requests of the test "Ingress API should support creating Ingress API operations" (`test/e2e/network/ingress.go` of
/// Kubernetes): Ingresses without class and Services.
#[test]
fn the_conformance_test_of_the_ingress_api_passes() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "living-conformance", "");
    let client = cluster.api().with_user_agent("e2e.test/v1.36.0 (linux/amd64) kubernetes/0000000 -- [sig-network]");
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/living-conformance/ingresses";
    let backend = |name: &str| path("/", name, 8080)["backend"].clone();
    let mut rule = path("/", "test-backend", 8080);
    rule["pathType"] = json!("ImplementationSpecific");
    let template = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"generateName": "e2e-example-ing", "labels": {"special-label": "living"}},
        "spec": {"defaultBackend": backend("default-backend"),
                 "rules": [{"host": "foo.bar.com", "http": {"paths": [rule]}}]}});
    let mut created = Value::Null;
    for _ in 0..3 {
        let (status, object) = client.post(ingresses, &template).unwrap();
        assert_eq!(status, 201, "{object}");
        created = object;
    }
    let at = format!("{ingresses}/{}", created["metadata"]["name"].as_str().unwrap());
    let merge = "application/merge-patch+json";
    let sends = |method: &str, path: &str, media: &str, body: &str| {
        let (status, object) = client.send(method, path, media, body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {object}");
        object
    };
    let mut patched = sends("PATCH", &at, merge, r#"{"metadata": {"annotations": {"patched": "true"}}}"#);
    patched["metadata"]["annotations"]["updated"] = json!("true");
    sends("PUT", &at, "application/json", &patched.to_string());
    let address = json!({"metadata": {"annotations": {"patchedstatus": "true"}},
                         "status": {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}});
    sends("PATCH", &format!("{at}/status"), merge, &address.to_string());
    sends("DELETE", &at, "application/json", "");
    sends("DELETE", &format!("{ingresses}?labelSelector=special-label%3Dliving"), "application/json", "");
}

#[test]
fn an_override_works_within_seconds_and_a_bad_file_changes_nothing() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "living-override", "profile: guard");
    let terminal = Terminal { cluster: &cluster, namespace: "living-override" };
    terminal.stores(&[class("living-override")]);
    let bad = |name: &str| ingress(name, "living-override", "gone", 80);
    terminal.refuses(&bad("before"), &["[IG201 service-not-found]"]);
    webhook.put_config("override: {until: 2026-01-01T00:00:00Z, profile: observe}");
    webhook.wait(Duration::from_secs(10), || webhook.readiness().contains("configuration not loaded"));
    terminal.refuses(&bad("before"), &["[IG201 service-not-found]"]);
    let until = jiff::Timestamp::now() + Duration::from_hours(1);
    let changed = Instant::now();
    webhook.put_config(&format!("override: {{until: '{until}', profile: observe, reason: INC-7}}"));
    webhook.wait(Duration::from_secs(10), || webhook.readiness().contains("an override is in force: profile observe"));
    assert!(changed.elapsed() < Duration::from_secs(10), "{:?}", changed.elapsed());
    terminal.warns(&bad("during"), "IG201");
    assert!(webhook.metrics().contains("ingress_guard_override_active 1\n"), "{}", webhook.metrics());
    assert_eq!(webhook.log("an override is in force").len(), 1);
    webhook.put_config("profile: guard");
    webhook.wait(Duration::from_secs(10), || !webhook.readiness().contains("override"));
    terminal.refuses(&bad("after"), &["[IG201 service-not-found]"]);
}

#[test]
fn a_change_of_the_config_map_applies_before_the_volume_is_updated() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching_config_map(&cluster, "living-config-map", "profile: guard");
    let terminal = Terminal { cluster: &cluster, namespace: "living-config-map" };
    terminal.stores(&[class("living-config-map")]);
    let bad = |name: &str| ingress(name, "living-config-map", "gone", 80);
    terminal.refuses(&bad("before"), &["[IG201 service-not-found]"]);
    let until = jiff::Timestamp::now() + Duration::from_hours(1);
    let config = format!("override: {{until: '{until}', profile: observe, reason: INC-7}}");
    let changed = Instant::now();
    terminal.run(&["create", "configmap", "ingress-guard", &format!("--from-literal=config.yaml={config}")], "").ok();
    webhook.wait(Duration::from_secs(10), || webhook.readiness().contains("an override is in force: profile observe"));
    assert!(changed.elapsed() < Duration::from_secs(10), "{:?}", changed.elapsed());
    terminal.warns(&bad("during"), "IG201");
}
