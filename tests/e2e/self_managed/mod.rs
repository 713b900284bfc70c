//! Certificates that the processes manage themselves. kube-apiserver calls the Service by its name, so that the name in the
//! certificate, the caBundle and the webhook configuration are tested together.

mod changes;
mod helm;
mod modes;
mod policy;
mod rotation;
mod start;

use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::names;
use crate::objects::{class, ingress, rewriting, service};
use crate::terminal::Terminal;
use crate::webhook::{Place, Webhook, account};

/// Enough time for a change to arrive everywhere, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);
/// The name that `deploy/` uses.
const SERVICE: &str = "ingress-guard";

/// The objects of one installation, which reviews the writes to its own namespace under `failurePolicy: Fail`.
struct Installation<'c> {
    cluster: &'c Cluster,
    namespace: &'static str,
    /// The namespace of the reviewed Ingresses.
    writes: &'static str,
    /// The name of the Service.
    name: &'static str,
    /// The name of the webhook configuration, which is cluster-scoped.
    registration: String,
    /// The flag with the credentials of the service account.
    source: String,
}

impl<'c> Installation<'c> {
    /// Creates what `deploy/` contains, under names of this test, without processes.
    fn new(cluster: &'c Cluster, namespace: &'static str) -> Self {
        let installation = Self::without_rights(cluster, namespace);
        for object in installation.objects() {
            installation.apply(&object);
        }
        installation
    }

    /// The same without the Secret, the webhook configuration, and the permissions for both.
    fn without_rights(cluster: &'c Cluster, namespace: &'static str) -> Self {
        let source = account(cluster, namespace);
        Self {
            cluster,
            namespace,
            writes: namespace,
            name: SERVICE,
            registration: format!("ingress-guard-{namespace}"),
            source,
        }
    }

    /// The Secret, the webhook configuration, the permissions for both, and the policy that limits them.
    fn objects(&self) -> Vec<Value> {
        let manifests = include_str!("../../../deploy/ingress-guard.yaml").split("\n---");
        let objects = manifests.filter_map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
        let mut objects: Vec<Value> =
            objects.filter(|object| object["metadata"]["name"] == self.secret_name()).collect();
        assert_eq!(objects.len(), 7);
        for object in &mut objects {
            if object["metadata"]["namespace"].is_string() {
                object["metadata"]["namespace"] = json!(self.namespace);
            } else {
                // Cluster-scoped.
                let name = json!(format!("{}-webhook-ca", self.namespace));
                object["metadata"]["name"] = name.clone();
                match object["kind"].as_str().unwrap() {
                    "ClusterRole" => object["rules"][0]["resourceNames"] = json!([self.registration]),
                    "ValidatingAdmissionPolicy" => self.adapt_policy(&mut object["spec"]),
                    "ValidatingAdmissionPolicyBinding" => object["spec"]["policyName"] = name,
                    _ => object["roleRef"]["name"] = name,
                }
            }
            if object["subjects"].is_array() {
                object["subjects"][0]["namespace"] = json!(self.namespace);
            }
        }
        objects.push(self.webhook_configuration());
        objects
    }

    fn adapt_policy(&self, spec: &mut Value) {
        spec["matchConstraints"]["resourceRules"][0]["resourceNames"] = json!([self.registration]);
        let condition = &mut spec["matchConditions"][0]["expression"];
        let of_deploy = condition.as_str().unwrap();
        assert!(of_deploy.contains(":ingress-guard:"), "{of_deploy}");
        *condition = json!(of_deploy.replacen(":ingress-guard:", &format!(":{}:", self.namespace), 1));
    }

    fn webhook_configuration(&self) -> Value {
        let mut object: Value = serde_saphyr::from_str(include_str!("../../../deploy/webhook.yaml")).unwrap();
        object["metadata"] = json!({"name": self.registration});
        let webhook = &mut object["webhooks"][0];
        assert_eq!(webhook["clientConfig"]["service"]["name"], SERVICE);
        assert!(webhook["clientConfig"]["caBundle"].is_null(), "not even an empty one");
        webhook["clientConfig"]["service"]["namespace"] = json!(self.namespace);
        webhook["failurePolicy"] = json!("Fail");
        let selected = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [self.namespace]});
        webhook["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap().push(selected);
        object
    }

    fn secret_name(&self) -> String {
        format!("{}-webhook-ca", self.name)
    }

    fn secret(&self) -> Value {
        self.objects().into_iter().find(|object| object["kind"] == "Secret").unwrap()
    }

    fn apply(&self, object: &Value) {
        self.kubectl(&["apply", "--filename=-"], object);
    }

    fn kubectl(&self, arguments: &[&str], object: &Value) {
        self.cluster.kubectl_with_stdin(arguments, &object.to_string()).ok();
    }

    /// The arguments of `deploy/` that concern certificates.
    fn flags(&self) -> [String; 4] {
        [
            format!("--service={}.{}", self.name, self.namespace),
            format!("--ca-secret={}", self.secret_name()),
            format!("--webhook-configuration={}", self.registration),
            self.source.clone(),
        ]
    }

    /// Starts a process and returns at once.
    fn begin(&self, name: &str) -> Webhook<'c> {
        let name = format!("webhook-{}-{name}", self.namespace);
        let mut webhook = Webhook::placed(self.cluster, name, Vec::new(), |Place { port, health, .. }| {
            let own = [
                "serve".to_owned(),
                format!("--listen=127.0.0.1:{port}"),
                format!("--health-listen=127.0.0.1:{health}"),
            ];
            own.into_iter().chain(self.flags()).collect()
        });
        webhook.spawn();
        webhook
    }

    /// Starts a process; returns when it is ready.
    fn run(&self, name: &str) -> Webhook<'c> {
        let webhook = self.begin(name);
        self.cluster.wait(&format!("webhook-{}-{name}", self.namespace), LIMIT, || is_ready(&webhook));
        webhook
    }

    /// Makes these ports the endpoint of the Service.
    fn serve(&self, port: u16) {
        names::publish(self.name, self.namespace, 443, port);
    }

    /// Stores what a valid Ingress refers to, and returns when Ingresses are reviewed: a bad one is denied.
    fn prepare(&self) -> Terminal<'c> {
        let terminal = Terminal { cluster: self.cluster, namespace: self.writes };
        terminal.stores(&[class(self.writes), service("web", &[80])]);
        terminal.refuses_in_the_end(&rewriting(ingress("bad", self.writes, "web", 80)), &["[IG310 "]);
        terminal
    }

    fn get(&self, arguments: &[&str]) -> Value {
        let namespace = format!("--namespace={}", self.namespace);
        let found = self.cluster.kubectl(&[&["get", "--output=json", &namespace], arguments].concat()).ok();
        serde_json::from_str(&found).unwrap()
    }

    /// The caBundle of the webhook configuration (PEM).
    fn bundle(&self) -> String {
        let object = self.get(&["validatingwebhookconfiguration", &self.registration]);
        let bundle = object["webhooks"][0]["clientConfig"]["caBundle"].as_str().unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(bundle).unwrap()).unwrap()
    }

    /// Replaces the caBundle in the name of another field manager.
    fn inject(&self, bundle: &str, manager: &str) {
        let bundle = BASE64_STANDARD.encode(bundle);
        let patch = json!([{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]).to_string();
        let object = ["patch", "validatingwebhookconfiguration", &self.registration];
        let manager = format!("--field-manager={manager}");
        self.cluster.kubectl(&[&object[..], &["--type=json", &manager, "--patch", &patch]].concat()).ok();
    }

    /// A value of the Secret.
    fn stored(&self, key: &str) -> Option<String> {
        let value = self.get(&["secret", &self.secret_name()])["data"][key].as_str()?.to_owned();
        Some(String::from_utf8(BASE64_STANDARD.decode(value).unwrap()).unwrap())
    }

    /// Makes a change while Ingresses are written, and returns for how long writes failed: zero if none failed.
    #[track_caller]
    fn interruption(&self, change: impl FnOnce()) -> Duration {
        let good = ingress("good", self.writes, "web", 80);
        let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/ingresses?dryRun=All", self.writes);
        let (failed, succeeded) = (Mutex::new(Vec::new()), Mutex::new(0_usize));
        let is_done = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let api = self.cluster.api();
                    while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                        let started = Instant::now();
                        if api.post(&path, &good).is_ok_and(|(status, _)| status == 201) {
                            *succeeded.lock() += 1;
                        } else {
                            failed.lock().push((started, Instant::now()));
                        }
                    }
                });
            }
            let quiet = |wanted: usize| {
                let (goal, started) = (*succeeded.lock() + wanted, Instant::now());
                while *succeeded.lock() < goal && started.elapsed() < LIMIT {
                    thread::sleep(Duration::from_millis(5));
                }
            };
            quiet(20);
            change();
            quiet(200);
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let failed = failed.into_inner();
        let first = failed.iter().map(|(started, _)| *started).min();
        let last = failed.iter().map(|(_, ended)| *ended).max();
        first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

fn is_ready(webhook: &Webhook<'_>) -> bool {
    webhook.readiness().starts_with("HTTP/1.0 200")
}

/// Prints a measurement, which `--nocapture` shows.
#[expect(clippy::print_stderr, reason = "a figure that the documents quote")]
fn measured(figure: &str) {
    eprintln!("{figure}");
}

/// Whether the metrics contain this line.
fn shows(webhook: &Webhook<'_>, line: &str) -> bool {
    webhook.metrics().lines().any(|found| found == line)
}

/// The number of certificates in a PEM text.
fn certificates(pem: &str) -> usize {
    pem.matches("BEGIN CERTIFICATE").count()
}
