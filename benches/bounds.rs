//! `make bounds`: the cost of the largest Ingresses and of the hosts with the most paths, with all checks.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::time::Duration;

use ingress_guard::budget::Allowance;
use ingress_guard::cluster::{ClusterState, Inventory, LiveReads};
use ingress_guard::config::Config;
use ingress_guard::engine::NotEvaluatedReason;
use ingress_guard::model::Ingress;
use jiff::Timestamp;
use serde_json::{Value, json};
use work::took;

#[path = "../tests/hostile/mod.rs"]
mod hostile;
#[path = "../tests/suite/work.rs"]
mod work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs per figure; the median is printed.
const RUNS: usize = 9;
const HOST: &str = "app.example.com";

fn main() {
    // `cargo test --benches` only checks that the program starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("one review of one Ingress, all checks, median of {RUNS} runs\n");
    let plain = |n: usize| format!("/app/v{n}/part");
    let pattern = |n: usize| format!("/app/v{n}(/|$)(.*)");
    let hard = |n: usize| format!("/(a+)+{n}x(b|bb)*$");
    let empty = || hostile::inventory([]);
    let rewritten = [("rewrite-target", "/$2")];
    report("5,000 plain paths in one Ingress", &empty(), &ingress("web", &[], 0..5_000, plain));
    report("5,000 regex paths in one Ingress", &empty(), &ingress("web", &rewritten, 0..5_000, pattern));
    report(
        "5,000 hard regex paths in one Ingress",
        &empty(),
        &ingress("web", &[("use-regex", "true")], 0..5_000, hard),
    );
    let others = |annotations: &'static [(&str, &str)], path: fn(usize) -> String| {
        hostile::inventory(
            (0..1_000).map(move |n| ingress(&format!("other-{n}"), annotations, 10 * n..10 * (n + 1), path)),
        )
    };
    let small = ingress("web", &[], 20_000..20_006, plain);
    report("6 paths on a host of 10,000 plain paths", &others(&[], |n| format!("/app/v{n}/part")), &small);
    let small = ingress("web", &rewritten, 20_000..20_006, pattern);
    let regex = others(&[("rewrite-target", "/$2")], |n| format!("/app/v{n}(/|$)(.*)"));
    report("6 regex paths on a host of 10,000 regex paths", &regex, &small);
    sweep();
}

/// Evaluates every annotation with every hostile value on every shape, and prints those that take the most time for a step.
fn sweep() {
    println!("\nall annotations with hostile values on all shapes, the most costly\n");
    let config = Config::default();
    let engine = config.engine();
    let (inventory, live_reads) = (hostile::inventory([]), LiveReads::default());
    let known = ClusterState { store: &inventory, live_reads: &live_reads, now: Timestamp::UNIX_EPOCH };
    let mut evaluations = Vec::new();
    let single = hostile::annotations().chain(["ingress-guard.io/ignore"]).map(|name| vec![name]);
    let together = hostile::annotations().filter(|name| *name != "canary").collect();
    for names in single.chain([together]) {
        let is_single = names.len() == 1;
        for (what, value) in hostile::values(if is_single { 100_000 } else { 4_000 }) {
            for shape in hostile::SHAPES.into_iter().step_by(2) {
                let size = if is_single { 1_000 } else { 3_000 };
                let ingress = hostile::ingress(shape, size, names.iter().map(|name| (*name, &*value)));
                let (time, evaluation) = took(|| engine.run(&ingress, known, &Allowance::full()));
                let name = if is_single { names[0] } else { "all" };
                let case = format!("{name}: {what}, many {shape}");
                evaluations.push((time, evaluation.spent, evaluation.findings.len(), case));
            }
        }
    }
    evaluations.sort_by_key(|(took, ..)| std::cmp::Reverse(*took));
    for (took, spent, findings, what) in evaluations.iter().take(25) {
        let step = took.as_secs_f64() * 1e9 / f64::from((*spent).max(1));
        println!("{what:<60}{:>8.1} ms {spent:>9} steps {step:>8.1} ns each, {findings} findings", milliseconds(*took));
    }
}

fn report(what: &str, inventory: &Inventory, ingress: &Ingress) {
    let config = Config::default();
    let engine = config.engine();
    let live_reads = LiveReads::default();
    let mut times = Vec::new();
    let mut outcome = String::new();
    for _ in 0..RUNS {
        let known = ClusterState { store: inventory, live_reads: &live_reads, now: Timestamp::UNIX_EPOCH };
        let (time, evaluation) = took(|| engine.run(ingress, known, &Allowance::full()));
        times.push(time);
        let exceeded_budget = evaluation.not_evaluated.iter().filter(|it| it.why == NotEvaluatedReason::Budget).count();
        outcome = format!(
            "{} steps, {} findings, {exceeded_budget} checks exceeded their budget",
            evaluation.spent,
            evaluation.findings.len()
        );
    }
    times.sort();
    println!("{what:<48}{:>8.1} ms   {outcome}", milliseconds(times[RUNS / 2]));
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn ingress(
    name: &str,
    annotations: &[(&str, &str)],
    paths: std::ops::Range<usize>,
    path: impl Fn(usize) -> String,
) -> Ingress {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(name, value)| (format!("nginx.ingress.kubernetes.io/{name}"), json!(value))).collect();
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = |n| json!({"path": path(n), "pathType": "ImplementationSpecific", "backend": backend});
    let paths: Vec<Value> = paths.map(path).collect();
    let ingress = json!({
        "metadata": {"namespace": "shop", "name": name, "annotations": annotations,
                     "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": HOST, "http": {"paths": paths}}]},
    });
    serde_json::from_value(ingress).expect("written as Kubernetes has it")
}
