//! The Lease: at most one holder at any time, and a new one soon after the last one has gone.

use std::time::{Duration, Instant};

use ingress_guard::background::{Candidate, DURATION, Leadership, Observed, Write};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::pages::now;

/// The API server: the Lease, and the number of its version.
#[derive(Default)]
struct Server {
    lease: Observed,
    version: u64,
}

impl Server {
    /// Writes under the condition that the version is still this one.
    fn write(&mut self, version: u64, lease: Observed) -> bool {
        let is_current = self.version == version;
        if is_current {
            self.lease = lease;
            self.version += 1;
        }
        is_current
    }
}

/// A replica, with a clock of its own.
struct Replica {
    candidate: Candidate,
    clock: SignedDuration,
    next: Duration,
    is_alive: bool,
    /// A write that was decided on, and arrives later: the version that was read, and the beginning.
    pending: Option<(u64, Write, Instant, Duration)>,
}

/// A failure of requests.
#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    /// The read fails.
    Read,
    /// The write does not arrive.
    Write,
    /// The write is done, and its answer is lost.
    Answer,
}

struct Simulation {
    start: Instant,
    time: Duration,
    server: Server,
    replicas: Vec<Replica>,
}

impl Simulation {
    fn new(clocks: &[i64]) -> Self {
        let replica = |(number, hours): (usize, &i64)| Replica {
            candidate: Candidate::new(format!("replica-{number}")),
            clock: SignedDuration::from_hours(*hours),
            next: Duration::from_millis(100 * number as u64),
            is_alive: true,
            pending: None,
        };
        let replicas = clocks.iter().enumerate().map(replica).collect();
        Self { start: Instant::now(), time: Duration::ZERO, server: Server::default(), replicas }
    }

    fn at(&self) -> Instant {
        self.start + self.time
    }

    /// Advances by 100 ms. `fault` is that of requests that begin now, and `delay` the time until a write arrives.
    fn step(&mut self, fault: Fault, delay: Duration) {
        self.time += Duration::from_millis(100);
        let at = self.at();
        for replica in self.replicas.iter_mut().filter(|replica| replica.is_alive) {
            if let Some((version, write, begun, arrival)) = replica.pending.take() {
                if self.time < arrival {
                    replica.pending = Some((version, write, begun, arrival));
                    continue;
                }
                let is_written = !matches!(fault, Fault::Write) && self.server.write(version, write.observed().clone());
                let is_known = is_written && !matches!(fault, Fault::Answer);
                if is_known {
                    replica.candidate.written(&write, begun);
                }
                replica.next = self.time + replica.candidate.pause(!is_known);
                continue;
            }
            if self.time < replica.next {
                continue;
            }
            if matches!(fault, Fault::Read) {
                replica.next = self.time + replica.candidate.pause(true);
                continue;
            }
            let clock: Timestamp = now() + replica.clock + SignedDuration::try_from(self.time).unwrap();
            match replica.candidate.decide(self.server.lease.clone(), at, clock) {
                Some(write) => replica.pending = Some((self.server.version, write, at, self.time + delay)),
                None => replica.next = self.time + replica.candidate.pause(false),
            }
        }
    }

    fn holders(&self) -> Vec<usize> {
        let at = self.at();
        let holds =
            |replica: &Replica| replica.is_alive && replica.candidate.holds_until().is_some_and(|until| at < until);
        (0..self.replicas.len()).filter(|number| holds(&self.replicas[*number])).collect()
    }

    /// Runs without faults until a replica is the holder. Returns it, and the time that it took.
    fn until_held(&mut self) -> (usize, Duration) {
        let begun = self.time;
        loop {
            self.step(Fault::None, Duration::ZERO);
            let took = self.time.saturating_sub(begun);
            match self.holders().as_slice() {
                [] => assert!(took < Duration::from_mins(1), "no holder"),
                [holder] => return (*holder, took),
                more => panic!("{more:?}"),
            }
        }
    }
}

#[test]
fn one_of_three_replicas_takes_the_lease_and_the_next_one_follows_within_15_seconds() {
    // The clocks of two are a day off.
    for clocks in [&[0, 24][..], &[24, 0], &[-24, 0, 24]] {
        let mut simulation = Simulation::new(clocks);
        let (first, took) = simulation.until_held();
        assert!(took < Duration::from_secs(3), "{took:?}");
        for _ in 0..600 {
            simulation.step(Fault::None, Duration::ZERO);
            assert_eq!(simulation.holders(), [first], "it renews the Lease");
        }
        simulation.replicas[first].is_alive = false;
        let (second, took) = simulation.until_held();
        assert!(second != first && took <= Duration::from_secs(15), "{took:?}");
        assert_eq!(simulation.server.lease.transitions, 2);
    }
}

#[test]
fn a_lease_that_is_given_up_is_taken_within_three_seconds() {
    let mut simulation = Simulation::new(&[0, 24]);
    let (first, _) = simulation.until_held();
    let lease = simulation.server.lease.clone();
    let released = simulation.replicas[first].candidate.release(&lease, now()).unwrap();
    assert_eq!(simulation.replicas[first].candidate.holds_until(), None);
    let version = simulation.server.version;
    assert!(simulation.server.write(version, released));
    simulation.replicas[first].is_alive = false;
    let (second, took) = simulation.until_held();
    assert!(second != first && took <= Duration::from_secs(3), "{took:?}");
    // What another replica holds is not given up.
    let lease = simulation.server.lease.clone();
    assert_eq!(simulation.replicas[first].candidate.release(&lease, now()), None);
}

#[test]
fn a_holder_without_the_api_server_stops_when_its_lease_ends() {
    let mut simulation = Simulation::new(&[0]);
    simulation.until_held();
    let until = simulation.time + DURATION + Duration::from_secs(1);
    while simulation.time < until {
        simulation.step(Fault::Read, Duration::ZERO);
    }
    assert_eq!(simulation.holders(), [0; 0]);
    let (_, took) = simulation.until_held();
    assert!(took <= Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_renewal_is_visible_also_if_the_clock_stands() {
    let mut candidate = Candidate::new("a".to_owned());
    let (at, clock) = (Instant::now(), now());
    let Some(Write::Acquire(first)) = candidate.decide(Observed::default(), at, clock) else { panic!() };
    candidate.written(&Write::Acquire(first.clone()), at);
    let Some(Write::Renew(second)) = candidate.decide(first.clone(), at, clock) else { panic!() };
    assert_ne!(first.renewed, second.renewed);
    assert_eq!((first.acquired, first.transitions, second.transitions), (Some(clock), 1, 1));
}

#[test]
fn the_next_container_of_a_pod_goes_on_at_once() {
    let lease = Observed { holder: "pod-a".to_owned(), renewed: Some(now()), ..Observed::default() };
    let mut candidate = Candidate::new("pod-a".to_owned());
    assert!(matches!(candidate.decide(lease.clone(), Instant::now(), now()), Some(Write::Renew(_))));
    assert_eq!(Candidate::new("pod-b".to_owned()).decide(lease, Instant::now(), now()), None);
}

#[test]
fn a_process_without_a_lease_is_the_holder() {
    assert!(Leadership::alone().is_holder());
    let replica = Leadership::of_replica();
    assert!(!replica.is_holder());
    replica.set(Some(Instant::now() + DURATION));
    assert!(replica.is_holder());
    replica.set(Some(Instant::now()));
    assert!(!replica.is_holder(), "the time has passed");
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![10 => Just(Fault::None), 1 => Just(Fault::Read), 1 => Just(Fault::Write), 1 => Just(Fault::Answer)]
}

proptest! {
    #[test]
    fn no_fault_gives_two_holders(
        clocks in proptest::collection::vec(-24..24_i64, 2..4),
        steps in proptest::collection::vec((fault(), 0..15_000_u64), 1..1500),
        victim in 0..3_usize,
    ) {
        let mut simulation = Simulation::new(&clocks);
        let middle = steps.len() / 2;
        for (number, (fault, delay)) in steps.into_iter().enumerate() {
            if number == middle && let Some(replica) = simulation.replicas.get_mut(victim) {
                replica.is_alive = false;
            }
            // Most writes arrive at once, and some after the Lease has ended.
            let delay = if delay < 13_000 { Duration::ZERO } else { Duration::from_millis(delay) };
            simulation.step(fault, delay);
            prop_assert!(simulation.holders().len() <= 1, "{:?} at {:?}", simulation.holders(), simulation.time);
        }
    }
}
