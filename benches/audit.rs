//! `make bench`: duration of `ingress-guard audit` for a snapshot with 10,000 Ingresses, including the start of the
//! process.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ingress_guard::cluster::{LiveReads, Snapshot, load_text};
use jiff::Timestamp;
use serde_json::{Value, json};

const INGRESSES: usize = 10_000;
const ROUNDS: usize = 11;

fn main() {
    // `cargo test --benches` only checks that the program starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the snapshot");
    let path = folder.path().join("snapshot");
    let inventory = load_text("bench", &cluster()).expect("a valid file");
    let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: Timestamp::now() };
    snapshot.write(BufWriter::new(File::create(&path).expect("a file"))).expect("a snapshot");
    println!("{INGRESSES} Ingresses, a snapshot of {} KB", size(&path) / 1000);
    for format in ["text", "json", "html"] {
        let out = folder.path().join(format);
        let mut times: Vec<Duration> = (0..ROUNDS).map(|_| run(&path, format, &out)).collect();
        times.sort();
        let median = times[ROUNDS / 2].as_secs_f64() * 1e3;
        println!("audit, {format:<5} {median:>6.0} ms (median of {ROUNDS}), {:>6} KB", size(&out) / 1000);
    }
    println!("target: less than 1,000 ms");
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

fn run(snapshot: &Path, format: &str, out: &Path) -> Duration {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    command.arg("audit").arg("--snapshot").arg(snapshot).args(["-o", &format!("{format}={}", out.display())]);
    let output = command.output().expect("the program");
    let time = started.elapsed();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    time
}

/// Namespaces of twenty applications with three paths each; every tenth refers to a port that does not exist, every
/// thirtieth has no ready endpoint.
fn cluster() -> String {
    let mut yaml = String::from(
        "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}\n",
    );
    for n in 0..INGRESSES {
        let meta = |name: String| json!({"name": name, "namespace": format!("team-{}", n / 20), "creationTimestamp": "2026-01-01T00:00:00Z"});
        let path = |path: &str, port: u16| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": format!("web-{n}"), "port": {"number": port}}}});
        let api = if n % 10 == 7 { 81 } else { 80 };
        let mut slice = meta(format!("web-{n}-1"));
        slice["labels"] = json!({"kubernetes.io/service-name": format!("web-{n}")});
        let objects: [Value; 3] = [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(format!("web-{n}")), "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}}),
            json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice, "addressType": "IPv4", "ports": [{"name": "http", "port": 8080}],
                   "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": n % 30 != 0}}]}),
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta(format!("web-{n}")), "spec": {"ingressClassName": "nginx",
                   "rules": [{"host": format!("app-{n}.example.com"), "http": {"paths": [path("/", 80), path("/api", api), path("/static", 80)]}}]}}),
        ];
        for object in objects {
            let _ = write!(yaml, "---\n{object}\n");
        }
    }
    yaml
}
