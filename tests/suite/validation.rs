//! The validation of manifests: the recorded answers of an API server, older versions of Kubernetes, placeholders.

use std::sync::Arc;

use ingress_guard::cluster::{Manifests, Object, ReadOptions, Variables};
use ingress_guard::model::{Backend, PathType, PortRef, Written};
use ingress_guard::validation::{self, KubeVersion};
use serde_json::{Value, json};

use crate::api_server::cases;

#[test]
fn refusals_are_those_of_the_api_server() {
    let cases = cases();
    assert!(cases.len() >= 120, "{}", cases.len());
    let wrong = cases.iter().filter(|case| !case.predicted().agrees_with(&case.answer));
    let wrong: Vec<_> = wrong.map(|case| format!("{case:?}\npredicted: {:?}", case.predicted())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn ingress(version: &str, metadata: &Value, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": "Ingress", "metadata": metadata, "spec": spec})
}

/// Returns the fields and reasons.
fn refused(value: &Value, kube: KubeVersion) -> Vec<String> {
    let written = Written { value: Arc::new(value.clone()), replaces: None };
    let refusals = validation::refusals(&written, kube);
    refusals.into_iter().map(|fault| format!("{}: {}", fault.path(), fault.reason)).collect()
}

#[test]
fn annotations_have_a_size_limit() {
    let of_size = |size: usize| {
        let metadata = json!({"name": "web", "annotations": {"a": "x".repeat(size - 1)}});
        let spec = json!({"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}});
        refused(&ingress("networking.k8s.io/v1", &metadata, &spec), KubeVersion::NEWEST)
    };
    assert!(of_size(256 << 10).is_empty());
    assert_eq!(of_size((256 << 10) + 1), ["metadata.annotations: Too long: may not be more than 262144 bytes"]);
}

#[test]
fn older_versions_refuse_more() {
    let name = |service: &str| {
        let spec = json!({"defaultBackend": {"service": {"name": service, "port": {"number": 80}}}});
        ingress("networking.k8s.io/v1", &json!({"name": "web"}), &spec)
    };
    assert!(refused(&name("1web"), KubeVersion::NEWEST).is_empty());
    assert_eq!(refused(&name("1web"), KubeVersion::new(35)).len(), 1);
    let metadata = json!({"name": "web", "annotations": {"kubernetes.io/ingress.class": "nginx"}});
    let spec =
        json!({"ingressClassName": "nginx", "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}});
    let twice = ingress("networking.k8s.io/v1", &metadata, &spec);
    assert!(refused(&twice, KubeVersion::new(27)).is_empty());
    assert_eq!(refused(&twice, KubeVersion::new(26)).len(), 1);
}

#[test]
fn secrets_of_beta_versions_are_not_validated_while_they_are_served() {
    let spec = json!({
        "backend": {"serviceName": "web", "servicePort": 80},
        "tls": [{"secretName": "app_tls"}],
    });
    let beta = ingress("extensions/v1beta1", &json!({"name": "web"}), &spec);
    assert!(refused(&beta, KubeVersion::new(21)).is_empty());
    assert_eq!(refused(&beta, KubeVersion::new(22)).len(), 1);
}

#[test]
fn placeholders_are_not_refused() {
    let path = json!({"path": "${PATH}", "pathType": "${TYPE}", "backend": {"service": {"name": "$(NAME)", "port": {"number": "${PORT}"}}}});
    let spec = json!({
        "ingressClassName": "{{ .Values.class }}",
        "defaultBackend": "${BACKEND}",
        "tls": [{"hosts": ["${HOST}"], "secretName": "${SECRET}_tls"}, {"hosts": "${HOSTS}"}],
        "rules": [{"host": "${HOST}:80", "http": {"paths": [path]}}, {"http": {"paths": "${PATHS}"}}, {"http": "${HTTP}"}],
    });
    let metadata = json!({"name": "web-${NAME}_", "namespace": "${NS}", "labels": {"${KEY}": "${VALUE} a"}});
    assert_eq!(refused(&ingress("networking.k8s.io/v1", &metadata, &spec), KubeVersion::NEWEST), [""; 0]);
    let rules = ingress("networking.k8s.io/v1", &json!({"name": "web"}), &json!({"rules": "${RULES}"}));
    assert_eq!(refused(&rules, KubeVersion::NEWEST), [""; 0]);
}

fn read(text: &str) -> Manifests {
    let mut manifests = Manifests::default();
    let variables = Variables::default();
    let options = ReadOptions { namespace: "shop", variables: &variables, largest: 1 << 20 };
    manifests.read_stream("a.yaml", text.as_bytes(), options);
    manifests
}

#[test]
fn beta_versions_are_read_as_version_1() {
    let manifests = read(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: extensions/v1beta1\n  kind: Ingress\n  metadata: {name: old}\n  spec:\n    \
         backend: {serviceName: fallback, servicePort: http}\n    rules:\n    - host: app.example.com\n      http: {paths: \
         [{path: /a, backend: {serviceName: web, servicePort: 80}}, {path: /b, pathType: Exact, backend: {serviceName: web, \
         servicePort: 80, service: {name: other}}}]}\n",
    );
    assert!(manifests.faults.is_empty(), "{:?}", manifests.faults);
    let Object::Ingress(ingress) = &manifests.objects[0].object else { panic!("{manifests:?}") };
    let service = |name: &str, port: PortRef| Backend::Service { name: name.into(), port: Some(port) };
    assert_eq!(ingress.default_backend, Some(service("fallback", PortRef::Name("http".into()))));
    let paths: Vec<_> = ingress.rules[0].paths.iter().map(|path| (path.path_type, &*path.backend)).collect();
    let web = service("web", PortRef::Number(80));
    assert_eq!(paths, [(PathType::ImplementationSpecific, &web), (PathType::Exact, &web)]);
    assert!(manifests.objects[0].written.is_some());
}

#[test]
fn values_that_cannot_be_decoded_do_not_hide_the_rest() {
    let manifests = read(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  creationTimestamp: yesterday\n  annotations: {a: 1, \
         ingress-guard.io/x: true}\nspec:\n  tls: {secretName: a}\n  rules: [{host: 5}, {host: app.example.com}]\n",
    );
    assert!(manifests.faults.is_empty(), "{:?}", manifests.faults);
    let Object::Ingress(ingress) = &manifests.objects[0].object else { panic!("{manifests:?}") };
    assert_eq!(ingress.rules.len(), 2);
    let value = manifests.objects[0].written.as_ref().unwrap();
    assert_eq!(refused(value, KubeVersion::NEWEST).len(), 5);
}

#[test]
fn ingresses_of_other_groups_are_other_kinds() {
    for version in ["config.openshift.io/v1", "networking.internal.knative.dev/v1alpha1", "example.com/v1"] {
        let manifests =
            read(&format!("apiVersion: {version}\nkind: Ingress\nmetadata: {{name: web}}\nspec: {{domain: a}}\n"));
        assert!(manifests.objects.is_empty() && manifests.faults.is_empty(), "{manifests:?}");
    }
}
