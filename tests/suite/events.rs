//! Which Events the background audit writes, and when.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingress_guard::background::{
    Announcement, Announcer, Change, Earlier, Outcome, Regarding, StoredFinding, StoredVerdict, Surroundings, Verdicts,
};
use ingress_guard::checks;
use ingress_guard::finding::Level;
use ingress_guard::model::Key;
use jiff::{SignedDuration, Timestamp};

/// A finding of this check. Those of IG204 are about readiness.
fn finding(code: &'static str, service: &str) -> StoredFinding {
    StoredFinding {
        code,
        level: Level::Deny,
        subject: format!("Service {service}").into(),
        field: "spec.rules[0].http.paths[0].backend.service.name".into(),
        message: format!("Service {service:?} does not exist: requests return 503").into(),
        help: "create it".into(),
        is_readiness: code == "IG204",
        service: Some(service.into()),
        waived: None,
    }
}

fn verdict(findings: Vec<StoredFinding>) -> Arc<StoredVerdict> {
    Arc::new(StoredVerdict { findings, ..StoredVerdict::default() })
}

/// A cluster whose Ingresses are all of one class, its holder of the Lease, and the Events that it has written.
#[derive(Default)]
struct Cluster {
    now: Timestamp,
    verdicts: Verdicts,
    announcer: Announcer,
    terminating: &'static str,
    /// The class of all Ingresses, except those of namespaces without one.
    class: &'static str,
    classless: &'static str,
    /// The seconds of the writes since the beginning, and the Events.
    written: Vec<(i64, Announcement)>,
}

impl Cluster {
    /// A cluster with these Ingresses, and a holder that has seen them.
    fn with(ingresses: usize) -> Self {
        let mut cluster = Self { now: "2026-11-22T00:00:00Z".parse().unwrap(), class: "nginx", ..Self::default() };
        cluster.verdicts.is_complete = true;
        for index in 0..ingresses {
            cluster.set(index, Vec::new());
        }
        cluster.pass(2);
        cluster
    }

    fn key(index: usize) -> Key {
        Key::new(&format!("team-{:03}", index % 300), &format!("web-{index:05}"))
    }

    fn set(&mut self, index: usize, findings: Vec<StoredFinding>) {
        self.verdicts.by_ingress.insert(Self::key(index), verdict(findings));
    }

    /// Sets the findings of an Ingress of a namespace.
    fn set_in(&mut self, namespace: &str, index: usize, findings: Vec<StoredFinding>) {
        self.verdicts.by_ingress.insert(Key::new(namespace, &format!("web-{index:05}")), verdict(findings));
    }

    /// Returns the second of the first Event on an object.
    fn first_on(&self, regarding: &Regarding) -> Option<i64> {
        self.written.iter().find(|(_, event)| event.regarding == *regarding).map(|(second, _)| *second)
    }

    /// Lets this number of seconds pass; every write succeeds.
    fn pass(&mut self, seconds: i64) {
        self.pass_with(seconds, |_| Outcome::Written);
    }

    fn pass_with(&mut self, seconds: i64, mut write: impl FnMut(&Announcement) -> Outcome) {
        let verdicts = Arc::new(self.verdicts.clone());
        let Self { terminating, class, classless, .. } = *self;
        let class_of = |key: &Key| (*key.namespace != *classless).then(|| class.into());
        let surroundings = Surroundings { class_of: &class_of, is_terminating: &|name| name == terminating };
        self.announcer.observe(&verdicts, surroundings, self.now);
        for _ in 0..seconds {
            for announcement in self.announcer.due(surroundings, self.now) {
                let outcome = write(&announcement);
                self.announcer.done(&announcement, outcome, self.now);
                if outcome == Outcome::Written {
                    self.written.push((self.now.as_second(), announcement));
                }
            }
            self.now += SignedDuration::from_secs(1);
        }
    }

    /// The holder is killed, and another process takes over with the Events that exist.
    fn hand_over(&mut self) {
        self.announcer = Announcer::default();
        let earlier = self.written.iter().map(|(second, announcement)| Earlier {
            regarding: announcement.regarding.clone(),
            code: announcement.code,
            change: announcement.change,
            at: Timestamp::from_second(*second).unwrap(),
        });
        self.announcer.recover(earlier);
    }

    /// Returns the Events that were written since the last call.
    #[track_caller]
    fn events(&mut self) -> Vec<Announcement> {
        std::mem::take(&mut self.written).into_iter().map(|(_, announcement)| announcement).collect()
    }

    /// Returns the most Events on Ingresses in any minute, and the number of Events on other objects.
    fn rates(&self) -> (usize, usize) {
        let (mut single, mut others) = (Vec::new(), 0);
        for (second, announcement) in &self.written {
            match announcement.regarding {
                Regarding::Ingress(_) => single.push(*second),
                _ => others += 1,
            }
        }
        let in_minute = |from: i64| single.iter().filter(|second| (from..from + 60).contains(*second)).count();
        (single.iter().map(|second| in_minute(*second)).max().unwrap_or(0), others)
    }
}

fn changes(events: &[Announcement]) -> Vec<Change> {
    events.iter().map(|event| event.change).collect()
}

#[test]
fn a_problem_is_announced_at_once_and_again_when_it_is_gone() {
    let mut cluster = Cluster::with(3);
    cluster.set(1, vec![finding("IG201", "web")]);
    cluster.pass(10);
    let events = cluster.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0].regarding, Regarding::Ingress(Cluster::key(1)));
    assert_eq!(events[0].reason(), "ServiceNotFound");
    assert_eq!(
        events[0].note,
        "IG201 spec.rules[0].http.paths[0].backend.service.name: Service \"web\" does not exist: requests return 503; create it"
    );
    cluster.set(1, Vec::new());
    cluster.pass(600);
    let events = cluster.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!((events[0].change, &*events[0].reason()), (Change::Healed, "Resolved"));
    assert_eq!(events[0].note, "IG201 service-not-found is not reported any more");
}

#[test]
fn a_second_finding_of_the_same_check_is_announced_too() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![finding("IG201", "web")]);
    cluster.pass(90);
    cluster.set(0, vec![finding("IG201", "web"), finding("IG201", "api")]);
    cluster.pass(90);
    let events = cluster.events();
    assert_eq!(changes(&events), [Change::Broken, Change::Broken]);
    assert!(
        events[1].note.contains("Service \"api\"") && events[1].note.ends_with("(and 1 more finding of this check)")
    );
    // As long as one of them exists, the problem of the Ingress is not gone.
    cluster.set(0, vec![finding("IG201", "api")]);
    cluster.pass(90);
    assert_eq!(changes(&cluster.events()), []);
}

#[test]
fn rollouts_of_500_deployments_cause_no_event() {
    let mut cluster = Cluster::with(500);
    // Each one lacks ready endpoints for 90 seconds, ten begin each second.
    for second in 0..150 {
        for index in 0..500 {
            let begins = index / 10;
            let is_down = (begins..begins + 90).contains(&second);
            let service = format!("web-{index}");
            let findings = if is_down { vec![finding("IG204", &service)] } else { Vec::new() };
            let is_changed = second == begins || second == begins + 90;
            if is_changed {
                cluster.set(index, findings);
            }
        }
        cluster.pass(1);
    }
    cluster.pass(600);
    assert_eq!(cluster.events(), []);
}

#[test]
fn missing_endpoints_are_announced_after_two_minutes() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![finding("IG204", "web")]);
    cluster.pass(119);
    assert_eq!(cluster.events(), []);
    cluster.pass(5);
    assert_eq!(changes(&cluster.events()), [Change::Broken]);
}

#[test]
fn a_problem_of_a_new_ingress_is_announced_after_a_minute() {
    let mut cluster = Cluster::with(1);
    cluster.set(1, vec![finding("IG201", "later")]);
    cluster.set(2, vec![finding("IG201", "never")]);
    cluster.pass(50);
    cluster.set(1, Vec::new());
    cluster.pass(50);
    let events = cluster.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0].regarding, Regarding::Ingress(Cluster::key(2)));
}

#[test]
fn a_problem_that_lasts_is_announced_every_half_hour() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![finding("IG201", "web")]);
    cluster.pass(4 * 3600);
    let times: Vec<i64> = cluster.written.iter().map(|(second, _)| *second).collect();
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [1800; 7]);
}

#[test]
fn a_check_that_is_not_evaluated_any_more_has_not_healed() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![finding("IG201", "web")]);
    cluster.pass(90);
    let unknown = StoredVerdict { not_evaluated: vec!["IG201"], ..StoredVerdict::default() };
    cluster.verdicts.by_ingress.insert(Cluster::key(0), Arc::new(unknown));
    cluster.pass(90);
    assert_eq!(changes(&cluster.events()), [Change::Broken]);
}

#[test]
fn incomplete_verdicts_say_nothing() {
    let mut cluster = Cluster::with(1);
    cluster.verdicts = Verdicts::default();
    cluster.pass(90);
    cluster.verdicts.is_complete = true;
    cluster.set(0, Vec::new());
    cluster.pass(90);
    assert_eq!(cluster.events(), []);
}

#[test]
fn problems_of_the_platform_and_those_that_only_count_in_audits_are_not_announced() {
    let mut cluster = Cluster::with(1);
    let quiet = StoredFinding { level: Level::Audit, ..finding("IG201", "web") };
    cluster.set(0, vec![quiet, finding("IG901", "web"), finding("IG902", "web"), finding("IG904", "web")]);
    cluster.pass(600);
    assert_eq!(cluster.events(), []);
}

#[test]
fn nothing_is_said_about_ingresses_that_are_gone_or_in_namespaces_that_are_being_deleted() {
    let mut cluster = Cluster::with(3);
    cluster.terminating = "team-001";
    cluster.set(0, vec![finding("IG201", "web")]);
    cluster.set(1, vec![finding("IG201", "web")]);
    cluster.pass(5);
    let events = cluster.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0].regarding, Regarding::Ingress(Cluster::key(0)));
    cluster.verdicts.by_ingress.clear();
    cluster.pass(3600);
    assert_eq!(cluster.events(), []);
}

#[test]
fn a_problem_that_comes_and_goes_is_announced_once_a_minute() {
    let mut cluster = Cluster::with(1);
    for round in 0..60 {
        cluster.set(0, if round % 2 == 0 { vec![finding("IG201", "web")] } else { Vec::new() });
        cluster.pass(10);
    }
    let of = |change: Change| {
        let times = cluster.written.iter().filter(|(_, event)| event.change == change).map(|(second, _)| *second);
        times.collect::<Vec<_>>()
    };
    for times in [of(Change::Broken), of(Change::Healed)] {
        assert!(times.len() >= 5 && times.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{times:?}");
    }
}

#[test]
fn a_failed_write_is_repeated() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![finding("IG201", "web")]);
    let mut failures = 3;
    cluster.pass_with(60, |_| {
        failures -= 1;
        if failures < 0 { Outcome::Written } else { Outcome::Failed }
    });
    assert_eq!(changes(&cluster.events()), [Change::Broken]);
    assert!(failures == -1, "{failures}");
    // One that is not wanted is not repeated.
    cluster.set(0, vec![finding("IG201", "api")]);
    let mut attempts = 0;
    cluster.pass_with(600, |_| {
        attempts += 1;
        Outcome::Unwanted
    });
    assert_eq!(attempts, 1);
}

#[test]
fn a_change_does_not_wait_behind_what_the_first_verdicts_find() {
    let mut cluster = Cluster { now: "2026-11-22T00:00:00Z".parse().unwrap(), ..Cluster::default() };
    cluster.verdicts.is_complete = true;
    for index in 0..30 {
        cluster.set(index, vec![finding("IG310", &format!("web-{index}"))]);
    }
    cluster.set(30, Vec::new());
    cluster.pass(10);
    assert_eq!(cluster.events().len(), 15);
    cluster.set(30, vec![finding("IG201", "web")]);
    cluster.pass(10);
    let events = cluster.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0].regarding, Regarding::Ingress(Cluster::key(30)));
    // Then the rest.
    cluster.pass(110);
    assert_eq!(cluster.events().len(), 15);
}

#[test]
fn a_note_has_at_most_1024_bytes() {
    let mut cluster = Cluster::with(1);
    cluster.set(0, vec![StoredFinding { message: "é".repeat(900).into(), ..finding("IG201", "web") }]);
    cluster.pass(5);
    let events = cluster.events();
    assert!((1000..=1024).contains(&events[0].note.len()), "{}", events[0].note.len());
}

#[test]
fn a_class_that_20000_ingresses_lose_causes_20_events_and_one_on_the_class() {
    let mut cluster = Cluster::with(20_000);
    // The audit publishes what it has found so far.
    for block in 0..20 {
        for index in block * 1000..(block + 1) * 1000 {
            cluster.set(index, vec![finding("IG102", &format!("web-{index}"))]);
        }
        cluster.pass(2);
    }
    cluster.pass(20 * 60);
    assert_eq!(cluster.rates(), (20, 1));
    let events = cluster.events();
    assert!((21..=40).contains(&events.len()), "{}", events.len());
    let summary = events.iter().find(|event| event.regarding == Regarding::IngressClass("nginx".into())).unwrap();
    let counted: usize =
        summary.note.split("reported for ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(counted + events.len() - 1, 20_000, "{}", summary.note);
    // Each one is repeated once, and nothing is new.
    cluster.pass(25 * 60);
    assert_eq!(cluster.events().len(), events.len());
    // The class is back.
    for index in 0..20_000 {
        cluster.set(index, Vec::new());
    }
    cluster.pass(10 * 60);
    let (most, others) = cluster.rates();
    assert!(most <= 20 && others == 1, "{most} {others}");
    let healed = cluster.events();
    assert_eq!(healed.len(), events.len());
    assert!(healed.iter().all(|event| event.change == Change::Healed), "{healed:#?}");
    cluster.pass(3600);
    assert_eq!(cluster.events(), []);
}

#[test]
fn a_service_that_many_ingresses_share_gets_the_one_event() {
    let mut cluster = Cluster::with(0);
    let key = |index: usize| Key::new("shop", &format!("web-{index}"));
    for index in 0..100 {
        cluster.verdicts.by_ingress.insert(key(index), verdict(Vec::new()));
    }
    cluster.pass(5);
    for index in 0..100 {
        cluster.verdicts.by_ingress.insert(key(index), verdict(vec![finding("IG201", "front")]));
    }
    cluster.pass(600);
    let others: Vec<Announcement> =
        cluster.events().into_iter().filter(|event| !matches!(event.regarding, Regarding::Ingress(_))).collect();
    assert_eq!(others.len(), 1, "{others:#?}");
    assert_eq!(others[0].regarding, Regarding::Service(Key::new("shop", "front")));
    assert_eq!(
        others[0].note,
        "IG201 service-not-found is reported for 80 more Ingresses: the backend Service does not exist in the namespace of the \
         Ingress; run \"ingress-guard audit\" to list them"
    );
}

#[test]
fn a_hand_over_doubles_and_loses_nothing() {
    // The holder is killed after each number of writes.
    for killed_after in [0, 1, 5, 19, 20, 21] {
        let mut cluster = Cluster::with(400);
        for index in 0..200 {
            cluster.set(index, vec![finding("IG102", &format!("web-{index}"))]);
        }
        let mut writes = 0;
        while writes < killed_after {
            cluster.pass(1);
            writes = cluster.written.len().min(killed_after);
        }
        cluster.written.truncate(killed_after);
        cluster.hand_over();
        // One more breaks in between, one heals, and a third is deleted.
        cluster.set(300, vec![finding("IG201", "api")]);
        cluster.set(0, Vec::new());
        cluster.verdicts.by_ingress.remove(&Cluster::key(1));
        cluster.pass(600);
        let mut of: BTreeMap<(&Regarding, &str), Vec<Change>> = BTreeMap::new();
        for (_, event) in &cluster.written {
            of.entry((&event.regarding, event.code)).or_default().push(event.change);
        }
        let counted = of.keys().filter(|(regarding, _)| matches!(regarding, Regarding::IngressClass(_))).count();
        assert_eq!(counted, 1, "killed after {killed_after}");
        for ((regarding, _), changes) in &of {
            let is_healed = **regarding == Regarding::Ingress(Cluster::key(0)) && killed_after > 0;
            let expected: &[Change] = if is_healed { &[Change::Broken, Change::Healed] } else { &[Change::Broken] };
            assert_eq!(changes, expected, "killed after {killed_after}: {regarding:?}");
        }
        let single = Regarding::Ingress(Cluster::key(300));
        assert!(of.contains_key(&(&single, "IG201")), "killed after {killed_after}");
        // A second hand-over has nothing to add.
        let before = cluster.written.len();
        cluster.hand_over();
        cluster.pass(600);
        assert_eq!(cluster.written.len(), before, "killed after {killed_after}");
    }
}

#[test]
fn an_end_between_two_holders_is_announced() {
    let mut cluster = Cluster::with(300);
    for index in 0..200 {
        cluster.set(index, vec![finding("IG102", "web")]);
    }
    cluster.pass(120);
    let broken = cluster.written.len();
    assert!(broken >= 21, "{broken}");
    cluster.hand_over();
    for index in 0..200 {
        cluster.set(index, Vec::new());
    }
    cluster.pass(600);
    let events = cluster.events();
    assert!(events[broken..].iter().all(|event| event.change == Change::Healed));
    assert_eq!(events.len(), 2 * broken);
}

#[test]
fn a_namespace_with_many_problems_delays_no_other() {
    // Too few findings of each check to be counted together.
    let of_ingresses = checks::ALL.iter().map(|check| check.code).filter(|code| *code != "IG204" && *code < "IG900");
    let codes: Vec<&str> = of_ingresses.collect();
    let mut cluster = Cluster::with(1);
    for index in 0..20 {
        let service = format!("web-{index}");
        cluster.set_in("noisy", index, codes.iter().map(|code| finding(code, &service)).collect());
    }
    cluster.pass(300);
    cluster.set(0, vec![finding("IG201", "web")]);
    let broken = cluster.now.as_second();
    cluster.pass(300);
    let announced = cluster.first_on(&Regarding::Ingress(Cluster::key(0))).expect("an Event");
    assert!(announced - broken <= 60, "{} s", announced - broken);
    assert_eq!((cluster.rates(), cluster.events().len()), ((20, 0), 180));
}

#[test]
fn a_namespace_that_refuses_events_delays_no_other() {
    let mut cluster = Cluster::with(1);
    for index in 0..10 {
        cluster.set_in("full", index, vec![finding("IG201", &format!("web-{index}"))]);
    }
    let mut refused = 0;
    let mut write = |event: &Announcement| match &event.regarding {
        Regarding::Ingress(key) if *key.namespace == *"full" => {
            refused += 1;
            Outcome::Failed
        }
        _ => Outcome::Written,
    };
    cluster.pass_with(1800, &mut write);
    cluster.set(0, vec![finding("IG201", "web")]);
    let broken = cluster.now.as_second();
    cluster.pass_with(1800, &mut write);
    let announced = cluster.first_on(&Regarding::Ingress(Cluster::key(0))).expect("an Event");
    assert!(announced - broken <= 60, "{} s", announced - broken);
    // Each one is tried again after two minutes at most, also if its findings change.
    assert!((300..=340).contains(&refused), "{refused} attempts");
}

#[test]
fn a_class_is_announced_while_many_services_are_counted() {
    let mut cluster = Cluster::with(300);
    cluster.classless = "noisy";
    for index in 0..100 * 25 {
        cluster.set_in("noisy", index, vec![finding("IG201", &format!("web-{}", index / 25))]);
    }
    cluster.pass(2 * 3600);
    let services = cluster.events().into_iter().filter(|event| matches!(event.regarding, Regarding::Service(_)));
    assert!(services.count() >= 100, "one a minute");
    for index in 0..300 {
        cluster.set(index, vec![finding("IG102", &format!("web-{index}"))]);
    }
    let broken = cluster.now.as_second();
    cluster.pass(600);
    let announced = cluster.first_on(&Regarding::IngressClass("nginx".into())).expect("an Event");
    assert!(announced - broken <= 120, "{} s", announced - broken);
}

#[test]
fn names_that_no_object_can_have_get_no_event() {
    let mut cluster = Cluster::with(0);
    cluster.class = "../../../api/v1/namespaces/kube-system/secrets/token";
    for index in 0..100 {
        cluster.set_in("shop", index, Vec::new());
    }
    cluster.pass(5);
    for index in 0..100 {
        cluster.set_in("shop", index, vec![finding("IG201", "../secrets/token")]);
    }
    cluster.pass(600);
    let events = cluster.events();
    let others = events.iter().filter(|event| !matches!(event.regarding, Regarding::Ingress(_)));
    assert_eq!((events.len(), others.count()), (100, 0));
}
