//! A stored Ingress that stops the controller: writes of other Ingresses have one warning, and a metric shows it.

use ingress_guard::server::follow_reload_blocks;
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::confirm::{Guarded, cluster, in_shop};
use crate::admission::{create, spec};
use crate::server::client::eventually;

/// An Ingress of namespace `team`, with or without a variable that nginx does not know.
fn stored(target: &str) -> Value {
    let mut object = create(json!({"nginx.ingress.kubernetes.io/rewrite-target": target}), spec(&[("/", "web", 80)]))
        ["request"]["object"]
        .take();
    object["metadata"]["name"] = json!("stored");
    object["metadata"]["namespace"] = json!("team");
    object["spec"]["rules"][0]["host"] = json!("team.example.com");
    object
}

async fn following(config: &str) -> (Guarded, AbortOnDropHandle<()>) {
    let api = cluster().await;
    api.put("ingresses", stored("/$uid"));
    let guarded = Guarded::over(api, config);
    guarded.is_ready().await;
    let (inventory, rules) = (guarded.inventory.clone(), guarded.reviewer.rules());
    let following = follow_reload_blocks(inventory, rules, guarded.reload_blocks.clone());
    let following = AbortOnDropHandle::new(tokio::spawn(following));
    guarded.is_blocked(1).await;
    (guarded, following)
}

impl Guarded {
    async fn is_blocked(&self, value: u8) {
        let line = format!("ingress_guard_reload_blocked{{class=\"nginx\"}} {value}\n");
        eventually(&line, async || {
            let metrics = Metrics::new();
            metrics.show_reload_blocks(&self.reload_blocks.load());
            metrics.encode(&[], &[]).contains(&line)
        })
        .await;
    }

    /// The warnings of an ordinary write in namespace `shop`.
    async fn warnings(&self, name: &str, is_dry_run: bool) -> Vec<String> {
        let mut review = in_shop(create(json!({}), spec(&[("/", "web", 80)])));
        review["request"]["name"] = json!(name);
        review["request"]["object"]["metadata"]["name"] = json!(name);
        review["request"]["object"]["spec"]["rules"][0]["host"] = json!(format!("{name}.example.com"));
        review["request"]["dryRun"] = json!(is_dry_run);
        let answer = self.ask(&review).await;
        assert!(answer.allowed, "{:#}", answer.body);
        serde_json::from_value(answer.body["response"]["warnings"].clone()).unwrap_or_default()
    }
}

#[tokio::test]
async fn writes_of_other_ingresses_have_one_line_until_the_fault_is_fixed() {
    let (guarded, _following) = following("").await;
    let line = "IG904 no change is loaded until Ingress team/stored is fixed: nginx rejects the configuration \
        (annotation rewrite-target: unknown variable $uid in \"/$uid\")";
    assert_eq!(guarded.warnings("one", false).await, [line]);
    assert_eq!(guarded.warnings("two", false).await, [line], "one line for all");
    assert_eq!(guarded.warnings("two", true).await, [""; 0], "a dry run stores nothing");
    guarded.api.put("ingresses", stored("/x"));
    guarded.is_blocked(0).await;
    assert_eq!(guarded.warnings("one", false).await, [""; 0]);
    guarded.api.put("ingresses", stored("/$uid"));
    guarded.is_blocked(1).await;
    guarded.api.delete("ingresses", "team", "stored");
    guarded.is_blocked(0).await;
    assert_eq!(guarded.warnings("one", false).await, [""; 0]);
}

#[tokio::test]
async fn the_warning_names_no_ingress_of_another_namespace_if_that_is_not_allowed() {
    let (guarded, _following) = following("revealOtherNamespaces: false").await;
    let line =
        "IG904 no change is loaded until an Ingress in another namespace is fixed: nginx rejects the configuration";
    assert_eq!(guarded.warnings("one", false).await, [line]);
}

#[tokio::test]
async fn the_warning_never_denies_and_can_be_switched_off() {
    let (guarded, _following) = following("{profile: strict, checks: {IG904: deny}}").await;
    assert_eq!(guarded.warnings("one", false).await.len(), 1);
    let (guarded, _following) = following("checks: {IG904: off}").await;
    assert_eq!(guarded.warnings("one", false).await, [""; 0]);
}
