//! Writes that must never be denied: labels, status, finalizers, and the deletion of an Ingress and of its namespace.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, ingress, service};
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
fn an_ingress_being_deleted_is_not_reviewed() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-leaving", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-leaving" };
    let mut leaving = ingress("web", "leaving", "web", 80);
    leaving["metadata"]["finalizers"] = json!(["example.com/wait"]);
    terminal.stores(&[class("leaving"), service("web", &[80]), leaving]);
    // The objects that the webhook needs are deleted first, then the webhook itself.
    cluster.kubectl(&["delete", "ingressclass", "leaving"]).ok();
    terminal.does(&["delete", "service/web"]);
    terminal.does(&["delete", "ingress", "web", "--wait=false"]);
    let patch = r#"{"metadata":{"finalizers":null},"spec":{"ingressClassName":"missing"}}"#;
    terminal.does(&["patch", "ingress", "web", "--type=merge", "--patch", patch]);
    terminal.assert_stored("web", false);
}
