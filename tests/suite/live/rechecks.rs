//! Ingresses that are stored with missing references are evaluated again.

use std::sync::Arc;
use std::time::Duration;

use ingress_guard::admission::{Recheck, Rechecked, Reviewer};
use ingress_guard::cluster::SharedInventory;
use ingress_guard::config::Config;
use ingress_guard::server::follow_rechecks;
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;
use tokio_util::task::AbortOnDropHandle;

use super::confirm::{Guarded, cluster, in_shop};
use super::watch::service;
use crate::admission::{create, spec};
use crate::pages::now;
use crate::server::client::eventually;

/// The creation of an Ingress in `shop` by Terraform.
fn created(name: &str, service: &str) -> Value {
    let mut review = in_shop(create(json!({}), spec(&[("/", service, 80)])));
    review["request"]["name"] = json!(name);
    review["request"]["object"]["metadata"]["name"] = json!(name);
    review["request"]["object"]["spec"]["rules"][0]["host"] = json!(format!("{name}.example.com"));
    review["request"]["options"]["fieldManager"] = json!("Terraform");
    review
}

/// A reviewer with a queue over the inventory of a guarded cluster.
fn reviewer(inventory: SharedInventory) -> (Arc<Reviewer>, Receiver<Recheck>) {
    let config = Config::default();
    let (reviewer, queue) = Reviewer::new(inventory, config.engine(), config.policy, now).with_rechecks();
    (Arc::new(reviewer), queue)
}

async fn review(reviewer: &Reviewer, review: &Value) -> bool {
    reviewer.review(review.to_string().as_bytes()).await.unwrap().record.is_recheck_lost
}

#[tokio::test]
async fn missing_references_are_evaluated_again_and_counted() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    let (reviewer, queue) = reviewer(guarded.inventory.clone());
    for (name, service) in [("late", "late"), ("never", "never"), ("gone", "gone"), ("good", "web")] {
        let review_of = created(name, service);
        assert!(!review(&reviewer, &review_of).await);
        if name != "gone" {
            guarded.api.put("ingresses", review_of["request"]["object"].clone());
        }
    }
    guarded.api.put("services", service("late", 80));
    let is_known = |name: &str| guarded.inventory.load().service_names("shop").any(|known| known == name);
    eventually("the Service", async || is_known("late")).await;
    eventually("the Ingress", async || guarded.inventory.load().ingress("shop", "never").is_some()).await;
    let metrics = Arc::new(Metrics::new());
    let following =
        follow_rechecks(Arc::new(Mutex::new(queue)), Duration::from_millis(50), reviewer, Arc::clone(&metrics));
    let _following = AbortOnDropHandle::new(tokio::spawn(following));
    let count = |result: &str, count: u8| {
        format!("ingress_guard_missing_reference_rechecks_total{{result=\"{result}\"}} {count}\n")
    };
    for result in ["resolved", "missing", "gone"] {
        eventually(result, async || metrics.encode(&[], &[]).contains(&count(result, 1))).await;
    }
}

#[tokio::test]
async fn only_what_is_stored_for_a_missing_reference_is_queued() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    let (reviewer, mut queue) = reviewer(guarded.inventory.clone());
    let mut dry_run = created("one", "gone");
    dry_run["request"]["dryRun"] = json!(true);
    review(&reviewer, &dry_run).await;
    let mut denied = created("two", "gone");
    denied["request"]["options"]["fieldManager"] = json!("kubectl");
    review(&reviewer, &denied).await;
    review(&reviewer, &created("three", "web")).await;
    assert!(queue.try_recv().is_err());
    review(&reviewer, &created("four", "gone")).await;
    let queued = queue.try_recv().unwrap();
    assert_eq!((queued.ingress.to_string().as_str(), queued.findings[0].0), ("shop/four", "IG201"));
    assert_eq!(reviewer.recheck(&queued), Rechecked::Gone);
}

#[tokio::test]
async fn a_full_queue_is_counted() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    let (reviewer, _queue) = reviewer(guarded.inventory.clone());
    for number in 0..1000 {
        assert!(!review(&reviewer, &created(&format!("web-{number}"), "gone")).await);
    }
    assert!(review(&reviewer, &created("last", "gone")).await);
}

#[tokio::test]
async fn a_denial_that_an_object_would_lift_says_to_apply_again() {
    let guarded = Guarded::start().await;
    let hint = |objects: &str| format!("\nif {objects} comes later in the same apply, apply again\n");
    let one = guarded.apply(&[("/", "wbe", 80)]).await;
    assert!(one.message.contains(&hint("Service shop/wbe")), "{}", one.message);
    let two = guarded.apply(&[("/", "wbe", 80), ("/b", "abc", 80)]).await;
    assert!(two.message.contains(&hint("what is missing (Service shop/abc and 1 more)")), "{}", two.message);
    let own_fault = guarded.apply(&[("/", "wbe", 80), ("/b", "web", 81)]).await;
    assert!(!own_fault.message.contains("apply again"), "{}", own_fault.message);
    let mut named = spec(&[("/", "web", 80)]);
    named["ingressClassName"] = json!("new");
    let class = guarded.ask(&in_shop(create(json!({}), named))).await;
    assert!(class.message.contains(&hint("IngressClass new")), "{}", class.message);
}
