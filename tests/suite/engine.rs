//! The engine when a check panics or the time budget is exceeded, and the consistency of the inventory's indexes.

use std::sync::Arc;
use std::time::Instant;

use ingress_guard::admission::Reviewer;
use ingress_guard::budget::Allowance;
use ingress_guard::checks::{Applies, Check, Context, Findings, Release, Settings};
use ingress_guard::cluster::{ClusterView, Inventory, Lookup, Object, SharedInventory, load_text};
use ingress_guard::engine::Engine;
use ingress_guard::finding::{Level, Levels};
use ingress_guard::model::{ClassRef, FieldPath, Host, Ingress, Key, Kind, Kinds};
use ingress_guard::policy::Policy;
use proptest::prelude::*;
use serde_json::json;

use crate::admission::{GOOD, ask, create, spec};
use crate::pages::{known, now};

pub(crate) const TEMPLATE: Check = Check {
    code: "IG201",
    name: "service-not-found",
    summary: "",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: "",
    run: |_, _| {},
};

fn finds(_: &Context<'_>, out: &mut Findings) {
    out.add(FieldPath::spec(), "subject", "a fault: a consequence");
}

fn finds_and_fails(cx: &Context<'_>, out: &mut Findings) {
    finds(cx, out);
    panic!("a bug in a check");
}

fn reads_undeclared(cx: &Context<'_>, out: &mut Findings) {
    if cx.view.service("default", "absent").is_absent() {
        finds(cx, out);
    }
}

static FAILS: Check = Check { code: "IG101", name: "class-not-found", run: finds_and_fails, ..TEMPLATE };
static FINDS: Check = Check { run: finds, ..TEMPLATE };
static READS_UNDECLARED: Check = Check { run: reads_undeclared, ..TEMPLATE };

fn inventory() -> Inventory {
    load_text("cluster", GOOD).unwrap()
}

fn reviewer(checks: Vec<&'static Check>) -> Arc<Reviewer> {
    let engine = Engine::new(checks, Settings::default(), &Policy::default());
    Arc::new(Reviewer::new(SharedInventory::new(inventory()), engine, Policy::default(), now))
}

#[test]
fn a_panicking_check_stops_neither_the_review_nor_other_checks() {
    let review = create(json!({}), spec(&[("/", "web", 80)]));
    let answer = ask(&reviewer(vec![&FAILS, &FINDS]), &review);
    // The findings of a check that panicked are discarded.
    answer.assert(&["IG901"], &["IG201"]);
    assert!(answer.warnings[0].contains("IG101 class-not-found failed"), "{:?}", answer.warnings);
    ask(&reviewer(vec![&FAILS]), &review).assert(&["IG901"], &[]);
}

#[test]
fn undeclared_kinds_are_unknown_to_a_check() {
    let answer = ask(&reviewer(vec![&READS_UNDECLARED]), &create(json!({}), spec(&[("/", "web", 80)])));
    answer.assert(&["IG902"], &[]);
}

#[test]
fn checks_after_the_deadline_are_reported_as_not_evaluated() {
    let passed = Allowance { deadline: Some(Instant::now()), ..Allowance::full() };
    let engine = Engine::new(vec![&FINDS], Settings::default(), &Policy::default());
    let ingress: Ingress = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {}})).unwrap();
    let evaluation = engine.run(&ingress, known(&inventory()), &passed);
    let codes: Vec<_> = evaluation.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["IG902"]);
    assert!(evaluation.findings[0].message.contains("IG201 not evaluated: the review exceeded its time limit"));
}

#[test]
fn findings_deny_when_later_checks_have_no_time_left() {
    fn takes_long(cx: &Context<'_>, out: &mut Findings) {
        finds(cx, out);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let _ = cx.weighed(cx.routes().budget().spend(10_000));
    }
    static TAKES_LONG: Check = Check { run: takes_long, ..TEMPLATE };
    static FINDS_LATER: Check = Check { code: "IG202", name: "service-port-not-found", run: finds, ..TEMPLATE };
    let answer = ask(&reviewer(vec![&TAKES_LONG, &FINDS_LATER]), &create(json!({}), spec(&[("/", "web", 80)])));
    answer.assert(&["IG902"], &["IG201"]);
}

#[test]
fn a_failed_check_never_denies() {
    let config = ingress_guard::config::Config::parse("config", "checks: {IG901: deny, IG902: deny}").unwrap();
    let engine = Engine::new(vec![&FAILS], Settings::default(), &Policy::default());
    let reviewer = Reviewer::new(SharedInventory::new(inventory()), engine, config.policy, now);
    ask(&Arc::new(reviewer), &create(json!({}), spec(&[("/", "web", 80)]))).assert(&["IG901"], &[]);
}

#[test]
fn the_engine_requires_the_kinds_of_every_enabled_check() {
    let config = ingress_guard::config::Config::default();
    let needs = config.engine().needs();
    assert!(
        [Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::Secret].into_iter().all(|kind| needs.contains(kind))
    );
    let reads_secrets = ingress_guard::checks::ALL.iter().filter(|check| check.needs.contains(Kind::Secret));
    let off: Vec<String> = reads_secrets.map(|check| format!("{}: off", check.code)).collect();
    let config = ingress_guard::config::Config::parse("config", &format!("checks: {{{}}}", off.join(", "))).unwrap();
    assert!(!config.engine().needs().contains(Kind::Secret), "a kind that no check needs is not requested");
}

#[test]
fn a_path_longer_than_nginx_reads_is_denied() {
    let check = ingress_guard::checks::find("IG302").unwrap();
    let of_length = |length: usize| create(json!({}), spec(&[(&format!("/{}", "x".repeat(length - 1)), "web", 80)]));
    ask(&reviewer(vec![check]), &of_length(4000)).assert(&[], &[]);
    let answer = ask(&reviewer(vec![check]), &of_length(5000));
    answer.assert(&[], &["IG302"]);
    assert!(answer.message.contains("path of 5000 bytes is too long: nginx cannot reload"), "{}", answer.message);
}

// === the inventory ===

/// A watch event: an Ingress is created, changed or deleted.
#[derive(Debug, Clone)]
enum Event {
    Apply { name: u8, host: u8, class: u8, has_address: bool, alias: bool },
    Delete { name: u8 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..4u8, 0..4u8, 0..3u8, any::<bool>(), any::<bool>()).prop_map(|(name, host, class, has_address, alias)| {
            Event::Apply { name, host, class, has_address, alias }
        }),
        1 => (0..4u8).prop_map(|name| Event::Delete { name }),
    ]
}

fn key(name: u8) -> Key {
    Key::new("shop", &format!("web-{name}"))
}

const HOSTS: [&str; 4] = ["", "a.example.com", "*.example.com", "b.example.com"];

fn ingress(name: u8, host: u8, class: u8, has_address: bool, alias: bool) -> Ingress {
    let mut annotations = json!({});
    let mut spec = json!({"rules": [{"host": HOSTS[host as usize]}]});
    match class {
        0 => spec["ingressClassName"] = json!("nginx"),
        1 => annotations["kubernetes.io/ingress.class"] = json!("nginx"),
        _ => {}
    }
    if alias {
        annotations["nginx.ingress.kubernetes.io/server-alias"] = json!("alias.example.com, b.example.com");
    }
    let addresses = if has_address { json!([{"ip": "192.0.2.1"}]) } else { json!([]) };
    serde_json::from_value(json!({
        "metadata": {"name": key(name).name, "namespace": "shop", "annotations": annotations},
        "spec": spec, "status": {"loadBalancer": {"ingress": addresses}},
    }))
    .unwrap()
}

/// The results of all indexes.
fn answers(inventory: &Inventory) -> Vec<String> {
    let hosts = HOSTS.iter().chain(&["alias.example.com"]).map(|host| {
        let on: Vec<_> =
            inventory.ingresses_on(&Host::parse(host)).map(|ingress| ingress.meta.key.to_string()).collect();
        format!("{host}: {on:?}")
    });
    let classes = [ClassRef::Named("nginx"), ClassRef::Annotated("nginx"), ClassRef::Classless];
    let served = classes.iter().map(|class| format!("{class:?} served: {}", inventory.is_served(*class)));
    hosts.chain(served).chain([inventory.count(Kind::Ingress).to_string()]).collect()
}

proptest! {
    #[test]
    fn whatever_the_order_of_events_the_indexes_are_those_of_a_fresh_list(events in proptest::collection::vec(event(), 0..40)) {
        let mut followed = Inventory::default();
        let mut stored = std::collections::BTreeMap::new();
        for event in events {
            match event {
                Event::Apply { name, host, class, has_address, alias } => {
                    let ingress = ingress(name, host, class, has_address, alias);
                    stored.insert(name, ingress.clone());
                    followed.apply(Object::Ingress(Box::new(ingress)));
                }
                Event::Delete { name } => {
                    stored.remove(&name);
                    followed.delete(Kind::Ingress, &key(name));
                }
            }
        }
        let mut fresh = Inventory::default();
        for ingress in stored.into_values() {
            fresh.apply(Object::Ingress(Box::new(ingress)));
        }
        prop_assert_eq!(answers(&followed), answers(&fresh));
    }
}

#[test]
fn services_are_known_by_their_name_in_every_namespace() {
    let service = |namespace: &str| -> Object {
        Object::Service(serde_json::from_value(json!({"metadata": {"name": "web", "namespace": namespace}})).unwrap())
    };
    let mut inventory = Inventory::default();
    inventory.apply(service("shop"));
    inventory.apply(service("blog"));
    assert_eq!(inventory.service_namespaces("web").collect::<Vec<_>>(), ["blog", "shop"]);
    inventory.delete(Kind::Service, &Key::new("blog", "web"));
    inventory.delete(Kind::Service, &Key::new("blog", "web"));
    assert_eq!(inventory.service_namespaces("web").collect::<Vec<_>>(), ["shop"]);
    inventory.delete(Kind::Service, &Key::new("shop", "web"));
    assert_eq!(inventory.service_namespaces("web").count() + inventory.count(Kind::Service), 0);
}

#[test]
fn variables_are_known_while_some_ingress_defines_them() {
    let with_snippet = |name: &str, path: &str, snippet: &str| {
        let paths = json!([{"path": path, "pathType": "ImplementationSpecific", "backend": {"resource": {"kind": "x", "name": "x"}}}]);
        let ingress = json!({"metadata": {"name": name, "namespace": "shop", "annotations": {"nginx.ingress.kubernetes.io/server-snippet": snippet}},
                   "spec": {"rules": [{"http": {"paths": paths}}]}});
        Object::Ingress(Box::new(serde_json::from_value(ingress).unwrap()))
    };
    let with = |name: &str, path: &str| with_snippet(name, path, "");
    let mut inventory = Inventory::default();
    let defining = |inventory: &Inventory| {
        inventory.ingresses_defining("tenant").map(|ingress| ingress.meta.key.name.to_string()).collect::<Vec<_>>()
    };
    inventory.apply(with("a", "/(?<Tenant>x)/(?P<tenant>y)"));
    inventory.apply(with("b", "/(?'tenant'x)"));
    assert_eq!(defining(&inventory), ["a", "b"]);
    inventory.apply(with("a", "/(?<user>x)"));
    assert_eq!(defining(&inventory), ["b"]);
    inventory.delete(Kind::Ingress, &Key::new("shop", "b"));
    assert!(defining(&inventory).is_empty());
    inventory.apply(with_snippet("c", "/", "set $Tenant $host;"));
    assert_eq!(defining(&inventory), ["c"]);
}

#[test]
fn the_reviewed_ingress_and_those_being_deleted_are_not_others() {
    let mut inventory = load_text("cluster", "").unwrap();
    inventory.apply(Object::Ingress(Box::new(ingress(0, 1, 0, false, false))));
    let host = Host::parse("a.example.com");
    let (own, other) = (key(0), key(1));
    let view = |candidate| ClusterView::new(known(&inventory), candidate, Kind::Ingress.into(), Kinds::NONE);
    assert!(view(&own).other_on(&host, |_| true).is_absent());
    assert!(matches!(view(&other).other_on(&host, |_| true), Lookup::Found(_)));
    let mut going = ingress(0, 1, 0, false, false);
    going.meta.deleting = true;
    inventory.apply(Object::Ingress(Box::new(going)));
    let view = ClusterView::new(known(&inventory), &other, Kind::Ingress.into(), Kinds::NONE);
    assert!(view.other_on(&host, |_| true).is_absent());
}
