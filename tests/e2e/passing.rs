//! Writes that must never be denied: labels, status, finalizers, and the deletion of an Ingress and of its namespace. Writes that look
//! like them are evaluated.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{annotated, class, ingress, routing, service};
use crate::registration::Registration;
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// Makes these writes on invalid Ingresses; returns how many reviews they send to a webhook that is registered for
/// everything.
fn everything_that_passes(terminal: &Terminal<'_>) -> usize {
    let status = r#"{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}"#;
    terminal.does(&["patch", "ingress", "a", "--subresource=status", "--type=merge", "--patch", status]);
    terminal.does(&["label", "ingress", "a", "team=shop"]);
    let finalizers = |value: Value| json!({"metadata": {"finalizers": value}}).to_string();
    terminal.does(&["patch", "ingress", "a", "--type=merge", "--patch", &finalizers(json!(["example.com/wait"]))]);
    terminal.does(&["patch", "ingress", "a", "--type=merge", "--patch", &finalizers(Value::Null)]);
    terminal.does(&["delete", "ingress", "a", "--dry-run=server"]);
    terminal.does(&["delete", "ingress", "a"]);
    // Deletes the collection: b and c.
    let collection = format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses", terminal.namespace);
    terminal.does(&["delete", "--raw", &collection]);
    for name in ["a", "b", "c"] {
        terminal.assert_stored(name, false);
    }
    8
}

#[test]
fn status_labels_finalizers_and_deletion_are_not_reviewed() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::watching(&cluster, "live-passing", "profile: strict\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-passing" };
    let wrong = ["a", "b", "c"].map(|name| ingress(name, "missing", "nothing", 80));
    let store_wrong = |webhook: &mut Webhook<'_>| {
        webhook.kill();
        terminal.stores(&wrong);
        webhook.run();
    };

    // The deployed registration sends no review.
    store_wrong(&mut webhook);
    everything_that_passes(&terminal);
    assert_eq!(webhook.reviews(), Vec::<Value>::new());

    // A webhook that is registered for everything allows them without a warning.
    store_wrong(&mut webhook);
    let mut registration =
        Registration::new(&cluster, "live-passing", &[webhook.url()], &cluster.authority().certificate());
    registration.each("/matchConditions", &json!([]));
    registration.each("/rules/0/operations", &json!(["*"]));
    registration.each("/rules/0/resources", &json!(["ingresses", "ingresses/*"]));
    registration.replace();
    let mut number = 0;
    cluster.wait("kube-apiserver", Duration::from_secs(10), || {
        number += 1;
        terminal.does(&["label", "ingress", "b", "--overwrite", &format!("number={number}")]);
        !webhook.reviews().is_empty()
    });
    let before = webhook.reviews().len();
    let calls = everything_that_passes(&terminal);
    let reviews = webhook.reviews().split_off(before);
    assert_eq!(reviews.len(), calls, "{reviews:#?}");
    for review in &reviews {
        assert_eq!((&review["verdict"], &review["codes"]), (&json!("pass"), &json!("")), "{review}");
    }
    let deletions = reviews.iter().filter(|review| review["operation"] == "DELETE").count();
    assert_eq!(deletions, 4, "{reviews:#?}");
    // With `failurePolicy: Fail`, a deletion needs the review.
    assert_eq!(reviews.iter().filter(|review| review["name"] == "").count(), 2, "of the collection: {reviews:#?}");

    if !cluster.needs_controllers("THE END OF A NAMESPACE WITH WRONG INGRESSES") {
        return;
    }
    store_wrong(&mut webhook);
    cluster.kubectl(&["delete", "namespace", "live-passing", "--timeout=60s"]).ok();
    let reviews = webhook.reviews().split_off(before + calls);
    assert!(!reviews.is_empty() && reviews.iter().all(|review| review["verdict"] == "pass"), "{reviews:#?}");
}

#[test]
fn the_removal_of_the_last_finalizer_is_not_reviewed() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "live-leaving", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-leaving" };
    let mut leaving = ingress("web", "leaving", "web", 80);
    leaving["metadata"]["finalizers"] = json!(["example.com/wait", "example.com/second"]);
    terminal.stores(&[class("leaving"), service("web", &[80]), leaving]);
    // The objects that the webhook needs are deleted first, then the webhook itself.
    cluster.kubectl(&["delete", "ingressclass", "leaving"]).ok();
    terminal.does(&["delete", "service/web"]);
    terminal.does(&["delete", "ingress", "web", "--wait=false"]);
    let before = webhook.reviews().len();
    let patch =
        |patch: Value| terminal.does(&["patch", "ingress", "web", "--type=merge", "--patch", &patch.to_string()]);
    patch(json!({"metadata": {"finalizers": ["example.com/wait"]}}));
    terminal.assert_stored("web", true);
    patch(json!({"metadata": {"finalizers": null}, "spec": {"ingressClassName": "missing"}}));
    terminal.assert_stored("web", false);
    assert_eq!(webhook.reviews().split_off(before), Vec::<Value>::new());
}

/// A controller serves the Ingress until its last finalizer is removed.
#[test]
fn an_ingress_being_deleted_is_reviewed_when_its_spec_or_annotations_change() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-changing", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-changing" };
    let mut changing = ingress("web", "changing", "web", 80);
    changing["metadata"]["finalizers"] = json!(["example.com/wait"]);
    terminal.stores(&[class("changing"), service("web", &[80]), changing]);
    terminal.does(&["delete", "ingress", "web", "--wait=false"]);
    let regex = [
        json!({"op": "replace", "path": "/spec/rules/0/http/paths/0/path", "value": "/api(.*)"}),
        json!({"op": "replace", "path": "/spec/rules/0/http/paths/0/pathType", "value": "ImplementationSpecific"}),
    ];
    let rewrite = json!({"op": "add", "path": "/metadata/annotations", "value": {"nginx.ingress.kubernetes.io/rewrite-target": "/$2"}});
    let backend =
        json!([{"op": "replace", "path": "/spec/rules/0/http/paths/0/backend/service/name", "value": "absent"}]);
    let patch =
        |patch: &Value| terminal.run(&["patch", "ingress", "web", "--type=json", "--patch", &patch.to_string()], "");
    for denied in [backend, json!([regex[0], regex[1], rewrite])] {
        let answer = patch(&denied);
        assert!(answer.code == 1 && answer.stderr.contains("is denied"), "{answer}");
    }
    patch(&json!([{"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}}])).ok();
    patch(&json!([{"op": "remove", "path": "/metadata/finalizers"}])).ok();
    terminal.assert_stored("web", false);
}

/// A write of the status can change annotations, which change routes. A controller's own write sends no review.
#[test]
fn a_status_update_is_reviewed_when_it_changes_annotations() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "live-status", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-status" };
    let valid = routing(ingress("web", "status", "web", 80), "status.example.com", &["/api(/|$)(.*)"]);
    let valid = annotated(valid, &[("use-regex", "true")]);
    terminal.stores(&[class("status"), service("web", &[80]), valid]);
    let before = webhook.reviews().len();
    let patch = |patch: Value| {
        terminal.run(
            &["patch", "ingress", "web", "--subresource=status", "--type=merge", "--patch", &patch.to_string()],
            "",
        )
    };
    for number in 1..=5 {
        let ip = format!("192.0.2.{number}");
        patch(json!({"metadata": {"labels": {"n": ip}}, "status": {"loadBalancer": {"ingress": [{"ip": ip}]}}})).ok();
    }
    assert_eq!(webhook.reviews().split_off(before), Vec::<Value>::new());
    let rewrite =
        |target: &str| json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/rewrite-target": target}}});
    let answer = patch(rewrite("/$3"));
    assert!(answer.code == 1 && answer.stderr.contains("[IG310 rewrite-capture-missing]"), "{answer}");
    patch(rewrite("/$2")).ok();
    let reviews = webhook.reviews().split_off(before);
    let verdicts: Vec<&str> = reviews.iter().map(|review| review["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["deny", "allow"], "{reviews:#?}");
}

/// The label of a solver, aliases and wildcards evade neither ownership nor missing Services.
#[test]
fn labels_aliases_and_wildcards_evade_nothing() {
    let Some(cluster) = cluster::shared() else { return };
    let config = "namespaces: [{match: live-evading, waivers: false}]\n\
                  checks: {catch-all-host: deny}\n\
                  hostOwnership: [{hosts: [shop.evading.test, '*.example.evading'], namespaces: [shop]}]\n";
    let _webhook = Webhook::watching(&cluster, "live-evading", config);
    let terminal = Terminal { cluster: &cluster, namespace: "live-evading" };
    terminal.stores(&[class("evading"), service("web", &[80])]);
    let labelled = |mut ingress: Value| {
        ingress["metadata"]["labels"] = json!({"acme.cert-manager.io/http01-solver": "true"});
        ingress
    };
    terminal.refuses(&labelled(ingress("web", "evading", "absent", 80)), &["[IG201 service-not-found]"]);
    let owned = routing(ingress("web", "evading", "web", 80), "shop.evading.test", &["/"]);
    terminal.refuses(&labelled(owned), &["[IG502 host-not-owned]"]);
    let not_owned = "[IG502 host-not-owned]";
    for alias in [
        "shop.evading.test",
        "*.evading.test",
        ".evading.test",
        "shop.*",
        r"~^shop\.evading\.test$",
        r"~^shop\.evading\.",
        r"~^[a-z]+\.example\.evading$",
    ] {
        terminal.refuses(&annotated(ingress("web", "evading", "web", 80), &[("server-alias", alias)]), &[not_owned]);
    }
    let any = annotated(ingress("web", "evading", "web", 80), &[("server-alias", "~.*")]);
    terminal.refuses(&any, &[not_owned, "[IG505 catch-all-host]"]);
    let wildcard = routing(ingress("web", "evading", "web", 80), "*.evading.test", &["/"]);
    terminal.refuses(&wildcard, &[not_owned]);
    let top_level = routing(ingress("web", "evading", "web", 80), "*.test", &["/"]);
    terminal.refuses(&top_level, &["[IG505 catch-all-host]"]);
    // The solver of cert-manager, whose Service is not in the cache yet.
    let mut solver = labelled(ingress("solver", "evading", "cm-acme-http-solver-9m4fd", 8089));
    let path = &mut solver["spec"]["rules"][0]["http"]["paths"][0];
    path["path"] = json!("/.well-known/acme-challenge/t0k3n");
    path["pathType"] = json!("Exact");
    terminal.stores(&[solver]);
}
