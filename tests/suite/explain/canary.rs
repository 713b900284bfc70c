//! A path of a canary is served if the main Ingress of its location is: a canary has no location of its own.

use super::findings::assert_manifests_agree;
use crate::binary::run;

const SERVICES: &str = "\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: ExternalName, externalName: web.example.net, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: next, namespace: shop}
spec: {type: ExternalName, externalName: next.example.net, ports: [{port: 80}]}
";

/// An Ingress with these annotations, one on each line.
fn ingress(name: &str, service: &str, annotations: &[&str]) -> String {
    let annotations: Vec<String> =
        annotations.iter().map(|it| format!("    nginx.ingress.kubernetes.io/{it}\n")).collect();
    let annotations = annotations.concat();
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: shop\n  annotations:\n\
         {annotations}spec:\n  ingressClassName: nginx\n  rules:\n  - host: app.example.com\n    http:\n      paths:\n\
         \x20     - {{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}\n"
    )
}

/// Explains `shop/canary` with a version of the controller, beside a main Ingress if that has annotations.
fn explained(version: &str, main: Option<&[&str]>, canary: &[&str]) -> (i32, String) {
    let main = main.map_or_else(String::new, |annotations| ingress("main", "web", annotations));
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), SERVICES.to_owned() + &main + &ingress("canary", "next", canary)).unwrap();
    assert_manifests_agree(file.path(), version.strip_prefix("ingress-nginx@"));
    let manifests = ["--manifests", file.path().to_str().unwrap()];
    let (code, text, stderr) =
        run(&[&["explain", "shop/canary", "--assume-controller", version][..], &manifests].concat());
    (code, text + &stderr)
}

const KNOWN: &str = "ingress-nginx@1.15.1";
const UNKNOWN: &str = "ingress-nginx";
const PLAIN: &[&str] = &["ssl-redirect: 'false'"];
const CANARY: &[&str] = &["canary: 'true'", "canary-weight: '10'"];

#[test]
fn a_canary_shares_the_path_of_its_main_ingress() {
    let (code, text) = explained(KNOWN, Some(PLAIN), CANARY);
    assert!(text.contains("✓ Prefix /"), "{text}");
    assert!(text.contains("Service shop/next answers the requests that are selected for the canary"), "{text}");
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_canary_that_gets_no_request_is_broken() {
    for (main, canary) in [
        (None, CANARY),
        (Some(PLAIN), &["canary: 'true'"][..]),
        // The canary is not loaded.
        (Some(PLAIN), &["canary: 'true'", "canary-weight: '10'", "upstream-vhost: 'a;b'"]),
        // The location of the main Ingress returns 503.
        (Some(&["auth-url: no-url"]), CANARY),
    ] {
        let (code, text) = explained(KNOWN, main, canary);
        assert!(text.contains("✗ Prefix /"), "{main:?} {canary:?}: {text}");
        assert_eq!(code, 1, "{main:?} {canary:?}: {text}");
    }
}

#[test]
fn a_canary_that_some_versions_do_not_load_is_unknown() {
    let canary = &[CANARY, &["upstream-vhost: 'a;b'"]].concat();
    let (code, text) = explained(UNKNOWN, Some(PLAIN), canary);
    assert!(text.contains("? Prefix /") && text.contains("result unknown: the controller does not load"), "{text}");
    assert_eq!(code, 2, "{text}");
}
