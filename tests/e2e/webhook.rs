//! The real binary as a webhook of the test cluster.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::certificates::Pair;
use crate::cluster::{Cluster, free_port};
use crate::https::Https;
use crate::registration::Registration;

/// A process that reviews the writes to one namespace, so that tests do not interfere. Killed on drop.
pub(crate) struct Webhook<'c> {
    cluster: &'c Cluster,
    /// Its name in the supervisor, and the name of the folder with its files.
    name: String,
    port: u16,
    health: u16,
    /// Variables of its environment, `NAME=value`.
    environment: Vec<String>,
    arguments: Vec<String>,
    running: bool,
}

/// The ports of a process, and the folder with its files: `config/config.yaml`, `tls/tls.crt`, `tls/tls.key`.
pub(crate) struct Place<'a> {
    pub(crate) port: u16,
    pub(crate) health: u16,
    pub(crate) folder: &'a str,
}

impl<'c> Webhook<'c> {
    /// Creates the namespace, starts `serve --manifests`, registers the process, and returns when it gets reviews.
    pub(crate) fn start(cluster: &'c Cluster, namespace: &'static str, manifests: &str, config: &str) -> Self {
        cluster.kubectl(&["create", "namespace", namespace]).ok();
        let manifests = cluster.supervisor().write(&format!("{namespace}/manifests/manifests.yaml"), manifests);
        let source = format!("--manifests={}", manifests.display());
        Self::replica(cluster, format!("webhook-{namespace}"), source, config).registered(namespace)
    }

    /// Creates the namespace and starts `serve`, which watches the cluster as its own `ServiceAccount` with exactly the
    /// permissions of `deploy/ingress-guard.yaml`.
    pub(crate) fn watching(cluster: &'c Cluster, namespace: &'static str, config: &str) -> Self {
        Self::watching_with(cluster, namespace, config, &[])
    }

    /// The same with further flags.
    pub(crate) fn watching_with(cluster: &'c Cluster, namespace: &'static str, config: &str, flags: &[&str]) -> Self {
        let source = account(cluster, namespace);
        let flags = flags.iter().copied().map(str::to_owned);
        let arguments = |place: Place<'_>| arguments(place, std::iter::once(source).chain(flags));
        Self::run_with(cluster, format!("webhook-{namespace}"), config, arguments).registered(namespace)
    }

    /// The same, which also follows the ConfigMap `ingress-guard` of the namespace.
    pub(crate) fn watching_config_map(cluster: &'c Cluster, namespace: &'static str, config: &str) -> Self {
        let source = account(cluster, namespace);
        let config_map = format!("--config-map={namespace}/ingress-guard");
        let flags = |place: Place<'_>| arguments(place, [source, config_map]);
        Self::run_with(cluster, format!("webhook-{namespace}"), config, flags).registered(namespace)
    }

    /// Starts an unregistered process and returns when it is ready.
    pub(crate) fn replica(cluster: &'c Cluster, name: String, source: String, config: &str) -> Self {
        Self::run_with(cluster, name, config, |place| arguments(place, [source]))
    }

    /// Starts an unregistered process with these arguments and returns when it is ready.
    pub(crate) fn run_with(
        cluster: &'c Cluster,
        name: String,
        config: &str,
        arguments: impl FnOnce(Place<'_>) -> Vec<String>,
    ) -> Self {
        let mut webhook = Self::prepared(cluster, name, config, arguments);
        webhook.run();
        webhook
    }

    /// Starts an unregistered process with these flags and returns at once.
    pub(crate) fn unready(cluster: &'c Cluster, name: &str, flags: &[&str]) -> Self {
        let flags = flags.iter().copied().map(str::to_owned);
        let mut webhook = Self::prepared(cluster, name.to_owned(), "", |place| arguments(place, flags));
        webhook.spawn();
        webhook
    }

    fn prepared(
        cluster: &'c Cluster,
        name: String,
        config: &str,
        arguments: impl FnOnce(Place<'_>) -> Vec<String>,
    ) -> Self {
        let webhook = Self::placed(cluster, name, Vec::new(), arguments);
        webhook.put_files("config", &[("config.yaml", config.as_bytes())]);
        webhook.put_certificate(&cluster.authority().server());
        webhook
    }

    /// A process that has not been started, without files.
    pub(crate) fn placed(
        cluster: &'c Cluster,
        name: String,
        environment: Vec<String>,
        arguments: impl FnOnce(Place<'_>) -> Vec<String>,
    ) -> Self {
        let (port, health) = (free_port(), free_port());
        let folder = cluster.supervisor().folder().join(&name);
        let arguments = arguments(Place { port, health, folder: folder.to_str().unwrap() });
        Self { cluster, name, port, health, environment, arguments, running: false }
    }

    fn registered(self, namespace: &'static str) -> Self {
        let authority = self.cluster.authority().certificate();
        Registration::new(self.cluster, namespace, &[self.url()], &authority).create(|| self.was_probed());
        self
    }

    /// Sends SIGKILL, as in a crash.
    pub(crate) fn kill(&mut self) {
        self.cluster.supervisor().kill(&self.name);
        self.running = false;
    }

    /// Ends the process as a kubelet ends a pod: returns the exit code after the drain.
    pub(crate) fn stop(&mut self) -> i32 {
        let before = self.log("drained").len();
        self.cluster.supervisor().stop(&self.name);
        self.wait(Duration::from_secs(30), || self.log("drained").len() > before);
        self.running = false;
        self.cluster.supervisor().wait(&self.name)
    }

    /// Starts the process again on the same port; returns when it is ready.
    pub(crate) fn run(&mut self) {
        self.spawn();
        self.wait(Duration::from_secs(20), || self.readiness().starts_with("HTTP/1.0 200"));
    }

    /// Starts the process and returns at once.
    pub(crate) fn spawn(&mut self) {
        let binary = [env!("CARGO_BIN_EXE_ingress-guard").to_owned()];
        let command = [&self.environment[..], &binary[..], &self.arguments[..]].concat();
        self.cluster.supervisor().run(&self.name, Path::new("env"), &command);
        self.running = true;
    }

    /// Changes the certificate of the process.
    pub(crate) fn put_certificate(&self, pair: &Pair) {
        self.put_files("tls", &[("tls.crt", pair.certificate.as_bytes()), ("tls.key", pair.key.as_bytes())]);
    }

    /// Changes the files of a volume as a kubelet does: writes a new folder and replaces a symbolic link atomically.
    pub(crate) fn put_files(&self, volume: &str, files: &[(&str, &[u8])]) {
        let folder = self.folder().join(volume);
        fs::create_dir_all(&folder).unwrap();
        let data = folder.join("..data");
        let old = fs::read_link(&data).ok();
        let new = tempfile::Builder::new().prefix("..").tempdir_in(&folder).unwrap().keep();
        for (name, content) in files {
            fs::write(new.join(name), content).unwrap();
        }
        let link = folder.join("..data_tmp");
        symlink(new.file_name().unwrap(), &link).unwrap();
        fs::rename(link, data).unwrap();
        if let Some(old) = old {
            fs::remove_dir_all(folder.join(old)).unwrap();
        }
        for (name, _) in files {
            // The link of an earlier version stays.
            let _ = symlink(Path::new("..data").join(name), folder.join(name));
        }
    }

    /// Replaces the configuration file.
    pub(crate) fn put_config(&self, config: &str) {
        let (file, part) = (self.folder().join("config/config.yaml"), self.folder().join("config/part"));
        fs::write(&part, config).unwrap();
        fs::rename(part, file).unwrap();
    }

    /// Waits until `ready`; panics with the end of the log after a timeout.
    #[track_caller]
    pub(crate) fn wait(&self, limit: Duration, ready: impl Fn() -> bool) {
        self.cluster.wait(&self.name, limit, ready);
    }

    /// Returns the URL that kube-apiserver calls.
    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/validate", self.port)
    }

    /// The port for reviews, and the port for health and metrics.
    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.port, self.health)
    }

    /// Returns a client for the webhook that trusts these authorities (PEM).
    pub(crate) fn direct(&self, trusted: &str) -> Https {
        Https::new(self.port, trusted, None)
    }

    /// Whether the process is ready and `/readyz` has no note, except those on namespaces of controllers that other tests create.
    pub(crate) fn is_ready_without_notes(&self) -> bool {
        let readiness = self.readiness();
        let Some((head, body)) = readiness.split_once("\r\n\r\n") else { return false };
        let is_of_others = |line: &&str| line.starts_with("namespace ") && line.contains(" its controllers;");
        head.starts_with("HTTP/1.0 200") && body.lines().filter(|line| !is_of_others(line)).eq(["ready"])
    }

    /// Returns the response of `/readyz` with its head; empty if the connection is refused.
    pub(crate) fn readiness(&self) -> String {
        self.health("/readyz")
    }

    /// Returns the response with the metrics.
    pub(crate) fn metrics(&self) -> String {
        self.health("/metrics")
    }

    /// Returns the response of the health port; empty if it does not answer.
    fn health(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.health)) else { return String::new() };
        let mut answer = String::new();
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        let request = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
        if request.is_ok() { answer } else { String::new() }
    }

    /// Returns the log entries of reviews, oldest first.
    pub(crate) fn reviews(&self) -> Vec<Value> {
        self.log("reviewed").into_iter().filter(|line| !is_probe(line)).collect()
    }

    /// Returns the log entries with this message, oldest first.
    pub(crate) fn log(&self, message: &str) -> Vec<Value> {
        let log = self.cluster.supervisor().log(&self.name);
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }

    /// Whether it has reviewed the Ingress that [`Registration::create`] sends as a probe.
    pub(crate) fn was_probed(&self) -> bool {
        self.log("reviewed").iter().any(is_probe)
    }

    fn folder(&self) -> PathBuf {
        self.cluster.supervisor().folder().join(&self.name)
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        if self.running {
            self.kill();
        }
    }
}

/// The arguments of `serve` at a place, with these flags.
pub(crate) fn arguments(
    Place { port, health, folder }: Place<'_>,
    flags: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let own = [
        "serve".to_owned(),
        format!("--listen=127.0.0.1:{port}"),
        format!("--health-listen=127.0.0.1:{health}"),
        format!("--config={folder}/config/config.yaml"),
        format!("--tls-cert={folder}/tls/tls.crt"),
        format!("--tls-key={folder}/tls/tls.key"),
    ];
    own.into_iter().chain(flags).collect()
}

/// Creates a namespace with a `ServiceAccount` that has the permissions of `deploy/ingress-guard.yaml`; returns the
/// flag that makes `serve` use that account.
pub(crate) fn account(cluster: &Cluster, namespace: &'static str) -> String {
    cluster.kubectl(&["create", "namespace", namespace]).ok();
    let scope = format!("--namespace={namespace}");
    cluster.kubectl(&["create", "serviceaccount", "ingress-guard", &scope]).ok();
    let name = format!("ingress-guard-{namespace}");
    let mut role = role();
    role["metadata"] = json!({"name": name});
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &role.to_string()).ok();
    let bound = format!("--serviceaccount={namespace}:ingress-guard");
    cluster.kubectl(&["create", "clusterrolebinding", &name, &format!("--clusterrole={name}"), &bound]).ok();
    // The Role for the discovery of controllers.
    let rules = ["--verb=get,list,watch", "--resource=deployments.apps,daemonsets.apps,pods"];
    for what in [&["role", &name, rules[0], rules[1]][..], &["rolebinding", &name, &format!("--role={name}"), &bound]] {
        cluster.kubectl(&[&["create", "--namespace=kube-system"], what].concat()).ok();
    }
    let kubeconfig = cluster.kubeconfig_for_service_account(namespace, "ingress-guard");
    format!("--kubeconfig={}", kubeconfig.display())
}

/// Returns the deployed `ClusterRole` that reads.
pub(crate) fn role() -> Value {
    role_named("ingress-guard")
}

/// Returns a deployed `ClusterRole`.
pub(crate) fn role_named(name: &str) -> Value {
    let manifests = include_str!("../../deploy/ingress-guard.yaml").split("\n---");
    let mut objects = manifests.filter_map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
    objects.find(|object| object["kind"] == "ClusterRole" && object["metadata"]["name"] == name).unwrap()
}

fn is_probe(review: &Value) -> bool {
    review["name"] == "probe"
}
