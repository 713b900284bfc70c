//! Changes of the Secret and the webhook configuration of a running installation by other programs, under `failurePolicy: Fail`.

use std::time::Duration;

use serde_json::json;

use super::{Installation, LIMIT, measured, shows};
use crate::cluster;
use crate::service::Service;
use crate::webhook::Webhook;

/// The longest interruption by a change that empties the caBundle. The repair itself takes a fraction of it.
const REPAIRED: Duration = Duration::from_secs(5);

#[test]
fn applying_the_manifests_again_loses_no_review() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-applied");
    let webhooks = ["a", "b"].map(|name| installation.run(name));
    let service = Service::start(&webhooks.each_ref().map(Webhook::ports));
    installation.serve(service.port());
    installation.prepare();
    let (bundle, key) = (installation.bundle(), installation.stored("current.key"));
    let apply: &[&str] = &["apply", "--filename=-"];
    let server_side: &[&str] = &["apply", "--server-side", "--force-conflicts", "--filename=-"];
    for arguments in [apply, server_side, server_side, apply] {
        let interruption = installation.interruption(|| {
            for object in installation.objects() {
                installation.kubectl(arguments, &object);
            }
        });
        assert_eq!(interruption, Duration::ZERO, "{arguments:?}");
        assert_eq!((installation.bundle(), installation.stored("current.key")), (bundle.clone(), key.clone()));
    }
    for webhook in &webhooks {
        assert!(shows(webhook, "ingress_guard_ca_bundle_repairs_total 0"));
    }
}

#[test]
fn emptied_and_deleted_objects_come_back() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-emptied");
    let webhooks = ["a", "b"].map(|name| installation.run(name));
    let service = Service::start(&webhooks.each_ref().map(Webhook::ports));
    installation.serve(service.port());
    installation.prepare();
    let (bundle, key) = (installation.bundle(), installation.stored("current.key"));
    let (replace, secret): (&[&str], _) = (&["replace", "--filename=-"], installation.secret());
    let is_back = || installation.stored("current.key") == key;

    let interruption = installation.interruption(|| installation.kubectl(replace, &secret));
    assert_eq!(interruption, Duration::ZERO, "an emptied Secret");
    cluster.wait("webhook-managed-emptied-a", LIMIT, is_back);

    let namespace = "--namespace=managed-emptied";
    let interruption = installation.interruption(|| {
        cluster.kubectl(&["delete", "secret", &installation.secret_name(), namespace]).ok();
        cluster.wait("webhook-managed-emptied-a", LIMIT, || {
            webhooks.iter().all(|webhook| shows(webhook, "ingress_guard_ca_secret_missing 1"))
        });
    });
    assert_eq!(interruption, Duration::ZERO, "a deleted Secret");
    assert!(webhooks[0].readiness().contains("was deleted: the CA is in memory only; create the Secret again"));
    installation.apply(&secret);
    cluster.wait("webhook-managed-emptied-a", LIMIT, is_back);

    let registration = installation.webhook_configuration();
    let interruption = installation.interruption(|| {
        installation.kubectl(replace, &secret);
        installation.kubectl(replace, &registration);
    });
    measured(&format!("kubectl replace of both objects: {interruption:?} without reviews"));
    assert!(interruption < REPAIRED, "{interruption:?}");
    cluster.wait("webhook-managed-emptied-a", LIMIT, is_back);
    assert_eq!(installation.bundle(), bundle);

    let emptied = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]).to_string();
    let patch =
        ["patch", "validatingwebhookconfiguration", &installation.registration, "--type=json", "--patch", &emptied];
    let interruption = installation.interruption(|| drop(cluster.kubectl(&patch).ok()));
    measured(&format!("an emptied caBundle: {interruption:?} without reviews"));
    assert!(interruption < REPAIRED, "{interruption:?}");
    assert_eq!(installation.bundle(), bundle);
}

#[test]
fn a_program_that_replaces_the_bundle_again_and_again_is_named() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-contested");
    let webhook = installation.run("a");
    installation.serve(webhook.ports().0);
    installation.prepare();
    let other = cluster.authority().certificate();
    let replace = || installation.inject(&other, "tug-of-war");
    for repairs in 1..=3 {
        replace();
        let counted = format!("ingress_guard_ca_bundle_repairs_total {repairs}");
        cluster.wait("webhook-managed-contested-a", LIMIT, || shows(&webhook, &counted));
    }
    replace();
    let contested = "ingress_guard_ca_bundle_contested{manager=\"tug-of-war\"} 1";
    cluster.wait("webhook-managed-contested-a", LIMIT, || shows(&webhook, contested));
    assert!(
        webhook.readiness().contains("certificate: tug-of-war changes the caBundle of ValidatingWebhookConfiguration")
    );
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(installation.bundle(), other, "the fourth repair waits");
    assert!(shows(&webhook, "ingress_guard_ca_bundle_repairs_total 3"));
}
