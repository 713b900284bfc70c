//! The background audit: findings appear and disappear by themselves, and one of several replicas has them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::audit_rights::{grant_lease, lease};
use crate::cluster::{self, Cluster};
use crate::objects::{self, class, ingress, service};
use crate::registration::Registration;
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account, arguments};

/// The test cluster has objects of other tests: only series by namespace are certain.
pub(crate) const CONFIG: &str = "background: {cpu: 500m, metrics: detailed}";
/// The time within which a change of one object is visible.
const LIMIT: Duration = Duration::from_secs(10);

/// Returns the value of a finding in the metrics of a process.
pub(crate) fn findings(webhook: &Webhook<'_>, code: &str, namespace: &str) -> Option<u32> {
    let metrics = webhook.metrics();
    let label = format!("ingress_namespace=\"{namespace}\"");
    let line = metrics.lines().find(|line| {
        line.starts_with("ingress_guard_stored_findings{")
            && line.contains(&format!("\"{code}\""))
            && line.contains(&label)
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

pub(crate) fn is_holder(webhook: &Webhook<'_>) -> bool {
    webhook.metrics().contains("ingress_guard_background_holder{} 1.0\n")
}

pub(crate) fn is_complete(webhook: &Webhook<'_>) -> bool {
    webhook.metrics().contains("ingress_guard_background_pass_timestamp_seconds")
}

/// Starts replicas that share the Lease.
fn replicas<'c>(cluster: &'c Cluster, namespace: &'static str, count: usize) -> Vec<Webhook<'c>> {
    let source = account(cluster, namespace);
    lease(cluster, namespace);
    let start = |number| {
        let flags = [source.clone(), format!("--background-lease={namespace}/background")];
        Webhook::run_with(cluster, format!("{namespace}-{number}"), CONFIG, |place| arguments(place, flags))
    };
    (0..count).map(start).collect()
}

#[test]
fn a_deleted_service_is_a_finding_within_ten_seconds_and_a_created_one_heals_it() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, "background-service", CONFIG);
    let terminal = Terminal { cluster: &cluster, namespace: "background-service" };
    terminal.stores(&[class("background-service"), service("web", &[80])]);
    terminal.stores(&[ingress("web", "background-service", "web", 80)]);
    webhook.wait(Duration::from_secs(30), || is_complete(&webhook));
    webhook.wait(LIMIT, || findings(&webhook, "IG201", "background-service").is_none());
    terminal.run(&["delete", "service", "web"], "").ok();
    let deleted = Instant::now();
    webhook.wait(LIMIT, || findings(&webhook, "IG201", "background-service") == Some(1));
    assert!(deleted.elapsed() < LIMIT, "{:?}", deleted.elapsed());
    terminal.stores(&[service("web", &[80])]);
    let created = Instant::now();
    webhook.wait(LIMIT, || findings(&webhook, "IG201", "background-service").is_none());
    assert!(created.elapsed() < LIMIT, "{:?}", created.elapsed());
    // It has no endpoints, which is a series of its own.
    let readiness = |line: &&str| {
        line.starts_with("ingress_guard_stored_readiness_findings{code=\"IG204\"")
            && line.contains("background-service")
    };
    webhook.wait(LIMIT, || webhook.metrics().lines().any(|line| readiness(&line)));
}

#[test]
fn another_replica_takes_over_from_a_killed_holder_and_from_one_that_stops() {
    let Some(cluster) = cluster::shared() else { return };
    let terminal = Terminal { cluster: &cluster, namespace: "background-lease" };
    let mut replicas = replicas(&cluster, "background-lease", 2);
    grant_lease(&cluster, "background-lease");
    terminal.stores(&[class("background-lease")]);
    // No webhook is registered for this namespace.
    terminal.apply(&ingress("web", "background-lease", "gone", 80).to_string());
    let wait = |replicas: &[Webhook<'_>], limit, ready: &dyn Fn(&Webhook<'_>) -> bool| {
        replicas[0].wait(limit, || replicas.iter().any(ready));
    };
    wait(&replicas, Duration::from_secs(20), &is_holder);
    let has_finding = |webhook: &Webhook<'_>| findings(webhook, "IG201", "background-lease") == Some(1);
    wait(&replicas, Duration::from_secs(30), &has_finding);
    let exporting = |replicas: &[Webhook<'_>]| -> Vec<usize> {
        let exports = |at: &usize| replicas[*at].metrics().contains("ingress_guard_routes{");
        (0..replicas.len()).filter(exports).collect()
    };
    let first = exporting(&replicas);
    assert_eq!(first.len(), 1, "one replica exports");
    let holder = first[0];
    assert!(is_holder(&replicas[holder]) && !is_holder(&replicas[1 - holder]));
    replicas[holder].kill();
    let killed = Instant::now();
    replicas[1 - holder].wait(Duration::from_secs(20), || is_holder(&replicas[1 - holder]));
    assert!(killed.elapsed() <= Duration::from_secs(15), "{:?}", killed.elapsed());
    replicas[1 - holder].wait(Duration::from_secs(30), || has_finding(&replicas[1 - holder]));

    replicas[holder].run();
    assert!(!is_holder(&replicas[holder]));
    let stopping = Instant::now();
    cluster.supervisor().stop(&format!("background-lease-{}", 1 - holder));
    replicas[holder].wait(Duration::from_secs(20), || is_holder(&replicas[holder]));
    assert!(stopping.elapsed() <= Duration::from_secs(5), "{:?}", stopping.elapsed());
    // It still drains, and exports nothing any more.
    assert!(!replicas[1 - holder].metrics().contains("ingress_guard_routes{"));
    let lease = terminal.run(&["get", "lease", "background", "--output=json"], "").ok();
    let lease: Value = serde_json::from_str(&lease).unwrap();
    assert_eq!((&lease["spec"]["leaseDurationSeconds"], &lease["spec"]["leaseTransitions"]), (&json!(10), &json!(3)));
}

#[test]
fn without_rights_to_the_lease_nothing_is_audited_and_that_is_said() {
    let Some(cluster) = cluster::shared() else { return };
    let replicas = replicas(&cluster, "background-rights", 1);
    let webhook = &replicas[0];
    webhook.wait(LIMIT, || webhook.metrics().contains("ingress_guard_background_lease_failing 1\n"));
    let readiness = webhook.readiness();
    assert!(readiness.starts_with("HTTP/1.0 200"), "{readiness}");
    assert!(readiness.contains("cannot use Lease background-rights/background: no permission"), "{readiness}");
    assert!(!is_holder(webhook) && !is_complete(webhook));
    assert_eq!(webhook.log("the Lease of the background audit cannot be used").len(), 1);
    grant_lease(&cluster, "background-rights");
    webhook.wait(Duration::from_secs(30), || is_holder(webhook) && is_complete(webhook));
    assert!(webhook.metrics().contains("ingress_guard_background_lease_failing 0\n"));
    assert!(!webhook.readiness().contains("Lease"), "{}", webhook.readiness());
}

/// A registration that calls a Service that does not exist: the API server stores what it cannot have reviewed.
pub(crate) fn register_unreachable(cluster: &Cluster, namespace: &'static str) {
    let authority = cluster.authority().certificate();
    let mut registration =
        Registration::new(cluster, namespace, &["https://127.0.0.1/validate".to_owned()], &authority);
    let service = json!({"name": "ingress-guard", "namespace": namespace, "path": "/validate"});
    registration.object["webhooks"][0]["clientConfig"] = json!({"service": service});
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &registration.object.to_string()).ok();
}

/// Ingresses that were stored without a review: those that would be denied, and the others.
pub(crate) fn unreviewed(webhook: &Webhook<'_>) -> [u32; 2] {
    let metrics = webhook.metrics();
    [true, false].map(|would_deny| {
        let name = format!("ingress_guard_stored_unreviewed_total{{would_deny=\"{would_deny}\"}} ");
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(&name))
            .and_then(|value| value.parse().ok())
            .unwrap_or_default()
    })
}

#[test]
fn ingresses_that_were_stored_while_no_replica_ran_are_counted_once() {
    let Some(cluster) = cluster::shared() else { return };
    let (name, terminal) = ("background-outage", Terminal { cluster: &cluster, namespace: "background-outage" });
    let source = account(&cluster, name);
    lease(&cluster, name);
    grant_lease(&cluster, name);
    register_unreachable(&cluster, name);
    let start = |number| {
        let lease = format!("--background-lease={name}/background");
        let flags = [source.clone(), lease, format!("--service=ingress-guard.{name}")];
        Webhook::run_with(&cluster, format!("{name}-{number}"), CONFIG, |place| arguments(place, flags))
    };
    let mut replicas = [start(0), start(1)];
    terminal.stores(&[class(name), service("web", &[80])]);
    let store = |ingress: &str, service: &str| {
        terminal.apply(&objects::ingress(ingress, name, service, 80).to_string());
        terminal.assert_stored(ingress, true);
    };
    // The replicas run, so it is not certain that no other one has reviewed this.
    store("before", "gone");
    replicas[0].wait(Duration::from_secs(30), || replicas.iter().any(is_complete));
    for replica in &mut replicas {
        replica.kill();
    }
    std::thread::sleep(Duration::from_secs(17));
    store("bad", "gone");
    store("good", "web");
    std::thread::sleep(Duration::from_secs(4));
    replicas[0].run();
    store("after", "gone");
    let restarted = &replicas[0];
    restarted.wait(Duration::from_secs(40), || is_complete(restarted));
    restarted.wait(LIMIT, || unreviewed(restarted) == [1, 1]);
    let message = "an Ingress was stored without a review, because no replica ran";
    let lines = restarted.log(message);
    let named: Vec<_> = lines.iter().map(|line| (line["ingress"].clone(), line["would_deny"].clone())).collect();
    assert_eq!(named, [(json!("background-outage/bad"), json!(true)), (json!("background-outage/good"), json!(false))]);
    // The Lease has been renewed since: a restart counts nothing again.
    replicas[0].kill();
    replicas[0].run();
    replicas[0].wait(Duration::from_secs(40), || is_complete(&replicas[0]));
    assert_eq!(unreviewed(&replicas[0]), [0, 0]);
    assert_eq!(replicas[0].log(message).len(), 2, "the lines of the process before");
}
