//! The start of an installation: the first denial, several processes at once, and missing permissions.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Installation, LIMIT, certificates, is_ready, measured, shows};
use crate::cluster;
use crate::objects::{ingress, rewriting};
use crate::service::Service;
use crate::webhook::Webhook;

#[test]
fn an_installation_needs_no_certificate_from_outside() {
    let Some(cluster) = cluster::shared() else { return };
    let started = Instant::now();
    let installation = Installation::new(&cluster, "managed-start");
    let webhook = installation.run("a");
    installation.serve(webhook.ports().0);
    let terminal = installation.prepare();
    measured(&format!("first denial {:.1} s after the first object", started.elapsed().as_secs_f64()));
    terminal.stores(&[ingress("good", "managed-start", "web", 80)]);
    assert_eq!(installation.stored("current.crt").unwrap(), installation.bundle());
    assert!(installation.stored("current.key").unwrap().contains("PRIVATE KEY"));
    assert!(shows(&webhook, "ingress_guard_ca_bundle_missing 0"));
    // The key of the serving certificate is in no object, and no key is in the log.
    assert_eq!(installation.get(&["secret", &installation.secret_name()])["data"].as_object().unwrap().len(), 2);
    let log = cluster.supervisor().log("webhook-managed-start-a");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
    // A restarted process continues with the same CA.
    let before = installation.bundle();
    drop(webhook);
    let webhook = installation.run("b");
    installation.serve(webhook.ports().0);
    assert_eq!(installation.bundle(), before);
    terminal.refuses(&rewriting(ingress("bad", "managed-start", "web", 80)), &["[IG310 "]);
}

#[test]
fn processes_that_start_at_once_share_one_ca() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-race");
    let webhooks = ["a", "b", "c"].map(|name| installation.begin(name));
    let service = Service::start(&webhooks.each_ref().map(Webhook::ports));
    installation.serve(service.port());
    cluster.wait("webhook-managed-race-c", LIMIT, || webhooks.iter().all(is_ready));
    assert_eq!(certificates(&installation.bundle()), 1);
    assert_eq!(installation.stored("previous.crt"), None, "no process signed with a CA that lost");
    installation.prepare();
    assert_eq!(installation.interruption(|| ()), Duration::ZERO);
}

#[test]
fn missing_permissions_keep_a_new_process_unready_and_are_named() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::without_rights(&cluster, "managed-rights");
    let webhook = installation.begin("a");
    let says = |text: &str| {
        cluster.wait("webhook-managed-rights-a", LIMIT, || webhook.readiness().contains(text));
        assert!(!is_ready(&webhook), "{}", webhook.readiness());
    };
    says("certificate: Secret managed-rights/ingress-guard-webhook-ca does not exist: create it without data");
    let objects = installation.objects();
    let of = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
    // The Secret, but no permission to write to it.
    installation.apply(of("Secret"));
    says("certificate: cannot write Secret managed-rights/ingress-guard-webhook-ca: no permission: secrets ");
    says("cannot update resource");
    installation.apply(of("Role"));
    installation.apply(of("RoleBinding"));
    // Without a webhook configuration there is nothing to wait for.
    cluster.wait("webhook-managed-rights-a", LIMIT, || is_ready(&webhook));
    installation.apply(of("ValidatingWebhookConfiguration"));
    cluster.wait("webhook-managed-rights-a", LIMIT, || {
        webhook
            .readiness()
            .contains("cannot write ValidatingWebhookConfiguration ingress-guard-managed-rights: no permission: ")
    });
    assert!(is_ready(&webhook), "it was ready before");
    assert!(shows(&webhook, "ingress_guard_ca_bundle_missing 1"));
    let late = installation.begin("b");
    cluster.wait("webhook-managed-rights-b", LIMIT, || {
        late.readiness().contains("the caBundle of the webhook configuration does not contain its CA yet")
    });
    assert!(!is_ready(&late));
    installation.apply(of("ClusterRole"));
    installation.apply(of("ClusterRoleBinding"));
    cluster.wait("webhook-managed-rights-b", LIMIT, || is_ready(&late));
    installation.serve(late.ports().0);
    installation.prepare();
}

#[test]
fn a_bundle_that_cert_manager_claims_is_not_written() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-claimed");
    let mut claimed = installation.webhook_configuration();
    claimed["metadata"]["annotations"] = json!({"cert-manager.io/inject-ca-from": "managed-claimed/tls"});
    claimed["webhooks"][0]["failurePolicy"] = json!("Ignore");
    installation.apply(&claimed);
    let webhook = installation.begin("a");
    cluster.wait("webhook-managed-claimed-a", LIMIT, || {
        webhook.readiness().contains("the annotation cert-manager.io/inject-ca-from of ValidatingWebhookConfiguration")
    });
    assert!(!is_ready(&webhook));
    assert_eq!(installation.bundle(), "");
    installation.apply(&installation.webhook_configuration());
    cluster.wait("webhook-managed-claimed-a", LIMIT, || is_ready(&webhook));
    assert_eq!(certificates(&installation.bundle()), 1);
}
