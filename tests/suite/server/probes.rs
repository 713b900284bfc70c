//! The requests that the server sends to the hosts of Ingresses, over a controller that answers with the default backend.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use ingress_guard::admission::Reviewer;
use ingress_guard::cluster::SharedInventory;
use ingress_guard::config::Config;
use ingress_guard::server::{Probing, follow_probes};
use ingress_guard::telemetry::Metrics;
use tokio_util::task::AbortOnDropHandle;

use super::client::eventually;
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

/// A controller that knows one host, and the heads of the requests that it has received.
struct FakeController {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl FakeController {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (mut head, mut part) = (Vec::new(), [0; 1024]);
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut part) {
                        Ok(length @ 1..) => head.extend_from_slice(&part[..length]),
                        _ => break,
                    }
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let is_good = head.contains("host: good.example.com");
                let (status, body) =
                    if is_good { ("200 OK", "good") } else { ("404 Not Found", "default backend - 404") };
                let body = if head.starts_with("head") { String::new() } else { body.to_owned() };
                let _ = write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}");
                heads.lock().unwrap().push(head);
            }
        });
        Self { address, received }
    }

    fn lines_with(&self, text: &str) -> usize {
        self.received.lock().unwrap().iter().filter(|head| head.contains(text)).count()
    }
}

fn config(address: SocketAddr) -> Config {
    let via = format!("http://{address}");
    let text = format!("probe: {{enabled: true, interval: 1m, rate: 50, via: [\"{via}\"], namespaces: [sh*]}}");
    Config::parse("test", &text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_requests_the_paths_of_the_listed_namespaces() {
    let controller = FakeController::start();
    let config = config(controller.address);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), CLUSTER).unwrap();
    let inventory = SharedInventory::new(ingress_guard::cluster::load(&[folder.path().to_owned()]).unwrap());
    let reviewer = Reviewer::new(inventory.clone(), config.engine(), config.policy.clone(), now);
    let metrics = Arc::new(Metrics::new());
    let probing = Probing {
        inventory,
        rules: reviewer.rules(),
        settings: config.probe.clone(),
        names_hosts: true,
        metrics: Arc::clone(&metrics),
    };
    let is_holder = Arc::new(AtomicBool::new(false));
    let holder = Arc::clone(&is_holder);
    let following = follow_probes(probing, move || holder.load(Ordering::Relaxed));
    let _following = AbortOnDropHandle::new(tokio::spawn(following));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(controller.received.lock().unwrap().len(), 0, "another replica is the holder");
    assert!(!metrics.encode(&[], &[]).contains("ingress_guard_probe_results{"));
    is_holder.store(true, Ordering::Relaxed);
    let has = |line: &str| metrics.encode(&[], &[]).contains(line);
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
    assert_eq!(controller.lines_with("host: lost.example.com"), 2);
    assert_eq!(controller.lines_with("host: good.example.com"), 1);
    assert_eq!(controller.lines_with("host: ingress-guard-probe.invalid"), 1);
    assert_eq!(controller.received.lock().unwrap().len(), 4, "no other host is requested");
    assert_eq!(controller.lines_with("user-agent: ingress-guard-probe/"), 4);
    for secret in ["authorization:", "cookie:"] {
        assert_eq!(controller.lines_with(secret), 0);
    }
    is_holder.store(false, Ordering::Relaxed);
    eventually("no results", async || !has("ingress_guard_probe_results{")).await;
    assert!(has("ingress_guard_probe_default_backend_total 1\n"), "a counter stays");
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
