//! Manifest files as the cluster: all supported forms, and invalid files.

use std::fs;
use std::path::PathBuf;

use ingress_guard::cluster::{Coverage, Inventory, ManifestError, load};
use ingress_guard::model::{Key, Kind, TargetPort};
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn loaded(files: &[(&str, &str)]) -> Result<Inventory, ManifestError> {
    load(&[folder(files).path().to_owned()])
}

/// Returns the error without the path of the folder.
fn error(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = load(&[folder.path().to_owned()]).expect_err("must not load").to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";

#[test]
fn yaml_and_json_documents_and_lists_are_read() {
    let inventory = loaded(&[
        ("a.yaml", &format!("# a comment\n---\n{SERVICE}---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n")),
        ("b.yml", "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: two, namespace: shop}}\n"),
        ("deep/down/c.json", r#"{"kind":"ServiceList","apiVersion":"v1","items":[{"metadata":{"name":"three"}}]} {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"shop"}}"#),
        ("d.json", r#"{"kind":"IngressClass","apiVersion":"networking.k8s.io/v1","metadata":{"name":"nginx"},"spec":{"controller":"c"}}"#),
        ("e.yaml", "--- {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}\n"),
        ("f.yaml", "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: c}, spec: {secretName: web-tls}}\n---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: two-x, namespace: shop, labels: {kubernetes.io/service-name: two}}}\n"),
        ("g.yaml", "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: v}, webhooks: null}"),
        ("h.yaml", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web}}\n---\n{apiVersion: v1, kind: Node, metadata: {name: n1}}\n---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}}"),
        ("notes.txt", "not a manifest"),
        ("bom.yaml", &format!("\u{feff}{}", SERVICE.replace("web", "bom").replace('\n', "\r\n"))),
    ])
    .unwrap_or_else(|error| panic!("{error}"));
    let counts: Vec<_> = Kind::ALL.into_iter().map(|kind| (kind.name(), inventory.count(kind))).collect();
    let wanted = [
        ("APIService", 0),
        ("Certificate", 1),
        ("ConfigMap", 1),
        ("DaemonSet", 0),
        ("Deployment", 1),
        ("EndpointSlice", 1),
        ("Ingress", 1),
        ("IngressClass", 1),
        ("MutatingWebhookConfiguration", 0),
        ("Namespace", 1),
        ("Node", 1),
        ("Pod", 1),
        ("Secret", 0),
        ("Service", 4),
        ("StatefulSet", 0),
        ("ValidatingWebhookConfiguration", 1),
    ];
    assert_eq!(counts, wanted);
    assert_eq!(inventory.certificates_for("default", "web-tls").count(), 1);
    assert_eq!(inventory.endpoint_slices_of("shop", "two").count(), 1);
    assert!(inventory.service("default", "web").is_some(), "without a namespace it is in default");
    assert!(inventory.service("shop", "two").is_some());
    assert!(inventory.service("default", "three").is_some(), "items of a ServiceList need no kind");
    assert_eq!(inventory.ingresses().next().unwrap().backends().count(), 1);
}

#[test]
fn a_repeated_object_replaces_the_first() {
    let second = SERVICE.replace("80", "81");
    let inventory = loaded(&[("a.yaml", SERVICE), ("b.yaml", &second)]).unwrap();
    assert_eq!(inventory.count(Kind::Service), 1);
    assert_eq!(inventory.service("default", "web").unwrap().ports[0].number, 81);
}

#[test]
fn target_ports_are_numbers_names_or_the_port_itself() {
    let ports = "spec: {ports: [{port: 80, targetPort: 8080}, {port: 81, targetPort: http}, {port: 82}, {port: 83, targetPort: \"8083\"}, {port: 84, targetPort: null}]}";
    let inventory = loaded(&[("a.yaml", &SERVICE.replace("spec: {ports: [{port: 80}]}", ports))]).unwrap();
    let targets: Vec<_> =
        inventory.service("default", "web").unwrap().ports.iter().map(|port| port.target.clone()).collect();
    let number = TargetPort::Number;
    assert_eq!(targets, [number(8080), TargetPort::Name("http".into()), number(82), number(8083), number(84)]);
}

#[test]
fn a_broken_document_is_named_by_file_line_and_column() {
    let after = |broken: &str| format!("{SERVICE}---\n{broken}");
    for (file, text, expected) in [
        ("a.yaml", after("kind: [unclosed\n"), "a.yaml:6:7:"),
        ("a.yaml", after("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: eighty}]}\n"), "a.yaml:9:23:"),
        ("a.yaml", after("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations: {a: true}\n"), "a.yaml:10:"),
        ("a.yaml", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, spec: {ports: x}}\n".to_owned(), "a.yaml:4:49: spec.ports: must be a list"),
        ("a.json", "{\"kind\": \"Service\",\n \"apiVersion\": \"v1\",\n \"spec\": {\"ports\": 1}}".to_owned(), "a.json:3:"),
        ("a.json", "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"spec\":{\"ports\":1}}]}".to_owned(), "a.json:2:"),
        ("a.json", "{\"kind\": ".to_owned(), "a.json:1:"),
        ("helm.yaml", "kind: {{ .Values.kind }}\n".to_owned(), "helm.yaml:1:"),
    ] {
        let error = error(&[(file, &text)]);
        assert!(error.starts_with(expected), "{text}\n  got      {error}\n  expected {expected}");
        assert!(!error.contains('\n') && !error.contains(" at line "), "{error}");
    }
}

#[test]
fn missing_files_manifests_and_objects_are_errors() {
    let missing = load(&[PathBuf::from("/no/such/folder")]).expect_err("must not load").to_string();
    assert!(missing.starts_with("/no/such/folder: No such file"), "{missing}");
    assert!(error(&[]).contains("no Kubernetes object found"));
    assert!(error(&[("a.txt", SERVICE)]).contains("no Kubernetes object found"));
    assert!(error(&[("a.yaml", "# nothing\n---\n")]).contains("no Kubernetes object found"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("latin.yaml"), b"kind: \xe9").unwrap();
    assert!(load(&[folder.path().to_owned()]).expect_err("no UTF-8").to_string().contains("latin.yaml"));
}

#[test]
fn symlink_loops_are_followed_once() {
    let folder = folder(&[("a/web.yaml", SERVICE)]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    assert_eq!(load(&[folder.path().to_owned()]).unwrap().count(Kind::Service), 1);
}

#[test]
fn lists_may_contain_lists_and_other_kinds_may_end_in_list() {
    let inventory = loaded(&[
        ("a.yaml", "kind: List\napiVersion: v1\nitems:\n- kind: List\n  apiVersion: v1\n  items:\n  - {apiVersion: v1, kind: Service, metadata: {name: deep}}\n"),
        ("b.json", r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"List","apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"deeper"}}]}]}"#),
        ("c.yaml", "apiVersion: example.com/v1\nkind: IPAllowList\nmetadata: {name: x}\nitems: [10.0.0.0/8]\n"),
        ("d.yaml", "apiVersion: v1\nkind: List\nitems: null\n"),
        ("e.json", r#"{"kind":"ServiceList","apiVersion":"v1","items":null}"#),
        ("f.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: null}}\n"),
    ])
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(inventory.service_names("default").collect::<Vec<_>>(), ["deep", "deeper"]);
}

#[test]
fn text_that_looks_like_a_document_marker_does_not_split() {
    let text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n    cert: |\n      ---BEGIN---\n      ---\nspec: {ports: [{port: 80}]}\n--- # the next\napiVersion: v1\nkind: Service\nmetadata: {name: two}\n";
    let inventory = loaded(&[("a.yaml", text)]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(inventory.service_names("default").collect::<Vec<_>>(), ["two", "web"]);
    assert_eq!(inventory.service("default", "web").unwrap().ports.len(), 1);
}

#[test]
fn a_list_of_five_thousand_services_is_read() {
    let item = "- apiVersion: v1\n  kind: Service\n  metadata: {name: NAME, namespace: shop, labels: {a: b, c: d, e: f}, annotations: {a: b, c: d}}\n  spec: {type: ClusterIP, selector: {app: x, tier: front}, ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}, {name: metrics, port: 90}]}\n";
    let items: String = (0..5000).map(|n| item.replace("NAME", &format!("web-{n}"))).collect();
    let inventory = loaded(&[("a.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{items}"))]);
    assert_eq!(inventory.unwrap_or_else(|error| panic!("{error}")).count(Kind::Service), 5000);
}

/// The same as `check` knows of files.
#[test]
fn files_show_other_objects_to_load_as_well() {
    let key = |name: &str| Key::new("shop", name);
    let with = |document: &str| {
        let secret = "{apiVersion: v1, kind: Secret, metadata: {name: other, namespace: shop}}";
        loaded(&[("a.yaml", SERVICE), ("b.yaml", secret), ("c.yaml", document)]).unwrap()
    };
    let coverage = |document: &str, kind: Kind| with(document).coverage_of(kind, "shop", "web");
    let named = |kind: &str, name: &str| {
        format!("{{apiVersion: v1, kind: {kind}, metadata: {{name: \"{name}\", namespace: shop}}}}")
    };
    assert_eq!(coverage(&named("Service", "a"), Kind::Service), Coverage::Complete);
    assert_eq!(coverage(&named("Service", "${A}"), Kind::Service), Coverage::Partial);
    assert_eq!(coverage(&named("Service", "${A}"), Kind::Secret), Coverage::Complete);
    let issued = "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a, namespace: shop}, spec: {secretName: \"${A}\"}}";
    assert_eq!(coverage(issued, Kind::Secret), Coverage::Partial);
    let made = "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: web, namespace: shop}}";
    assert!(with(made).contains(Kind::Secret, &key("web")));
    let doubt = |document: &str| with(document).doubt(&key("i"), Kind::Service, &key("web")).is_some();
    assert!(doubt("{apiVersion: example.com/v1, kind: Database, metadata: {name: web, namespace: shop}}"));
    assert!(!doubt("{apiVersion: example.com/v1, kind: Database, metadata: {name: web, namespace: other}}"));
}
