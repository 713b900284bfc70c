//! The effect of profiles, namespace rules and waivers on a finding, as kubectl prints it.

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, ingress, service};
use crate::terminal::{Terminal, denial};
use crate::webhook::Webhook;

const NO_PORT: &str = "spec.rules[0].http.paths[0].backend.service.port.number: Service \"web\" has no port 81: \
                       requests return 503; use its only port 80 (p80)";

fn waiving(mut ingress: Value, waiver: &str) -> Value {
    ingress["metadata"]["annotations"] = json!({"ingress-guard.io/ignore": waiver});
    ingress
}

#[test]
fn a_waiver_needs_a_reason() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "said-waiver", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-waiver" };
    terminal.stores(&[class("said-waiver"), service("web", &[80])]);
    let bad = |waiver: &str| waiving(ingress("web", "said-waiver", "web", 81), waiver);
    let unfounded = terminal.apply(&bad("IG202").to_string());
    let expected = "Warning: said-waiver/web IG903 metadata.annotations[ingress-guard.io/ignore]: the waiver of \"IG202\" has no reason: \
                nothing is waived; use the form \"IG305 until=2027-01-31 reason=landing page\"\n";
    let denial = denial("said-waiver/web", &[&format!("{NO_PORT} [IG202 service-port-not-found]")]) + "\n";
    assert!(unfounded.stderr.starts_with(expected) && unfounded.stderr.ends_with(&denial), "{unfounded}");
    terminal.assert_stored("web", false);
    terminal.stores(&[bad("IG202 reason=the port comes with the next release")]);
    // No warning is sent, but the finding is logged.
    let last = webhook.reviews().pop().unwrap();
    assert_eq!((&last["verdict"], &last["codes"]), (&json!("allow"), &json!("IG202")), "{last}");
}

#[test]
fn strict_denies_findings_that_guard_warns_about() {
    let Some(cluster) = cluster::shared() else { return };
    let invalid = |namespace: &str| {
        let mut bad = ingress("web", namespace, "web", 80);
        bad["spec"]["tls"] = json!([{"hosts": [format!("web.{namespace}.example.com")], "secretName": "web-tls"}]);
        bad
    };
    let expected = |namespace: &str| {
        format!(
            "spec.tls[0].secretName: Secret \"web-tls\" does not exist in namespace {namespace:?}: clients get the \
             default (self-signed) certificate, HTTP redirects to HTTPS; create the Secret, or set an issuer"
        )
    };
    for (namespace, config) in
        [("said-guard", "profile: guard"), ("said-strict", "{profile: strict, waiverHint: true}")]
    {
        let _webhook = Webhook::watching(&cluster, namespace, config);
        let terminal = Terminal { cluster: &cluster, namespace };
        terminal.stores(&[class(namespace), service("web", &[80])]);
        let (invalid, expected) = (invalid(namespace), expected(namespace));
        if namespace == "said-guard" {
            terminal.stores_warned(&invalid, &[&format!("IG401 {expected}")]);
        } else {
            let secret = format!("Secret {namespace}/web-tls");
            terminal.denies_until(&invalid, &[&format!("{expected} [IG401 tls-secret-not-found]")], &secret);
        }
    }
}

#[test]
fn observe_turns_denials_into_warnings_for_all_or_for_one_namespace() {
    let Some(cluster) = cluster::shared() else { return };
    for (namespace, config) in [
        ("said-observe", "profile: observe"),
        ("said-by-name", "namespaces: [{match: 'said-by-*', profile: observe}]"),
        ("said-by-label", "namespaces: [{selector: {matchLabels: {stage: test}}, profile: observe}]"),
    ] {
        let _webhook = Webhook::watching(&cluster, namespace, config);
        let terminal = Terminal { cluster: &cluster, namespace };
        terminal.stores(&[class(namespace), service("web", &[80])]);
        let bad = ingress("web", namespace, "web", 81);
        if namespace == "said-by-label" {
            terminal.refuses(&bad, &["[IG202 service-port-not-found]"]);
            cluster.kubectl(&["label", "namespace", namespace, "stage=test"]).ok();
        }
        terminal.stores_warned_in_the_end(&bad, &[&format!("IG202 {NO_PORT}")]);
    }
}
