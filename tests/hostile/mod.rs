//! Ingresses made to be costly to evaluate: every annotation with hostile values, on shapes with many hosts, paths or TLS entries.

use ingress_guard::cluster::{Coverage, Inventory, Object};
use ingress_guard::model::{Ingress, Kind};
use ingress_guard::routing::annotations::ALL;
use serde_json::{Value, json};

/// What an Ingress has many of.
pub(crate) const SHAPES: [&str; 5] = ["hosts", "paths", "regexes", "TLS", "TLS hosts"];

/// The values, each of about so many bytes.
pub(crate) fn values(bytes: usize) -> Vec<(&'static str, String)> {
    let repeated = |text: &str| text.repeat(bytes.div_ceil(text.len()));
    vec![
        ("commas", repeated(",")),
        ("names", repeat(bytes / 8, |n| format!("h{n:04}.a,"))),
        ("own hosts", repeat(bytes / 8, |n| format!("h{n}.x,"))),
        ("captures", format!("/{}", repeated("$1"))),
        ("variables", format!("/{}", repeated("$a-"))),
        ("distinct variables", repeat(bytes / 6, |n| format!("$v{n}-"))),
        ("groups", format!("/{}", repeated("(a+)+"))),
        ("clauses", repeated("x;")),
        ("letters", repeated("a")),
        ("spaces", repeated(" a")),
        ("lines", repeated("a\n")),
        ("digits", repeated("1")),
        ("URL", format!("https://a.b/{}", repeated("a/"))),
        ("on", "true".to_owned()),
    ]
}

/// The names of all annotations in the table, without the prefix.
pub(crate) fn annotations() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|row| row.name)
}

/// An Ingress of this shape, with `size` parts and the given annotations.
pub(crate) fn ingress<'a>(
    shape: &str,
    size: usize,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Ingress {
    let path = |path: String| {
        json!({"path": path, "pathType": "ImplementationSpecific",
               "backend": {"service": {"name": "web", "port": {"number": 80}}}})
    };
    let host = |n: usize, paths: Vec<Value>| json!({"host": format!("h{n}.x"), "http": {"paths": paths}});
    let all = 0..size;
    let rules: Vec<Value> = match shape {
        "hosts" => all.clone().map(|n| host(n, vec![path("/".to_owned())])).collect(),
        "paths" => vec![host(0, all.clone().map(|n| path(format!("/app/v{n}/part"))).collect())],
        "regexes" => vec![host(0, all.clone().map(|n| path(format!("/app/(v{n}|w)+(/|$)(.*)"))).collect())],
        _ => (0..size / 2).map(|n| host(n, vec![path("/".to_owned())])).collect(),
    };
    let name = |n: usize| format!("h{n}.x");
    let tls: Vec<Value> = match shape {
        "TLS" => all.map(|n| json!({"hosts": [name(n)], "secretName": format!("s{n}")})).collect(),
        "TLS hosts" => vec![json!({"hosts": all.map(name).collect::<Vec<_>>(), "secretName": "s"})],
        _ => Vec::new(),
    };
    let annotations: serde_json::Map<String, Value> = annotations
        .into_iter()
        .map(|(name, value)| {
            let key = if name.contains('/') { name.to_owned() } else { format!("nginx.ingress.kubernetes.io/{name}") };
            (key, json!(value))
        })
        .collect();
    let ingress = json!({
        "metadata": {"namespace": "shop", "name": "web", "annotations": annotations},
        "spec": {"ingressClassName": "nginx", "rules": rules, "tls": tls},
    });
    serde_json::from_value(ingress).expect("written as Kubernetes has it")
}

/// A cluster in which every kind is known, with a class, a Service and these Ingresses.
pub(crate) fn inventory(ingresses: impl IntoIterator<Item = Ingress>) -> Inventory {
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
    let read = "these are written as Kubernetes has them";
    let class = json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    inventory.apply(Object::IngressClass(serde_json::from_value(class).expect(read)));
    let service = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"ports": [{"port": 80}]}});
    inventory.apply(Object::Service(serde_json::from_value(service).expect(read)));
    for ingress in ingresses {
        inventory.apply(Object::Ingress(Box::new(ingress)));
    }
    inventory
}

/// Joins numbered texts.
fn repeat(count: usize, text: impl Fn(usize) -> String) -> String {
    let texts: Vec<String> = (0..count).map(text).collect();
    texts.concat()
}
