//! Rollouts of the webhook under load with `failurePolicy: Fail`: no review may fail.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::certificates::{Authority, Pair};
use crate::cluster;
use crate::load;
use crate::names::NAME;
use crate::objects::{ingress, rewriting};
use crate::registration::Registration;
use crate::service::Service;
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account};

/// Enough time for a review, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// kube-apiserver uses HTTP/2 for loopback addresses and HTTP/1.1 for host names, as for Services (`isLocalHost` in
/// `util/webhook/client.go`). Each write therefore sends two reviews.
fn urls(port: u16) -> [String; 2] {
    ["127.0.0.1", NAME].map(|host| format!("https://{host}:{port}/validate"))
}

#[test]
fn a_rolling_restart_loses_no_review() {
    let Some(cluster) = cluster::shared() else { return };
    let source = account(&cluster, "rollout");
    let replica = |which| Webhook::replica(&cluster, format!("webhook-rollout-{which}"), source.clone(), "");
    let mut replicas = ["a", "b"].map(replica);
    let service = Service::start(&replicas.each_ref().map(Webhook::ports));
    let authority = cluster.authority().certificate();
    let mut registration = Registration::new(&cluster, "rollout", &urls(service.port()), &authority);
    registration.fail_closed();
    registration.create(|| replicas.iter().any(Webhook::was_probed));

    load::during(&cluster, "rollout", |tally| {
        let more = |replica: &Webhook<'_>| {
            let goal = tally.reviewed() + 50;
            replica.wait(LIMIT, || tally.reviewed() > goal);
        };
        more(&replicas[0]);
        for replica in &mut replicas {
            assert_eq!(replica.stop(), 0);
            assert_eq!(replica.log("drained")[0]["cut"], 0);
            more(replica);
            replica.run();
            replica.wait(LIMIT, || service.is_whole());
            more(replica);
        }
        assert_eq!(*tally.lost.lock(), Vec::<String>::new(), "of {}", tally.reviewed());
    });
    let [a, b] = service.connections()[..] else { panic!() };
    assert!(a > 1 && b > 1, "{a} and {b} connections");
    for replica in &replicas {
        assert_eq!(replica.log("serving").len(), 2);
        assert!(replica.reviews().len() > 50, "each replica gets reviews: {}", replica.reviews().len());
    }
}

#[test]
fn new_certificates_and_a_new_authority_lose_no_review() {
    let Some(cluster) = cluster::shared() else { return };
    let source = account(&cluster, "renewal");
    let webhook = Webhook::replica(&cluster, "webhook-renewal".to_owned(), source, "");
    let (old, new) = (cluster.authority(), Authority::new());
    let both = old.certificate() + &new.certificate();
    let mut registration = Registration::new(&cluster, "renewal", &urls(webhook.ports().0), &old.certificate());
    registration.fail_closed();
    registration.create(|| webhook.was_probed());

    let terminal = Terminal { cluster: &cluster, namespace: "renewal" };
    let bad = rewriting(ingress("bad", "renewal", "web", 80)).to_string();
    // The webhook name in kube-apiserver's error shows which registration is in effect.
    let mut trust = |authorities: &str, name: &str| {
        registration.trust(authorities);
        for (number, webhook) in registration.object["webhooks"].as_array_mut().unwrap().iter_mut().enumerate() {
            webhook["name"] = format!("{name}-{number}.ingress-guard.io").into();
        }
        registration.replace();
        webhook.wait(LIMIT, || {
            let stderr = terminal.run(&["apply", "--dry-run=server", "--filename=-"], &bad).stderr;
            stderr.contains(&format!("admission webhook \"{name}-"))
        });
    };
    // Each review uses a new connection.
    let serve = |pair: &Pair| {
        webhook.put_certificate(pair);
        let shown = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
        let client = webhook.direct(&both);
        webhook.wait(LIMIT, || client.certificate().unwrap() == *shown);
    };
    load::during(&cluster, "renewal", |tally| {
        let more = || {
            let goal = tally.reviewed() + 50;
            webhook.wait(LIMIT, || tally.reviewed() > goal);
        };
        more();
        // First a renewed certificate of the trusted authority; then another authority replaces the first one.
        serve(&old.server());
        more();
        trust(&both, "both");
        serve(&new.server());
        more();
        trust(&new.certificate(), "new");
        more();
        serve(&new.server());
        more();
        assert_eq!(*tally.lost.lock(), Vec::<String>::new(), "of {}", tally.reviewed());
    });
    assert_eq!(webhook.log("certificate loaded").len(), 3);
    assert_eq!(webhook.log("serving").len(), 1, "the process was not restarted");
}
