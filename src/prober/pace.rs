//! The rate of requests: overall, and to each host.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// The number of hosts from which those whose turn has passed are forgotten.
const MANY: usize = 10_000;

/// Gives each request its turn.
#[derive(Debug)]
pub struct Pace {
    /// Between two requests.
    interval: Duration,
    /// Between two requests to one host.
    interval_of_host: Duration,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    next: Option<Instant>,
    of_host: HashMap<String, Instant>,
}

impl Pace {
    /// Creates a pace. `per_second` is the rate of all requests, `per_host` that of the requests to one host.
    #[must_use]
    pub fn new(per_second: f64, per_host: f64) -> Self {
        let interval = |rate: f64| Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1e6));
        Self { interval: interval(per_second), interval_of_host: interval(per_host), turns: Mutex::default() }
    }

    /// Waits for the turn of a request.
    pub async fn turn(&self, host: &str) {
        sleep_until(self.reserve(host, Instant::now())).await;
    }

    fn reserve(&self, host: &str, now: Instant) -> Instant {
        let mut turns = self.turns.lock();
        let overall = turns.next.unwrap_or(now).max(now);
        let turn = overall.max(turns.of_host.get(host).copied().unwrap_or(now));
        turns.next = Some(overall + self.interval);
        if turns.of_host.len() >= MANY {
            turns.of_host.retain(|_, next| *next > now);
        }
        turns.of_host.insert(host.to_owned(), turn + self.interval_of_host);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_the_rate_overall_and_of_each_host() {
        let pace = Pace::new(10.0, 1.0);
        let now = Instant::now();
        let turns: Vec<u128> = ["a", "b", "a", "a", "c"]
            .iter()
            .map(|host| pace.reserve(host, now).duration_since(now).as_millis())
            .collect();
        assert_eq!(turns, [0, 100, 1000, 2000, 400]);
        let later = now + Duration::from_mins(1);
        assert_eq!(pace.reserve("a", later), later);
    }
}
