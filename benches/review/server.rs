//! The server under measurement: a separate process, so that its CPU time can be measured.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ingress_guard::admission::Reviewer;
use ingress_guard::cluster::{Inventory, Rights, SharedInventory, SyncStatus, Watches, load_text};
use ingress_guard::config::Config;
use ingress_guard::server::{CertificateSource, Limits, Options, SelfSigned, Server, TlsOptions, webhook};
use ingress_guard::telemetry::{LogFormat, Metrics, start_log};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::bodies::{HOSTS, SECRET, path_to};
use crate::trust::trust;

/// Returns a reviewer over an inventory of this many Ingresses.
pub(crate) fn reviewer(ingresses: usize) -> (Arc<Reviewer>, SyncStatus) {
    let config = Config::default();
    let engine = config.engine();
    let inventory = SharedInventory::new(inventory(ingresses));
    let status = SyncStatus {
        inventory: inventory.clone(),
        watches: Watches::default(),
        rights: Rights::default(),
        required: engine.needs(),
        optional: engine.hints(),
    };
    (Arc::new(Reviewer::new(inventory, engine, config.policy, Timestamp::now)), status)
}

/// Serves `/noop` and `/validate` with an inventory of this many Ingresses until stdin closes.
pub(crate) fn serve(ingresses: usize) {
    start_log(LogFormat::Json).expect("the log starts once");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    runtime.block_on(async {
        let (reviewer, status) = reviewer(ingresses);
        let made = SelfSigned::generate(&[]).expect("a certificate for localhost");
        let pem = made.certificate_pem().to_owned();
        let certificate = CertificateSource::Memory(made);
        let tls = TlsOptions { certificate, client_ca: None, poll: Duration::from_secs(2), dns_name: None };
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen: local, health_listen: local, tls, limits: Limits::default() };
        let metrics = Arc::new(Metrics::new());
        let app = webhook(reviewer, &options.limits, Arc::clone(&metrics));
        let app = app.merge(Router::new().route("/noop", post(async |_body: Bytes| "{}")));
        let server = Server::bind(options, metrics).await.expect("free ports");
        announce(&json!({"port": server.addr().port(), "pem": pem}));
        let stop = CancellationToken::new();
        tokio::select! {
            _ = server.run(app, Arc::new(status), stop) => {}
            _ = tokio::task::spawn_blocking(|| std::io::stdin().lines().count()) => {}
        }
    });
}

#[expect(clippy::print_stdout, reason = "the parent process reads this line")]
fn announce(line: &Value) {
    println!("{line}");
}

/// `count` Ingresses of six paths in namespaces of twenty, their Services, the class, and one certificate.
fn inventory(count: usize) -> Inventory {
    let mut yaml = String::from(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n",
    );
    let _ = write!(yaml, "---\n{}\n", secret());
    for n in 0..count {
        let namespace = n / 20;
        let _ = write!(
            yaml,
            "---\n{{\"apiVersion\": v1, kind: Service, metadata: {{name: web-{n}, namespace: team-{namespace}}}, spec: {{ports: [{{port: 80, name: http}}]}}}}\n"
        );
        let paths: Vec<Value> = (0..6).map(|path| path_to(&format!("/part-{path}"), &format!("web-{n}"))).collect();
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": format!("web-{n}"), "namespace": format!("team-{namespace}"), "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": format!("app-{n}.example.com"), "http": {"paths": paths}}]},
        });
        let _ = write!(yaml, "---\n{ingress}\n");
    }
    load_text("bench", &yaml).expect("a valid file")
}

/// The Secret of the realistic Ingress; its certificate does not expire.
fn secret() -> Value {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(HOSTS.map(String::from)).expect("valid names");
    let certificate = params.self_signed(&key).expect("a certificate");
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": "team-0"},
        "data": {
            "tls.crt": BASE64_STANDARD.encode(certificate.pem()),
            "tls.key": BASE64_STANDARD.encode(key.serialize_pem()),
        },
    })
}

/// A running server process.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
    pub(crate) connector: TlsConnector,
}

impl Running {
    /// Starts the server process with this many Ingresses; its log goes to a file, as in a container.
    pub(crate) fn start(ingresses: usize) -> Self {
        let log = std::env::temp_dir().join(format!("ingress-guard-bench-{ingresses}.log"));
        let log = OpenOptions::new().create(true).write(true).truncate(true).open(log).expect("a temporary file");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["serve", &ingresses.to_string()]).env("RUST_LOG", "info");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("this program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let started: Value = serde_json::from_str(&line).expect("JSON");
        let pem = started["pem"].as_str().expect("a certificate");
        let port = u16::try_from(started["port"].as_u64().expect("a port")).expect("a port");
        Self { child, port, connector: TlsConnector::from(trust(pem)) }
    }

    /// Returns the CPU time of all its threads so far (`/proc/PID/task/*/schedstat`, nanoseconds).
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a Linux with procfs");
        let threads = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        let spent = threads.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok());
        Duration::from_nanos(spent.sum())
    }

    /// Ends the process.
    pub(crate) fn stop(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.child.wait();
    }
}
