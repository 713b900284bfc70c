//! Permissions that are missing at the start, or withdrawn and granted again while `serve` runs: the kind is not evaluated, never
//! missing, and never silently so.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{self, Cluster};
use crate::load;
use crate::objects::{class, host, ingress, rewriting, service};
use crate::registration::Registration;
use crate::service::Service;
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account, role};

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

    /// Stores the role and returns when an Ingress is stored, with a warning; kube-apiserver applies roles after a short delay.
    fn withdraw(&self, ingress: &Value) {
        self.terminal.cluster.kubectl_with_stdin(&["replace", "--filename=-"], &self.without.to_string()).ok();
        let started = Instant::now();
        loop {
            let output = self.terminal.apply(&ingress.to_string());
            if output.code == 0 {
                self.terminal.does(&["delete", "ingress", ingress["metadata"]["name"].as_str().unwrap()]);
                assert!(output.stderr.starts_with("Warning: "), "nothing is stored silently: {output}");
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

/// Asserts that the client is warned and that the log reports what was not evaluated.
fn assert_not_evaluated(review: &Value) {
    assert_eq!(review["verdict"], "warn", "{review}");
    let codes = review["codes"].as_str().unwrap();
    assert!(["IG201", "IG401", "IG902"].iter().any(|code| codes.contains(code)), "{review}");
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
    webhook.wait(Duration::from_secs(20), || webhook.is_ready_without_notes());
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

/// A new `ServiceAccount` without any permission; returns the flag that makes `serve` use it.
fn powerless(cluster: &Cluster, namespace: &'static str) -> String {
    cluster.kubectl(&["create", "namespace", namespace]).ok();
    cluster.kubectl(&["create", "serviceaccount", "ingress-guard", &format!("--namespace={namespace}")]).ok();
    let kubeconfig = cluster.kubeconfig_for_service_account(namespace, "ingress-guard");
    format!("--kubeconfig={}", kubeconfig.display())
}

fn is_unready(webhook: &Webhook<'_>, lines: &[&str]) -> bool {
    let readiness = webhook.readiness();
    readiness.starts_with("HTTP/1.0 503") && lines.iter().all(|line| readiness.contains(line))
}

#[test]
fn without_any_permission_a_new_process_is_not_ready_unless_it_may_start_so() {
    let Some(cluster) = cluster::shared() else { return };
    let source = powerless(&cluster, "rights-none");
    let limit = Duration::from_secs(20);
    let webhook = Webhook::unready(&cluster, "webhook-rights-none", &[&source]);
    let lines = [
        "\nService: no permission to get, list, watch\n",
        "\nIngress: no permission to get, list, watch\n",
        "\nSecret: no permission to get\n",
    ];
    webhook.wait(limit, || is_unready(&webhook, &lines));
    let allowing = Webhook::unready(&cluster, "webhook-rights-allowed", &[&source, "--allow-missing-rights"]);
    let note = "Service: no permission to get, list, watch; blind: IG201";
    let is_ready = |readiness: &str| readiness.starts_with("HTTP/1.0 200") && readiness.contains(note);
    allowing.wait(limit, || is_ready(&allowing.readiness()));
    // The other process stays unready meanwhile.
    assert!(is_unready(&webhook, &lines), "{}", webhook.readiness());
    let logged = webhook.log("permissions are missing; checks that need them are blind and deny nothing");
    assert_eq!(logged.len(), 1, "{logged:?}");
}

#[test]
fn without_get_a_new_process_is_not_ready_and_its_pod_gets_an_event() {
    let Some(cluster) = cluster::shared() else { return };
    let source = account(&cluster, "rights-get");
    let scope = "--namespace=rights-get";
    let create = ["create", "role", "events", scope, "--verb=create", "--resource=events.events.k8s.io"];
    cluster.kubectl(&create).ok();
    let bind = ["create", "rolebinding", "events", scope, "--role=events", "--serviceaccount=rights-get:ingress-guard"];
    cluster.kubectl(&bind).ok();
    let mut role = role();
    role["metadata"] = json!({"name": "ingress-guard-rights-get"});
    for rule in role["rules"].as_array_mut().unwrap() {
        let verbs = rule["verbs"].as_array_mut().unwrap();
        if verbs.len() > 1 {
            verbs.retain(|verb| verb != "get");
        }
    }
    cluster.kubectl_with_stdin(&["replace", "--filename=-"], &role.to_string()).ok();
    let pod = ["--pod-namespace=rights-get", "--pod-name=ingress-guard-1", "--pod-uid=5b1d7c1e"];
    let flags = [&[source.as_str()], &pod[..]].concat();
    let webhook = Webhook::unready(&cluster, "webhook-rights-get", &flags);
    let limit = Duration::from_secs(20);
    webhook.wait(limit, || is_unready(&webhook, &["\nService: no permission to get\n"]));
    let events = || {
        let shown = ["get", "events", scope, "--output=json", "--field-selector=involvedObject.uid=5b1d7c1e"];
        let list: Value = serde_json::from_str(&cluster.kubectl(&shown).ok()).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    webhook.wait(limit, || !events().is_empty());
    let event = events().remove(0);
    assert_eq!((&event["reason"], &event["type"]), (&json!("ChecksBlind"), &json!("Warning")));
    assert!(event["message"].as_str().unwrap().contains("Service: no permission to get; blind: IG201"), "{event}");
}

/// Withdraws a right while two replicas serve: no write is lost, no replica becomes unready, other checks deny.
fn withdraw_under_load(namespace: &'static str, is_fail_closed: bool) {
    let Some(cluster) = cluster::shared() else { return };
    let source = account(&cluster, namespace);
    let replica = |which| Webhook::replica(&cluster, format!("webhook-{namespace}-{which}"), source.clone(), "");
    let replicas = ["a", "b"].map(replica);
    let service = Service::start(&replicas.each_ref().map(Webhook::ports));
    let authority = cluster.authority().certificate();
    let url = format!("https://127.0.0.1:{}/validate", service.port());
    let mut registration = Registration::new(&cluster, namespace, &[url], &authority);
    if is_fail_closed {
        registration.fail_closed();
    }
    registration.create(|| replicas.iter().any(Webhook::was_probed));

    load::during(&cluster, namespace, |tally| {
        let more = || {
            let goal = tally.reviewed() + 50;
            replicas[0].wait(Duration::from_secs(20), || {
                assert!(service.is_whole(), "no replica is unready");
                tally.reviewed() > goal
            });
        };
        more();
        let terminal = Terminal { cluster: &cluster, namespace };
        let rights = Rights::to("services", terminal);
        let missing = ingress("missing", namespace, "wbe", 80);
        rights.terminal.refuses_in_the_end(&missing, &["[IG201 service-not-found]"]);
        // Both replicas see a refusal as soon as they confirm a denial.
        rights.withdraw(&missing);
        for replica in &replicas {
            replica.wait(Duration::from_secs(20), || {
                rights.terminal.run(&["apply", "--dry-run=server", "--filename=-"], &missing.to_string());
                replica
                    .direct(&authority)
                    .post("/validate?timeout=3s", &crate::https::review(namespace, &missing))
                    .unwrap();
                let readiness = replica.readiness();
                assert!(readiness.starts_with("HTTP/1.0 200"), "{readiness}");
                readiness.contains("Service: no permission to get, list, watch; blind: IG201")
            });
        }
        more();
        rights.terminal.refuses(&rewriting(ingress("bad", namespace, "web", 80)), &["[IG310 "]);
        rights.give_back(&missing, &["[IG201 service-not-found]"]);
        more();
        assert_eq!(*tally.lost.lock(), Vec::<String>::new(), "of {}", tally.reviewed());
    });
}

#[test]
fn a_permission_withdrawn_under_load_loses_no_write_if_the_webhook_fails_closed() {
    withdraw_under_load("rights-fail", true);
}

#[test]
fn a_permission_withdrawn_under_load_loses_no_write_if_the_webhook_fails_open() {
    withdraw_under_load("rights-ignore", false);
}
