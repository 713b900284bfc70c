//! Changes of `certificate.mode` under `failurePolicy: Fail`: no review may be lost.

use std::time::Duration;

use super::{Installation, LIMIT, SERVICE, certificates};
use crate::cluster;
use crate::service::Service;
use crate::webhook::Webhook;

/// The field manager of the CA injector of cert-manager.
const INJECTOR: &str = "cert-manager-cainjector";

/// A process with the certificate that cert-manager would have issued.
fn issued<'c>(installation: &Installation<'c>, name: &str) -> Webhook<'c> {
    let name = format!("webhook-{}-{name}", installation.namespace);
    let webhook = Webhook::replica(installation.cluster, name, installation.source.clone(), "");
    let dns_name = format!("{SERVICE}.{}.svc", installation.namespace);
    webhook.put_certificate(&installation.cluster.authority().server_for(&[&dns_name, "localhost"]));
    let client = webhook.direct(&installation.cluster.authority().certificate());
    webhook.wait(LIMIT, || client.certificate().is_ok() && webhook.log("certificate loaded").len() == 1);
    webhook
}

#[test]
fn from_cert_manager_to_self_managed_certificates_in_one_step() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-from");
    let authority = cluster.authority().certificate();
    installation.inject(&authority, INJECTOR);
    let mut old = issued(&installation, "old");
    let before = Service::start(&[old.ports()]);
    installation.serve(before.port());
    installation.prepare();
    let mut new = None;
    let interruption = installation.interruption(|| {
        let webhook = installation.run("new");
        // The new pod is ready: the Service sends reviews to both, then to the new one.
        let both = Service::start(&[old.ports(), webhook.ports()]);
        installation.serve(both.port());
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(old.stop(), 0);
        new = Some((webhook, both));
    });
    assert_eq!(interruption, Duration::ZERO);
    assert_eq!(certificates(&installation.bundle()), 2, "the old CA stays for seven days");
    assert_eq!(installation.stored("previous.crt").unwrap().trim(), authority.trim());
}

#[test]
fn from_self_managed_certificates_to_cert_manager_in_three_steps() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-to");
    let mut old = installation.run("old");
    installation.serve(old.ports().0);
    installation.prepare();
    let authority = cluster.authority().certificate();
    let mut new = None;
    let interruption = installation.interruption(|| {
        // First the CA of cert-manager beside the own one; the old process keeps both.
        let own = installation.bundle();
        installation.inject(&(own + &authority), INJECTOR);
        cluster.wait("webhook-managed-to-old", LIMIT, || installation.stored("previous.crt").is_some());
        std::thread::sleep(Duration::from_secs(1));
        // Then the new pods, and the end of the old ones.
        let webhook = issued(&installation, "new");
        let both = Service::start(&[old.ports(), webhook.ports()]);
        installation.serve(both.port());
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(old.stop(), 0);
        // Last the CA injector, which replaces the whole caBundle.
        installation.inject(&authority, INJECTOR);
        new = Some((webhook, both));
    });
    assert_eq!(interruption, Duration::ZERO);
    assert_eq!(installation.bundle(), authority);
}
