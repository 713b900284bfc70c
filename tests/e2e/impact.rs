//! The second webhook of the chart, for writes of Services, IngressClasses and ConfigMaps, called by a real kube-apiserver.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::{self, Cluster};
use crate::helm;
use crate::objects::{class, host, ingress, list, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

/// Returns the webhook of the chart at another URL, for one namespace and for the IngressClasses whose names begin with it: tests
/// share the cluster.
fn webhook(helm: &Path, cluster: &Cluster, namespace: &str, url: &str) -> Value {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/chart");
    let options = ["--set=impact.enabled=true", "--kube-version=1.30.0", "--show-only=templates/webhook.yaml"];
    let output = Command::new(helm).args(["template", "ingress-guard", chart]).args(options).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut object: Value = serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
    let mut webhook = object["webhooks"][1].take();
    let authority = BASE64_STANDARD.encode(cluster.authority().certificate());
    webhook["clientConfig"] = json!({"url": url, "caBundle": authority});
    webhook["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    let own = format!("request.resource.resource != 'ingressclasses' || request.name.startsWith('{namespace}')");
    webhook["matchConditions"].as_array_mut().unwrap().push(json!({"name": "own", "expression": own}));
    object["metadata"] = json!({"name": format!("ingress-guard-{namespace}-other-writes")});
    object["webhooks"] = json!([webhook]);
    object
}

/// Returns the number of reviews of writes of a kind.
fn reviews(webhook: &Webhook<'_>, kind: &str, operation: &str) -> u32 {
    let metrics = webhook.metrics();
    let start = format!("ingress_guard_impact_reviews_total{{kind=\"{kind}\",operation=\"{operation}\"");
    let samples = metrics.lines().filter(|line| line.starts_with(&start));
    samples.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()).sum()
}

#[test]
fn kubectl_prints_what_ingresses_lose_by_a_write() {
    const NAMESPACE: &str = "impact-writes";
    const CONFIG: &str = "
dialects: [{match: {class: impact-writes-named}, engine: nginx, version: 1.12.1, configMap: impact-writes/controller}]
";
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = helm::find() else { return };
    let terminal = Terminal { cluster: &cluster, namespace: NAMESPACE };
    cluster.kubectl(&["create", "namespace", NAMESPACE]).ok();
    terminal.does(&["create", "configmap", "controller", "--from-literal=allow-snippet-annotations=true"]);
    let risk = json!({"data": {"annotations-risk-level": "Critical"}}).to_string();
    terminal.does(&["patch", "configmap", "controller", "--type=merge", "--patch", &risk]);
    // The role that the chart renders for the ConfigMap named in the configuration.
    let verbs = ["--verb=get,list,watch", "--resource=configmaps", "--resource-name=controller"];
    terminal.does(&[&["create", "role", "guard"], &verbs[..]].concat());
    let account = "--serviceaccount=impact-guard:ingress-guard";
    terminal.does(&["create", "rolebinding", "guard", "--role=guard", account]);
    // The registration for Ingresses selects the namespace of the process, so that no Ingress of this test is refused.
    let process = Webhook::watching(&cluster, "impact-guard", CONFIG);
    let url = process.url().replace("/validate", "/impact");
    let registration = webhook(&helm, &cluster, NAMESPACE, &url);
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &registration.to_string()).ok();

    let mut snippet = ingress("snippet", "impact-writes-named", "web", 80);
    snippet["metadata"]["annotations"] =
        json!({"nginx.ingress.kubernetes.io/configuration-snippet": "more_set_headers 'X-A: b';"});
    let mut by_name = ingress("by-name", "impact-writes", "named", 80);
    by_name["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = json!({"name": "p80"});
    let leaving = ingress("leaving", "impact-writes", "leaving", 80);
    let web = ingress("web", "impact-writes", "web", 80);
    terminal.stores(&[class("impact-writes"), class("impact-writes-named")]);
    terminal.stores(&["web", "named", "leaving", "probe"].map(|name| service(name, &[80])));
    terminal.stores(&[web, by_name, leaving, snippet]);

    // kube-apiserver notices the registration some time later, the process the objects.
    cluster.wait("kube-apiserver", Duration::from_secs(20), || {
        let output = terminal.run(&["delete", "service", "web", "--dry-run=server"], "");
        !output.stderr.is_empty()
    });
    let ends_with = |arguments: &[&str], warning: &str| {
        let output = terminal.run(arguments, "");
        assert_eq!((output.code, output.stderr.trim_end()), (0, warning), "{output}");
    };

    // A change of labels is not sent, and neither is one of a ConfigMap without these settings.
    let before = (reviews(&process, "Service", "UPDATE"), reviews(&process, "ConfigMap", "UPDATE"));
    terminal.does(&["label", "service", "web", "team=shop"]);
    let other = json!({"data": {"proxy-body-size": "8m"}}).to_string();
    terminal.does(&["patch", "configmap", "controller", "--type=merge", "--patch", &other]);
    terminal.does(&["annotate", "configmap", "controller", "a=b"]);
    // A change of ports is sent: the first review after these writes.
    let more = json!([{"op": "add", "path": "/spec/ports/-", "value": {"name": "more", "port": 81}}]).to_string();
    ends_with(&["patch", "service", "web", "--type=json", "--patch", &more], "");
    let after = (reviews(&process, "Service", "UPDATE"), reviews(&process, "ConfigMap", "UPDATE"));
    assert_eq!(after, (before.0 + 1, before.1));

    let renamed = json!([{"op": "replace", "path": "/spec/ports/0/name", "value": "web"}]).to_string();
    ends_with(
        &["patch", "service", "named", "--type=json", "--patch", &renamed],
        &format!(
            "Warning: IG802 Service {NAMESPACE}/named: Ingress {NAMESPACE}/by-name sends {}/ here: Service \"named\" has no port \
             \"p80\": requests return 503; change the Ingresses first",
            host("by-name", "impact-writes")
        ),
    );
    ends_with(
        &[
            "patch",
            "configmap",
            "controller",
            "--type=merge",
            "--patch",
            r#"{"data":{"allow-snippet-annotations":"false"}}"#,
        ],
        &format!(
            "Warning: IG805 ConfigMap {NAMESPACE}/controller: Ingress {NAMESPACE}/snippet: snippets are disabled: the controller \
             rejects the Ingress or ignores the snippet; change the Ingresses first"
        ),
    );
    let output = cluster.kubectl(&["delete", "ingressclass", "impact-writes"]);
    assert_eq!(
        (output.code, output.stderr.trim_end()),
        (
            0,
            "Warning: IG804 IngressClass \"impact-writes\": 3 Ingresses have this class: requests for them return 404, at the \
             latest when the controller restarts; give the Ingresses another class first"
        )
    );
    terminal.stores(&[class("impact-writes")]);
    // The Ingress is deleted just before: its event may arrive after the review of the Service.
    ends_with(&["delete", "ingress/leaving", "service/leaving"], "");
    ends_with(
        &["delete", "service", "web"],
        &format!(
            "Warning: IG801 Service {NAMESPACE}/web: Ingress {NAMESPACE}/snippet and 1 more send {}/ here: requests return 503; \
             point them to another Service first",
            host("snippet", "impact-writes-named")
        ),
    );
    assert_eq!(reviews(&process, "IngressClass", "DELETE"), 1);
    // The reviews of Ingresses are counted apart.
    assert!(!process.metrics().contains("ingress_guard_reviews_total{operation=\"DELETE\""));
}

/// A server that accepts connections and never answers, which costs more time than a refused connection.
struct Silent {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Silent {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://127.0.0.1:{}/impact", listener.local_addr().unwrap().port());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                open.push(stream);
            }
        });
        Self { url, connections }
    }
}

#[test]
fn the_deletion_of_a_namespace_does_not_wait_for_an_unreachable_webhook() {
    const SERVICES: usize = 500;
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = helm::find() else { return };
    if !cluster.needs_controllers("the_deletion_of_a_namespace_does_not_wait_for_an_unreachable_webhook") {
        return;
    }
    let services: Vec<Value> = (0..SERVICES).map(|number| service(&format!("web-{number}"), &[80])).collect();
    let fill = |namespace: &'static str| {
        let terminal = Terminal { cluster: &cluster, namespace };
        cluster.kubectl(&["create", "namespace", namespace]).ok();
        terminal.run(&["create", "--filename=-"], &list(&services)).ok();
        terminal
    };
    let time_to_delete = |namespace: &str| {
        let started = Instant::now();
        cluster.kubectl(&["delete", "namespace", namespace, "--timeout=120s"]).ok();
        started.elapsed()
    };
    fill("impact-plain");
    let terminal = fill("impact-silent");
    let silent = Silent::listen();
    let registration = webhook(&helm, &cluster, "impact-silent", &silent.url);
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &registration.to_string()).ok();
    // A user waits for the webhook once, for a second at most; this also shows that it is registered.
    cluster.wait("kube-apiserver", Duration::from_secs(20), || {
        let started = Instant::now();
        terminal.does(&["delete", "service", "web-0", "--dry-run=server"]);
        silent.connections.load(Ordering::SeqCst) > 0 && started.elapsed() < Duration::from_secs(5)
    });
    let before = silent.connections.load(Ordering::SeqCst);
    // Measured: 8.1 s with the webhook, 8.4 s without it.
    let (with, without) = (time_to_delete("impact-silent"), time_to_delete("impact-plain"));
    assert_eq!(silent.connections.load(Ordering::SeqCst), before, "the namespace controller has called the webhook");
    assert!(with <= without.mul_f64(1.2) + Duration::from_secs(1), "{with:?} with the webhook, {without:?} without it");
}
