//! Several processes over months, and changes of their objects by other programs.

use std::time::Duration;

use ingress_guard::certificates::{Authorities, Bundle, Read};
use proptest::prelude::*;

use super::several::Installation;
use super::{ca, start};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn installed(processes: usize) -> Installation {
    let mut installation = Installation::new(processes);
    installation.settle();
    installation.assert_accepted();
    installation
}

fn current(installation: &Installation) -> Bundle {
    installation.secret.as_ref().unwrap().current.as_ref().unwrap().certificates()
}

#[test]
fn a_new_installation_has_one_ca_however_many_processes_start_at_once() {
    let mut installation = Installation::new(3);
    for process in 0..3 {
        assert!(installation.read(process), "each has a CA to store");
    }
    for process in 0..3 {
        installation.write(process);
        assert_eq!(installation.serving(process), None, "it signs nothing until it has read the stored CA");
    }
    installation.settle();
    installation.assert_accepted();
    let bundle = current(&installation);
    assert_eq!(bundle.len(), 1);
    assert_eq!(installation.bundles, Some(vec![bundle; 2]));
    assert_eq!(installation.repairs, 0);
}

#[test]
fn a_ca_is_replaced_after_two_thirds_of_its_life_and_leaves_one_leaf_life_later() {
    let mut installation = installed(2);
    let first = current(&installation);
    installation.live(243 * DAY, HOUR);
    assert_eq!(current(&installation), first);
    assert_eq!(installation.secret.as_ref().unwrap().next, None);
    installation.pass(8 * HOUR);
    installation.settle();
    let next = installation.secret.as_ref().unwrap().next.as_ref().unwrap().certificates();
    assert_eq!(installation.bundles, Some(vec![first.union(&next); 2]), "trusted before it signs");
    assert_eq!(current(&installation), first);
    installation.pass(299 * SECOND);
    installation.settle();
    assert_eq!(current(&installation), first);
    installation.pass(2 * SECOND);
    installation.settle();
    assert_eq!(current(&installation), next);
    let serving = [0, 1].map(|process| installation.serving(process).unwrap());
    assert!(serving.iter().all(|authority| next.contains(authority)), "both sign with it at once");
    assert_eq!(installation.bundles, Some(vec![first.union(&next); 2]));
    installation.live(167 * HOUR, HOUR);
    assert_eq!(installation.bundles, Some(vec![first.union(&next); 2]));
    installation.live(2 * HOUR, HOUR);
    assert_eq!(installation.bundles, Some(vec![next; 2]), "nothing serves a certificate of the first one");
    assert_eq!(installation.repairs, 0);
}

#[test]
fn a_process_that_starts_during_a_rotation_waits_itself() {
    let mut installation = installed(1);
    installation.live(243 * DAY, HOUR);
    installation.pass(8 * HOUR);
    installation.settle();
    let next = installation.secret.as_ref().unwrap().next.as_ref().unwrap().certificates();
    // The timestamp is old enough, the process is not.
    installation.restart(0);
    installation.pass(400 * SECOND);
    installation.settle();
    assert_ne!(current(&installation), next);
    installation.pass(301 * SECOND);
    installation.settle();
    assert_eq!(current(&installation), next);
}

#[test]
fn a_serving_certificate_is_renewed_after_half_of_its_life() {
    let mut installation = installed(1);
    let leaf = |installation: &Installation| installation.processes[0].replica.leaf().unwrap().clone();
    let first = leaf(&installation);
    installation.live(83 * HOUR, HOUR);
    assert_eq!(leaf(&installation), first);
    // Without the Secret as well, and without an API server.
    installation.put_secret(None);
    installation.live(2 * HOUR, HOUR);
    assert_ne!(leaf(&installation), first);
    assert_eq!(leaf(&installation).authority, first.authority);
}

#[test]
fn without_the_permission_to_store_the_certificate_and_the_bundle_are_still_maintained() {
    let mut installation = installed(1);
    let (first, stored) = (installation.processes[0].replica.leaf().unwrap().clone(), installation.secret.clone());
    installation.may_store = false;
    // A replacement of the CA is due, and a foreign certificate waits to be adopted.
    installation.live(244 * DAY, HOUR);
    let foreign = ca(start()).certificates();
    installation.put_bundles(Some(vec![foreign.clone(); 2]));
    installation.settle();
    installation.assert_accepted();
    assert_ne!(installation.processes[0].replica.leaf().unwrap(), &first);
    assert_eq!(installation.bundles, Some(vec![foreign.union(&current(&installation)); 2]));
    assert_eq!(installation.secret, stored);
    installation.may_store = true;
    installation.settle();
    assert!(installation.secret.unwrap().next.is_some());
}

#[test]
fn a_secret_that_was_emptied_gets_the_same_ca_back() {
    let mut installation = installed(2);
    let first = installation.secret.clone();
    installation.put_secret(Some(Authorities::default()));
    installation.settle();
    assert_eq!(installation.secret, first);
    // Both objects at once, as `helm upgrade --force` does.
    installation.put_secret(Some(Authorities::default()));
    installation.put_bundles(Some(vec![Bundle::default(); 2]));
    installation.settle();
    assert_eq!(installation.secret, first);
    installation.assert_accepted();
    assert_eq!(installation.repairs, 1);
}

#[test]
fn a_secret_that_was_deleted_is_replaced_by_memory_until_it_is_back() {
    let mut installation = installed(2);
    let first = installation.secret.clone();
    installation.put_secret(None);
    installation.put_bundles(Some(vec![Bundle::default(); 2]));
    installation.settle();
    installation.assert_accepted();
    installation.put_secret(Some(Authorities::default()));
    installation.settle();
    assert_eq!(installation.secret, first);
    // A process that starts meanwhile has nothing to sign with.
    installation.put_secret(None);
    installation.restart(0);
    installation.settle();
    assert_eq!(installation.serving(0), None);
    assert!(installation.is_accepted(1));
}

#[test]
fn a_new_process_that_creates_another_ca_does_not_disturb_the_old_one() {
    let mut installation = installed(2);
    let first = current(&installation);
    // Both objects are emptied, and the new process is the first that notices it.
    installation.restart(0);
    installation.put_secret(Some(Authorities::default()));
    installation.put_bundles(Some(vec![Bundle::default(); 2]));
    installation.read(0);
    installation.write(0);
    assert_ne!(current(&installation), first);
    installation.settle();
    installation.assert_accepted();
}

#[test]
fn a_ca_that_was_in_the_bundle_before_stays_for_one_leaf_life() {
    // The certificate of cert-manager, whose pods still serve.
    let other = ca(start()).certificates();
    let mut installation = Installation::new(2);
    installation.put_bundles(Some(vec![other.clone(); 2]));
    installation.settle();
    installation.assert_accepted();
    let own = current(&installation);
    assert_eq!(installation.bundles, Some(vec![other.union(&own); 2]));
    installation.live(167 * HOUR, HOUR);
    assert_eq!(installation.bundles, Some(vec![other.union(&own); 2]));
    installation.live(2 * HOUR, HOUR);
    assert_eq!(installation.bundles, Some(vec![own; 2]));
}

#[test]
fn certificates_beyond_the_limit_of_the_secret_stay_in_the_bundle() {
    let mut installation = installed(1);
    let (own, stored) = (current(&installation), installation.secret.clone());
    let others = |count: usize| (0..count).fold(Bundle::default(), |all, _| all.union(&ca(start()).certificates()));
    let surplus = |installation: &Installation| installation.processes[0].replica.surplus();
    // Without the own CA, as a program that replaces the caBundle leaves it.
    let many = others(70);
    installation.put_bundles(Some(vec![many.clone(); 2]));
    installation.settle();
    installation.assert_accepted();
    assert_eq!((surplus(&installation), &installation.secret), (70, &stored));
    installation.live(30 * DAY, HOUR);
    assert_eq!(installation.bundles, Some(vec![many.union(&own); 2]), "none is removed");
    // As many as the limit allows are removed after one life of a serving certificate.
    installation.put_bundles(Some(vec![others(16).union(&own); 2]));
    installation.settle();
    assert_eq!(surplus(&installation), 0);
    installation.live(9 * DAY, HOUR);
    assert_eq!(installation.bundles, Some(vec![own; 2]));
}

#[test]
fn an_expired_ca_is_replaced_at_once() {
    let mut installation = installed(1);
    let first = current(&installation);
    installation.restart(0);
    installation.pass(400 * DAY);
    installation.settle();
    installation.assert_accepted();
    assert_ne!(current(&installation), first);
}

#[test]
fn without_a_webhook_configuration_a_rotation_needs_no_trust() {
    let mut installation = installed(1);
    let first = current(&installation);
    installation.put_bundles(None);
    installation.live(245 * DAY, HOUR);
    assert_ne!(current(&installation), first);
    installation.put_bundles(Some(vec![Bundle::default(); 2]));
    installation.settle();
    installation.assert_accepted();
    assert_eq!(installation.repairs, 0, "a new configuration is not a conflict");
}

#[test]
fn nothing_is_decided_on_what_cannot_be_read() {
    let mut installation = installed(1);
    installation.live(243 * DAY, HOUR);
    installation.pass(8 * HOUR);
    installation.settle();
    let (secret, replica) = (installation.secret.clone().unwrap(), &mut installation.processes[0].replica);
    let observed = |bundles, stored, days: u32| ingress_guard::certificates::Observed {
        bundles,
        stored,
        may_store: true,
        now: start() + days * DAY,
        at: std::time::Instant::now() + days * DAY,
    };
    // The next CA may not be trusted, so it does not sign.
    assert_eq!(replica.decide(&observed(Read::Unknown, Read::Unknown, 250)).unwrap(), None);
    let write = replica.decide(&observed(Read::Unknown, Read::Found(secret), 250)).unwrap();
    assert!(write.is_none() || !format!("{write:?}").contains("Bundle {"), "{write:?}");
}

#[derive(Debug, Clone)]
enum Event {
    Pass(Duration),
    Read(usize),
    Write(usize),
    Restart(usize),
    EmptySecret,
    EmptyBundle,
    AddToBundle,
}

fn event() -> impl Strategy<Value = Event> {
    let process = 0..3_usize;
    prop_oneof![
        4 => (0_u64..600).prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        2 => (0_u32..80).prop_map(|days| Event::Pass(days * DAY)),
        6 => process.clone().prop_map(Event::Read),
        6 => process.clone().prop_map(Event::Write),
        1 => process.prop_map(Event::Restart),
        1 => Just(Event::EmptySecret),
        1 => Just(Event::EmptyBundle),
        1 => Just(Event::AddToBundle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// In whatever order processes read and write, and whatever others do to the objects, the certificate of each process is accepted. Only
    /// an emptied caBundle interrupts this, until the next work of any process.
    #[test]
    fn no_order_of_events_makes_the_api_server_reject_a_process(events in prop::collection::vec(event(), 1..60)) {
        let mut installation = installed(3);
        for event in events {
            let is_emptied = matches!(event, Event::EmptyBundle);
            match event {
                // In a day, each process works many times.
                Event::Pass(time) if time >= DAY => installation.live(time, DAY),
                Event::Pass(time) => installation.pass(time),
                Event::Read(process) => drop(installation.read(process)),
                Event::Write(process) => installation.write(process),
                Event::Restart(process) => {
                    installation.restart(process);
                    installation.settle();
                }
                Event::EmptySecret => installation.put_secret(Some(Authorities::default())),
                Event::EmptyBundle => installation.put_bundles(Some(vec![Bundle::default(); 2])),
                Event::AddToBundle => {
                    let more = ca(installation.now).certificates();
                    let bundles = installation.bundles.clone().unwrap();
                    installation.put_bundles(Some(bundles.iter().map(|bundle| bundle.union(&more)).collect()));
                }
            }
            if is_emptied {
                installation.settle();
            }
            installation.assert_accepted();
        }
    }
}
