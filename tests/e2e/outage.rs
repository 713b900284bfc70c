//! Outages: while the webhook is down every write is accepted; while the API server is down the webhook denies nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::cluster;
use crate::https::review;
use crate::objects::{class, host, ingress, list, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// Duration of the writes after a restart of the API server.
const AFTERWARDS: Duration = Duration::from_secs(10);
/// Duration of the API server's outage: several retries of every watch.
const AWAY: Duration = Duration::from_secs(10);

#[test]
fn writes_are_stored_while_the_webhook_is_down_and_reviewed_afterwards() {
    let Some(cluster) = cluster::shared() else { return };
    let mut webhook = Webhook::watching(&cluster, "live-killed", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-killed" };
    terminal.stores(&[class("killed"), service("web", &[80])]);
    let bad = |name: &str| ingress(name, "killed", "wbe", 80);
    terminal.refuses(&bad("before"), &["[IG201 service-not-found]"]);
    webhook.kill();
    terminal.stores(&[bad("meanwhile")]);
    webhook.run();
    terminal.refuses(&bad("after"), &["[IG201 service-not-found]"]);
    for (name, stored) in [("before", false), ("meanwhile", true), ("after", false)] {
        terminal.assert_stored(name, stored);
    }
}

#[test]
fn an_api_server_outage_causes_no_findings_and_watches_resume() {
    let Some(cluster) = cluster::alone() else { return };
    let webhook = Webhook::watching(&cluster, "live-outage", "profile: strict\n");
    let terminal = Terminal { cluster: &cluster, namespace: "live-outage" };
    terminal.stores(&[class("outage"), service("web", &[80]), service("doomed", &[80])]);
    let good = ingress("good", "outage", "web", 80);
    let bad = ingress("bad", "outage", "wbe", 80);
    let doomed = ingress("doomed", "outage", "doomed", 80);
    let mut with_tls = ingress("with-tls", "outage", "web", 80);
    with_tls["spec"]["tls"] = json!([{"hosts": [host("with-tls", "outage")], "secretName": "absent"}]);
    terminal.refuses(&bad, &["[IG201 service-not-found]"]);
    terminal.refuses(&with_tls, &["[IG401 tls-secret-not-found]"]);
    terminal.stores(std::slice::from_ref(&good));

    let listed = |kind: &str| webhook.log("listed").iter().filter(|line| line["kind"] == kind).count();
    let kinds = ["Ingress", "IngressClass", "Service"];
    assert_eq!(kinds.map(listed), [1; 3]);
    cluster.stop_apiserver();
    // The watches receive no event about the deletion, and they cannot resume.
    cluster.delete_from_etcd("/registry/services/specs/live-outage/doomed");
    cluster.compact_etcd();
    // A cluster can have several API servers, which send reviews in the meantime.
    let direct = webhook.direct(&cluster.authority().certificate());
    let ask = |ingress: &Value| {
        let sent = Instant::now();
        let (status, answer) = direct.post("/validate?timeout=3s", &review("live-outage", ingress)).unwrap();
        assert_eq!(status, 200, "{answer}");
        assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
        let allowed = answer["response"]["allowed"] == true;
        (allowed, answer["response"]["warnings"].as_array().cloned().unwrap_or_default())
    };
    let stopped = Instant::now();
    while stopped.elapsed() < AWAY {
        assert_eq!(ask(&good), (true, Vec::new()));
        let (allowed, warnings) = ask(&bad);
        assert!(allowed && warnings.len() == 1, "{warnings:?}");
        let warning = warnings[0].as_str().unwrap();
        assert!(warning.starts_with("IG902 ") || warning.contains(" IG201 "), "{warning}");
        let (allowed, warnings) = ask(&with_tls);
        assert!(
            allowed && warnings.iter().all(|warning| warning.as_str().unwrap().starts_with("IG902 ")),
            "{warnings:?}"
        );
    }
    let readiness = webhook.readiness();
    assert!(readiness.starts_with("HTTP/1.0 200") && readiness.contains("changes are not received"), "{readiness}");

    cluster.start_apiserver();
    // An Ingress whose denial cannot be confirmed yet is stored, at most with a warning.
    let new = terminal.apply(&list(&[service("new", &[80]), ingress("new", "outage", "new", 80)]));
    assert_eq!(new.code, 0, "{new}");
    webhook.wait(Duration::from_mins(1), || webhook.is_ready_without_notes());
    // The 410 arrives after the watch has opened, and the list follows it.
    webhook.wait(Duration::from_mins(1), || kinds.map(listed).iter().all(|times| *times > 1));
    let retried = |code: &str| webhook.log("watch failed; retrying").iter().any(|line| line.to_string().contains(code));
    assert!(retried("(410)"), "{:?}", webhook.log("watch failed; retrying"));
    terminal.refuses_in_the_end(&doomed, &["Service \"doomed\" does not exist", "[IG201 service-not-found]"]);
    terminal.refuses_in_the_end(&bad, &["[IG201 service-not-found]"]);
    terminal.refuses_in_the_end(&with_tls, &["[IG401 tls-secret-not-found]"]);
    assert_eq!(webhook.log("serving").len(), 1, "the process was not restarted");
}

#[test]
fn a_restart_of_the_api_server_stores_no_bad_ingress_silently() {
    let Some(cluster) = cluster::alone() else { return };
    let webhook = Webhook::watching(&cluster, "live-restart", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-restart" };
    terminal.stores(&[class("restart"), service("web", &[80])]);
    let bad = ingress("bad", "restart", "wbe", 80);
    terminal.refuses(&bad, &["[IG201 service-not-found]"]);
    for _ in 0..3 {
        cluster.stop_apiserver();
        let (ended, tally) = (AtomicBool::new(false), Mutex::new((0, 0)));
        std::thread::scope(|scope| {
            // Writes begin before the API server answers, so that its first moments are covered.
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let output = terminal.apply(&bad.to_string());
                    let (denied, warned) = &mut *tally.lock();
                    if output.code == 0 {
                        assert!(output.stderr.contains("Warning: "), "stored silently: {output}");
                        *warned += 1;
                        terminal.run(&["delete", "ingress", "bad", "--ignore-not-found"], "");
                    } else if output.stderr.contains("[IG201 ") {
                        *denied += 1;
                    }
                }
            });
            cluster.start_apiserver();
            std::thread::sleep(AFTERWARDS);
            ended.store(true, Ordering::Relaxed);
        });
        let (denied, warned) = *tally.lock();
        assert!(denied > warned, "{denied} denied, {warned} stored with a warning");
        terminal.refuses(&bad, &["[IG201 service-not-found]"]);
        webhook.wait(Duration::from_mins(1), || webhook.is_ready_without_notes());
    }
}
