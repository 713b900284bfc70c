//! The requests that the server sends to the hosts of Ingresses, over a controller that answers with the default backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ingress_guard::admission::Reviewer;
use ingress_guard::cluster::{SharedInventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::server::{Probing, follow_probes};
use ingress_guard::telemetry::Metrics;
use tokio_util::task::AbortOnDropHandle;

use super::client::eventually;
use crate::fake_controller::FakeController;
use crate::pages::now;

const CLUSTER: &str = r#"
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{conditions: {ready: true}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: lost.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
    - host: good.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
status: {loadBalancer: {ingress: [{ip: 203.0.113.1}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: quiet, namespace: shop, annotations: {ingress-guard.io/probe: "false"}}
spec:
  ingressClassName: nginx
  rules:
    - host: quiet.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: other}
spec:
  ingressClassName: nginx
  rules:
    - host: other.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
"#;

/// The requests of a server to a controller.
struct Running {
    inventory: SharedInventory,
    metrics: Arc<Metrics>,
    is_holder: Arc<AtomicBool>,
    _following: AbortOnDropHandle<()>,
}

impl Running {
    fn start(controller: &FakeController, rate: u32) -> Self {
        let via = format!("http://{}", controller.address);
        let text = format!("probe: {{enabled: true, interval: 1m, rate: {rate}, via: [\"{via}\"], namespaces: [sh*]}}");
        let config = Config::parse("test", &text).unwrap();
        let inventory = SharedInventory::new(load_text("cluster", CLUSTER).unwrap());
        let reviewer = Reviewer::new(inventory.clone(), config.engine(), config.policy.clone(), now);
        let metrics = Arc::new(Metrics::new());
        let probing = Probing {
            inventory: inventory.clone(),
            rules: reviewer.rules(),
            settings: config.probe,
            names_hosts: true,
            metrics: Arc::clone(&metrics),
        };
        let is_holder = Arc::new(AtomicBool::new(false));
        let holder = Arc::clone(&is_holder);
        let following = follow_probes(probing, move || holder.load(Ordering::Relaxed));
        Self { inventory, metrics, is_holder, _following: AbortOnDropHandle::new(tokio::spawn(following)) }
    }

    fn has(&self, line: &str) -> bool {
        self.metrics.encode(&[], &[]).contains(line)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_requests_the_paths_of_the_listed_namespaces() {
    let controller = FakeController::start(None);
    controller.loads("good.example.com");
    let running = Running::start(&controller, 50);
    let (metrics, is_holder) = (&running.metrics, &running.is_holder);
    let has = |line: &str| running.has(line);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(controller.received(""), 0, "another replica is the holder");
    assert!(!has("ingress_guard_probe_results{"));
    is_holder.store(true, Ordering::Relaxed);
    eventually("a pass", async || has("ingress_guard_probe_results{result=\"controller-disagrees\"} 1\n")).await;
    for line in [
        "ingress_guard_probe_results{result=\"as-predicted\"} 1\n",
        "ingress_guard_probe_success{host=\"lost.example.com\"} 0\n",
        "ingress_guard_probe_success{host=\"good.example.com\"} 1\n",
        "ingress_guard_probe_success{host=\"\"} 0\n",
        "ingress_guard_probe_default_backend_total 1\n",
    ] {
        assert!(has(line), "{line} is missing:\n{}", metrics.encode(&[], &[]));
    }
    // `HEAD`, then `GET` for the error; and one for the default backend.
    assert_eq!(controller.received("host: lost.example.com"), 2);
    assert_eq!(controller.received("host: good.example.com"), 1);
    assert_eq!(controller.received("host: ingress-guard-probe.invalid"), 1);
    assert_eq!(controller.received(""), 4, "no other host is requested");
    assert_eq!(controller.received("user-agent: ingress-guard-probe/"), 4);
    for secret in ["authorization:", "cookie:"] {
        assert_eq!(controller.received(secret), 0);
    }
    is_holder.store(false, Ordering::Relaxed);
    eventually("no results", async || !has("ingress_guard_probe_results{")).await;
    assert!(has("ingress_guard_probe_default_backend_total 1\n"), "a counter stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_no_result_if_its_ingress_changes_during_the_pass() {
    let controller = FakeController::start(None);
    controller.loads("good.example.com");
    // One request per second: the pass has not ended when the cluster changes.
    let running = Running::start(&controller, 1);
    running.is_holder.store(true, Ordering::Relaxed);
    eventually("a request", async || controller.received("") > 0).await;
    running.inventory.publish(load_text("cluster", &CLUSTER.replace("lost.example.com", "new.example.com")).unwrap());
    eventually("a pass", async || running.has("ingress_guard_probe_results{result=\"as-predicted\"} 1\n")).await;
    for line in [
        "ingress_guard_probe_results{result=\"controller-disagrees\"} 0\n",
        "ingress_guard_probe_success{host=\"\"} 1\n",
        "ingress_guard_probe_left_out{} 1\n",
    ] {
        assert!(running.has(line), "{line} is missing:\n{}", running.metrics.encode(&[], &[]));
    }
    assert_eq!(controller.received("host: lost.example.com"), 2, "it was requested");
}

#[test]
fn the_configuration_lists_namespaces_and_addresses() {
    let error = |text: &str| Config::parse("test", text).unwrap_err().to_string();
    for (text, part) in [
        ("probe: {enabled: true}", "probe.namespaces"),
        ("probe: {enabled: true, namespaces: [a]}\nbackground: {enabled: false}", "probe.enabled"),
        ("probe: {interval: 10s}", "probe.interval"),
        ("probe: {rate: 0}", "probe.rate"),
        ("probe: {via: [\"ftp://a\"]}", "\"ftp://a\" is not an address"),
    ] {
        assert!(error(text).contains(part), "{text}: {}", error(text));
    }
    assert!(!Config::default().probe.enabled);
    let config = Config::parse("test", "probe: {namespaces: [shop, \"team-*\"]}").unwrap();
    let included = ["shop", "team-a", "shops", "other"].map(|name| config.probe.includes(name));
    assert_eq!(included, [true, true, false, false]);
}
