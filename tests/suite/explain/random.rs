//! `explain` agrees with the findings in random worlds: a few Ingresses that share hosts, with annotations that interact.

use std::collections::{BTreeMap, BTreeSet};

use ingress_guard::cluster::{Inventory, Object};
use ingress_guard::config::Config;
use ingress_guard::model::Backend;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::findings::{Differences, assert_agrees, differences};
use crate::routing::notation::{ingresses, inventory};

const WORLDS: usize = 600;

const CONTROLLER: &str = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.15.1}]";

const ANNOTATIONS: [&str; 28] = [
    "use-regex=true",
    "rewrite-target=/$1",
    "rewrite-target=/x",
    "rewrite-target=/$undefined",
    "rewrite-target=https://www.example.org/",
    "limit-rps=x",
    "auth-type=basic",
    "whitelist-source-range=bad",
    "ssl-redirect=false",
    "force-ssl-redirect=true",
    "permanent-redirect=https://www.example.org/",
    "app-root=/home",
    "canary=true canary-weight=10",
    "canary=true canary-weight=10",
    "canary=true",
    "server-alias=alias.example.com",
    "server-alias=app.example.com",
    "proxy-buffers-number=1",
    "auth-url=http://gone.shop.svc.cluster.local/",
    "auth-url=http://app.example.com/foo",
    "default-backend=web",
    "default-backend=idle",
    "from-to-www-redirect=true",
    "custom-http-errors=503",
    "auth-tls-secret=shop/gone",
    "service-upstream=true",
    "backend-protocol=FCGI",
    "ssl-passthrough=true",
];

/// One Ingress in the notation of the routing tests, without its name and age.
fn any_ingress() -> impl Strategy<Value = String> {
    let annotations = prop::sample::subsequence(ANNOTATIONS.to_vec(), 0..3);
    let hosts = ["app.example.com", "app.example.com", "www.app.example.com", "*.example.com", "*"];
    let path = (
        prop::sample::select(vec!["Prefix", "Prefix", "Exact", "ImplementationSpecific"]),
        prop::sample::select(vec!["/", "/foo", "/foo/", "/foo/bar", "/foo(/|$)(.*)", "/v1.2", "/Foo", "/fo+"]),
        prop::sample::select(vec!["web", "web", "next", "idle", "gone", "web:81", "web:http"]),
    );
    // ingress-nginx itself rejects an Exact regex (`strict-validate-path-type`).
    let is_stored = |(path_type, path, _): &(&str, &str, &str)| *path_type != "Exact" || !path.contains(['(', '+']);
    let path = path.prop_filter("an Exact regex", is_stored);
    let path = path.prop_map(|(path_type, path, service)| format!("    {path_type} {path} {service}"));
    let rule = (prop::sample::select(hosts.to_vec()), prop::collection::vec(path, 1..4));
    let rule = rule.prop_map(|(host, paths)| format!("\n  {host}\n{}", paths.join("\n")));
    let ingress = (annotations, prop::bool::weighted(0.2), prop::collection::vec(rule, 1..3));
    ingress.prop_map(|(annotations, has_default, rules)| {
        let default = if has_default { "\n  default web" } else { "" };
        format!("{}{default}{}", annotations.join(" "), rules.concat())
    })
}

/// The Services that the backends name: with an endpoint, outside the cluster, and without endpoints.
fn services() -> Vec<Object> {
    let service = |name: &str, spec| {
        let service = json!({"metadata": {"namespace": "shop", "name": name}, "spec": spec});
        Object::Service(serde_json::from_value(service).unwrap())
    };
    let ports = json!([{"name": "http", "port": 80}]);
    let ready = json!({
        "metadata": {"namespace": "shop", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}}],
    });
    vec![
        service("web", json!({"clusterIP": "10.1.0.1", "selector": {"app": "web"}, "ports": ports})),
        service("idle", json!({"clusterIP": "10.1.0.2", "selector": {"app": "idle"}, "ports": ports})),
        service("next", json!({"type": "ExternalName", "externalName": "web.example.net", "ports": [{"port": 80}]})),
        Object::EndpointSlice(serde_json::from_value(ready).unwrap()),
    ]
}

/// Returns the Ingresses that these lines describe, with Services.
fn with_services(lines: &str) -> Inventory {
    let mut inventory = inventory(ingresses(lines));
    for object in services() {
        inventory.apply(object);
    }
    inventory
}

/// Returns the Ingresses that these lines describe, with every Service and port that they name, each with endpoints.
fn with_every_service(lines: &str) -> Inventory {
    let ingresses = ingresses(lines);
    let mut ports: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for ingress in &ingresses {
        for of in ingress.backends() {
            if let Backend::Service { name, port: Some(port) } = of.backend {
                let service = (ingress.meta.key.namespace.to_string(), name.to_string());
                ports.entry(service).or_default().insert(port.plain());
            }
        }
    }
    let mut inventory = inventory(ingresses);
    for ((namespace, name), ports) in ports {
        let of_service = |port: &String| match port.parse::<u16>() {
            Ok(number) => json!({"name": format!("p-{number}"), "port": number}),
            Err(_) => json!({"name": port, "port": 8080}),
        };
        let ports: Vec<Value> = ports.iter().map(of_service).collect();
        let spec = json!({"clusterIP": "10.1.0.3", "selector": {"app": name}, "ports": ports});
        let service = json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec});
        let slice = json!({
            "metadata": {"namespace": namespace, "name": name, "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "ports": ports,
            "endpoints": [{"addresses": ["10.0.0.2"], "conditions": {"ready": true}}],
        });
        inventory.apply(Object::Service(serde_json::from_value(service).unwrap()));
        inventory.apply(Object::EndpointSlice(serde_json::from_value(slice).unwrap()));
    }
    inventory
}

/// Asserts that `explain` and the findings agree over the Ingresses that these lines describe, with and without their Services.
pub(crate) fn assert_lines_agree(lines: &str) {
    let config = Config::parse("test", CONTROLLER).unwrap();
    assert_agrees(&config, &with_services(lines));
    assert_agrees(&config, &with_every_service(lines));
}

#[test]
fn in_random_worlds() {
    let config = Config::parse("test", CONTROLLER).unwrap();
    let worlds = prop::collection::vec(any_ingress(), 1..4);
    let mut runner = TestRunner::deterministic();
    let mut all = Differences::default();
    for _ in 0..WORLDS {
        let world = worlds.new_tree(&mut runner).unwrap().current();
        let numbered = world.iter().enumerate();
        let lines: Vec<String> = numbered.map(|(at, ingress)| format!("shop/ingress-{at} @{at} {ingress}")).collect();
        let lines = lines.join("\n");
        let found = differences(&config, &with_services(&lines));
        all.count(&found);
        all.wrong.extend(found.wrong.first().map(|first| format!("{first}\n{lines}\n")));
    }
    all.assert_none_of(500);
}
