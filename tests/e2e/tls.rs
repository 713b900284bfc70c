//! The output of kubectl for problems of certificates.

use serde_json::{Value, json};

use crate::cluster;
use crate::objects::{class, host, ingress, secret, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

#[test]
fn hosts_that_get_the_default_certificate_are_reported() {
    let Some(cluster) = cluster::shared() else { return };
    let _webhook = Webhook::watching(&cluster, "said-tls", "");
    let terminal = Terminal { cluster: &cluster, namespace: "said-tls" };
    let with_tls = |name: &str, tls: Value| {
        let mut ingress = ingress(name, "said-tls", "web", 80);
        ingress["spec"]["tls"] = json!([tls]);
        ingress
    };
    let pair = cluster.authority().server_for(&["covered.said-tls.example.com"]);
    terminal.stores(&[class("said-tls"), service("web", &[80]), secret("covered", &pair)]);
    let covered = host("covered", "said-tls");
    terminal.stores(&[with_tls("covered", json!({"hosts": [covered], "secretName": "covered"}))]);

    let uncovered = with_tls("uncovered", json!({"hosts": [covered], "secretName": "covered"}));
    terminal.stores_warned(&uncovered, &["IG406 spec.rules[0].host: no spec.tls entry for uncovered.said-tls.example.com: clients get the default \
           (self-signed) certificate, HTTP redirects to HTTPS; add the host to spec.tls, or move its rule to an Ingress without TLS"]);
    let mismatch = with_tls("mismatch", json!({"hosts": [host("mismatch", "said-tls")], "secretName": "covered"}));
    terminal.stores_warned(&mismatch, &["IG403 spec.tls[0].secretName: certificate in Secret \"covered\" is not valid for mismatch.said-tls.example.com: \
           clients get the default (self-signed) certificate, HTTP redirects to HTTPS; reissue the certificate for this host"]);
    let mut missing = with_tls("missing", json!({"hosts": [host("missing", "said-tls")], "secretName": "missing"}));
    terminal.stores_warned(&missing, &["IG401 spec.tls[0].secretName: Secret \"missing\" does not exist in namespace \"said-tls\": clients get the \
           default (self-signed) certificate, HTTP redirects to HTTPS; create the Secret, or set an issuer"]);
    // cert-manager creates the Secret later: the finding is reported at audit level only.
    missing["metadata"]["annotations"] = json!({"cert-manager.io/cluster-issuer": "letsencrypt"});
    missing["metadata"]["name"] = json!("pending");
    terminal.does(&["delete", "ingress", "missing"]);
    terminal.stores(&[missing]);
}
