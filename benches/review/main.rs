//! `make bench`: the cost of a review relative to a request that does nothing, in one run on one machine.
//!
//! The server is a separate process; this process generates the load. Absolute figures depend on the machine; the ratios
//! are comparable.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

mod bodies;
mod load;
mod server;
#[path = "../attack/trust.rs"]
mod trust;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use ingress_guard::server::{Limits, webhook};
use ingress_guard::telemetry::{LogFormat, Metrics, start_log};
use tower::Service as _;

use bodies::Body as Review;
use load::{CONNECTIONS, Target, flood, pace};
use server::Running;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WARM_UP: usize = 4_000;
const REQUESTS: usize = 20_000;
/// Rounds of each target, interleaved with those of the others; medians are printed.
const ROUNDS: usize = 7;
const SMALL: usize = 100;
const LARGE: usize = 20_000;
/// Requests of one paced round, at 1,000 per second.
const PACED: usize = 3_000;
const PACE: Duration = Duration::from_millis(1);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|count| count.parse().ok());
    match arguments.first().map(String::as_str) {
        Some("serve") => server::serve(number(1).unwrap_or(LARGE)),
        Some("profile") => profile(number(1).unwrap_or(REQUESTS), arguments.get(2).map_or("", |name| name)),
        // `cargo test --benches` only checks that the program starts.
        Some("--test") => {}
        _ => measure(),
    }
}

/// `profile REQUESTS [realistic] [unchanged]`: runs reviews one after another, without a socket, for a profiler. The log
/// goes to stderr.
fn profile(requests: usize, body: &str) {
    start_log(LogFormat::Json).expect("the log starts once");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a Tokio runtime");
    let _inside = runtime.enter();
    let (reviewer, _) = server::reviewer(SMALL);
    let mut app = webhook(reviewer, &Limits::default(), Arc::new(Metrics::new()));
    let review = Review::named(body);
    let is_unchanged = std::env::args().any(|argument| argument == "unchanged");
    let body = if is_unchanged { review.unchanged() } else { review.changed() };
    let started = Instant::now();
    for _ in 0..requests {
        let request = Request::post("/validate").header("content-type", "application/json");
        let request = request.body(Body::from(body.clone())).expect("a request");
        let answer = runtime.block_on(app.call(request)).expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    println!(
        "{:.1} us",
        started.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(requests).expect("not so many"))
    );
}

// === the measurement ===

/// One round of one target.
struct Figures {
    per_second: f64,
    /// CPU time per request, in microseconds.
    cpu: f64,
}

/// The first target is the measure of the others.
const NOOP: usize = 0;
const OF_SMALL: usize = 1;
const OF_LARGE: usize = 2;
const REALISTIC: usize = 3;

/// The goal of each target: CPU of the no-op divided by its own.
const GOALS: [Option<f64>; 6] = [None, None, Some(0.38), Some(0.28), Some(0.60), Some(0.50)];

fn targets() -> [Target; 6] {
    let review = |name, body, server| Target { name, path: "/validate?timeout=3s", body, server };
    [
        Target { name: "no-op", path: "/noop", body: Review::Plain.changed(), server: 1 },
        review("review, 100 Ingresses", Review::Plain.changed(), 0),
        review("review, 20,000 Ingresses", Review::Plain.changed(), 1),
        review("realistic review", Review::Realistic.changed(), 1),
        review("unchanged", Review::Plain.unchanged(), 1),
        review("realistic, unchanged", Review::Realistic.unchanged(), 1),
    ]
}

fn measure() {
    let mut servers = [SMALL, LARGE].map(Running::start);
    let targets = targets();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    // The load never sleeps: to wake up a client costs a server as much as a small request, and only if the server is
    // slower than its clients.
    runtime.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    for target in &targets {
        runtime.block_on(flood(&servers[target.server], target, WARM_UP));
    }
    let rounds: Vec<Vec<Figures>> = (0..ROUNDS)
        .map(|_| targets.iter().map(|target| round(&runtime, &servers[target.server], target)).collect())
        .collect();
    print_costs(&targets, &rounds);
    let paced = [NOOP, OF_LARGE, REALISTIC].map(|index| &targets[index]);
    let p99: Vec<Vec<Duration>> = (0..ROUNDS)
        .map(|_| paced.iter().map(|target| p99(&runtime, &servers[target.server], target)).collect())
        .collect();
    println!("\nat 1,000 requests/s, median of {ROUNDS} rounds of {PACED}");
    for (index, target) in paced.iter().enumerate() {
        let of_rounds = p99.iter().map(|round| round[index].as_secs_f64() * 1e6);
        println!("{:<26}{:>8.0} us p99", target.name, median(of_rounds));
    }
    servers.iter_mut().for_each(Running::stop);
}

fn print_costs(targets: &[Target], rounds: &[Vec<Figures>]) {
    println!("{CONNECTIONS} kept HTTPS connections, median of {ROUNDS} rounds of {REQUESTS}");
    println!("{:<26}{:>7}{:>12}{:>9}{:>14}", "", "bytes", "requests/s", "us CPU", "no-op/this");
    for (index, target) in targets.iter().enumerate() {
        let of = |figure: fn(&Figures) -> f64| median(rounds.iter().map(|round| figure(&round[index])));
        // Ratios within one round: the speed of the machine changes between rounds.
        let ratio = median(rounds.iter().map(|round| round[NOOP].cpu / round[index].cpu));
        let goal = GOALS[index].map(|goal| format!("  (goal: {goal:.2} or more)")).unwrap_or_default();
        println!(
            "{:<26}{:>7}{:>12.0}{:>9.1}{ratio:>14.3}{goal}",
            target.name,
            target.body.len(),
            of(|figures| figures.per_second),
            of(|figures| figures.cpu)
        );
    }
    let growth = median(rounds.iter().map(|round| round[OF_LARGE].cpu / round[OF_SMALL].cpu));
    println!("CPU, 20,000 / 100 Ingresses {growth:>39.3}  (goal: 1.10 or less)");
}

fn round(runtime: &tokio::runtime::Runtime, server: &Running, target: &Target) -> Figures {
    let (cpu, started) = (server.cpu(), Instant::now());
    runtime.block_on(flood(server, target, REQUESTS));
    let took = started.elapsed().as_secs_f64();
    let cpu = (server.cpu().saturating_sub(cpu)).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "tens of thousands")]
    let requests = REQUESTS as f64;
    Figures { per_second: requests / took, cpu: cpu * 1e6 / requests }
}

fn p99(runtime: &tokio::runtime::Runtime, server: &Running, target: &Target) -> Duration {
    let mut times = runtime.block_on(pace(server, target, PACED, PACE));
    times.sort();
    times[times.len() * 99 / 100]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
