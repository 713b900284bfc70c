//! Runs attacks beside honest reviews, and compares what was measured with bounds.

#![expect(clippy::print_stdout, reason = "printing the figures is the purpose of a benchmark")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::api_server::ApiServer;
use crate::client::Client;
use crate::program::Program;
use crate::{bodies, program};

/// The interval of honest reviews and of requests to `/livez`.
const PROBE: Duration = Duration::from_millis(10);

/// One attack: these bodies from this many connections, one request after the other.
struct Attack {
    name: &'static str,
    bodies: Vec<Bytes>,
    connections: usize,
    /// Connections to the webhook port that complete their handshake and send nothing.
    idle: usize,
    /// Connections to the health port that send nothing.
    idle_health: usize,
    /// Connections that send the head and the first bytes of a large body, and stop.
    unfinished: usize,
}

/// The measurements during one attack.
struct Row {
    answered: usize,
    reviews: Vec<Duration>,
    livez: Vec<Duration>,
    lags: Vec<Duration>,
    lost: usize,
    peak_mib: u64,
}

/// The duration of each attack, and what it may not exceed.
pub(crate) struct Bounds {
    /// The duration of one attack.
    pub(crate) duration: Duration,
    /// The delay that an attack may add to the 99th percentile of honest reviews and of `/livez`.
    pub(crate) delay: Duration,
    /// The longest time from an event to a review that sees it.
    pub(crate) lag: Duration,
    /// The largest resident size, in MiB.
    pub(crate) memory: u64,
    /// The largest part of the honest denials that may be lost, in percent.
    pub(crate) lost: usize,
    /// The largest number of connections that send hostile reviews.
    pub(crate) connections: usize,
}

/// Runs the attacks whose name contains `wanted`. Prints a row for each, and the bounds that it exceeds. Returns whether there are
/// none.
pub(crate) async fn run(bounds: &Bounds, wanted: &str) -> bool {
    let api = ApiServer::start().await;
    println!(
        "{:<44}{:>9}{:>12}{:>12}{:>10}{:>10}{:>7}",
        "attack", "answered", "review p99", "livez p99", "lag max", "peak", "lost"
    );
    let idle = measure(bounds, &api, &attack("none", Vec::new(), 0)).await;
    print_row("none", &idle);
    let mut is_within_bounds = true;
    for attack in attacks().into_iter().filter(|attack| attack.name.contains(wanted)) {
        let row = measure(bounds, &api, &attack).await;
        print_row(attack.name, &row);
        is_within_bounds &= bounds.hold(&idle, &row);
    }
    is_within_bounds
}

fn attack(name: &'static str, bodies: Vec<Bytes>, connections: usize) -> Attack {
    Attack { name, bodies, connections, idle: 0, idle_health: 0, unfinished: 0 }
}

fn attacks() -> Vec<Attack> {
    vec![
        attack("3,000 hosts and an alias list of commas", vec![bodies::hosts_and_commas()], 1),
        attack("300 regex paths, 44 KiB", vec![bodies::regex_paths(300)], 4),
        attack("5,000 regex paths, 1.4 MB", vec![bodies::regex_paths(9_000)], 2),
        attack("20,000 plain paths", vec![bodies::plain_paths(20_000)], 2),
        attack("patterns that PCRE2 gives up on", vec![bodies::hard_patterns()], 8),
        attack("reviews near the fast limit", bodies::near_the_fast_limit(), 256),
        attack("256 KiB of waiver clauses", vec![bodies::waiver_clauses(256 * 1024)], 2),
        attack("8 MiB of waiver clauses", vec![bodies::waiver_clauses(7_900_000)], 2),
        attack("ordinary reviews of 7 MiB", vec![bodies::ordinary(7 * 1024 * 1024)], 2),
        attack("40 connections with 17 unknown Secrets each", bodies::unknown_secrets(17), 40),
        attack("60 missing Services each", bodies::missing_services(60), 8),
        Attack { idle: 1_100, ..attack("1,100 idle connections", Vec::new(), 0) },
        Attack { idle_health: 80, ..attack("80 idle connections to the health port", Vec::new(), 0) },
        Attack { unfinished: 12, ..attack("12 unfinished bodies of 8 MiB", Vec::new(), 0) },
    ]
}

async fn measure(bounds: &Bounds, api: &ApiServer, attack: &Attack) -> Row {
    // A fresh process for each attack, so that memory and connections of the last one do not count.
    let program = Program::start(api.addr).await;
    program.reset_peak();
    let stop = Arc::new(AtomicBool::new(false));
    let mut held = JoinSet::new();
    let (established, mut all) = mpsc::channel(1);
    for _ in 0..attack.idle {
        held.spawn(program.client().hold_idle(established.clone()));
    }
    for _ in 0..attack.idle_health {
        held.spawn(program.hold_idle_health(established.clone()));
    }
    for _ in 0..attack.unfinished {
        held.spawn(program.client().hold_unfinished(established.clone()));
    }
    drop(established);
    // Handshakes take time of this process too. A connection that cannot be established is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(15), all.recv()).await;
    // Attackers have a thread of their own: they must not delay the probes in this process.
    let attackers = Runtime::new();
    let mut senders = JoinSet::new();
    for n in 0..attack.connections.min(bounds.connections) {
        let body = attack.bodies[n % attack.bodies.len()].clone();
        senders.spawn_on(send(program.client(), body, Arc::clone(&stop)), attackers.handle());
    }
    let honest = tokio::spawn(honest(program.client(), Arc::clone(&stop)));
    let livez = tokio::spawn(livez(program.health, Arc::clone(&stop)));
    let lags = lags(api, &program, &stop);
    let ((), lags) = tokio::join!(
        async {
            sleep(bounds.duration).await;
            stop.store(true, Ordering::Relaxed);
        },
        lags
    );
    let (reviews, lost) = honest.await.expect("no probe panics");
    let livez = livez.await.expect("no probe panics");
    let peak_mib = program.mib("VmHWM");
    // A hostile request may still be in progress.
    let mut answered = 0;
    while let Some(sent) = senders.join_next().await {
        answered += sent.unwrap_or_default();
    }
    Row { answered, reviews, livez, lags, lost, peak_mib }
}

/// A runtime with one thread, which ends in the background when it is dropped.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(Some(builder.worker_threads(1).enable_all().build().expect("threads")))
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        self.0.as_ref().expect("it ends when it is dropped").handle()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Sends one body after the other, and connects again if the server closes the connection.
async fn send(client: Client, body: Bytes, stop: Arc<AtomicBool>) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut connection) = client.connect().await else { continue };
        while !stop.load(Ordering::Relaxed) {
            match tokio::time::timeout(Duration::from_secs(20), connection.review(body.clone())).await {
                Ok(Ok(_)) => answered += 1,
                _ => break,
            }
        }
    }
    answered
}

/// Sends small reviews of an Ingress with a Service that does not exist. Returns their times and the number that was not denied.
async fn honest(client: Client, stop: Arc<AtomicBool>) -> (Vec<Duration>, usize) {
    let mut ticks = interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut times, mut lost, mut n) = (Vec::new(), 0, 0);
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        n += 1;
        let begun = Instant::now();
        // Each tenth review has a connection of its own, as after an idle time.
        if n % 10 == 0 {
            connection = None;
        }
        let answer = async {
            if connection.is_none() {
                connection = Some(client.connect().await?);
            }
            connection.as_mut().expect("connected").review(bodies::missing_service(n)).await
        };
        let answer = tokio::time::timeout(Duration::from_secs(3), answer).await;
        times.push(begun.elapsed());
        if !matches!(answer, Ok(Ok(answer)) if answer.is_denied()) {
            connection = None;
            lost += 1;
        }
    }
    (times, lost)
}

async fn livez(health: std::net::SocketAddr, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut ticks = interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let begun = Instant::now();
        // A request that is never answered counts with its whole time limit.
        let _ = tokio::time::timeout(Duration::from_secs(3), program::livez(health)).await;
        times.push(begun.elapsed());
    }
    times
}

/// Stores Services one after the other, and measures the time until a review sees each.
async fn lags(api: &ApiServer, program: &Program, stop: &AtomicBool) -> Vec<Duration> {
    let client = program.client();
    let (mut lags, mut n) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let name = format!("lag-{}-{n}", program.id());
        let begun = Instant::now();
        api.add_service(&name);
        loop {
            let seen = async { client.connect().await?.review(bodies::service(&name)).await };
            let seen = tokio::time::timeout(Duration::from_secs(3), seen).await;
            let is_seen = matches!(seen, Ok(Ok(answer)) if !answer.reports("IG201"));
            if is_seen || begun.elapsed() > Duration::from_secs(5) {
                break;
            }
            sleep(Duration::from_millis(2)).await;
        }
        lags.push(begun.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    lags
}

fn print_row(name: &str, row: &Row) {
    println!(
        "{name:<44}{:>9}{:>9.1} ms{:>9.1} ms{:>7} ms{:>6} MiB{:>7}",
        row.answered,
        milliseconds(percentile_99(&row.reviews)),
        milliseconds(percentile_99(&row.livez)),
        longest(&row.lags).as_millis(),
        row.peak_mib,
        format!("{}/{}", row.lost, row.reviews.len()),
    );
}

impl Bounds {
    fn hold(&self, idle: &Row, row: &Row) -> bool {
        let is_late = |of: fn(&Row) -> &Vec<Duration>| percentile_99(of(row)) > percentile_99(of(idle)) + self.delay;
        let broken = [
            (is_late(|row| &row.reviews), "honest reviews wait"),
            (is_late(|row| &row.livez), "/livez waits"),
            (longest(&row.lags) > self.lag, "changes are late"),
            (row.peak_mib > self.memory, "memory exceeds its limit"),
            (100 * row.lost > self.lost * row.reviews.len(), "honest denials are lost"),
        ];
        for (_, bound) in broken.iter().filter(|(is_broken, _)| *is_broken) {
            println!("    out of bounds: {bound}");
        }
        !broken.iter().any(|(is_broken, _)| *is_broken)
    }
}

fn percentile_99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

fn longest(times: &[Duration]) -> Duration {
    times.iter().max().copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
