//! When the webhook is away nobody is stopped; when the API server is away the webhook accuses nobody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster;
use crate::https::review;
use crate::objects::{class, host, ingress, list, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// How long the API server is away: some retries of every watch.
const AWAY: Duration = Duration::from_secs(10);

#[test]
fn while_the_webhook_is_away_everything_is_stored_and_afterwards_it_judges_again() {
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
fn while_the_api_server_is_away_nobody_is_accused_and_afterwards_all_is_followed() {
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
    // Nobody tells the watches that it is gone, and they cannot go on where they were.
    cluster.delete_from_etcd("/registry/services/specs/live-outage/doomed");
    cluster.compact_etcd();
    // There may be other API servers, which ask meanwhile.
    let direct = webhook.direct(&cluster.authority().certificate());
    let ask = |ingress: &Value| {
        let asked = Instant::now();
        let (status, answer) = direct.post("/validate?timeout=3s", &review("live-outage", ingress)).unwrap();
        assert_eq!(status, 200, "{answer}");
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
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
    // What cannot be confirmed yet may warn, and is stored.
    let new = terminal.apply(&list(&[service("new", &[80]), ingress("new", "outage", "new", 80)]));
    assert_eq!(new.code, 0, "{new}");
    webhook.wait(Duration::from_mins(1), || webhook.readiness().ends_with("\r\n\r\nready\n"));
    assert!(kinds.map(listed).iter().all(|times| *times > 1), "{:?}", webhook.log("listed"));
    let told = |code: &str| webhook.log("watch failed; retrying").iter().any(|line| line.to_string().contains(code));
    assert!(told("(410)"), "{:?}", webhook.log("watch failed; retrying"));
    terminal.refuses_in_the_end(&doomed, &["service \"doomed\" does not exist", "[IG201 service-not-found]"]);
    terminal.refuses_in_the_end(&bad, &["[IG201 service-not-found]"]);
    terminal.refuses_in_the_end(&with_tls, &["[IG401 tls-secret-not-found]"]);
    assert_eq!(webhook.log("serving").len(), 1, "it was not started again");
}
