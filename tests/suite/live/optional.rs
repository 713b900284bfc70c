//! Kinds that a cluster may do without, and such as only make better words: no noise, and no false word either.

use std::time::Duration;

use ingress_guard::cluster::Coverage;
use ingress_guard::model::Kind;
use serde_json::{Value, json};

use super::confirm::{Guarded, cluster, in_shop, with_tls};
use crate::admission::{create, spec};
use crate::server::client::eventually;

const STRICT: &str = "profile: strict";

fn certificate(name: &str, secret: &str) -> Value {
    json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"secretName": secret}})
}

impl Guarded {
    fn coverage(&self) -> Coverage {
        self.inventory.load().coverage(Kind::Certificate)
    }
}

#[tokio::test]
async fn without_cert_manager_there_are_no_certificates() {
    let api = cluster().await;
    api.lacks("certificates", true);
    let guarded = Guarded::over(api, STRICT);
    guarded.is_ready().await;
    assert_eq!(guarded.coverage(), Coverage::Complete);
    let watch = guarded.watch(Kind::Certificate);
    assert!(watch.trouble.is_none() && watch.restarts == 0 && watch.idle_since.is_some(), "{watch:?}");
    let before = guarded.api.asked().iter().filter(|asked| asked.starts_with("list certificates")).count();
    assert_eq!(before, 1);
    guarded.ask(&with_tls("absent")).await.assert(&[], &["IG401"]);
    let asked = guarded.api.asked().iter().filter(|asked| asked.starts_with("list certificates")).count();
    assert_eq!(asked, 2, "it was looked again before the denial");
    assert_eq!(guarded.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn cert_manager_installed_just_before_is_noticed() {
    let api = cluster().await;
    api.lacks("certificates", true);
    let guarded = Guarded::over(api, STRICT);
    guarded.is_ready().await;
    guarded.api.lacks("certificates", false);
    guarded.api.put("certificates", certificate("app", "absent"));
    let answer = guarded.ask(&with_tls("absent")).await;
    answer.assert(&[], &[]);
    assert!(answer.body["response"]["auditAnnotations"]["audited"].as_str().unwrap().contains("IG401"));
    // From now on it is followed.
    guarded.api.put("certificates", certificate("other", "soon"));
    eventually("followed", async || guarded.inventory.load().certificates_for("shop", "soon").next().is_some()).await;
    assert!(guarded.watch(Kind::Certificate).idle_since.is_none());

    // And gone again, with everything that it had.
    guarded.api.lacks("certificates", true);
    guarded.api.end_watches();
    eventually("none", async || guarded.inventory.load().count(Kind::Certificate) == 0).await;
    assert_eq!(guarded.coverage(), Coverage::Complete);
}

#[tokio::test]
async fn forbidden_certificates_may_exist() {
    let api = cluster().await;
    api.forbid("certificates", true);
    let guarded = Guarded::over(api, STRICT);
    guarded.is_ready().await;
    eventually("forbidden", async || guarded.coverage() == Coverage::Forbidden).await;
    let answer = guarded.ask(&with_tls("absent")).await;
    answer.assert(&[], &[]);
    let audited = answer.body["response"]["auditAnnotations"]["audited"].as_str().unwrap();
    assert!(audited.contains("IG401") && !audited.contains("IG902"), "{audited}");
    let watch = guarded.watch(Kind::Certificate);
    assert!(watch.trouble.is_none() && watch.restarts == 0, "{watch:?}");
    assert_eq!(guarded.notes(), Vec::<String>::new());
    // An idle watch does not retry at once.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = guarded.api.asked().iter().filter(|asked| asked.starts_with("list certificates")).count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_certificate_that_is_applied_while_the_denial_waits_is_seen() {
    let guarded = Guarded::over(cluster().await, STRICT);
    guarded.is_ready().await;
    let review = with_tls("absent");
    guarded.ask(&review).await.assert(&[], &["IG401"]);
    // The Secret is read before the evaluation.
    let before = guarded.gets().len();
    let (asked, ()) = tokio::join!(guarded.ask(&review), async {
        eventually("the denial waits", async || guarded.gets().len() == before + 1).await;
        guarded.api.put("certificates", certificate("app", "absent"));
    });
    asked.assert(&[], &[]);
}

#[tokio::test]
async fn nothing_is_denied_for_a_missing_certificate_while_their_watch_fails() {
    let guarded = Guarded::over(cluster().await, STRICT);
    guarded.is_ready().await;
    guarded.api.throttle(1_000_000);
    guarded.api.end_watches();
    eventually("trouble", async || guarded.watch(Kind::Certificate).trouble.is_some()).await;
    guarded.ask(&with_tls("absent")).await.assert(&["IG401"], &[]);
}

/// The API server calls port 80 of Service `web`.
fn webhook(service: &str) -> Value {
    json!({"metadata": {"name": "policy.example.com"}, "webhooks": [
        {"name": "policy", "clientConfig": {"service": {"namespace": "shop", "name": service, "port": 80}}}]})
}

#[tokio::test]
async fn an_exposed_webhook_is_confirmed_as_any_other_denial() {
    const HOOKS: &str = "validatingwebhookconfigurations";
    let api = cluster().await;
    api.put(HOOKS, webhook("web"));
    let guarded = Guarded::over(api, STRICT);
    guarded.is_ready().await;
    let review = in_shop(create(json!({}), spec(&[("/", "web", 80)])));
    guarded.ask(&review).await.assert(&[], &["IG212"]);
    assert!(guarded.api.asked().contains(&format!("get {HOOKS} /policy.example.com")));

    // A change that the watch has not received yet does not deny.
    guarded.api.silence(true);
    guarded.api.put(HOOKS, webhook("policy"));
    guarded.ask(&review).await.assert(&[], &[]);
    guarded.api.delete(HOOKS, "", "policy.example.com");
    guarded.ask(&review).await.assert(&[], &[]);
}

#[tokio::test]
async fn forbidden_webhook_configurations_are_not_reported() {
    let api = cluster().await;
    for hooks in ["apiservices", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"] {
        api.put(hooks, webhook("web"));
        api.forbid(hooks, true);
    }
    let guarded = Guarded::over(api, STRICT);
    guarded.is_ready().await;
    let answer = guarded.ask(&in_shop(create(json!({}), spec(&[("/", "web", 80)])))).await;
    answer.assert(&[], &[]);
    assert!(!answer.body.to_string().contains("IG902"), "{:#}", answer.body);
    assert_eq!(guarded.notes(), Vec::<String>::new());
}
