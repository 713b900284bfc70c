//! A fault of one Ingress that stops its controller is the answer on every host of that controller.

use std::fmt::Write as _;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::findings::assert_manifests_agree;
use crate::binary::run;

/// Two hosts of one controller: `bad.example.com` with these annotations, and `good.example.com`.
fn world(annotations: &[(&str, &str)], rules: &str) -> NamedTempFile {
    let mut text = String::from(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\n\
         spec: {controller: k8s.io/ingress-nginx}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team}\nspec: {ports: [{port: 80}]}\n---\n\
         apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: good, namespace: team}\n\
         spec:\n  ingressClassName: nginx\n  rules:\n  - host: good.example.com\n    http:\n      paths:\n\
         \x20     - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n---\n\
         apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: bad\n  namespace: shop\n  annotations:\n",
    );
    for (name, value) in annotations {
        let _ = writeln!(text, "    nginx.ingress.kubernetes.io/{name}: {}", serde_json::to_string(value).unwrap());
    }
    let _ = write!(text, "spec:\n  ingressClassName: nginx\n  rules:\n{rules}");
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    assert_manifests_agree(file.path(), None);
    file
}

const PATH: &str = "  - host: bad.example.com\n    http:\n      paths:\n\
    \x20     - {path: /x, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}\n";

fn explained(world: &NamedTempFile, url: &str) -> (i32, Value) {
    let (code, text, stderr) = run(&["explain", url, "-o", "json", "--manifests", world.path().to_str().unwrap()]);
    (code, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {stderr}")))
}

#[test]
fn every_host_of_the_controller_keeps_its_configuration() {
    for annotations in [
        &[("rewrite-target", "/$tenant")][..],
        &[("proxy-read-timeout", "-1")],
        &[("server-alias", "~^(a")],
        &[("rewrite-target", "/$cors")],
        &[("proxy-busy-buffers-size", "64k")],
    ] {
        let world = world(annotations, PATH);
        for host in ["bad.example.com", "good.example.com", "absent.example.com"] {
            let (code, explanation) = explained(&world, &format!("http://{host}/x"));
            assert_eq!((code, &explanation["outcome"]), (1, &Value::from("not-loaded")), "{annotations:?} {host}");
            assert_eq!(explanation["blockedBy"], "shop/bad", "{annotations:?} {host}");
        }
        let (_, good) = explained(&world, "http://good.example.com/");
        assert!(good["onceFixed"].as_str().is_some_and(|then| then == "Service team/web would answer"), "{good}");
        let (_, bad) = explained(&world, "http://bad.example.com/x");
        assert_eq!(bad["onceFixed"], Value::Null, "the answer depends on the fix");
    }
}

#[test]
fn the_ingress_that_stops_the_controller_is_named_once_for_each_host() {
    let world = world(&[("proxy-read-timeout", "-1")], PATH);
    let (code, text, _) = run(&["explain", "team/good", "--manifests", world.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert_eq!(text.matches("because of Ingress shop/bad").count(), 1, "{text}");
    assert!(text.contains("once fixed: Service team/web would answer") && !text.contains("web answers"), "{text}");
}

#[test]
fn a_canary_that_crashes_the_controller_stops_it() {
    let world = world(&[("canary", "true"), ("canary-weight", "5")], "  - host: good.example.com\n");
    let (code, explanation) = explained(&world, "http://good.example.com/");
    assert_eq!((code, &explanation["outcome"]), (1, &Value::from("not-loaded")));
    assert!(explanation["steps"][0]["detail"].as_str().unwrap().contains("crashes the controller"), "{explanation}");
}

#[test]
fn a_fault_that_is_only_possible_is_unknown() {
    let world = world(&[("rewrite-target", "/$block_ua")], PATH);
    let (code, explanation) = explained(&world, "http://good.example.com/");
    assert_eq!((code, &explanation["outcome"]), (2, &Value::from("unknown")), "{explanation}");
}

#[test]
fn an_audit_names_the_ingress_that_stops_the_controller() {
    let world = world(&[("proxy-read-timeout", "-1")], PATH);
    let manifests = ["--manifests", world.path().to_str().unwrap()];
    let (_, text, _) = run(&[&["audit"][..], &manifests].concat());
    assert!(text.contains("nginx rejects the configuration because of Ingress shop/bad"), "{text}");
    let (_, json, _) = run(&[&["audit", "-o", "json"][..], &manifests].concat());
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["reloadBlocks"][0]["ingress"], "bad");
    let routes = report["routes"].as_array().unwrap();
    let standings = routes.iter().flat_map(|host| host["paths"].as_array().unwrap()).map(|path| &path["standing"]);
    assert!(standings.into_iter().all(|standing| standing != "holds"), "{json}");
    let (_, page, _) = run(&[&["audit", "-o", "html"][..], &manifests].concat());
    assert!(page.contains("because of Ingress shop/bad"));
}
