//! The bodies of honest and hostile reviews.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The namespace of the Services whose events are awaited.
pub(crate) const SEEN: &str = "team-9";

/// The same review by another user in another namespace than those of the attacks.
fn by(user: &str, namespace: &str, body: &Bytes) -> Bytes {
    String::from_utf8_lossy(body).replace("mallory", user).replace("team-0", namespace).into()
}

/// A create of an Ingress with these annotations and this spec.
fn create(name: &str, annotations: &[(&str, String)], spec: &Value) -> Bytes {
    let annotations: Map<String, Value> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "team-0", "uid": "5d2f", "annotations": annotations,
                     "creationTimestamp": "2026-11-22T10:00:00Z"},
        "spec": spec, "status": {"loadBalancer": {}},
    });
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "2c3e4d55-7d47-4d52-9d6c-0a1b2c3d4e5f",
            "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
            "resource": {"group": "networking.k8s.io", "version": "v1", "resource": "ingresses"},
            "name": name, "namespace": "team-0", "operation": "CREATE",
            "userInfo": {"username": "mallory", "groups": ["system:authenticated"]},
            "object": object, "oldObject": null, "dryRun": false, "options": {},
        },
    });
    review.to_string().into()
}

fn path(path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": "ImplementationSpecific",
           "backend": {"service": {"name": service, "port": {"name": "http"}}}})
}

fn spec(host: &str, paths: &[Value]) -> Value {
    json!({"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}]})
}

/// An honest mistake: the Service does not exist.
pub(crate) fn missing_service(n: usize) -> Bytes {
    let body = create("honest", &[], &spec(&format!("honest-{n}.example.com"), &[path("/", &format!("wbe-{n}"))]));
    by("alice", "team-7", &body)
}

/// An Ingress that is valid as soon as the Service exists.
pub(crate) fn service(name: &str) -> Bytes {
    let backend = json!({"service": {"name": name, "port": {"name": "http"}}});
    let paths = [json!({"path": "/", "pathType": "Prefix", "backend": backend})];
    by("bob", SEEN, &create("lag", &[], &spec(&format!("{name}.example.com"), &paths)))
}

pub(crate) fn hosts_and_commas() -> Bytes {
    let rules: Vec<Value> = (0..3_000)
        .map(|n| json!({"host": format!("h{n}.example.com"), "http": {"paths": [path("/", "web-1")]}}))
        .collect();
    let commas = ",".repeat(200 * 1024);
    create(
        "hosts",
        &[("nginx.ingress.kubernetes.io/server-alias", commas)],
        &json!({"ingressClassName": "nginx", "rules": rules}),
    )
}

pub(crate) fn regex_paths(count: usize) -> Bytes {
    let paths: Vec<Value> = (0..count).map(|n| path(&format!("/(a|b|c)+{n}(/|$)(.*)"), "web-1")).collect();
    let annotations = [
        ("nginx.ingress.kubernetes.io/use-regex", "true".to_owned()),
        ("nginx.ingress.kubernetes.io/rewrite-target", "/$3".to_owned()),
    ];
    create("regex", &annotations, &spec("regex.example.com", &paths))
}

pub(crate) fn plain_paths(count: usize) -> Bytes {
    let paths: Vec<Value> = (0..count).map(|n| path(&format!("/app/v{n}/part"), "web-1")).collect();
    create("plain", &[], &spec("plain.example.com", &paths))
}

pub(crate) fn hard_patterns() -> Bytes {
    let paths: Vec<Value> = (0..200).map(|n| path(&format!("/{n}(?:\\b|\\B|$){{30}}(?=q)(a+)+$"), "web-1")).collect();
    create("hard", &[("nginx.ingress.kubernetes.io/use-regex", "true".to_owned())], &spec("hard.example.com", &paths))
}

/// Reviews of increasing cost, so that some end just below the limit of the fast places.
pub(crate) fn near_the_fast_limit() -> Vec<Bytes> {
    (1..=32).map(|n| regex_paths(4 * n)).collect()
}

pub(crate) fn waiver_clauses(bytes: usize) -> Bytes {
    let clauses = "x;".repeat(bytes / 2);
    create("waivers", &[("ingress-guard.io/ignore", clauses)], &spec("waivers.example.com", &[path("/", "web-1")]))
}

/// A large object without anything unusual: many managed fields and paths.
pub(crate) fn ordinary(bytes: usize) -> Bytes {
    let mut text = String::new();
    let mut paths = Vec::new();
    for n in 0..9_000 {
        paths.push(path(&format!("/shop/section-{n}"), &format!("web-{}", n % 20)));
        let _ = write!(text, "{{\"path\":\"/shop/section-{n}\"}},");
    }
    let missing = bytes.saturating_sub(create("ordinary", &[], &spec("ordinary.example.com", &paths)).len());
    let last_applied = text.repeat(missing / text.len().max(1));
    create(
        "ordinary",
        &[("kubectl.kubernetes.io/last-applied-configuration", last_applied)],
        &spec("ordinary.example.com", &paths),
    )
}

/// Reviews that reference Secrets which do not exist, with other names in each.
pub(crate) fn unknown_secrets(count: usize) -> Vec<Bytes> {
    let review = |of: usize| {
        let tls: Vec<Value> = (0..count)
            .map(|n| json!({"hosts": [format!("s{n}.example.com")], "secretName": format!("tls-{of}-{n}")}))
            .collect();
        let mut spec = spec(&format!("secrets-{of}.example.com"), &[path("/", "web-1")]);
        spec["tls"] = json!(tls);
        create(&format!("secrets-{of}"), &[], &spec)
    };
    (0..40).map(review).collect()
}

/// Reviews with backends that do not exist.
pub(crate) fn missing_services(count: usize) -> Vec<Bytes> {
    let review = |of: usize| {
        let paths: Vec<Value> = (0..count).map(|n| path(&format!("/p{n}"), &format!("missing-{of}-{n}"))).collect();
        create(&format!("missing-{of}"), &[], &spec(&format!("missing-{of}.example.com"), &paths))
    };
    (0..8).map(review).collect()
}
