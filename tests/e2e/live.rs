//! `serve` with a watched cluster and its own account: findings about existing and missing objects.

use serde_json::json;

use crate::cluster;
use crate::objects::{class, host, ingress, secret, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

#[test]
fn references_to_missing_objects_are_denied() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "live-denied", "");
    let terminal = Terminal { cluster: &cluster, namespace: "live-denied" };
    terminal.stores(&[class("denied"), service("web", &[80])]);
    terminal.stores(&[ingress("good", "denied", "web", 80)]);
    terminal.refuses(
        &ingress("a", "denied", "wbe", 80),
        &["Service \"wbe\" does not exist", "did you mean \"web\"?", "[IG201"],
    );
    terminal.refuses(
        &ingress("b", "denied", "web", 81),
        &["Service \"web\" has no port 81", "use its only port 80", "[IG202"],
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
    // The Secret exists now, but its certificate covers another host.
    terminal.warns(&with_tls, "IG403");
}

#[test]
fn changes_of_the_controllers_config_map_are_followed() {
    const CONFIG: &str = "
checks: {IG609: deny}
dialects: [{match: {class: observed}, engine: nginx, version: 1.11.8, configMap: live-observed-controller/controller}]
";
    let Some(cluster) = cluster::shared() else { return };
    let controller = Terminal { cluster: &cluster, namespace: "live-observed-controller" };
    cluster.kubectl(&["create", "namespace", controller.namespace]).ok();
    controller.does(&["create", "configmap", "controller", "--from-literal=allow-snippet-annotations=true"]);
    // The role that the chart renders for the ConfigMap named in the configuration.
    let verbs = ["--verb=get,list,watch", "--resource=configmaps", "--resource-name=controller"];
    controller.does(&[&["create", "role", "guard"], &verbs[..]].concat());
    controller.does(&[
        "create",
        "rolebinding",
        "guard",
        "--role=guard",
        "--serviceaccount=live-observed:ingress-guard",
    ]);
    let _webhook = Webhook::watching(&cluster, "live-observed", CONFIG);

    let terminal = Terminal { cluster: &cluster, namespace: "live-observed" };
    terminal.stores(&[class("observed"), service("web", &[80])]);
    let with_snippet = |name: &str| {
        let mut ingress = ingress(name, "observed", "web", 80);
        let snippet = "more_set_headers \"X-Frame-Options: DENY\";";
        ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/configuration-snippet": snippet});
        ingress
    };
    let allow = |allowed: &str| {
        let patch = json!({"data": {"allow-snippet-annotations": allowed}}).to_string();
        controller.does(&["patch", "configmap", "controller", "--type=merge", "--patch", &patch]);
    };
    terminal.stores(&[with_snippet("a")]);
    allow("false");
    terminal.refuses_in_the_end(&with_snippet("b"), &["snippets are disabled", "[IG609"]);
    // A denial is confirmed: an Ingress that is allowed is stored, whatever events the watch has received so far.
    allow("true");
    terminal.stores(&[with_snippet("b")]);
}
