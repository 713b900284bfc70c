//! What the background audit writes and shows: Events, reports and the page. Each test has the cluster for itself, because they concern all
//! namespaces.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::audit_rights::{grant_lease, grant_outputs, lease};
use crate::background::{findings, is_complete, is_holder};
use crate::certificates::Pair;
use crate::cluster::{self, Cluster};
use crate::objects::{class, host, ingress, rewriting, routing, secret, service};
use crate::report_definitions::{open_reports, policy_reports};
use crate::terminal::Terminal;
use crate::webhook::{Webhook, account, arguments};

/// The time within which a change of one object is visible.
const LIMIT: Duration = Duration::from_secs(10);
/// A report is written at most once a minute.
const MINUTE: Duration = Duration::from_secs(70);

/// A replica with a Lease, and with rights to watch Secrets.
fn replica<'c>(cluster: &'c Cluster, namespace: &str, source: &str, name: &str) -> Webhook<'c> {
    let flags = [source.to_owned(), format!("--background-lease={namespace}/background"), page(namespace, name)];
    let config = "{secrets: watch, background: {cpu: 1000m, metrics: detailed}}";
    Webhook::run_with(cluster, format!("{namespace}-{name}"), config, |place| arguments(place, flags))
}

/// The flag for the page of a replica. Its port does not change when the replica is started again.
fn page(namespace: &str, name: &str) -> String {
    static PORTS: Mutex<BTreeMap<String, u16>> = Mutex::new(BTreeMap::new());
    let port = *PORTS.lock().unwrap().entry(format!("{namespace}/{name}")).or_insert_with(cluster::free_port);
    format!("--page-listen=127.0.0.1:{port}")
}

/// Returns the response of the page of a replica.
fn shown(namespace: &str, name: &str) -> String {
    let address = page(namespace, name);
    let (_, address) = address.split_once('=').unwrap();
    let Ok(mut stream) = TcpStream::connect(address) else { return String::new() };
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Deletes the Ingresses of tests that have ended: what the first verdicts find on them takes its turn before Events. Only a test that is
/// alone may do this.
fn clear(cluster: &Cluster) {
    cluster.kubectl(&["delete", "ingresses", "--all", "--all-namespaces", "--wait=false"]).ok();
}

/// The account of the replicas, with their Lease.
fn prepared(cluster: &Cluster, namespace: &'static str) -> String {
    let source = account(cluster, namespace);
    lease(cluster, namespace);
    grant_lease(cluster, namespace);
    grant_outputs(cluster, namespace);
    source
}

/// The definitions of this test, which are deleted with all reports at its end.
struct Installed<'c>(&'c Cluster);

impl Installed<'_> {
    fn add(&self, definition: &Value) {
        self.0.kubectl_with_stdin(&["create", "--filename=-"], &definition.to_string()).ok();
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        let names = ["reports.openreports.io", "policyreports.wgpolicyk8s.io"];
        let _ = self.0.kubectl(&[&["delete", "customresourcedefinitions", "--ignore-not-found"][..], &names].concat());
    }
}

/// Returns the codes of a report with their results and Ingresses; `None`: there is no report.
fn report(terminal: &Terminal<'_>, plural: &str) -> Option<Vec<[String; 3]>> {
    let output = terminal.run(&["get", plural, "ingress-guard", "--output=json"], "");
    let report: Value = serde_json::from_str(&output.stdout).ok()?;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let result = |result: &Value| [&result["rule"], &result["result"], &result["resources"][0]["name"]].map(text);
    Some(report["results"].as_array().unwrap().iter().map(result).collect())
}

fn has(report: Option<&Vec<[String; 3]>>, code: &str, ingress: &str) -> bool {
    report.is_some_and(|results| results.iter().any(|[rule, _, name]| rule == code && name == ingress))
}

/// The Events of this program in the namespace: their names, reasons and counts.
fn events(terminal: &Terminal<'_>) -> Vec<(String, String, i64)> {
    let selector = "reportingController=ingress-guard.io/ingress-guard";
    let output = terminal.run(&["get", "events.events.k8s.io", "--output=json", "--field-selector", selector], "").ok();
    let list: Value = serde_json::from_str(&output).unwrap();
    let event = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&event["metadata"]["name"]), text(&event["reason"]), event["series"]["count"].as_i64().unwrap_or(1))
    };
    list["items"].as_array().unwrap().iter().map(event).collect()
}

/// Creates an Event that looks like one of this program, with the last second that the format has.
fn forge(terminal: &Terminal<'_>) {
    let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event",
                       "metadata": {"name": "forged", "namespace": terminal.namespace, "labels": {"ingress-guard.io/code": "IG201"}},
                       "eventTime": "9999-12-31T23:59:59.000000Z", "type": "Normal", "reason": "Resolved", "action": "Forge",
                       "reportingController": "ingress-guard.io/ingress-guard", "reportingInstance": "tenant",
                       "regarding": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": terminal.namespace,
                                     "name": "api"}});
    terminal.cluster.kubectl_with_stdin(&["create", "--filename=-"], &event.to_string()).ok();
}

#[test]
fn a_deleted_service_and_a_created_one_are_reported_within_ten_seconds() {
    let Some(cluster) = cluster::alone() else { return };
    let installed = Installed(&cluster);
    let (namespace, terminal) = ("outputs", Terminal { cluster: &cluster, namespace: "outputs" });
    clear(&cluster);
    let source = prepared(&cluster, namespace);
    terminal.stores(&[class("outputs"), service("web", &[80]), service("api", &[80])]);
    terminal.apply(&ingress("web", "outputs", "web", 80).to_string()).ok();
    terminal.apply(&ingress("api", "outputs", "gone", 80).to_string()).ok();
    forge(&terminal);
    let mut first = replica(&cluster, namespace, &source, "first");
    first.wait(Duration::from_mins(1), || is_complete(&first) && findings(&first, "IG201", namespace) == Some(1));
    // What was broken before is said, too.
    let described = |name: &str| terminal.run(&["describe", "ingress", name], "").ok();
    first.wait(MINUTE, || described("api").contains("ServiceNotFound"));

    terminal.run(&["delete", "service", "web"], "").ok();
    let deleted = Instant::now();
    first.wait(LIMIT, || described("web").contains("ServiceNotFound"));
    assert!(deleted.elapsed() < LIMIT, "{:?}", deleted.elapsed());
    let text = described("web");
    let line = text.lines().find(|line| line.contains("ServiceNotFound")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[0], words[1], words[3]), ("Warning", "ServiceNotFound", "ingress-guard.io/ingress-guard"));
    let note = "IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"web\" does not exist in namespace \"outputs\": \
                requests return 503";
    assert!(line.contains(note), "{line}");

    // Kinds of reports that are installed later are found: the older one, and then the newer one.
    installed.add(&policy_reports());
    first.wait(Duration::from_secs(45), || has(report(&terminal, "policyreports").as_ref(), "IG201", "web"));
    installed.add(&open_reports());
    first.wait(Duration::from_secs(45), || has(report(&terminal, "reports").as_ref(), "IG201", "web"));
    let written = Instant::now();
    first.wait(LIMIT, || report(&terminal, "policyreports").is_none());
    let results = report(&terminal, "reports").unwrap();
    assert!(results.contains(&["IG201".to_owned(), "fail".to_owned(), "api".to_owned()]), "{results:?}");

    // Each report is written once a minute. After that, a change takes seconds.
    std::thread::sleep(Duration::from_secs(61).saturating_sub(written.elapsed()));
    terminal.stores(&[service("web", &[80])]);
    let created = Instant::now();
    first.wait(LIMIT, || described("web").contains("IG201 service-not-found is not reported any more"));
    first.wait(LIMIT, || !has(report(&terminal, "reports").as_ref(), "IG201", "web"));
    assert!(created.elapsed() < LIMIT, "{:?}", created.elapsed());
    assert!(has(report(&terminal, "reports").as_ref(), "IG201", "api"));

    // Another replica doubles nothing, and says what changes between them.
    let before = events(&terminal);
    first.kill();
    terminal.run(&["delete", "service", "web"], "").ok();
    terminal.apply(&ingress("api", "outputs", "api", 80).to_string()).ok();
    let second = replica(&cluster, namespace, &source, "second");
    second.wait(Duration::from_secs(30), || is_holder(&second) && is_complete(&second));
    let count = |name: &str, reason: &str| {
        let is_it = |(event, of, _): &&(String, String, i64)| event.starts_with(&format!("{name}.")) && of == reason;
        events(&terminal).iter().filter(is_it).map(|(_, _, count)| count).sum::<i64>()
    };
    second.wait(MINUTE, || count("web", "ServiceNotFound") == 2 && count("api", "Resolved") == 1);
    std::thread::sleep(Duration::from_secs(5));
    for (name, reason, times) in &before {
        let is_again = name.starts_with("web.") && reason == "ServiceNotFound";
        let now = events(&terminal).into_iter().find(|(other, ..)| other == name).unwrap();
        assert_eq!(now.2, times + i64::from(is_again), "{now:?}");
    }
    assert_eq!((count("web", "Resolved"), count("api", "ServiceNotFound")), (1, 1));

    if cluster.needs_controllers("no Event in a namespace that is being deleted") {
        nothing_is_written_into_a_namespace_that_is_being_deleted(&cluster, &second);
    }

    // A namespace without a problem has no report.
    terminal.run(&["delete", "ingress", "web", "api"], "").ok();
    second.wait(MINUTE, || report(&terminal, "reports").is_none());
}

/// The namespace loses its Service and keeps its Ingress, which has a finalizer.
fn nothing_is_written_into_a_namespace_that_is_being_deleted(cluster: &Cluster, replica: &Webhook<'_>) {
    let terminal = Terminal { cluster, namespace: "outputs-ending" };
    cluster.kubectl(&["create", "namespace", "outputs-ending"]).ok();
    let mut kept = ingress("kept", "outputs", "web", 80);
    kept["metadata"]["finalizers"] = json!(["example.com/kept"]);
    kept["spec"]["rules"][0]["host"] = json!("kept.example.com");
    terminal.stores(&[service("web", &[80]), kept]);
    replica.wait(LIMIT, || replica.metrics().contains("ingress_namespace=\"outputs-ending\""));
    cluster.kubectl(&["delete", "namespace", "outputs-ending", "--wait=false"]).ok();
    replica.wait(LIMIT, || findings(replica, "IG201", "outputs-ending") == Some(1));
    // Longer than an Event and a report take elsewhere.
    std::thread::sleep(LIMIT);
    assert_eq!((events(&terminal), report(&terminal, "reports")), (Vec::new(), None));
    let metrics = replica.metrics();
    let failures = metrics
        .lines()
        .filter(|line| line.contains("stored_outputs_total") && line.contains("failed") && !line.ends_with(" 0"));
    assert_eq!(failures.count(), 0, "{metrics}");
    let patch = r#"{"metadata": {"finalizers": null}}"#;
    terminal.run(&["patch", "ingress", "kept", "--type=merge", "--patch", patch], "").ok();
}

/// The causes that the README names, each made after the Ingress was stored. The regex is one that is taken literally: one that nginx
/// refuses would stop the controller that all tests share.
#[test]
fn each_cause_is_named_by_an_event_a_metric_and_the_page() {
    let Some(cluster) = cluster::alone() else { return };
    let (namespace, terminal) = ("outputs-causes", Terminal { cluster: &cluster, namespace: "outputs-causes" });
    clear(&cluster);
    let source = prepared(&cluster, namespace);
    let pair = |name: &str| cluster.authority().server_for(&[name]);
    let tls = |name: &str| {
        let mut ingress = ingress(name, "causes", "web", 80);
        ingress["spec"]["tls"] = json!([{"hosts": [host(name, "causes")], "secretName": name}]);
        ingress
    };
    let mut duplicate = ingress("duplicate", "causes", "web", 80);
    duplicate["metadata"]["name"] = json!("duplicate-2");
    let literal = routing(ingress("regex", "causes", "web", 80), &host("regex", "causes"), &["/api(/|$)(.*)"]);
    let mut regex = literal.clone();
    regex["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/use-regex": "true"});
    let good: Vec<Value> = vec![
        class("causes"),
        class("causes-gone"),
        service("web", &[80]),
        service("moved", &[80]),
        service("renamed", &[80]),
        secret("certificate", &pair(&host("certificate", "causes"))),
        secret("secret", &pair(&host("secret", "causes"))),
        ingress("class", "causes-gone", "web", 80),
        ingress("moved", "causes", "moved", 80),
        ingress("port", "causes", "renamed", 80),
        ingress("rewrite", "causes", "web", 80),
        ingress("duplicate", "causes", "web", 80),
        regex,
        tls("certificate"),
        tls("secret"),
    ];
    for object in &good {
        terminal.apply(&object.to_string()).ok();
    }
    let replica = replica(&cluster, namespace, &source, "first");
    replica.wait(Duration::from_mins(1), || is_complete(&replica));
    let codes = ["IG101", "IG201", "IG202", "IG301", "IG310", "IG401", "IG403", "IG501"];
    for code in codes {
        assert_eq!(findings(&replica, code, namespace), None, "{code} before the change");
    }

    cluster.kubectl(&["delete", "ingressclass", "causes-gone"]).ok();
    cluster.kubectl(&["create", "namespace", "outputs-other"]).ok();
    cluster
        .kubectl_with_stdin(
            &["apply", "--namespace=outputs-other", "--filename=-"],
            &service("moved", &[80]).to_string(),
        )
        .ok();
    terminal.does(&["delete", "service", "moved"]);
    terminal.does(&["delete", "secret", "secret"]);
    let Pair { certificate, key } = pair("other.example.com");
    let data = json!({"stringData": {"tls.crt": certificate, "tls.key": key}}).to_string();
    terminal.does(&["patch", "secret", "certificate", "--type=merge", "--patch", &data]);
    // No webhook is registered: these Ingresses are stored without a review.
    for object in [service("renamed", &[8080]), rewriting(ingress("rewrite", "causes", "web", 80)), literal, duplicate]
    {
        terminal.apply(&object.to_string()).ok();
    }
    let of = |code: &str| match code {
        "IG101" => "class",
        "IG201" => "moved",
        "IG202" => "port",
        "IG301" => "regex",
        "IG310" => "rewrite",
        "IG401" => "secret",
        "IG403" => "certificate",
        _ => "duplicate-2",
    };
    for code in codes {
        replica.wait(LIMIT, || findings(&replica, code, namespace).is_some());
    }
    for code in codes {
        replica.wait(Duration::from_secs(130), || {
            let described = terminal.run(&["describe", "ingress", of(code)], "").ok();
            described.lines().any(|line| line.contains("Warning") && line.contains(&format!(" {code} ")))
        });
    }
    let shown = shown(namespace, "first");
    assert!(shown.starts_with("HTTP/1.1 200"), "{}", &shown[..300.min(shown.len())]);
    assert!(shown.contains("cluster https://127.0.0.1") && shown.contains(", live"), "{shown}");
    for code in codes {
        let finding = format!("\"{code}\",\"{namespace}\",\"{}\"", of(code));
        assert!(shown.contains(&finding), "{finding} is not on the page");
    }
}

#[test]
fn the_page_of_another_replica_names_the_holder() {
    let Some(cluster) = cluster::shared() else { return };
    let namespace = "outputs-page";
    let source = prepared(&cluster, namespace);
    let first = replica(&cluster, namespace, &source, "first");
    first.wait(Duration::from_secs(30), || is_holder(&first));
    let second = replica(&cluster, namespace, &source, "second");
    second.wait(Duration::from_secs(30), || shown(namespace, "second").contains("the page is at pod process-"));
    first.wait(Duration::from_mins(1), || shown(namespace, "first").contains("<!doctype html>"));
}
