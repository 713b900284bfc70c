//! Manifests that the API server refuses or changes: exit codes, versions of Kubernetes, places.

use super::{check, folder, ingress, report};

const BETA: &str = "{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: old}, spec: {backend: {serviceName: web, \
                    servicePort: 80}}}";

#[test]
fn the_version_of_kubernetes_decides_which_api_versions_are_served() {
    let folder = folder(&[("old.yaml", BETA), ("new.yaml", &ingress("new", "web", 80))]);
    let codes = |version: &str| {
        let (code, report) = report(folder.path(), &[".", "--select", "IG7*", "--kube-version", version]);
        let findings = report["findings"].as_array().unwrap().iter();
        (
            code,
            findings.map(|it| it["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(codes("1.22"), (1, vec!["old.yaml".to_owned()]));
    assert_eq!(codes("v1.21.3"), (0, Vec::new()));
    assert_eq!(codes("1.18"), (1, vec!["new.yaml".to_owned()]));
    let outcome = check(folder.path(), &[".", "--kube-version", "newest"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("expected a version of Kubernetes"), "{}", outcome.err);
}

#[test]
fn an_ingress_of_a_removed_version_is_evaluated_as_version_1() {
    let folder = folder(&[("old.yaml", BETA)]);
    let outcome = check(folder.path(), &["old.yaml", "--complete", "--select", "IG201,IG703"]);
    assert_eq!(outcome.code, 1);
    for code in ["IG201", "IG703"] {
        assert!(outcome.out.contains(code), "{}", outcome.out);
    }
}

#[test]
fn a_refused_value_does_not_hide_other_ingresses() {
    let broken = ingress("a", "web", 80).replace("number: 80", "number: '80'");
    let folder = folder(&[("all.yaml", &format!("{broken}\n---\n{}", ingress("b", "absent", 80)))]);
    let outcome = check(folder.path(), &["all.yaml", "--complete", "--select", "IG201,IG202,IG701"]);
    assert_eq!(outcome.code, 1, "{}", outcome.err);
    assert!(outcome.out.contains("cannot unmarshal string") && outcome.out.contains("absent"), "{}", outcome.out);
    // The field has no value, so the Service is not compared with it.
    assert!(!outcome.out.contains("IG202"), "{}", outcome.out);
}

#[test]
fn the_place_of_an_unknown_field_is_its_name() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotation: {a: b}\nspec:\n  \
                defaultBackend: {service: {name: web, port: {number: 80}}}\n";
    let folder = folder(&[("a.yaml", text)]);
    let (code, report) = report(folder.path(), &["a.yaml", "--select", "IG7*"]);
    let finding = &report["findings"][0];
    assert_eq!((code, &finding["code"]), (0, &"IG702".into()), "{report:#}");
    assert_eq!((&finding["line"], &finding["column"]), (&5.into(), &3.into()), "{report:#}");
}
