//! The effect of missing references by field manager and namespace.

use ingress_guard::admission::Outcome;
use ingress_guard::policy::UNORDERED_MANAGERS;
use serde_json::{Value, json};

use super::{BAD, GOOD, ask, create, recorded, review, reviewer, spec, update};

/// The review as a client with this field manager causes it.
fn by(manager: &str, mut review: Value) -> Value {
    review["request"]["options"]["fieldManager"] = json!(manager);
    review
}

/// The review as a client with this user agent and without a field manager causes it.
fn by_agent(agent: &str, mut review: Value) -> Value {
    review["request"]["options"].as_object_mut().unwrap().remove("fieldManager");
    review["request"]["object"]["metadata"]["managedFields"][0]["manager"] = json!(agent.split('/').next());
    review
}

fn dry_run(mut review: Value) -> Value {
    review["request"]["dryRun"] = json!(true);
    review
}

/// An update that adds a path to a Service that does not exist.
fn change() -> Value {
    let with = |paths: &[(&str, &str, u16)]| (json!({}), spec(paths));
    update(with(&[("/", "web", 80)]), with(&[("/", "web", 80), ("/new", "gone", 80)]))
}

#[test]
fn clients_that_create_in_any_order_are_warned_at_creation_only() {
    let reviewer = reviewer("", BAD);
    for manager in [
        "Terraform",
        "HashiCorp",
        "pulumi-kubernetes",
        "pulumi-kubernetes-9880894e",
        "pulumi-resource-kubernetes",
        "apiextensions.crossplane.io/composed/ef08e4db35abd8b42eb51aba418b5b81",
        "crossplane-kubernetes-provider",
        "provider-kubernetes/web",
        "e2e.test",
    ] {
        let answer = ask(&reviewer, &by(manager, recorded("create")));
        answer.assert(&["IG201"], &[]);
        assert_eq!(answer.would_deny, ["IG201"], "{manager}");
        assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=missing-references");
    }
    for manager in ["helm", "argocd-controller", "kustomize-controller", "kubectl-client-side-apply", "kubectl", ""] {
        ask(&reviewer, &by(manager, recorded("create"))).assert(&[], &["IG201"]);
    }
    let good = super::reviewer("", GOOD);
    ask(&good, &by("Terraform", change())).assert(&[], &["IG201"]);
    assert!(UNORDERED_MANAGERS.contains(&"Terraform*"));
}

#[test]
fn a_client_without_a_field_manager_is_known_by_its_user_agent() {
    let reviewer = reviewer("", BAD);
    ask(&reviewer, &by_agent("HashiCorp/1.0 Terraform/1.15.2", recorded("create"))).assert(&["IG201"], &[]);
    ask(&reviewer, &by_agent("e2e.test/v1.36.0 (linux/amd64)", recorded("create"))).assert(&["IG201"], &[]);
    let curl = by_agent("curl/8.0", recorded("create"));
    ask(&reviewer, &curl).assert(&[], &["IG201"]);
    let record = review(&reviewer, curl.to_string().as_bytes()).unwrap().record;
    assert_eq!((record.outcome, record.field_manager.as_str()), (Outcome::Deny, "curl"));
}

#[test]
fn findings_about_the_ingress_itself_deny_whatever_the_client() {
    let own = create(json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"}), spec(&[("/api/(.*)", "gone", 80)]));
    ask(&reviewer("", GOOD), &by("Terraform", own)).assert(&["IG201"], &["IG310"]);
}

#[test]
fn one_word_warns_at_every_creation() {
    let reviewer = reviewer("missingReferences: denyOnChange", GOOD);
    let created = create(json!({}), spec(&[("/", "gone", 80)]));
    ask(&reviewer, &by("kubectl", created.clone())).assert(&["IG201"], &[]);
    ask(&reviewer, &by("kubectl", dry_run(created))).assert(&["IG201"], &[]);
    ask(&reviewer, &by("kubectl", change())).assert(&[], &["IG201"]);
    ask(&reviewer, &by("kubectl", dry_run(change()))).assert(&["IG201"], &[]);
}

#[test]
fn the_first_entry_for_a_field_manager_and_namespace_applies() {
    let config = "
missingReferencesFor:
  - {managers: ['argocd-*'], namespaces: ['pre*'], effect: warn}
  - {managers: ['argocd-*'], effect: denyOnChange}
  - {namespaces: [default], effect: deny}
";
    let reviewer = reviewer(config, BAD);
    ask(&reviewer, &by("argocd-controller", recorded("create"))).assert(&["IG201"], &[]);
    ask(&reviewer, &by("Terraform", recorded("create"))).assert(&[], &["IG201"]);
    ask(&reviewer, &by("Terraform", dry_run(recorded("create")))).assert(&[], &["IG201"]);
    let mut preview = by("argocd-controller", change());
    preview["request"]["namespace"] = json!("preview");
    for object in ["object", "oldObject"] {
        preview["request"][object]["metadata"]["namespace"] = json!("preview");
    }
    ask(&reviewer, &preview).assert(&["IG201", "IG201"], &[]);
}

#[test]
fn the_default_entries_are_never_stricter_than_the_general_effect() {
    ask(&reviewer("missingReferences: warn", GOOD), &by("Terraform", change())).assert(&["IG201"], &[]);
    ask(&reviewer("missingReferences: deny", BAD), &by("Terraform", recorded("create"))).assert(&["IG201"], &[]);
    let alike = reviewer("missingReferencesFor: []", BAD);
    ask(&alike, &by("Terraform", recorded("create"))).assert(&[], &["IG201"]);
}

#[test]
fn a_field_manager_does_not_lift_what_cannot_be_waived() {
    // The class is not allowed in the namespace: a client could otherwise use it under another name.
    let config = "namespaces: [{match: '*', classes: [internal]}]";
    ask(&reviewer(config, GOOD), &by("Terraform", recorded("create"))).assert(&[], &["IG107"]);
}

/// The Ingresses of the conformance tests of Kubernetes (`test/e2e/network/ingress.go`) and of Ingress controllers
/// (`ingress-controller-conformance`), without any other object.
#[test]
fn the_conformance_tests_of_kubernetes_can_store_their_ingresses() {
    let backend = |name: &str| json!({"service": {"name": name, "port": {"number": 8080}}});
    let path = |path: &str, kind: &str, name: &str| json!({"path": path, "pathType": kind, "backend": backend(name)});
    let api = json!({"defaultBackend": backend("default-backend"), "rules": [
        {"host": "foo.bar.com", "http": {"paths": [path("/", "ImplementationSpecific", "test-backend")]}}]});
    let class = json!({"ingressClassName": "some-invalid-class-name", "rules": [
        {"host": "ingress-class", "http": {"paths": [path("/test", "Prefix", "ingress-class-prefix")]}}]});
    let hosts = json!({"tls": [{"hosts": ["foo.bar.com"], "secretName": "conformance-tls"}], "rules": [
        {"host": "*.foo.com", "http": {"paths": [path("/", "Prefix", "wildcard-foo-com")]}},
        {"host": "foo.bar.com", "http": {"paths": [path("/", "Prefix", "foo-bar-com")]}}]});
    let paths = json!({"rules": [
        {"host": "exact-path-rules", "http": {"paths": [path("/foo", "Exact", "foo-exact")]}},
        {"host": "prefix-path-rules", "http": {"paths": [
            path("/foo", "Prefix", "foo-prefix"), path("/aaa/bbb", "Prefix", "aaa-bbb"), path("/aaa", "Prefix", "aaa")]}},
        {"host": "mixed-path-rules", "http": {"paths": [
            path("/foo", "Prefix", "foo-prefix"), path("/foo", "Exact", "foo-exact")]}},
        {"host": "trailing-slash-path-rules", "http": {"paths": [
            path("/aaa/bbb/", "Prefix", "aaa-bbb"), path("/foo/", "Exact", "foo-slash-exact")]}}]});
    let without_host = json!({"defaultBackend": backend("echo-service")});
    let class_of_nginx = GOOD.split("---").next().unwrap();
    let is_default = class_of_nginx.replace(
        "metadata: {name: nginx}",
        "metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}",
    );
    assert!(is_default.contains("is-default-class"), "{class_of_nginx}");
    for cluster in ["", class_of_nginx, &is_default] {
        let reviewer = reviewer("", cluster);
        for (agent, spec) in [
            ("e2e.test", &api),
            ("ingress-controller-conformance", &class),
            ("ingress-controller-conformance", &hosts),
            ("ingress-controller-conformance", &paths),
            ("ingress-controller-conformance", &without_host),
        ] {
            let created = ask(&reviewer, &by_agent(agent, create(json!({}), spec.clone())));
            assert!(created.allowed, "{cluster}\n{spec:#}\n{}", created.message);
            let annotated =
                (json!({"patched": "true", "nginx.ingress.kubernetes.io/enable-cors": "true"}), spec.clone());
            let updated = ask(&reviewer, &by_agent(agent, update((json!({}), spec.clone()), annotated)));
            assert!(updated.allowed, "{cluster}\n{spec:#}\n{}", updated.message);
        }
    }
}
