//! The replacement of the CA with shortened lives, and a clock that is wrong. The manager and the server run in the process of the test,
//! because the binary has no flag for durations or clocks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use ingress_guard::admission::Reviewer;
use ingress_guard::certificates::{self, CertificateStatus, Lifetimes, Manager, Pair};
use ingress_guard::cluster::{SharedInventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::server::{self, CertificateSource, Limits, Readiness, Server, TlsOptions};
use ingress_guard::tasks::Tasks;
use ingress_guard::telemetry::Metrics;
use jiff::{SignedDuration, Timestamp};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{Installation, LIMIT, SERVICE, certificates, measured};
use crate::cluster;
use crate::https::Https;
use crate::load;
use crate::objects::{class, ingress, rewriting, service};
use crate::service::Service;

/// A webhook in the process of the test. It ends when it is dropped.
struct Running {
    ports: (u16, u16),
    _runtime: Runtime,
}

/// Only the certificate decides about readiness.
struct OfCertificate(CertificateStatus);

impl Readiness for OfCertificate {
    fn missing(&self) -> Vec<String> {
        let missing = self.0.withheld();
        if missing.is_empty() {
            self.0.note_ready();
        }
        missing
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }
}

fn start(installation: &Installation<'_>, lifetimes: Lifetimes, clock: fn() -> Timestamp) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ports = runtime.block_on(async {
        let kubeconfig = Kubeconfig::read_from(Path::new(installation.source.strip_prefix("--kubeconfig=").unwrap()));
        let context = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig.unwrap(), &context).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let unknown = installation.cluster.authority().server();
        let unknown = Pair { certificate: unknown.certificate, key: unknown.key };
        let (serving, metrics) = (Arc::new(ArcSwap::from_pointee(unknown)), Arc::new(Metrics::new()));
        let options = certificates::Options {
            service: format!("{SERVICE}.{}", installation.namespace).parse().unwrap(),
            secret: installation.secret_name(),
            registration: installation.registration.clone(),
            lifetimes,
            clock,
        };
        let manager = Manager::new(client, options, Arc::clone(&serving), Arc::clone(&metrics));
        let readiness = Arc::new(OfCertificate(manager.status()));
        Tasks::default().keep("self_managed_certificate", move || manager.restarted().run());
        let objects = [class(installation.namespace), in_namespace(service("web", &[80]), installation.namespace)];
        let inventory = load_text("cluster", &objects.map(|object| object.to_string()).join("\n---\n")).unwrap();
        let config = Config::parse("config", "").unwrap();
        let reviewer = Reviewer::new(SharedInventory::new(inventory), config.engine(), config.policy, Timestamp::now);
        let limits = Limits::default();
        let app = server::webhook(Arc::new(reviewer), &limits, Arc::clone(&metrics));
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let certificate = CertificateSource::Issued(serving);
        let tls = TlsOptions { certificate, client_ca: None, poll: Duration::from_millis(100), dns_name: None };
        let server =
            Server::bind(server::Options { listen, health_listen: listen, tls, limits }, metrics).await.unwrap();
        let ports = (server.addr().port(), server.health_addr().port());
        tokio::spawn(server.run(app, readiness, CancellationToken::new()));
        ports
    });
    Running { ports, _runtime: runtime }
}

fn in_namespace(mut object: serde_json::Value, namespace: &str) -> serde_json::Value {
    object["metadata"]["namespace"] = namespace.into();
    object
}

#[test]
fn replacing_the_ca_loses_none_of_ten_thousand_reviews() {
    const REVIEWS: usize = 10_000;
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-rotation");
    let lifetimes = Lifetimes {
        authority: Duration::from_secs(30),
        leaf: Duration::from_secs(14),
        settle: Duration::from_secs(3),
        propagation: Duration::from_secs(1),
        poll: Duration::from_millis(200),
        ..Lifetimes::default()
    };
    let replicas = [0, 1].map(|_| start(&installation, lifetimes.clone(), Timestamp::now));
    let service = Service::start(&replicas.each_ref().map(|replica| replica.ports));
    installation.serve(service.port());
    installation.prepare();

    let (is_done, handshakes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (authorities, most) = thread::scope(|scope| {
        // kube-apiserver keeps connections, so other clients verify each certificate as well.
        let verifying = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let bundle = installation.bundle();
                for replica in &replicas {
                    let client = Https::new(replica.ports.0, &bundle, None).named("ingress-guard.managed-rotation.svc");
                    client.certificate().unwrap_or_else(|error| panic!("{error}: {bundle}"));
                    handshakes.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let mut authorities = BTreeSet::new();
        let mut most = 0;
        load::during(&cluster, "managed-rotation", |tally| {
            while (tally.reviewed() < REVIEWS || authorities.len() < 3) && !verifying.is_finished() {
                authorities.extend(installation.stored("current.crt"));
                most = most.max(certificates(&installation.bundle()));
                thread::sleep(Duration::from_millis(100));
            }
            assert_eq!(*tally.lost.lock(), Vec::<String>::new(), "of {}", tally.reviewed());
            measured(&format!("0 of {} reviews lost during {} replacements", tally.reviewed(), authorities.len() - 1));
        });
        is_done.store(true, Ordering::Relaxed);
        (authorities, most)
    });
    assert!(authorities.len() >= 3, "{} CAs", authorities.len());
    assert!((2..=4).contains(&most), "{most} CAs at once in the caBundle");
    assert!(handshakes.into_inner() > 100);
}

#[test]
fn a_clock_that_is_a_day_off_does_not_matter() {
    let Some(cluster) = cluster::shared() else { return };
    let ahead: fn() -> Timestamp = || Timestamp::now() + SignedDuration::from_hours(24);
    let behind: fn() -> Timestamp = || Timestamp::now() - SignedDuration::from_hours(24);
    for (namespace, clock) in [("managed-ahead", ahead), ("managed-behind", behind)] {
        let installation = Installation::new(&cluster, namespace);
        let running = start(&installation, Lifetimes::default(), clock);
        installation.serve(running.ports.0);
        let terminal = installation.prepare();
        // A second process with the right clock uses the same CA.
        let right = installation.run("right");
        installation.serve(right.ports().0);
        cluster.wait(&format!("webhook-{namespace}-right"), LIMIT, || certificates(&installation.bundle()) == 1);
        terminal.refuses(&rewriting(ingress("bad", namespace, "web", 80)), &["[IG310 "]);
    }
}

/// Whether the next look at the clock panics.
static PANICS: AtomicBool = AtomicBool::new(false);

fn panicking_clock() -> Timestamp {
    assert!(!PANICS.swap(false, Ordering::Relaxed), "as asked");
    Timestamp::now()
}

#[test]
fn after_a_panic_the_certificate_is_managed_again() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-panic");
    let running = start(&installation, Lifetimes::default(), panicking_clock);
    installation.serve(running.ports.0);
    installation.prepare();
    let before = installation.bundle();
    PANICS.store(true, Ordering::Relaxed);
    installation.inject("", "someone");
    cluster.wait("kube-apiserver", LIMIT, || installation.bundle() == before);
    assert!(!PANICS.load(Ordering::Relaxed), "the task panicked");
    // The same CA signs, and the first process of the task still serves.
    assert_eq!(installation.interruption(|| ()), Duration::ZERO);
}
