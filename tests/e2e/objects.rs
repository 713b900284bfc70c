//! The objects that tests write, as small as they can be.

use serde_json::{Value, json};

/// Several as one that kubectl reads.
pub(crate) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

/// A class of ingress-nginx.
pub(crate) fn class(name: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

/// A Service without pods.
pub(crate) fn service(name: &str, ports: &[u16]) -> Value {
    let ports: Vec<Value> = ports.iter().map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports}})
}

/// A host of its own for an Ingress: each test has its own classes, while all of them share the cluster.
pub(crate) fn host(name: &str, class: &str) -> String {
    if class.is_empty() { format!("{name}.example.com") } else { format!("{name}.{class}.example.com") }
}

/// An Ingress with one host of its own and one path, `/`.
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

/// With these annotations of ingress-nginx.
pub(crate) fn annotated(mut ingress: Value, annotations: &[(&str, &str)]) -> Value {
    for (name, value) in annotations {
        ingress["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{name}")] = json!(value);
    }
    ingress
}

/// At another host, with these paths of type `ImplementationSpecific` and no others; all go to Service `web`.
pub(crate) fn routing(mut ingress: Value, host: &str, paths: &[&str]) -> Value {
    let paths = paths.iter().map(|text| {
        let mut path = path(text, "web", 80);
        path["pathType"] = json!("ImplementationSpecific");
        path
    });
    ingress["spec"]["rules"] = json!([{"host": host, "http": {"paths": paths.collect::<Vec<_>>()}}]);
    ingress
}

/// The same Ingress with a fault that no other object can mend: IG310.
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
