//! Permissions that are withdrawn and granted again while `serve` runs: an unreadable kind is not evaluated, never
//! missing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, host, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::{Webhook, role};

/// `serve` in its own namespace, and its role with and without one resource.
struct Rights<'c> {
    terminal: Terminal<'c>,
    with: Value,
    without: Value,
}

impl<'c> Rights<'c> {
    fn to(resource: &str, terminal: Terminal<'c>) -> Self {
        let mut with = role();
        with["metadata"] = json!({"name": format!("ingress-guard-{}", terminal.namespace)});
        let mut without = with.clone();
        let rules = without["rules"].as_array_mut().unwrap();
        for rule in rules.iter_mut() {
            rule["resources"].as_array_mut().unwrap().retain(|named| named != resource);
        }
        rules.retain(|rule| rule["resources"] != json!([]));
        assert_ne!(with, without);
        Self { terminal, with, without }
    }

    /// Stores the role and returns when an Ingress is stored without warnings; kube-apiserver applies roles after a
    /// short delay.
    fn withdraw(&self, ingress: &Value) {
        self.terminal.cluster.kubectl_with_stdin(&["replace", "--filename=-"], &self.without.to_string()).ok();
        let started = Instant::now();
        loop {
            let output = self.terminal.apply(&ingress.to_string());
            if output.code == 0 {
                self.terminal.does(&["delete", "ingress", ingress["metadata"]["name"].as_str().unwrap()]);
                assert_eq!(output.stderr, "");
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "still denied without permission to read: {output}");
        }
    }

    /// Returns when the Ingress is denied again.
    fn give_back(&self, ingress: &Value, words: &[&str]) {
        self.terminal.cluster.kubectl_with_stdin(&["replace", "--filename=-"], &self.with.to_string()).ok();
        self.terminal.refuses_in_the_end(ingress, words);
    }
}

/// Asserts that the client gets no warning and that the log reports what was not evaluated.
fn assert_not_evaluated(review: &Value) {
    assert_eq!(review["verdict"], "allow", "{review}");
    let codes = review["codes"].as_str().unwrap();
    assert!(codes.contains("IG902") && !codes.contains("IG201") && !codes.contains("IG401"), "{review}");
}

#[test]
fn without_access_to_services_nothing_is_denied_until_access_returns() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "live-rights", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-rights" };
    terminal.stores(&[class("rights"), service("web", &[80])]);
    let bad = ingress("bad", "rights", "wbe", 80);
    terminal.refuses(&bad, &["[IG201 service-not-found]"]);

    let rights = Rights::to("services", terminal);
    // The watch continues until its timeout; the live reads that a denial needs are forbidden at once.
    rights.withdraw(&bad);
    assert_not_evaluated(webhook.reviews().last().unwrap());
    rights.give_back(&bad, &["[IG201 service-not-found]"]);
    assert!(webhook.readiness().ends_with("\r\n\r\nready\n"), "{}", webhook.readiness());
}

#[test]
fn without_access_to_secrets_certificates_are_not_evaluated_until_access_returns() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "live-no-secrets", "profile: strict\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-no-secrets" };
    terminal.stores(&[class("no-secrets"), service("web", &[80])]);
    let mut bad = ingress("bad", "no-secrets", "web", 80);
    bad["spec"]["tls"] = json!([{"hosts": [host("bad", "no-secrets")], "secretName": "absent"}]);
    let denial = ["Secret \"absent\" does not exist in namespace \"live-no-secrets\"", "[IG401 tls-secret-not-found]"];
    terminal.refuses(&bad, &denial);

    let rights = Rights::to("secrets", terminal);
    rights.withdraw(&bad);
    assert_not_evaluated(webhook.reviews().last().unwrap());
    rights.give_back(&bad, &denial);
    assert_eq!(webhook.log("serving").len(), 1, "the process was not restarted");
}
