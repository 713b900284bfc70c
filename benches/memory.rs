//! `make memory`: memory of the watching program with a large cluster, the time from its start until it is ready, and the
//! time from an event to its publication: idle, during many events, and after every kind is listed again.
//!
//! The program runs as deployed, against an API server in this process that serves lists and events. The objects resemble
//! real ones, with managed fields, labels and status, none of which is kept. Linux reports the memory of the process.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::broadcast;

const INGRESSES: usize = 20_000;
const SERVICES: usize = 20_000;
const SLICES: usize = 40_000;
/// Objects per namespace: twenty of each kind.
const PER_NAMESPACE: usize = 20;
/// The goal at any time.
const GOAL_MIB: u64 = 80;
/// A larger figure at any time fails the run.
const MOST_MIB: u64 = 100;
/// Changed EndpointSlices per second, sent in groups every 10 ms.
const EVENTS: usize = 5_000;
/// The duration of these changes.
const BUSY: Duration = Duration::from_secs(10);

/// The API server: resource → its objects as JSON, and the lines for its watches.
struct Cluster {
    objects: HashMap<&'static str, Vec<String>>,
    /// Resource and lines for all watches of it. The empty text ends the watches.
    events: broadcast::Sender<(&'static str, Bytes)>,
}

fn main() {
    // `cargo test --benches` only checks that the program starts.
    if std::env::args().nth(1).as_deref() == Some("--test") {
        return;
    }
    let objects = HashMap::from([
        ("ingressclasses", vec![class().to_string()]),
        ("ingresses", (0..INGRESSES).map(|n| ingress(n).to_string()).collect()),
        ("services", (0..SERVICES).map(|n| service(n).to_string()).collect()),
        ("endpointslices", (0..SLICES).map(|n| slice(n, 3).to_string()).collect()),
    ]);
    for (resource, objects) in
        [("Ingresses", "ingresses"), ("Services", "services"), ("EndpointSlices", "endpointslices")]
            .map(|(name, resource)| (name, &objects[resource]))
    {
        let bytes: usize = objects.iter().map(String::len).sum();
        println!("{:>6} {resource:<15} of {:>5} bytes each", objects.len(), bytes / objects.len());
    }
    let cluster = Arc::new(Cluster { objects, events: broadcast::Sender::new(1024) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let addr = runtime.block_on(serve(Arc::clone(&cluster)));
    let mut running = Running::start(addr);
    running.wait_until_ready();
    println!("\nready after {:.1} s of which CPU {:.1} s", running.started.elapsed().as_secs_f64(), running.cpu());
    running.print("when ready");
    std::thread::sleep(Duration::from_secs(10));
    running.print("ten seconds later");
    let mut lag = Lag::default();
    (0..50).for_each(|_| lag.measure(&cluster, &running));
    lag.print("idle");
    busy(&cluster, &running);
    let (begun, before) = (Instant::now(), running.cpu());
    let _ = cluster.events.send(("", Bytes::new()));
    let mut during = 0;
    while begun.elapsed() < Duration::from_secs(8) {
        during = during.max(running.mib("VmRSS"));
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("\nevery kind listed again with CPU {:.2} s", running.cpu() - before);
    println!("resident meanwhile:        {during:>4} MiB at most");
    running.print("after this");
    let highest = running.mib("VmHWM");
    println!("at the highest:            {highest:>4} MiB  (goal: {GOAL_MIB} at most, also after a list)");
    let _ = running.child.kill();
    let _ = running.child.wait();
    assert!(highest <= MOST_MIB, "more than the bound");
}

/// Sends many events, and measures memory, CPU and lag meanwhile.
fn busy(cluster: &Arc<Cluster>, running: &Running) {
    let (begun, before) = (Instant::now(), running.cpu());
    let sending = {
        let cluster = Arc::clone(cluster);
        std::thread::spawn(move || {
            for group in 0.. {
                let due = begun + Duration::from_millis(10) * group;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if begun.elapsed() > BUSY {
                    return group as usize * (EVENTS / 100);
                }
                // A stride that is prime to the number of slices; each slice changes its number of endpoints.
                let changed = (0..EVENTS / 100).map(|n| {
                    let at = group as usize * (EVENTS / 100) + n;
                    slice(at * 7_919 % SLICES, 1 + (group as usize + n) % 3)
                });
                let lines: String = changed.map(|slice| line("MODIFIED", &slice)).collect();
                let _ = cluster.events.send(("endpointslices", lines.into()));
            }
            0
        })
    };
    let mut lag = Lag::default();
    let mut highest = 0;
    while begun.elapsed() < BUSY {
        lag.measure(cluster, running);
        highest = highest.max(running.mib("VmRSS"));
    }
    let sent = sending.join().expect("it sends until the end");
    let seconds = begun.elapsed().as_secs_f64();
    println!("\n{sent} changed slices in {seconds:.1} s, CPU {:.2} s", running.cpu() - before);
    println!("resident meanwhile:        {highest:>4} MiB at most");
    lag.print("meanwhile");
}

/// The times from an event until `/metrics` counts its object.
#[derive(Default)]
struct Lag(Vec<Duration>);

impl Lag {
    /// Creates an IngressClass, waits until it is counted, and deletes it.
    fn measure(&mut self, cluster: &Cluster, running: &Running) {
        let mut class = class();
        class["metadata"]["name"] = json!("another");
        for (event, count) in [("ADDED", 2), ("DELETED", 1)] {
            let sent = Instant::now();
            let _ = cluster.events.send(("ingressclasses", line(event, &class).into()));
            let wanted = format!("ingress_guard_objects{{kind=\"IngressClass\"}} {count}\n");
            while !running.get("/metrics").is_some_and(|metrics| metrics.contains(&wanted)) {
                assert!(sent.elapsed() < Duration::from_secs(30), "the event is not received");
            }
            self.0.push(sent.elapsed());
        }
    }

    fn print(&mut self, when: &str) {
        self.0.sort();
        let (half, last) = (self.0[self.0.len() / 2], self.0[self.0.len() - 1]);
        println!(
            "event to publication, {when}: median {:.1} ms, longest {:.1} ms of {} (with the request for the metrics)",
            half.as_secs_f64() * 1e3,
            last.as_secs_f64() * 1e3,
            self.0.len()
        );
    }
}

// === the API server ===

async fn serve(cluster: Arc<Cluster>) -> SocketAddr {
    let app = Router::new()
        .route("/api/v1/{resource}", get(list))
        .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(access))
        .route("/apis/{group}/v1/{resource}", get(list_of_group))
        .with_state(cluster);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, app).into_future());
    addr
}

/// Grants every right.
async fn access(body: Bytes) -> Response {
    let mut review: Value = serde_json::from_slice(&body).unwrap_or_default();
    review["status"] = json!({"allowed": true});
    (StatusCode::CREATED, [("content-type", "application/json")], review.to_string()).into_response()
}

fn line(event: &str, object: &Value) -> String {
    format!("{{\"type\":\"{event}\",\"object\":{object}}}\n")
}

/// The events of a resource, until all watches are to list again.
fn watch(cluster: &Cluster, resource: String) -> Body {
    const EXPIRED: &str =
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\"}}\n";
    let events = futures::stream::unfold((cluster.events.subscribe(), resource), async |(mut events, resource)| {
        loop {
            match events.recv().await {
                Ok((of, lines)) if of == resource => return Some((lines, (events, resource))),
                Ok((_, lines)) if lines.is_empty() => {
                    return Some((Bytes::from_static(EXPIRED.as_bytes()), (events, resource)));
                }
                Ok(_) => {}
                Err(error) => panic!("the program does not read its events: {error}"),
            }
        }
    });
    Body::from_stream(events.map(Ok::<_, std::io::Error>))
}

type Parameters = Query<HashMap<String, String>>;

async fn list_of_group(
    cluster: State<Arc<Cluster>>,
    Path(path): Path<(String, String)>,
    query: Parameters,
) -> Response {
    list(cluster, Path(path.1), query).await
}

async fn list(State(cluster): State<Arc<Cluster>>, Path(resource): Path<String>, Query(query): Parameters) -> Response {
    // Kinds that are not installed, as cert-manager here.
    let Some(objects) = cluster.objects.get(&*resource) else { return StatusCode::NOT_FOUND.into_response() };
    if query.contains_key("watch") {
        return watch(&cluster, resource).into_response();
    }
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let start = number("continue").unwrap_or_default();
    let end = objects.len().min(start + number("limit").unwrap_or(usize::MAX - start));
    let next = if end < objects.len() { end.to_string() } else { String::new() };
    let page = format!(
        "{{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"7\",\"continue\":\"{next}\"}},\"items\":[{}]}}",
        objects[start..end].join(",")
    );
    ([("content-type", "application/json")], page).into_response()
}

// === the objects ===

fn class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx", "uid": "u"},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

fn namespace(n: usize) -> String {
    format!("team-{}", n / PER_NAMESPACE)
}

fn app(n: usize) -> String {
    format!("storefront-api-{n}")
}

fn metadata(n: usize, name: &str, manager: &str, fields: &Value) -> Value {
    let app = app(n);
    json!({
        "name": name, "namespace": namespace(n), "uid": format!("6d4f7a1c-93f2-4f0e-8c53-{n:012}"), "generation": 3,
        "resourceVersion": (1_000_000 + n).to_string(), "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {
            "app.kubernetes.io/name": app, "app.kubernetes.io/instance": app, "app.kubernetes.io/version": "1.42.0",
            "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/part-of": "storefront",
            "helm.sh/chart": "storefront-api-1.42.0", "team": namespace(n),
        },
        "managedFields": [{"manager": manager, "operation": "Update", "apiVersion": "v1",
                           "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": fields}],
    })
}

/// Each field of an object with the prefix `f:`, as the API server records its manager.
fn fields(spec: &Value) -> Value {
    match spec {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("f:{key}"), fields(value))).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(n, item)| (format!("k:{{\"n\":{n}}}"), fields(item))).collect()
        }
        _ => json!({}),
    }
}

fn ingress(n: usize) -> Value {
    let host = format!("{}.shop.example.com", app(n));
    let paths = ["/api", "/static", "/healthz", "/"].map(|path| {
        json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": app(n), "port": {"name": "http"}}}})
    });
    let spec = json!({"ingressClassName": "nginx", "tls": [{"hosts": [host], "secretName": format!("{}-tls", app(n))}],
                      "rules": [{"host": host, "http": {"paths": paths}}]});
    let mut metadata = metadata(n, &app(n), "helm", &json!({"f:spec": fields(&spec)}));
    metadata["annotations"] = json!({
        "cert-manager.io/cluster-issuer": "letsencrypt", "meta.helm.sh/release-name": app(n),
        "meta.helm.sh/release-namespace": namespace(n), "nginx.ingress.kubernetes.io/proxy-body-size": "16m",
        "nginx.ingress.kubernetes.io/ssl-redirect": "true",
    });
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec,
           "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}}})
}

fn service(n: usize) -> Value {
    let ip = format!("10.{}.{}.{}", 96 + n / 65536, n / 256 % 256, n % 256);
    let spec = json!({
        "type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        "selector": {"app.kubernetes.io/name": app(n), "app.kubernetes.io/instance": app(n)},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"},
                  {"name": "metrics", "port": 9090, "protocol": "TCP", "targetPort": "metrics"}],
    });
    let metadata = metadata(n, &app(n), "helm", &json!({"f:spec": fields(&spec)}));
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}})
}

/// Two for each Service, as in a dual-stack cluster.
fn slice(n: usize, endpoints: usize) -> Value {
    let (of, family) = (n / 2, ["IPv4", "IPv6"][n % 2]);
    let endpoints = (0..endpoints).map(|pod| {
        let pod_name = format!("{}-7c9f8d6b54-{n:05}{pod}", app(of));
        json!({
            "addresses": [format!("10.{}.{}.{pod}", n / 256 % 256, n % 256)],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": format!("worker-{}", (n + pod) % 500), "zone": "eu-central-1a",
            "targetRef": {"kind": "Pod", "name": pod_name, "namespace": namespace(of), "uid": format!("0b1f9d52-1d0a-4b7b-9a3c-{n:012}")},
        })
    });
    let endpoints: Vec<Value> = endpoints.collect();
    let ports = json!([{"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "metrics", "port": 9090, "protocol": "TCP"}]);
    let managed = json!({"f:addressType": {}, "f:endpoints": {}, "f:ports": {}, "f:metadata": {"f:labels": {}}});
    let mut metadata = metadata(of, &format!("{}-{n:05x}", app(of)), "kube-controller-manager", &managed);
    metadata["labels"]["kubernetes.io/service-name"] = json!(app(of));
    metadata["labels"]["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
    metadata["annotations"] = json!({"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"});
    metadata["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Service", "name": app(of), "controller": true}]);
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": family,
           "endpoints": endpoints, "ports": ports})
}

// === the program ===

struct Running {
    child: Child,
    health: SocketAddr,
    started: Instant,
}

impl Running {
    fn start(addr: SocketAddr) -> Self {
        let kubeconfig = std::env::temp_dir().join(format!("ingress-guard-memory-{}.yaml", std::process::id()));
        let cluster = json!({"name": "bench", "cluster": {"server": format!("http://{addr}")}});
        let context = json!({"name": "bench", "context": {"cluster": "bench", "user": "bench"}});
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "bench", "clusters": [cluster],
                            "contexts": [context], "users": [{"name": "bench", "user": {}}]});
        std::fs::write(&kubeconfig, config.to_string()).expect("a temporary file");
        let started = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--kubeconfig"]);
        let mut child =
            command.arg(&kubeconfig).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
        let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let serving = log.find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            (line["message"] == "serving").then_some(line)
        });
        let health = serving.expect("the program starts")["health"].as_str().and_then(|addr| addr.parse().ok());
        // The log is read, so that the program never blocks on a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        let _ = std::fs::remove_file(kubeconfig);
        Self { child, health: health.expect("an address"), started }
    }

    fn wait_until_ready(&mut self) {
        while !self.is_ready() {
            assert!(self.started.elapsed() < Duration::from_mins(2), "the program is not ready");
            assert!(self.child.try_wait().is_ok_and(|ended| ended.is_none()), "the program has ended");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Returns the answer of the health port.
    fn get(&self, path: &str) -> Option<String> {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(self.health).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").ok()?;
        stream.read_to_string(&mut answer).ok().map(|_| answer)
    }

    fn print(&self, when: &str) {
        println!("resident {when}: {:>w$} MiB", self.mib("VmRSS"), w = 22 - when.len());
    }

    /// A line of `/proc/PID/status`, in KiB.
    fn mib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a Linux with procfs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
        kib / 1024
    }

    /// Returns the CPU seconds of all its threads so far (`/proc/PID/task/*/schedstat`, nanoseconds).
    fn cpu(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a Linux with procfs");
        let threads = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
        let spent: u64 = threads.filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok()).sum();
        Duration::from_nanos(spent).as_secs_f64()
    }
}
