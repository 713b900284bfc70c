//! `make bench`: the cost of a review relative to a request that does nothing, in one run on one machine.
//!
//! The server is a separate process, so that its CPU time can be measured. This process generates the load: persistent
//! HTTPS connections, each sending its next request after the last response, as the API server does. Absolute figures
//! depend on the machine; the ratios are comparable.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use ingress_guard::admission::Reviewer;
use ingress_guard::cluster::{Inventory, Rights, SharedInventory, SyncStatus, Watches, load_text};
use ingress_guard::config::Config;
use ingress_guard::server::{CertificateSource, Limits, Options, SelfSigned, Server, TlsOptions, webhook};
use ingress_guard::telemetry::{LogFormat, Metrics, start_log};
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 16;
const WARM_UP: usize = 4_000;
const REQUESTS: usize = 40_000;
/// Rounds per figure, interleaved with those of the others; the median is printed.
const ROUNDS: usize = 5;
const SMALL: usize = 100;
const LARGE: usize = 20_000;
/// The size in bytes of an average update in a cluster of Helm charts.
const BODY: usize = 10_800;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve(std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(LARGE)),
        Some("profile") => profile(std::env::args().nth(2).and_then(|count| count.parse().ok()).unwrap_or(REQUESTS)),
        // `cargo test --benches` only checks that the program starts.
        Some("--test") => {}
        _ => measure(),
    }
}

// === reviews without a server ===

/// Runs reviews one after another, without a socket and without a log: for a profiler.
fn profile(reviews: usize) {
    let (reviewer, _) = reviewer(SMALL);
    let body = update(BODY);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a Tokio runtime");
    let started = Instant::now();
    for _ in 0..reviews {
        runtime.block_on(reviewer.review(&body)).expect("a review");
    }
    println!(
        "{:.1} us",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(reviews).expect("not so many"))
    );
}

fn reviewer(ingresses: usize) -> (Arc<Reviewer>, SyncStatus) {
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

// === the server ===

/// Serves `/noop` and `/validate` with an inventory of this many Ingresses until stdin closes.
fn serve(ingresses: usize) {
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
        println!("{}", json!({"port": server.addr().port(), "pem": pem}));
        let stop = CancellationToken::new();
        tokio::select! {
            _ = server.run(app, Arc::new(status), stop) => {}
            _ = tokio::task::spawn_blocking(|| std::io::stdin().lines().count()) => {}
        }
    });
}

/// `count` Ingresses of six paths in namespaces of twenty, their Services, and the class.
fn inventory(count: usize) -> Inventory {
    let mut yaml = String::from(
        "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n",
    );
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

fn path_to(path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"name": "http"}}}})
}

// === the load ===

struct Target {
    name: &'static str,
    path: &'static str,
    body: Bytes,
    server: usize,
}

struct Figures {
    per_second: f64,
    cpu: Duration,
}

fn measure() {
    let mut servers = [SMALL, LARGE].map(Running::start);
    let review = |name, server| Target { name, path: "/validate?timeout=3s", body: update(BODY), server };
    let targets = [
        Target { name: "no-op", path: "/noop", body: update(BODY), server: 1 },
        review("review, 100 Ingresses", 0),
        review("review, 20,000 Ingresses", 1),
    ];
    println!(
        "{CONNECTIONS} kept HTTPS connections, {} byte body, median of {ROUNDS} rounds of {REQUESTS}",
        targets[0].body.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    // The load never sleeps: to wake up a client costs a server as much as a small request, and only if the server is
    // slower than its clients.
    runtime.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let mut rounds: Vec<Vec<Figures>> = targets.iter().map(|_| Vec::new()).collect();
    for target in &targets {
        runtime.block_on(load(&servers[target.server], target, WARM_UP));
    }
    for _ in 0..ROUNDS {
        for (target, figures) in targets.iter().zip(&mut rounds) {
            let server = &servers[target.server];
            let (cpu, started) = (server.cpu(), Instant::now());
            runtime.block_on(load(server, target, REQUESTS));
            let took = started.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "tens of thousands")]
            let per_second = REQUESTS as f64 / took;
            figures.push(Figures {
                per_second,
                cpu: server.cpu().saturating_sub(cpu) / u32::try_from(REQUESTS).expect("a small number"),
            });
        }
    }
    let medians: Vec<Figures> = rounds.into_iter().map(median).collect();
    for (target, Figures { per_second, cpu }) in targets.iter().zip(&medians) {
        println!("{:<26}{per_second:>9.0} requests/s {:>8.1} us CPU/request", target.name, cpu.as_secs_f64() * 1e6);
    }
    let cpu = |target: usize| medians[target].cpu.as_secs_f64();
    println!(
        "throughput, review / no-op:          {:.2}  (target: 0.25 or more)",
        medians[2].per_second / medians[0].per_second
    );
    println!("CPU, no-op / review:                 {:.2}", cpu(0) / cpu(2));
    println!("CPU, 20,000 / 100 Ingresses:         {:.2}  (target: 1.2 or less)", cpu(2) / cpu(1));
    servers.iter_mut().for_each(Running::stop);
}

fn median(mut rounds: Vec<Figures>) -> Figures {
    rounds.sort_by_key(|figures| figures.cpu);
    rounds.swap_remove(rounds.len() / 2)
}

/// An update of that size with a changed spec, as sent by Helm and kubectl, with last-applied and managed fields.
fn update(bytes: usize) -> Bytes {
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reviews/recorded/update.json");
    let mut review: Value = serde_json::from_slice(&std::fs::read(recorded).expect("a recording")).expect("JSON");
    for (field, last) in [("oldObject", "old"), ("object", "new")] {
        let object = &mut review["request"][field];
        object["metadata"]["name"] = json!("web-7");
        object["metadata"]["namespace"] = json!("team-0");
        let mut paths: Vec<Value> = (0..6).map(|path| path_to(&format!("/part-{path}"), "web-7")).collect();
        paths.push(path_to(&format!("/{last}"), "web-7"));
        object["spec"]["rules"] = json!([{"host": "app-7.example.com", "http": {"paths": paths}}]);
    }
    review["request"]["name"] = json!("web-7");
    review["request"]["namespace"] = json!("team-0");
    let missing = bytes.saturating_sub(review.to_string().len()) / 2;
    for field in ["oldObject", "object"] {
        let annotations = &mut review["request"][field]["metadata"]["annotations"];
        let last_applied = annotations["kubectl.kubernetes.io/last-applied-configuration"].as_str().unwrap_or_default();
        annotations["kubectl.kubernetes.io/last-applied-configuration"] =
            json!(format!("{last_applied}{}", " ".repeat(missing)));
    }
    review.to_string().into()
}

async fn load(server: &Running, target: &Target, requests: usize) {
    let left = Arc::new(AtomicUsize::new(requests));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            tokio::spawn(client(
                server.connector.clone(),
                server.port,
                target.path,
                target.body.clone(),
                Arc::clone(&left),
            ))
        })
        .collect();
    for client in clients {
        client.await.expect("no client panics");
    }
}

async fn client(tls: TlsConnector, port: u16, path: &'static str, body: Bytes, left: Arc<AtomicUsize>) {
    let tcp = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("a listening server");
    tcp.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from("localhost").expect("a name");
    let io = TokioIo::new(tls.connect(name, tcp).await.expect("a handshake"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
        let request = request.body(Full::new(body.clone())).expect("a request");
        sender.ready().await.expect("a kept connection");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let answer = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        assert!(path == "/noop" || answer.windows(14).any(|part| part == b"\"allowed\":true"), "{answer:?}");
    }
}

struct Running {
    child: Child,
    port: u16,
    connector: TlsConnector,
}

impl Running {
    /// Starts the server process with this many Ingresses; its log goes to a file, as in a container.
    fn start(ingresses: usize) -> Self {
        let log = std::env::temp_dir().join(format!("ingress-guard-bench-{ingresses}.log"));
        let log = OpenOptions::new().create(true).write(true).truncate(true).open(log).expect("a temporary file");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["serve", &ingresses.to_string()]).env("RUST_LOG", "info");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("this program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let started: Value = serde_json::from_str(&line).expect("JSON");
        let pem = started["pem"].as_str().expect("a certificate");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let port = u16::try_from(started["port"].as_u64().expect("a port")).expect("a port");
        Self { child, port, connector: TlsConnector::from(Arc::new(config)) }
    }

    /// Returns the CPU time of all its threads so far (`/proc/PID/task/*/schedstat`, nanoseconds).
    fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a Linux with procfs");
        let threads = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        let spent = threads.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok());
        Duration::from_nanos(spent.sum())
    }

    fn stop(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(b"\n");
        }
        let _ = self.child.wait();
    }
}
