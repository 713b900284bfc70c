//! Writes that are stored without a review while replicas run, and writes that are reviewed while one is killed.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::audit_rights::{grant_lease, lease};
use crate::background::{CONFIG, is_complete, register_unreachable, unreviewed};
use crate::cluster::{self, Cluster};
use crate::objects::{self, class, list, service};
use crate::registration::Registration;
use crate::service::Service;
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account, arguments};

/// The time for which the conditions must hold before a write is counted, and some more.
const SETTLED: Duration = Duration::from_secs(65);

/// Two replicas of a Service with two endpoints. The registration of this Service reaches none of them, and another one reaches them at
/// the port of `service`.
struct Installation<'c> {
    replicas: [Webhook<'c>; 2],
    service: Service,
    terminal: Terminal<'c>,
}

impl<'c> Installation<'c> {
    fn start(cluster: &'c Cluster, name: &'static str) -> Self {
        let source = account(cluster, name);
        lease(cluster, name);
        grant_lease(cluster, name);
        register_unreachable(cluster, name);
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "ingress-guard", "namespace": name, "labels": {"kubernetes.io/service-name": "ingress-guard"}},
            "endpoints": [{"addresses": ["192.0.2.1"]}, {"addresses": ["192.0.2.2"]}], "ports": []});
        cluster.kubectl_with_stdin(&["create", "--filename=-"], &slice.to_string()).ok();
        let start = |number| {
            let lease = format!("--background-lease={name}/background");
            let flags = [source.clone(), lease, format!("--service=ingress-guard.{name}")];
            Webhook::run_with(cluster, format!("{name}-{number}"), CONFIG, |place| arguments(place, flags))
        };
        let replicas = [start(0), start(1)];
        let proxy = Service::start(&replicas.each_ref().map(Webhook::ports));
        let urls = [format!("https://127.0.0.1:{}/validate", proxy.port())];
        let mut registration = Registration::new(cluster, name, &urls, &cluster.authority().certificate());
        registration.object["metadata"]["name"] = json!(format!("ingress-guard-{name}-reached"));
        registration.fail_closed();
        registration.create(|| replicas.iter().any(Webhook::was_probed));
        let terminal = Terminal { cluster, namespace: name };
        terminal.stores(&[class(name), service("web", &[80])]);
        Self { replicas, service: proxy, terminal }
    }

    /// Lets the API server reach no replica any more, which it notices some time later.
    fn lose(&self) {
        let (cluster, name) = (self.terminal.cluster, self.terminal.namespace);
        cluster.kubectl(&["delete", "validatingwebhookconfiguration", &format!("ingress-guard-{name}-reached")]).ok();
        let bad = objects::ingress("bad", name, "gone", 80).to_string();
        self.replicas[1].wait(Duration::from_secs(20), || {
            self.terminal.run(&["apply", "--dry-run=server", "--filename=-"], &bad).code == 0
        });
        thread::sleep(Duration::from_secs(2));
    }

    fn counted(&self) -> [u32; 2] {
        let [a, b] = self.replicas.each_ref().map(unreviewed);
        [a[0] + b[0], a[1] + b[1]]
    }

    fn unknown(&self) -> Vec<String> {
        let of = |replica: &Webhook<'_>| -> Vec<String> {
            let metrics = replica.metrics();
            metrics
                .lines()
                .filter_map(|line| line.strip_prefix("ingress_guard_stored_review_unknown_total "))
                .map(str::to_owned)
                .collect()
        };
        self.replicas.iter().flat_map(of).collect()
    }
}

#[test]
fn writes_that_reach_no_replica_are_counted_once() {
    let Some(cluster) = cluster::shared() else { return };
    let name = "unreviewed-reached";
    let it = Installation::start(&cluster, name);
    it.replicas[0].wait(Duration::from_secs(30), || it.replicas.iter().any(is_complete));
    let ready = Instant::now();
    let ingress = |ingress: &str, service: &str| objects::ingress(ingress, name, service, 80);
    it.terminal.stores(&[ingress("reviewed", "web")]);
    thread::sleep(SETTLED.saturating_sub(ready.elapsed()));
    // Reviewed: a new one, a change, one whose name the API server generates, and one that changes nothing that is reviewed.
    it.terminal.stores(&[ingress("new", "web")]);
    let mut changed = ingress("reviewed", "web");
    changed["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "8m"});
    it.terminal.stores(&[changed]);
    let mut generated = ingress("generated", "web");
    generated["metadata"] = json!({"generateName": "generated-"});
    it.terminal.run(&["create", "--filename=-"], &generated.to_string()).ok();
    it.terminal.does(&["label", "ingress", "reviewed", "team=shop"]);
    it.lose();
    it.terminal.stores(&[ingress("bad", "gone"), ingress("good", "web")]);
    let stored = Instant::now();
    it.replicas[0].wait(Duration::from_secs(40), || it.counted() == [1, 1]);
    assert!(stored.elapsed() < Duration::from_secs(30), "{:?}", stored.elapsed());
    let message = "an Ingress was stored without a review, although a replica ran";
    let lines: Vec<Value> = it.replicas.iter().flat_map(|replica| replica.log(message)).collect();
    let mut named: Vec<_> = lines.iter().map(|line| format!("{} {}", line["ingress"], line["would_deny"])).collect();
    named.sort();
    assert_eq!(named, [format!("\"{name}/bad\" true"), format!("\"{name}/good\" false")]);
    // The time after which the others would be unknown.
    thread::sleep(Duration::from_secs(65).saturating_sub(stored.elapsed()));
    assert_eq!((it.counted(), it.unknown()), ([1, 1], vec!["0".to_owned(); 2]));
}

#[test]
fn reviewed_writes_are_not_counted_while_a_replica_is_killed() {
    let Some(cluster) = cluster::shared() else { return };
    let name = "unreviewed-load";
    let mut it = Installation::start(&cluster, name);
    it.replicas[0].wait(Duration::from_secs(30), || it.replicas.iter().any(is_complete));
    thread::sleep(SETTLED);
    let objects = |size: u32| -> String {
        let of = |number: u32| {
            let mut ingress = objects::ingress(&format!("web-{number}"), name, "web", 80);
            ingress["metadata"]["annotations"] =
                json!({"nginx.ingress.kubernetes.io/proxy-body-size": format!("{size}m")});
            ingress
        };
        list(&(0..100).map(of).collect::<Vec<_>>())
    };
    // With `failurePolicy: Fail` each write is reviewed; those that no replica answers are repeated.
    let terminal = &it.terminal;
    let [first, _] = &mut it.replicas;
    thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for size in [1, 2] {
                let repeated = Instant::now();
                while terminal.apply(&objects(size)).code != 0 {
                    assert!(repeated.elapsed() < Duration::from_mins(1), "the writes are refused");
                }
            }
        });
        thread::sleep(Duration::from_secs(2));
        first.kill();
        writing.join().unwrap();
    });
    assert!(it.service.connections().iter().all(|connections| *connections > 0));
    // The Service has one endpoint less: after a minute, the other replica alone decides.
    let fewer = r#"{"endpoints": [{"addresses": ["192.0.2.2"]}]}"#;
    it.terminal.does(&["patch", "endpointslice", "ingress-guard", "--type=merge", "--patch", fewer]);
    thread::sleep(SETTLED);
    it.terminal.apply(&objects(3)).ok();
    thread::sleep(Duration::from_secs(25));
    assert_eq!(it.counted(), [0, 0]);
    it.lose();
    it.terminal.stores(&[objects::ingress("bad", name, "gone", 80)]);
    it.replicas[1].wait(Duration::from_secs(40), || it.counted().iter().sum::<u32>() == 1);
}
