//! The bodies that the load sends: UPDATEs of one Ingress in an inventory of [`crate::server`].

use axum::body::Bytes;
use serde_json::{Value, json};

/// The size in bytes of an average update in a cluster of Helm charts.
const BYTES: usize = 10_800;
/// The key under which kubectl records what was applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The Secret of the realistic Ingress.
pub(crate) const SECRET: &str = "web-7-tls";
/// The hosts of its certificate; no rule routes the second.
pub(crate) const HOSTS: [&str; 2] = ["app-7.example.com", "www.app-7.example.com"];

/// One body of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// Seven paths and no annotation that a check reads; padded with spaces.
    Plain,
    /// An Ingress as a chart writes it: labels, annotations, TLS, three field managers, nine paths, one finding.
    Realistic,
}

impl Body {
    /// Parses the name of a body.
    pub(crate) fn named(name: &str) -> Self {
        if name == "realistic" { Self::Realistic } else { Self::Plain }
    }

    /// An update with a changed spec.
    pub(crate) fn changed(self) -> Bytes {
        self.review("old", "new")
    }

    /// An update with the same spec, as after a changed label.
    pub(crate) fn unchanged(self) -> Bytes {
        self.review("new", "new")
    }

    fn review(self, old: &str, new: &str) -> Bytes {
        let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reviews/recorded/update.json");
        let mut review: Value = serde_json::from_slice(&std::fs::read(recorded).expect("a recording")).expect("JSON");
        let request = &mut review["request"];
        request["name"] = json!("web-7");
        request["namespace"] = json!("team-0");
        for (field, last) in [("oldObject", old), ("object", new)] {
            let object = &mut request[field];
            object["metadata"]["name"] = json!("web-7");
            object["metadata"]["namespace"] = json!("team-0");
            match self {
                Self::Plain => plain(object, last),
                Self::Realistic => realistic(object, last),
            }
        }
        if self == Self::Plain {
            pad(&mut review);
        }
        review.to_string().into()
    }
}

/// A path to the port `http` of a Service.
pub(crate) fn path_to(path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"name": "http"}}}})
}

fn paths(last: &str, parts: usize) -> Vec<Value> {
    let mut paths: Vec<Value> = (0..parts).map(|part| path_to(&format!("/part-{part}"), "web-7")).collect();
    paths.push(path_to(&format!("/{last}"), "web-7"));
    paths
}

fn plain(object: &mut Value, last: &str) {
    object["spec"]["rules"] = json!([{"host": HOSTS[0], "http": {"paths": paths(last, 6)}}]);
}

/// Fills the annotation of kubectl up to the size of an average update.
fn pad(review: &mut Value) {
    let missing = BYTES.saturating_sub(review.to_string().len()) / 2;
    for field in ["oldObject", "object"] {
        let last_applied = &mut review["request"][field]["metadata"]["annotations"][LAST_APPLIED];
        let padded = format!("{}{}", last_applied.as_str().unwrap_or_default(), " ".repeat(missing));
        *last_applied = json!(padded);
    }
}

fn realistic(object: &mut Value, last: &str) {
    let labels = json!({
        "app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "web-7", "app.kubernetes.io/version": last,
        "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "web-4.2.1", "app.kubernetes.io/component": "frontend", "team": "storefront",
    });
    let annotations = json!({
        "cert-manager.io/cluster-issuer": "letsencrypt",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
        "nginx.ingress.kubernetes.io/force-ssl-redirect": "true",
    });
    let spec = json!({
        "ingressClassName": "nginx",
        "tls": [{"hosts": HOSTS, "secretName": SECRET}],
        "rules": [{"host": HOSTS[0], "http": {"paths": paths(last, 8)}}],
    });
    let applied = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": spec,
        "metadata": {"annotations": annotations, "labels": labels, "name": "web-7", "namespace": "team-0"},
    });
    let metadata = &mut object["metadata"];
    metadata["annotations"] = annotations;
    metadata["annotations"][LAST_APPLIED] = json!(format!("{applied}\n"));
    metadata["managedFields"] = json!([
        manager(
            "kubectl-client-side-apply",
            &json!({
                "f:metadata": {
                    "f:annotations": keys(&metadata["annotations"]),
                    "f:labels": keys(&labels),
                },
                "f:spec": {"f:ingressClassName": {}, "f:rules": {}, "f:tls": {}},
            })
        ),
        manager("nginx-ingress-controller", &json!({"f:status": {"f:loadBalancer": {"f:ingress": {}}}})),
        manager(
            "kubectl-edit",
            &json!({
                "f:metadata": {"f:labels": {"f:team": {}}, "f:annotations": {"f:nginx.ingress.kubernetes.io/proxy-body-size": {}}},
            })
        ),
    ]);
    metadata["labels"] = labels;
    object["spec"] = spec;
    object["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}});
}

fn manager(name: &str, fields: &Value) -> Value {
    json!({
        "manager": name, "operation": "Update", "apiVersion": "networking.k8s.io/v1", "time": "2026-11-22T06:02:13Z",
        "fieldsType": "FieldsV1", "fieldsV1": fields,
    })
}

/// The keys of a map as managed fields.
fn keys(map: &Value) -> Value {
    let keys = map.as_object().into_iter().flat_map(|map| map.keys());
    [(".".to_owned(), json!({}))].into_iter().chain(keys.map(|key| (format!("f:{key}"), json!({})))).collect()
}
