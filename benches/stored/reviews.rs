//! Reviews beside the audit: a process with it and one without it, in turn, while both follow the same changes.

use std::time::{Duration, Instant};

use kube::Client;
use tokio::runtime::Runtime;
use tokio_util::task::AbortOnDropHandle;

use crate::bodies::Body;
use crate::load::{Target, pace};
use crate::objects::{change_class, change_slice};
use crate::server::Running;

/// Rounds of each process; medians are printed.
const ROUNDS: usize = 9;
/// Reviews of one round, at 1,000 per second.
const REVIEWS: usize = 3_000;
const PACE: Duration = Duration::from_millis(1);
/// The time between two changes of an EndpointSlice.
const CHANGE: Duration = Duration::from_millis(50);
/// The time in which CPU is measured without reviews.
const QUIET: Duration = Duration::from_secs(30);

/// Measures reviews, and the CPU time of the audit. The first process has no audit.
pub(crate) fn measure(runtime: &Runtime, client: &Client, processes: [&Running; 2]) {
    print_share("nothing changes", processes, || std::thread::sleep(QUIET));
    let target = Target { name: "review", path: "/validate?timeout=3s", body: Body::Realistic.changed(), server: 0 };
    let mut times = [Vec::new(), Vec::new()];
    print_share("everything changes", processes, || {
        runtime.block_on(async {
            for round in 0..ROUNDS {
                // All Ingresses are evaluated again.
                change_class(client, round.is_multiple_of(2)).await;
                let _changing = AbortOnDropHandle::new(tokio::spawn(change_slices(client.clone())));
                for (process, times) in processes.iter().zip(&mut times) {
                    let mut took = pace(process, &target, REVIEWS, PACE).await;
                    took.sort();
                    times.push(took[took.len() * 99 / 100].as_secs_f64() * 1e6);
                }
            }
        });
    });
    let ratios = times[1].iter().zip(&times[0]).map(|(on, off)| on / off).collect();
    let [off, on] = times;
    println!(
        "p99 of reviews at 1,000/s while everything changes: {:.0} us without the audit, {:.0} us with it, ratio {:.2} (medians of {ROUNDS} rounds)",
        median(off),
        median(on),
        median(ratios)
    );
}

/// Lets endpoints become ready and not ready until the future is dropped.
async fn change_slices(client: Client) {
    for n in 0.. {
        change_slice(&client, 1_000 + n / 2, n % 2 == 1).await;
        tokio::time::sleep(CHANGE).await;
    }
}

/// Prints what the process with the audit takes more.
fn print_share(when: &str, processes: [&Running; 2], work: impl FnOnce()) {
    let cpu = || processes.map(|process| process.cpu().as_secs_f64());
    let (before, begun) = (cpu(), Instant::now());
    work();
    let (after, seconds) = (cpu(), begun.elapsed().as_secs_f64());
    let [off, on] = [0, 1].map(|at| (after[at] - before[at]) / seconds * 100.0);
    println!("CPU while {when}: {off:.1} % of a core without the audit, {on:.1} % with it");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
