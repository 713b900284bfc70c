//! `serve` over a cluster that it watches, under its own account: what it says of what is there and what is not.

use serde_json::json;

use crate::cluster;
use crate::objects::{class, host, ingress, secret, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

#[test]
fn what_is_missing_in_the_cluster_is_denied() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-denied", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-denied" };
    terminal.stores(&[class("denied"), service("web", &[80])]);
    terminal.stores(&[ingress("good", "denied", "web", 80)]);
    terminal.refuses(
        &ingress("a", "denied", "wbe", 80),
        &["service \"wbe\" does not exist", "did you mean \"web\"?", "[IG201"],
    );
    terminal.refuses(
        &ingress("b", "denied", "web", 81),
        &["service \"web\" has no port 81", "use its only port 80", "[IG202"],
    );
    terminal.refuses(
        &ingress("c", "dneied", "web", 80),
        &["IngressClass \"dneied\" does not exist", "did you mean \"denied\"?"],
    );
    let stored = terminal.run(&["get", "ingresses", "--output=name"], "").ok();
    assert_eq!(stored, "ingress.networking.k8s.io/good\n");
}

#[test]
fn secrets_are_read_one_by_one() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-secrets", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-secrets" };
    terminal.stores(&[class("secrets"), service("web", &[80])]);
    let mut with_tls = ingress("web", "secrets", "web", 80);
    with_tls["spec"]["tls"] = json!([{"hosts": [host("web", "secrets")], "secretName": "web-tls"}]);
    terminal.warns(&with_tls, "IG401");
    terminal.stores(&[secret("web-tls", &cluster.authority().server())]);
    with_tls["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/app");
    // It is there now, and is for another host.
    terminal.warns(&with_tls, "IG403");
}
