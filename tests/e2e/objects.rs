//! Minimal objects that tests write.

use serde_json::{Value, json};

/// A List of several objects.
pub(crate) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

/// An IngressClass of ingress-nginx.
pub(crate) fn class(name: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

/// A Service without pods.
pub(crate) fn service(name: &str, ports: &[u16]) -> Value {
    let ports: Vec<Value> = ports.iter().map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}})
}

/// A host for one Ingress only: tests share the cluster, but each has its own classes and hosts.
pub(crate) fn host(name: &str, class: &str) -> String {
    if class.is_empty() { format!("{name}.example.com") } else { format!("{name}.{class}.example.com") }
}

/// An Ingress with its own host and one path, `/`.
pub(crate) fn ingress(name: &str, class: &str, service: &str, port: u16) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": {
        "ingressClassName": class,
        "rules": [{"host": host(name, class), "http": {"paths": [path("/", service, port)]}}],
    }})
}

/// A path of type Prefix.
pub(crate) fn path(path: &str, service: &str, port: u16) -> Value {
    json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": port}}}})
}

/// Adds these annotations of ingress-nginx.
pub(crate) fn annotated(mut ingress: Value, annotations: &[(&str, &str)]) -> Value {
    for (name, value) in annotations {
        ingress["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")] = json!(value);
    }
    ingress
}

/// Sets another host, and these paths of type `ImplementationSpecific`; all go to Service `web`.
pub(crate) fn routing(mut ingress: Value, host: &str, paths: &[&str]) -> Value {
    let paths = paths.iter().map(|text| {
        let mut path = path(text, "web", 80);
        path["pathType"] = json!("ImplementationSpecific");
        path
    });
    ingress["spec"]["rules"] = json!([{"host": host, "http": {"paths": paths.collect::<Vec<_>>()}}]);
    ingress
}

/// The same Ingress with a problem that no other object can fix: IG310.
pub(crate) fn rewriting(mut ingress: Value) -> Value {
    ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/rewrite-target": "/$2"});
    let path = &mut ingress["spec"]["rules"][0]["http"]["paths"][0];
    path["path"] = json!("/api(.*)");
    path["pathType"] = json!("ImplementationSpecific");
    ingress
}

/// A TLS Secret.
pub(crate) fn secret(name: &str, pair: &crate::certificates::Pair) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
           "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key}})
}
