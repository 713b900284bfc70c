//! Objects written just before the review are known: watches lag, and that must not cause a denial.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, host, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

#[test]
fn a_service_and_its_ingress_in_one_file_are_accepted_however_often() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-together", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-together" };
    terminal.stores(&[class("together")]);
    for n in 0..50 {
        let name = format!("web-{n}");
        terminal.stores(&[service(&name, &[80]), ingress(&name, "together", &name, 80)]);
    }
}

#[test]
fn a_service_created_beside_reads_of_its_name_is_found() {
    const ROUNDS: usize = 200;
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-flood", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-flood" };
    terminal.stores(&[class("flood")]);
    let round = AtomicUsize::new(0);
    let services = "/api/v1/namespaces/live-flood/services";
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/live-flood/ingresses";
    let post = |path: &str, object: &Value| cluster.api().post(path, object).unwrap();
    thread::scope(|scope| {
        // These writes make the webhook read the names of the next Services all the time.
        let flood = |sender: usize| {
            let mut denied = 0;
            for n in 0.. {
                let at = round.load(Ordering::Relaxed);
                if at == ROUNDS {
                    break;
                }
                let name = format!("flood-{sender}-{n}");
                let (status, _) = post(ingresses, &ingress(&name, "flood", &format!("web-{}", at + n % 2), 80));
                denied += usize::from(status == 403);
            }
            denied
        };
        let floods: Vec<_> = (0..4).map(|sender| scope.spawn(move || flood(sender))).collect();
        for n in 0..ROUNDS {
            round.store(n, Ordering::Relaxed);
            let name = format!("web-{n}");
            let created = post(services, &service(&name, &[80]));
            assert_eq!(created.0, 201, "{created:?}");
            let stored = post(ingresses, &ingress(&name, "flood", &name, 80));
            assert_eq!(stored.0, 201, "{stored:?}");
        }
        round.store(ROUNDS, Ordering::Relaxed);
        let denied: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        assert!(denied > ROUNDS / 4, "{denied} writes were denied for the names");
    });
}

#[test]
fn a_port_added_just_before_is_found() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-ports", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-ports" };
    terminal.stores(&[class("ports"), service("web", &[80])]);
    for n in 0..50 {
        let port = 8000 + n;
        terminal.stores(&[service("web", &[80, port]), ingress("web", "ports", "web", port)]);
    }
}

#[test]
fn an_ingress_replaced_just_before_is_found() {
    let Some(cluster) = cluster::shared() else { return };
    // No check that reads other Ingresses denies by default.
    let _webhook = Webhook::watching(&cluster, "live-replaced", "checks: {tls-host-unrouted: deny}\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-replaced" };
    terminal.stores(&[class("replaced"), service("web", &[80])]);
    // One Ingress routes the host, another has a certificate for it.
    let router = |name: &str| {
        let mut router = ingress(name, "replaced", "web", 80);
        router["spec"]["rules"][0]["host"] = json!("shared.example.com");
        router
    };
    let relying = |name: &str| {
        let mut relying = ingress(name, "replaced", "web", 80);
        relying["spec"]["tls"] = json!([{"hosts": [host(name, "replaced"), "shared.example.com".to_owned()]}]);
        relying
    };
    let denied = |relying: &Value| {
        terminal.refuses(relying, &["no rule routes shared.example.com: requests return 404", "[IG407 "]);
    };
    denied(&relying("too-early"));
    terminal.stores(&[router("router-0")]);
    for n in 1..20 {
        terminal.does(&["delete", "ingress", &format!("router-{}", n - 1)]);
        terminal.stores(&[router(&format!("router-{n}")), relying(&format!("relying-{n}"))]);
    }
    terminal.does(&["delete", "ingress", "router-19"]);
    // The Ingresses with the certificate do not route the host.
    denied(&relying("too-late"));
}

#[test]
fn a_location_released_just_before_is_free() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-free", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-free" };
    terminal.stores(&[class("free"), service("web", &[80])]);
    // `/foo` and `/foo/` become one location: IG314.
    let at = |name: &str, path: &str| {
        let mut ingress = ingress(name, "free", "web", 80);
        ingress["spec"]["rules"][0]["host"] = json!("one.free.example.com");
        ingress["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!(path);
        ingress
    };
    terminal.stores(&[at("holder-0", "/foo")]);
    for n in 1..20 {
        let (path, other) = if n % 2 == 0 { ("/foo", "/foo/") } else { ("/foo/", "/foo") };
        terminal.refuses(
            &at("early", path),
            &[&format!("and {other:?} of Ingress live-free/"), "[IG314 location-duplicated]"],
        );
        terminal.does(&["delete", "ingress", &format!("holder-{}", n - 1)]);
        terminal.stores(&[at(&format!("holder-{n}"), path)]);
    }
}
