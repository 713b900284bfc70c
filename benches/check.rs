//! `make bench`: duration of `ingress-guard check` for 1,000 manifests, including the start of the process.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const MANIFESTS: usize = 1_000;
const ROUNDS: usize = 11;

fn main() {
    // `cargo test --benches` only checks that the program starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for the manifests");
    let bytes: usize = (0..MANIFESTS).map(|number| write(folder.path(), number)).sum();
    println!("{MANIFESTS} manifests, {} KB", bytes / 1000);
    for (what, arguments) in
        [("text", &["--complete"][..]), ("sarif", &["--complete", "-o", "sarif"]), ("not complete", &[])]
    {
        let mut times: Vec<Duration> = (0..ROUNDS).map(|_| run(folder.path(), arguments)).collect();
        times.sort();
        println!("check, {what:<14} {:>6.0} ms (median of {ROUNDS})", times[ROUNDS / 2].as_secs_f64() * 1e3);
    }
}

/// An application as a chart renders it: Ingress, Service and unrelated objects; every hundredth has a problem.
fn write(folder: &Path, number: usize) -> usize {
    let mut text = String::new();
    let port = if number % 100 == 7 { 81 } else { 80 };
    let _ = write!(
        text,
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\n  namespace: shop\n  labels: {{app: app-{number}}}\nspec:\n  selector: {{app: app-{number}}}\n  ports:\n  - name: http\n    port: 80\n    targetPort: 8080\n---\n\
         apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: app-{number}\n  namespace: shop\n  annotations:\n    nginx.ingress.kubernetes.io/rewrite-target: /$2\nspec:\n  ingressClassName: nginx\n  rules:\n  - host: app-{number}.example.com\n    http:\n      paths:\n"
    );
    for path in ["/api(/|$)(.*)", "/web(/|$)(.*)", "/()(.*)"] {
        let _ = write!(
            text,
            "      - path: {path}\n        pathType: ImplementationSpecific\n        backend:\n          service:\n            name: app-{number}\n            port:\n              number: {port}\n"
        );
    }
    let _ = write!(
        text,
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: shop\nspec:\n  replicas: 2\n"
    );
    if number == 0 {
        text.push_str("---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n");
    }
    fs::write(folder.join(format!("app-{number:04}.yaml")), &text).expect("a manifest is written");
    text.len()
}

fn run(folder: &Path, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard")).arg("check").arg(folder).args(arguments).output();
    let time = started.elapsed();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "the problems are found: {}", String::from_utf8_lossy(&output.stderr));
    time
}
