//! The real binary as a webhook of the test cluster.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::certificates::Pair;
use crate::cluster::{Cluster, free_port};

/// Judges what is written to one namespace, so that tests do not meet. Killed when it is dropped.
pub(crate) struct Webhook<'c> {
    cluster: &'c Cluster,
    namespace: &'static str,
    port: u16,
    health: u16,
    /// What it judges by.
    source: String,
    running: bool,
}

impl<'c> Webhook<'c> {
    /// The same over the cluster itself, which it watches as a `ServiceAccount` of its own with the rights of
    /// `deploy/ingress-guard.yaml` and no others.
    pub(crate) fn watching(cluster: &'c Cluster, namespace: &'static str, config: &str) -> Self {
        cluster.kubectl(&["create", "namespace", namespace]).ok();
        let scope = format!("--namespace={namespace}");
        cluster.kubectl(&["create", "serviceaccount", "ingress-guard", &scope]).ok();
        let mut role = role();
        role["metadata"] = json!({"name": format!("ingress-guard-{namespace}")});
        cluster.kubectl_with_stdin(&["create", "--filename=-"], &role.to_string()).ok();
        let name = format!("ingress-guard-{namespace}");
        let bound = format!("--serviceaccount={namespace}:ingress-guard");
        cluster.kubectl(&["create", "clusterrolebinding", &name, &format!("--clusterrole={name}"), &bound]).ok();
        let kubeconfig = cluster.kubeconfig_for_service_account(namespace, "ingress-guard");
        Self::begin(cluster, namespace, format!("--kubeconfig={}", kubeconfig.display()), config)
    }

    /// Makes the namespace, starts `serve --manifests` over `world`, registers it, and returns when it is asked.
    pub(crate) fn start(cluster: &'c Cluster, namespace: &'static str, world: &str, config: &str) -> Self {
        cluster.kubectl(&["create", "namespace", namespace]).ok();
        let files = cluster.supervisor();
        let world = files.write(&format!("{namespace}/world/world.yaml"), world);
        Self::begin(cluster, namespace, format!("--manifests={}", world.display()), config)
    }

    fn begin(cluster: &'c Cluster, namespace: &'static str, source: String, config: &str) -> Self {
        let files = cluster.supervisor();
        files.write(&format!("{namespace}/config.yaml"), config);
        let Pair { certificate, key } = cluster.authority().server();
        files.write(&format!("{namespace}/tls.crt"), certificate);
        files.write(&format!("{namespace}/tls.key"), key);
        let (port, health) = (free_port(), free_port());
        let mut webhook = Self { cluster, namespace, port, health, source, running: false };
        webhook.run();
        webhook.register();
        webhook
    }

    /// As a crash.
    pub(crate) fn kill(&mut self) {
        self.cluster.supervisor().kill(&self.name());
        self.running = false;
    }

    /// It goes on without this handle; returns what the supervisor calls it.
    pub(crate) fn leave_running(mut self) -> String {
        self.running = false;
        self.name()
    }

    /// On the same port; returns when it is ready.
    pub(crate) fn run(&mut self) {
        let folder = self.cluster.supervisor().folder().join(self.namespace);
        let path = |name: &str| folder.join(name).display().to_string();
        let arguments = [
            "serve".to_owned(),
            format!("--listen=127.0.0.1:{}", self.port),
            format!("--health-listen=127.0.0.1:{}", self.health),
            self.source.clone(),
            format!("--config={}", path("config.yaml")),
            format!("--tls-cert={}", path("tls.crt")),
            format!("--tls-key={}", path("tls.key")),
        ];
        let binary = Path::new(env!("CARGO_BIN_EXE_ingress-guard"));
        self.cluster.supervisor().run(&self.name(), binary, &arguments);
        self.running = true;
        self.cluster.wait(&self.name(), Duration::from_secs(20), || self.readiness().starts_with("HTTP/1.0 200"));
    }

    /// What `/readyz` answers, head and all; nothing while nobody listens.
    pub(crate) fn readiness(&self) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.health)) else { return String::new() };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").and_then(|()| stream.read_to_string(&mut answer));
        if asked.is_ok() { answer } else { String::new() }
    }

    /// Its log lines about reviews, oldest first.
    pub(crate) fn reviews(&self) -> Vec<Value> {
        self.log().into_iter().filter(|line| !is_probe(line)).collect()
    }

    /// What `deploy/webhook.yaml` registers, at another address and for one namespace; returns when it is asked.
    fn register(&self) {
        let Self { cluster, namespace, port, .. } = self;
        let mut registration: Value = serde_saphyr::from_str(include_str!("../../deploy/webhook.yaml")).unwrap();
        registration["metadata"] = json!({"name": format!("ingress-guard-{namespace}")});
        let webhook = &mut registration["webhooks"][0];
        webhook["clientConfig"] = json!({
            "url": format!("https://127.0.0.1:{port}/validate"),
            "caBundle": BASE64_STANDARD.encode(cluster.authority().certificate()),
        });
        let namespaces = webhook["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
        namespaces.push(json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}));
        cluster.kubectl_with_stdin(&["create", "--filename=-"], &registration.to_string()).ok();

        // kube-apiserver learns of it by a watch of its own, some time after it was stored.
        let namespace = format!("--namespace={namespace}");
        let probe = ["create", "ingress", "probe", "--rule=probe/*=probe:80", "--dry-run=server", &namespace];
        cluster.wait(&self.name(), Duration::from_secs(20), || {
            cluster.kubectl(&probe).ok();
            self.log().iter().any(is_probe)
        });
    }

    fn log(&self) -> Vec<Value> {
        let log = self.cluster.supervisor().log(&self.name());
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == "reviewed").collect()
    }

    fn name(&self) -> String {
        format!("webhook-{}", self.namespace)
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        if self.running {
            self.kill();
        }
    }
}

/// The `ClusterRole` that is deployed.
pub(crate) fn role() -> Value {
    let manifests = include_str!("../../deploy/ingress-guard.yaml").split("\n---");
    let mut objects = manifests.filter_map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
    objects.find(|object| object["kind"] == "ClusterRole").unwrap()
}

fn is_probe(review: &Value) -> bool {
    review["name"] == "probe"
}
