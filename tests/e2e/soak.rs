//! Random legal writes by several writers, each followed at once by an Ingress that is valid for the stored objects:
//! none may be denied. Runs for ten seconds, or `SOAK_SECONDS`; `SOAK_SEED` repeats a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::ApiResource;
use serde_json::{Value, json};

use crate::cluster;
use crate::webhook::Webhook;

const NAMESPACE: &str = "soak";
const WRITERS: u64 = 4;

#[test]
#[expect(clippy::print_stdout, reason = "the seed repeats a failure")]
fn valid_writes_are_never_denied() {
    let Some(cluster) = cluster::shared() else { return };
    let webhook = Webhook::watching(&cluster, NAMESPACE, "");
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let seed =
        std::env::var("SOAK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or((clock & 0xffff_ffff) as u64);
    println!("soak: {seconds} s, SOAK_SEED={seed}");
    let written = Arc::new(AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let read = Kubeconfig::read_from(cluster.admin()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.unwrap();
        let client = kube::Client::try_from(config).unwrap();
        let until = Instant::now() + Duration::from_secs(seconds);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let writer = Writer {
                    client: client.clone(),
                    number,
                    random: seed.wrapping_add(number << 32),
                    ports: Vec::new(),
                };
                tokio::spawn(writer.run(until, Arc::clone(&written)))
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
    let reviewed = webhook.reviews();
    let denied: Vec<&Value> = reviewed.iter().filter(|review| review["verdict"] == "deny").collect();
    assert!(denied.is_empty(), "SOAK_SEED={seed}: {denied:#?}");
    let written = written.load(Ordering::Relaxed);
    println!("soak: {written} Ingresses written, {} reviewed, none denied", reviewed.len());
    assert!(written > 20 && reviewed.len() >= written / 2, "{written} written, {} reviewed", reviewed.len());
}

struct Writer {
    client: kube::Client,
    number: u64,
    random: u64,
    /// Ports of its Service, as stored; `None` if the Service does not exist.
    ports: Vec<u16>,
}

impl Writer {
    async fn run(mut self, until: Instant, written: Arc<AtomicUsize>) {
        let mut class = 0;
        self.put(
            "IngressClass",
            &format!("soak-{}-0", self.number),
            json!({"spec": {"controller": "k8s.io/ingress-nginx"}}),
        )
        .await;
        let mut round = 0;
        while Instant::now() < until {
            round += 1;
            let (number, service) = (self.number, format!("web-{}", self.number));
            match self.pick(6) {
                // Replaces the Service by one with other ports.
                0 => {
                    self.delete("Service", &service).await;
                    self.ports.clear();
                }
                // Replaces the class by a new one.
                1 => {
                    class += 1;
                    let spec = json!({"spec": {"controller": "k8s.io/ingress-nginx"}});
                    self.put("IngressClass", &format!("soak-{number}-{class}"), spec).await;
                    self.delete("IngressClass", &format!("soak-{number}-{}", class - 1)).await;
                }
                // Deletes an Ingress.
                2 => self.delete("Ingress", &format!("soak-{number}-{}", self.random % 5)).await,
                // Creates and deletes endpoints, or makes them unready.
                3 => {
                    let ready = self.pick(2) == 0;
                    let slice = json!({
                        "metadata": {"labels": {"kubernetes.io/service-name": service}},
                        "addressType": "IPv4",
                        "ports": [{"name": "p8000", "port": 8000}],
                        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}],
                    });
                    self.put("EndpointSlice", &format!("{service}-x"), slice).await;
                }
                // Adds and removes ports.
                _ => {}
            }
            let count = 1 + self.pick(3);
            self.ports = (0..count).map(|_| 8000 + u16::try_from(self.pick(500)).unwrap()).collect();
            self.ports.dedup();
            self.ports.sort_unstable();
            self.ports.dedup();
            let ports: Vec<Value> =
                self.ports.iter().map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
            self.put("Service", &service, json!({"spec": {"ports": ports}})).await;

            let which = self.pick(self.ports.len() as u64);
            let port = self.ports[usize::try_from(which).unwrap()];
            let port = if self.pick(2) == 0 { json!({"number": port}) } else { json!({"name": format!("p{port}")}) };
            let name = format!("soak-{number}-{}", self.pick(5));
            // A plain path, a path of type Exact, or a regex with a rewrite.
            let (path, path_type, annotations) = match self.pick(4) {
                0 => (format!("/r{round}"), "Exact", json!({})),
                1 => (
                    format!("/r{round}(/|$)(.*)"),
                    "ImplementationSpecific",
                    json!({"nginx.ingress.kubernetes.io/use-regex": "true",
                           "nginx.ingress.kubernetes.io/rewrite-target": "/$2"}),
                ),
                _ => (format!("/r{round}"), "Prefix", json!({})),
            };
            let spec = json!({"ingressClassName": format!("soak-{number}-{class}"), "rules": [{
                "host": format!("{name}.example.com"),
                "http": {"paths": [{"path": path, "pathType": path_type,
                                    "backend": {"service": {"name": service, "port": port}}}]},
            }]});
            self.put("Ingress", &name, json!({"metadata": {"annotations": annotations}, "spec": spec})).await;
            written.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An xorshift generator: different in each run, reproducible with a seed.
    fn pick(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// Applies an object: its kind and name, and its other fields.
    async fn put(&self, kind: &str, name: &str, mut object: Value) {
        let (version, api) = self.api(kind);
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!(name);
        let params = PatchParams::apply("soak").force();
        let stored = api.patch(name, &params, &Patch::Apply(&object)).await;
        stored.unwrap_or_else(|error| panic!("{kind} {name}, which is valid, is denied: {error}"));
    }

    async fn delete(&self, kind: &str, name: &str) {
        // The object may not exist.
        let _ = self.api(kind).1.delete(name, &kube::api::DeleteParams::default()).await;
    }

    fn api(&self, kind: &str) -> (&'static str, Api<DynamicObject>) {
        let (group, version) = match kind {
            "Service" => ("", "v1"),
            "EndpointSlice" => ("discovery.k8s.io", "discovery.k8s.io/v1"),
            _ => ("networking.k8s.io", "networking.k8s.io/v1"),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api = if kind == "IngressClass" {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
        };
        (version, api)
    }
}
