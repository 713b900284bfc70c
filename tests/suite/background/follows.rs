//! What is evaluated after a change is what a pass over all Ingresses would find.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingress_guard::background::{Audit, StoredVerdict, Verdicts};
use ingress_guard::checks;
use ingress_guard::cluster::{Coverage, Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::{Key, Kind, Kinds};
use jiff::SignedDuration;

use super::{Followed, world};
use crate::pages::{inventory, sources};

const SHOP: &str = "
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop, creationTimestamp: 2026-11-01T00:00:00Z}
spec: {ports: [{port: 80}], selector: {app: web}}
---
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: '', port: 8080}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  rules: [{host: web.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {name: other, namespace: shop}
spec:
  ingressClassName: nginx
  rules: [{host: other.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: other, port: {number: 80}}}}]}}]
";

fn shop(config: &str) -> Followed {
    Followed::new(Config::parse("config", config).unwrap(), load_text("shop", SHOP).unwrap())
}

/// Code, subject, field and level of each finding, and the routes. Messages suggest names, which only a pass updates.
fn facts(verdicts: &Verdicts) -> BTreeMap<Key, String> {
    let fact = |verdict: &StoredVerdict| {
        let findings = verdict.findings.iter();
        let findings: Vec<_> = findings.map(|it| (it.code, &it.subject, &it.field, it.level)).collect();
        format!("{findings:?} {:?}", verdict.routes)
    };
    verdicts.by_ingress.iter().map(|(key, verdict)| (key.clone(), fact(verdict))).collect()
}

/// The examples of all pages: each object disappears and comes back, and what is evaluated for that equals a new audit.
#[test]
fn each_change_reaches_every_ingress_whose_verdict_depends_on_it() {
    let (mut changes, mut evaluated, mut ingresses, mut wrong) = (0, 0, 0, Vec::new());
    for check in checks::ALL {
        for (config, manifests) in sources(check.page) {
            let full = inventory(&config, &manifests);
            let rules = world(config, Inventory::default()).rules;
            let parsed = |state: Inventory| Followed::with(Arc::clone(&rules), state, Kinds::NONE);
            let mut followed = parsed(full.clone());
            // The webhook watches no workloads but those of controllers.
            for kind in Kind::ALL.into_iter().filter(|kind| kind.is_watched()) {
                for object in full.objects(kind) {
                    let key = object.key();
                    let mut without = full.clone();
                    without.delete(kind, &key);
                    for next in [without, full.clone()] {
                        changes += 1;
                        ingresses += next.count(Kind::Ingress);
                        let expected = facts(&parsed(next.clone()).audit.verdicts());
                        // The changed state shares memory with the one before, as those of watches do.
                        evaluated += followed.change(|state| {
                            if next.objects(kind).iter().any(|it| it.key() == key) {
                                state.apply(object.clone());
                            } else {
                                state.delete(kind, &key);
                            }
                        });
                        let found = facts(&followed.audit.verdicts());
                        if found != expected {
                            let differing: Vec<_> =
                                expected.iter().filter(|(key, fact)| found.get(*key) != Some(*fact)).collect();
                            wrong.push(format!("{} {kind} {key}: {differing:#?}\n{found:#?}", check.code));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {changes}\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(changes > 1000 && evaluated < ingresses, "{changes} changes, {evaluated} of {ingresses}");
}

#[test]
fn a_service_that_disappears_and_comes_back_changes_one_verdict() {
    let mut followed = shop("");
    assert_eq!(followed.codes("shop", "web"), [""; 0]);
    assert_eq!(
        (followed.verdict("shop", "web").routes.serving, followed.verdict("shop", "other").routes.broken),
        (1, 1)
    );
    let other = followed.verdict("shop", "other");
    let web = Key::new("shop", "web");
    let service = followed.world.state.objects(Kind::Service).remove(0);
    assert_eq!(followed.change(|state| state.delete(Kind::Service, &web)), 1);
    assert_eq!(followed.codes("shop", "web"), ["IG201"]);
    assert_eq!(followed.verdict("shop", "web").routes.broken, 1);
    assert!(Arc::ptr_eq(&other, &followed.verdict("shop", "other")), "an unchanged verdict is the same object");
    assert_eq!(followed.change(|state| state.apply(service)), 1);
    assert_eq!(followed.codes("shop", "web"), [""; 0]);
}

#[test]
fn lost_readiness_is_a_finding_of_its_own() {
    let mut followed = shop("");
    let unready = "
kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: '', port: 8080}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}]
";
    let slice = load_text("slice", unready).unwrap().objects(Kind::EndpointSlice).remove(0);
    assert_eq!(followed.change(|state| state.apply(slice)), 1);
    let verdict = followed.verdict("shop", "web");
    assert_eq!(verdict.findings.iter().map(|it| (it.code, it.is_readiness)).collect::<Vec<_>>(), [("IG204", true)]);
    assert!(!followed.verdict("shop", "other").findings[0].is_readiness);
}

#[test]
fn a_deleted_ingress_has_no_verdict() {
    let mut followed = shop("");
    followed.change(|state| state.delete(Kind::Ingress, &Key::new("shop", "other")));
    assert_eq!(followed.audit.verdicts().by_ingress.len(), 1);
}

#[test]
fn a_pass_begins_after_the_interval_and_after_a_change_for_all() {
    let mut followed = shop("");
    let begun = followed.audit.pass().begun;
    assert_eq!(followed.follow(), 0, "nothing has changed");
    followed.now += super::INTERVAL;
    assert_eq!(followed.follow(), 2);
    assert_ne!(followed.audit.pass().begun, begun);
    assert_eq!(followed.change(|state| state.delete(Kind::IngressClass, &Key::new("", "nginx"))), 2);
    assert_eq!(followed.codes("shop", "web"), ["IG101"]);
    assert_eq!(followed.change(|state| state.cover(Kind::Service, Coverage::Forbidden)), 2);
    assert!(followed.audit.verdicts().is_complete && followed.audit.is_idle());
}

#[test]
fn the_service_of_the_global_authentication_concerns_each_ingress_of_the_controller() {
    let settings = "settings: {global-auth-url: 'http://web.shop.svc/auth'}";
    let mut followed =
        shop(&format!("dialects: [{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx, {settings}}}]"));
    let has = |followed: &Followed| followed.codes("shop", "other").contains(&"IG615");
    let service = followed.world.state.objects(Kind::Service).remove(0);
    assert!(!has(&followed));
    followed.change(|state| state.delete(Kind::Service, &service.key()));
    assert!(has(&followed));
    followed.change(|state| state.apply(service));
    assert!(!has(&followed));
}

#[test]
fn frequent_changes_for_all_keep_no_pass_from_its_end() {
    let mut world = world(Config::parse("config", "").unwrap(), load_text("shop", SHOP).unwrap());
    let mut audit = Audit::new(world.clone(), Kinds::NONE, super::INTERVAL);
    let class = world.state.objects(Kind::IngressClass).remove(0);
    for turn in 0..8 {
        audit.note(&world, crate::pages::now());
        assert!(audit.evaluate_next(crate::pages::now()), "one of two Ingresses");
        let mut state = (*world.state).clone();
        if turn % 2 == 0 {
            state.delete(Kind::IngressClass, &class.key());
        } else {
            state.apply(class.clone());
        }
        world.state = Arc::new(state);
    }
    assert!(audit.verdicts().is_complete && audit.pass().ended.is_some());
}

#[test]
fn a_changed_configuration_evaluates_all() {
    let mut followed = shop("");
    let rules = world(Config::parse("config", "checks: {IG201: off}").unwrap(), Inventory::default()).rules;
    assert_eq!(followed.codes("shop", "other"), ["IG201"]);
    followed.world.rules = rules;
    assert_eq!(followed.follow(), 2);
    assert_eq!(followed.codes("shop", "other"), [""; 0]);
}

#[test]
fn a_waiver_an_override_and_an_exception_end_in_time() {
    let mut followed = shop("");
    let other = SHOP.split("---").last().unwrap();
    let waived = other.replace(
        "namespace: shop",
        "namespace: shop, annotations: {ingress-guard.io/ignore: 'IG201 until=2026-11-23 reason=moving'}",
    );
    let ingress = load_text("waived", &waived).unwrap().objects(Kind::Ingress).remove(0);
    followed.change(|state| state.apply(ingress));
    let level = |followed: &Followed| followed.verdict("shop", "other").findings[0].level.name();
    assert_ne!(level(&followed), "deny");
    followed.now = "2026-11-23T23:59:59Z".parse().unwrap();
    followed.follow();
    assert_ne!(level(&followed), "deny");
    followed.now = "2026-11-24T00:00:00Z".parse().unwrap();
    assert_eq!(followed.follow(), 1);
    assert_eq!(level(&followed), "deny");

    let parse = |text: &str| Config::parse_at("config", text, crate::pages::now()).unwrap();
    let config = parse("override: {until: 2026-11-22T13:00:00Z, profile: observe, reason: INC-7}");
    let mut followed = Followed::new(config, load_text("shop", SHOP).unwrap());
    assert_eq!(level(&followed), "warn");
    followed.now += SignedDuration::from_hours(1);
    assert_eq!(followed.follow(), 2);
    assert_eq!(level(&followed), "deny");

    let exception = "exceptions: [{namespace: shop, checks: [IG201], owner: team, reason: moving, until: 2026-11-22}]";
    let mut followed = Followed::new(parse(exception), load_text("shop", SHOP).unwrap());
    assert_ne!(level(&followed), "deny");
    followed.now += SignedDuration::from_hours(12);
    assert_eq!(followed.follow(), 2);
    assert_eq!(level(&followed), "deny");
}

#[test]
fn missing_endpoints_count_once_the_service_is_five_minutes_old() {
    let mut followed = shop("");
    let young = SHOP.split("---").nth(1).unwrap().replace("2026-11-01T00:00:00Z", "2026-11-22T11:58:00Z");
    let young = load_text("young", &young).unwrap().objects(Kind::Service).remove(0);
    followed.change(|state| {
        state.delete(Kind::EndpointSlice, &Key::new("shop", "web-x"));
        state.apply(young);
    });
    let level = |followed: &Followed| followed.verdict("shop", "web").findings[0].level.name();
    assert_eq!((followed.codes("shop", "web"), level(&followed)), (vec!["IG204"], "audit"));
    followed.now += SignedDuration::from_mins(4);
    assert_eq!(followed.follow(), 1);
    assert_eq!(level(&followed), "warn");
}
