//! A notation for a cluster in a few lines, and the model's answers for it:
//!
//! ```text
//! shop/web @1 use-regex=true rewrite-target=/$2     Ingress, the second of its creation, annotations
//!   default web                                     defaultBackend
//!   app.example.com                                 a rule's host; * for none
//!     Prefix /foo web                               type, path, Service with port 80, or SERVICE:PORT
//! ```

use ingress_guard::budget::BudgetExceeded;
use ingress_guard::cluster::{ClusterState, ClusterView, Coverage, Inventory, LiveReads, Lookup, Object};
use ingress_guard::model::{Host, Ingress, Key, Kind, Kinds};
use ingress_guard::routing::{
    Answer, ClassRules, ControllerFamily, Controllers, Dialect, DialectMatch, DialectRule, Dialects, Location, Outcome,
    Redirect, Refusal, Rewritten, Routes, Scheme, Version, When,
};
use serde_json::{Map, Value, json};

/// Returns the Ingresses that these lines describe, all of class nginx.
pub(crate) fn ingresses(lines: &str) -> Vec<Ingress> {
    let mut ingresses: Vec<Value> = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let depth = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        match (depth, words.as_slice()) {
            (0, [key, created, annotations @ ..]) => ingresses.push(ingress(key, created, annotations)),
            (2, ["default", backend]) => ingresses.last_mut().unwrap()["spec"]["defaultBackend"] = service(backend),
            (2, [host]) => {
                let rules = ingresses.last_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap();
                rules.push(json!({"host": if *host == "*" { "" } else { host }}));
            }
            (4, [path_type, path @ .., backend]) => {
                let rule = ingresses.last_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap().last_mut().unwrap();
                let path = json!({"path": path.join(" "), "pathType": path_type, "backend": service(backend)});
                match rule["http"]["paths"].as_array_mut() {
                    Some(paths) => paths.push(path),
                    None => rule["http"] = json!({"paths": [path]}),
                }
            }
            _ => panic!("unknown line: {line:?}"),
        }
    }
    ingresses.into_iter().map(|ingress| serde_json::from_value(ingress).unwrap()).collect()
}

fn ingress(key: &str, created: &str, annotations: &[&str]) -> Value {
    let (namespace, name) = key.split_once('/').unwrap();
    let second: u8 = created.strip_prefix('@').unwrap().parse().unwrap();
    let annotations: Map<String, Value> = annotations
        .iter()
        .map(|annotation| {
            let (name, value) = annotation.split_once('=').unwrap();
            (format!("nginx.ingress.kubernetes.io/{name}"), value.into())
        })
        .collect();
    let metadata = json!({"namespace": namespace, "name": name, "annotations": annotations,
                          "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z")});
    json!({"metadata": metadata, "spec": {"ingressClassName": "nginx", "rules": []}})
}

fn service(text: &str) -> Value {
    if text == "resource" {
        return json!({"resource": {"kind": "Bucket", "name": "assets"}});
    }
    let (name, port) = text.split_once(':').unwrap_or((text, "80"));
    let port = port.parse::<u16>().map_or_else(|_| json!({"name": port}), |port| json!({"number": port}));
    json!({"service": {"name": name, "port": port}})
}

/// Returns an inventory with these Ingresses and complete coverage.
pub(crate) fn inventory(ingresses: impl IntoIterator<Item = Ingress>) -> Inventory {
    inventory_of("k8s.io/ingress-nginx", ingresses)
}

/// Returns that inventory, where this controller has class nginx.
pub(crate) fn inventory_of(controller: &str, ingresses: impl IntoIterator<Item = Ingress>) -> Inventory {
    let class = json!({"metadata": {"name": "nginx"}, "spec": {"controller": controller}});
    let mut inventory = Inventory::default();
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
    inventory.apply(Object::IngressClass(serde_json::from_value(class).unwrap()));
    for ingress in ingresses {
        inventory.apply(Object::Ingress(Box::new(ingress)));
    }
    inventory
}

/// Asks the model of the controller of class nginx with all Ingresses of the inventory stored.
pub(crate) fn with_routes<T>(inventory: &Inventory, ask: impl FnOnce(&Routes<'_>) -> T) -> T {
    with_dialects(inventory, &Dialects::default(), ask)
}

/// Asks the model of a controller with a version.
pub(crate) fn with_version<T>(inventory: &Inventory, version: Version, ask: impl FnOnce(&Routes<'_>) -> T) -> T {
    let dialect = Dialect { version: Some(version), ..Dialect::new(ControllerFamily::Nginx) };
    let matches = DialectMatch::Controller("k8s.io/ingress-nginx".to_owned());
    with_dialects(inventory, &Dialects::new(vec![DialectRule { matches, dialect }]), ask)
}

fn with_dialects<T>(inventory: &Inventory, dialects: &Dialects, ask: impl FnOnce(&Routes<'_>) -> T) -> T {
    let live_reads = LiveReads::default();
    let known = ClusterState { store: inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let no_ingress = Key::default();
    let view = ClusterView::new(known, &no_ingress, Kinds::of(&[Kind::Ingress, Kind::IngressClass]), Kinds::NONE);
    let rules = ClassRules::default();
    let any: Ingress = serde_json::from_value(json!({"spec": {"ingressClassName": "nginx"}})).unwrap();
    let controllers = Controllers::new(&view, &rules, dialects);
    ask(&Routes::of(controllers, controllers.of(&any), None))
}

/// Formats the outcome of an HTTP request in one line: the server, then the matched path or the outcome without one.
pub(crate) fn answer(lines: &str, host: &str, path: &str) -> String {
    with_routes(&inventory(ingresses(lines)), |routes| in_words(routes, host, path))
}

/// As above, for a controller without known settings.
pub(crate) fn neutral_answer(lines: &str, host: &str, path: &str) -> String {
    with_routes(&inventory_of("haproxy.org/ingress-controller", ingresses(lines)), |routes| {
        in_words(routes, host, path)
    })
}

pub(crate) fn in_words(routes: &Routes<'_>, host: &str, path: &str) -> String {
    match routes.answer(Scheme::Http, host, path, When::After) {
        Ok(Lookup::Found(answer)) => {
            let refusal = routes.refusal(&answer);
            let Answer { server, location, outcome, .. } = answer;
            let server = if server.host == Host::Any { "_".to_owned() } else { server.host.to_string() };
            let refused = refusal.map(|Refusal { status, annotation }| format!("{status} by {annotation}"));
            format!("{server}: {}", refused.unwrap_or_else(|| outcome_in_words(location.as_ref(), &outcome)))
        }
        Ok(Lookup::Absent | Lookup::Unknown) => "unknown".to_owned(),
        Err(BudgetExceeded) => "budget exceeded".to_owned(),
    }
}

fn outcome_in_words(location: Option<&Location<'_>>, outcome: &Outcome<'_>) -> String {
    let matched = || {
        let location = location.unwrap();
        let key = location.ingress.map_or("no Ingress".to_owned(), |ingress| ingress.meta.key.to_string());
        match location.at {
            Some(at) => format!("{key} {} {}", at.path.path_type.name(), at.path.routed()),
            None => format!("{key} default"),
        }
    };
    match outcome {
        Outcome::BadRequest => "400".to_owned(),
        Outcome::DefaultBackend => "404".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
        Outcome::Broken => format!("500 by {}", matched()),
        Outcome::Redirect(status, Redirect::AppRoot) => format!("{status} to app-root"),
        Outcome::Redirect(status, Redirect::Www) => format!("{status} to the other name"),
        Outcome::Redirect(status, why) => format!("{status} {why:?} by {}", matched()),
        Outcome::Backend { path, .. } => match path {
            Rewritten::To(path) => format!("{} rewritten to {}", matched(), String::from_utf8_lossy(path)),
            _ => matched(),
        },
    }
}
