//! Writes that were stored without a review while replicas run: each is counted once, and no other one is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingress_guard::admission::AllowedWrites;
use ingress_guard::background::{
    Decided, Moment, Statement, Statements, StoredVerdict, StoredWrites, Unreviewed, Verdicts, WriteId,
};
use ingress_guard::cluster::{Coverage, Inventory, Object, load_text};
use ingress_guard::model::{Ingress, Key, Kind};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::pages::now;

/// The registration, its namespace, and a namespace that it does not select.
const CLUSTER: &str = "
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}
---
kind: Namespace
apiVersion: v1
metadata: {name: kube-system, labels: {kubernetes.io/metadata.name: kube-system}}
---
kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: ingress-guard}
webhooks:
  - name: validate.ingress-guard.io
    clientConfig: {service: {name: guard, namespace: ingress-guard}}
    rules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}
";

fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A version of an Ingress that is written at this second.
fn ingress(namespace: &str, name: &str, version: usize, second: u64) -> Ingress {
    let time = at(second).to_string();
    object(json!({
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z",
                     "managedFields": [{"manager": "kubectl", "operation": "Update", "time": time}]},
        "spec": {"rules": [{"host": format!("v{version}.example.com")}]},
    }))
}

/// The time of the API server after so many seconds.
fn at(second: u64) -> Timestamp {
    now() + SignedDuration::from_secs(second.try_into().unwrap())
}

fn endpoints(state: &mut Inventory, count: usize) {
    let endpoints: Vec<Value> = (0..count).map(|number| json!({"addresses": [format!("10.0.0.{number}")]})).collect();
    let slice = json!({"metadata": {"name": "guard-1", "namespace": "ingress-guard",
                                    "labels": {"kubernetes.io/service-name": "guard"}},
                       "addressType": "IPv4", "endpoints": endpoints, "ports": []});
    state.apply(Object::EndpointSlice(object(slice)));
}

fn cluster(replicas: usize) -> Inventory {
    let mut state = load_text("cluster", CLUSTER).unwrap();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_watched()) {
        state.cover(kind, Coverage::Complete);
    }
    endpoints(&mut state, replicas);
    state
}

/// A process in a pod.
struct Process {
    /// The pod, which is its name in the Lease.
    pod: String,
    allowed: Arc<AllowedWrites>,
    writes: StoredWrites,
    /// What it has seen of the cluster.
    state: Inventory,
    seen: Seen,
    /// The statements as it has read them last.
    statements: Statements,
    next_round: u64,
}

/// The number of events that have arrived.
#[derive(Clone, Copy, Default)]
struct Seen {
    ingresses: usize,
    endpoints: usize,
}

/// An API server, the pods of the Service, and the Lease. One step takes a second.
struct Simulation {
    start: Instant,
    second: u64,
    /// What was stored, and when.
    ingresses: Vec<(u64, Ingress)>,
    /// The numbers of endpoints, and since when.
    endpoints: Vec<(u64, usize)>,
    /// A pod without a process starts one again.
    pods: Vec<(String, Option<Process>)>,
    started_pods: usize,
    /// The annotation of the Lease.
    lease: String,
    holder: Option<String>,
    /// The Lease is free until then.
    free_until: u64,
    /// Writes that a webhook of another project delays: when they are stored, and what.
    delayed: Vec<(u64, Ingress)>,
    /// How often each write was counted.
    counted: BTreeMap<Key, usize>,
    unknown: usize,
    /// The seconds that Ingresses and endpoints need to arrive.
    lag: (u64, u64),
}

impl Simulation {
    fn new(replicas: usize) -> Self {
        let mut simulation = Self {
            start: Instant::now() + Duration::from_secs(1000),
            second: 0,
            ingresses: Vec::new(),
            endpoints: vec![(0, 0)],
            pods: Vec::new(),
            started_pods: 0,
            lease: String::new(),
            holder: None,
            free_until: 0,
            delayed: Vec::new(),
            counted: BTreeMap::new(),
            unknown: 0,
            lag: (0, 0),
        };
        for _ in 0..replicas {
            simulation.start_pod();
        }
        simulation
    }

    fn instant(&self) -> Instant {
        self.start + Duration::from_secs(self.second)
    }

    fn start_pod(&mut self) {
        self.started_pods += 1;
        self.pods.push((format!("pod-{}", self.started_pods), None));
        self.endpoints.push((self.second, self.pods.len()));
        self.start_process(self.pods.len() - 1);
    }

    /// Starts a process that lists the cluster.
    fn start_process(&mut self, pod: usize) {
        let (now, name) = (self.instant(), self.pods[pod].0.clone());
        let mut state = cluster(self.endpoints.last().unwrap().1);
        for (_, ingress) in &self.ingresses {
            state.apply(Object::Ingress(Box::new(ingress.clone())));
        }
        self.pods[pod].1 = Some(Process {
            allowed: Arc::new(AllowedWrites::new(now)),
            writes: StoredWrites::new(name.clone(), Key::new("ingress-guard", "guard"), now),
            pod: name,
            state,
            seen: Seen { ingresses: self.ingresses.len(), endpoints: self.endpoints.len() },
            statements: Statements::default(),
            next_round: self.second,
        });
    }

    /// Ends the process of a pod; the pod stays an endpoint.
    fn kill(&mut self, pod: usize) {
        self.pods[pod].1 = None;
        if self.holder.as_ref() == Some(&self.pods[pod].0) {
            self.holder = None;
            self.free_until = self.second + 12;
        }
    }

    /// Removes a pod: the Service has one endpoint less.
    fn delete(&mut self, pod: usize) {
        self.kill(pod);
        self.pods.remove(pod);
        self.endpoints.push((self.second, self.pods.len()));
    }

    /// Stores a new Ingress, which a replica has reviewed if one is given. It may be stored some seconds after the review.
    fn write(&mut self, name: &str, reviewer: Option<usize>, delay: u64) {
        let ingress = ingress("shop", name, 0, self.second);
        if let Some(process) = reviewer.and_then(|pod| self.pods[pod].1.as_ref()) {
            process.allowed.note(&ingress, self.instant());
        }
        self.delayed.push((self.second + delay, ingress));
    }

    /// Advances by one second. `is_lost`: what a replica writes to the Lease now is lost; `is_unanswered`: the answer is lost.
    fn step(&mut self, is_lost: bool, is_unanswered: bool) {
        self.second += 1;
        let (second, now) = (self.second, self.instant());
        let (stored, delayed) = self.delayed.drain(..).partition(|(time, _)| *time <= second);
        self.delayed = delayed;
        self.ingresses.extend(stored);
        let running = || self.pods.iter().filter_map(|(pod, process)| process.as_ref().map(|_| pod.clone()));
        if self.holder.is_none() && second >= self.free_until {
            self.holder = running().next();
            // The new holder reads the Lease when it takes it.
            for process in self.pods.iter_mut().filter_map(|(_, process)| process.as_mut()) {
                if self.holder.as_ref() == Some(&process.pod) {
                    process.statements = Statements::read(Some(&self.lease));
                }
            }
        }
        for process in self.pods.iter_mut().filter_map(|(_, process)| process.as_mut()) {
            let is_holder = self.holder.as_ref() == Some(&process.pod);
            while let Some((time, ingress)) = self.ingresses.get(process.seen.ingresses)
                && time + self.lag.0 <= second
            {
                process.state.apply(Object::Ingress(Box::new(ingress.clone())));
                process.seen.ingresses += 1;
            }
            while let Some((time, count)) = self.endpoints.get(process.seen.endpoints)
                && time + self.lag.1 <= second
            {
                endpoints(&mut process.state, *count);
                process.seen.endpoints += 1;
            }
            if second >= process.next_round {
                process.next_round = second + if is_holder { 5 } else { 2 };
                process.statements = Statements::read(Some(&self.lease));
                let own = process.writes.statement(is_holder);
                if let Some(next) = process.statements.with(&process.pod, &own, at(second)).filter(|_| !is_lost) {
                    self.lease = next.text();
                    if !is_unanswered {
                        process.statements = next;
                    }
                }
            }
            let evaluated = process.state.ingresses().map(|ingress| (ingress.meta.key.clone(), Arc::default()));
            let by_ingress = evaluated.collect();
            let decided = process.writes.note(&Moment {
                now,
                server_time: Some(at(second)),
                state: Arc::new(process.state.clone()),
                is_current: true,
                allowed: &process.allowed,
                is_holder,
                verdicts: &Verdicts { by_ingress, is_complete: true },
                statements: &process.statements,
            });
            for decided in decided {
                match decided {
                    Decided::Unreviewed(Unreviewed { ingress, .. }) => *self.counted.entry(ingress).or_default() += 1,
                    Decided::Unknown => self.unknown += 1,
                }
            }
        }
    }

    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.step(false, false);
        }
    }

    /// The names of the Ingresses that were counted, each as often as it was.
    fn counted(&self) -> Vec<&str> {
        self.counted.iter().flat_map(|(key, count)| std::iter::repeat_n(&*key.name, *count)).collect()
    }
}

#[test]
fn a_write_that_no_replica_has_reviewed_is_counted_once_within_30_seconds() {
    for replicas in 1..4 {
        let mut simulation = Simulation::new(replicas);
        simulation.run(70);
        simulation.write("reviewed", Some(replicas - 1), 0);
        simulation.write("unreviewed", None, 0);
        simulation.run(30);
        assert_eq!((simulation.counted(), simulation.unknown), (vec!["unreviewed"], 0), "{replicas} replicas");
        simulation.run(200);
        assert_eq!((simulation.counted(), simulation.unknown), (vec!["unreviewed"], 0), "{replicas} replicas");
    }
}

#[test]
fn a_write_after_a_start_is_unknown_because_the_process_before_may_have_reviewed_it() {
    let mut simulation = Simulation::new(1);
    simulation.run(70);
    simulation.write("reviewed", Some(0), 3);
    simulation.kill(0);
    simulation.run(1);
    simulation.start_process(0);
    simulation.run(100);
    assert_eq!((simulation.counted(), simulation.unknown), (vec![], 1));
}

#[test]
fn a_write_that_a_replica_reviewed_before_it_was_deleted_is_unknown() {
    let mut simulation = Simulation::new(2);
    simulation.run(70);
    simulation.write("reviewed", Some(1), 10);
    simulation.delete(1);
    simulation.run(100);
    assert_eq!((simulation.counted(), simulation.unknown), (vec![], 1));
    // A minute later, only the other one can have reviewed.
    simulation.write("unreviewed", None, 0);
    simulation.run(30);
    assert_eq!(simulation.counted(), ["unreviewed"]);
}

#[test]
fn a_new_holder_counts_what_the_last_one_has_not() {
    for seconds in 0..40 {
        let mut simulation = Simulation::new(3);
        simulation.run(70);
        simulation.write("unreviewed", None, 0);
        simulation.run(seconds);
        simulation.kill(0);
        simulation.run(100);
        assert!(simulation.counted().len() <= 1, "{seconds}: {:?}", simulation.counted());
        // The holder states that it has not reviewed the write within seven seconds.
        if seconds > 7 && seconds < 20 {
            assert_eq!(simulation.counted(), ["unreviewed"], "{seconds}");
        }
    }
}

#[test]
fn a_write_of_an_ingress_that_is_being_deleted_is_counted() {
    let mut simulation = Simulation::new(1);
    simulation.run(70);
    let mut kept = ingress("shop", "kept", 0, simulation.second);
    kept.meta.deleting = true;
    simulation.delayed.push((simulation.second, kept));
    simulation.run(30);
    assert_eq!((simulation.counted(), simulation.unknown), (vec!["kept"], 0));
}

#[test]
fn of_many_writes_the_oldest_are_unknown() {
    let mut simulation = Simulation::new(1);
    simulation.run(70);
    for number in 0..600 {
        simulation.write(&format!("unreviewed-{number}"), None, 0);
    }
    simulation.run(30);
    assert_eq!((simulation.counted().len(), simulation.unknown), (500, 100));
    // They are decided, but the Lease does not say so yet.
    simulation.write("unreviewed", None, 0);
    simulation.run(15);
    for number in 600..1200 {
        simulation.write(&format!("unreviewed-{number}"), None, 0);
    }
    simulation.run(60);
    assert_eq!(simulation.counted().len() + simulation.unknown, 1201);
}

#[test]
fn a_late_write_is_unknown() {
    let mut simulation = Simulation::new(2);
    simulation.run(70);
    simulation.lag = (25, 0);
    simulation.write("unreviewed", None, 0);
    simulation.run(120);
    assert_eq!((simulation.counted(), simulation.unknown), (vec![], 1));
}

/// One process with these changes of the cluster before the write and after it.
fn alone(before: impl FnOnce(&mut Inventory), after: impl FnOnce(&mut Inventory)) -> (Vec<Decided>, Statement) {
    let (start, allowed) = (Instant::now(), AllowedWrites::new(Instant::now()));
    let mut writes = StoredWrites::new("pod-1".to_owned(), Key::new("ingress-guard", "guard"), start);
    let mut state = cluster(1);
    let (mut before, mut after, mut decided) = (Some(before), Some(after), Vec::new());
    let denied = ingress_guard::background::StoredFinding {
        code: "IG201",
        level: ingress_guard::finding::Level::Deny,
        subject: Box::default(),
        field: Box::default(),
        message: Box::default(),
        help: Box::default(),
        is_readiness: false,
        service: None,
        waived: None,
    };
    let verdict = StoredVerdict { findings: vec![denied], ..StoredVerdict::default() };
    let mut verdicts = Verdicts { is_complete: true, ..Verdicts::default() };
    verdicts.by_ingress.insert(Key::new("shop", "web"), Arc::new(verdict));
    let mut statements = Statements::default();
    for second in 0..180 {
        if second == 65
            && let Some(before) = before.take()
        {
            before(&mut state);
        }
        if second == 70 {
            for namespace in ["shop", "kube-system"] {
                state.apply(Object::Ingress(Box::new(ingress(namespace, "web", 0, second))));
            }
        }
        if second == 75
            && let Some(after) = after.take()
        {
            after(&mut state);
        }
        decided.extend(writes.note(&Moment {
            now: start + Duration::from_secs(second),
            server_time: Some(at(second)),
            state: Arc::new(state.clone()),
            is_current: true,
            allowed: &allowed,
            is_holder: true,
            verdicts: &verdicts,
            statements: &statements,
        }));
        statements = statements.with("pod-1", &writes.statement(true), at(second)).unwrap_or(statements);
    }
    (decided, statements.0.remove("pod-1").unwrap_or_default())
}

#[test]
fn an_unreviewed_write_has_the_verdict_of_the_audit() {
    let (decided, statement) = alone(|_| {}, |_| {});
    let unreviewed = Unreviewed { ingress: Key::new("shop", "web"), would_deny: true };
    assert_eq!(decided, [Decided::Unreviewed(unreviewed)]);
    assert_eq!((statement.unreviewed.len(), &statement.unreviewed), (1, &statement.counted));
}

#[test]
fn a_write_is_unknown_if_something_changed_that_reviews_depend_on() {
    let other = "
kind: Namespace
apiVersion: v1
metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, team: a}}
";
    let relabel = |state: &mut Inventory| {
        let labelled = load_text("cluster", other).unwrap();
        for object in labelled.objects(Kind::Namespace) {
            state.apply(object);
        }
    };
    let unregister =
        |state: &mut Inventory| state.delete(Kind::ValidatingWebhookConfiguration, &Key::new("", "ingress-guard"));
    let grow = |state: &mut Inventory| endpoints(state, 2);
    let forget = |kind: Kind| move |state: &mut Inventory| state.cover(kind, Coverage::NotSynced);
    let restart = forget(Kind::EndpointSlice);
    let replace = |state: &mut Inventory| state.apply(Object::Ingress(Box::new(ingress("shop", "web", 0, 74))));
    let nothing = |_: &mut Inventory| {};
    let unknown = [Decided::Unknown];
    assert_eq!(alone(relabel, nothing).0, unknown, "labels before");
    assert_eq!(alone(nothing, relabel).0, unknown, "labels after");
    assert_eq!(alone(nothing, unregister).0, unknown, "registration after");
    assert_eq!(alone(grow, nothing).0, unknown, "endpoints before");
    assert_eq!(alone(nothing, grow).0, unknown, "endpoints after");
    assert_eq!(alone(forget(Kind::Service), nothing).0, unknown, "Services are not known");
    // Then it is not known either whether the other namespace is selected.
    for kind in [Kind::Namespace, Kind::ValidatingWebhookConfiguration] {
        assert_eq!(alone(forget(kind), nothing).0, [Decided::Unknown, Decided::Unknown], "{kind:?} is not known");
    }
    let remove = |state: &mut Inventory| state.delete(Kind::Namespace, &Key::new("", "shop"));
    assert_eq!(alone(remove, nothing).0, unknown, "the Namespace has not arrived yet");
    assert_eq!(alone(restart, nothing).0, unknown, "EndpointSlices are not known");
    assert_eq!(alone(nothing, restart).0, unknown, "EndpointSlices are not known any more");
    assert_eq!(alone(nothing, replace).0, unknown, "a later write that changed only labels");
    // Nothing selects the namespace when it arrives.
    assert_eq!(alone(unregister, nothing).0, []);
}

#[test]
fn contents_are_kept_for_five_minutes_and_the_time_of_the_list_is_known() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let allowed = AllowedWrites::new(start);
    let web = ingress("shop", "web", 0, 0);
    allowed.note(&web, after(10));
    assert!(allowed.contains(web.fingerprint()));
    assert_eq!(allowed.complete_since(after(299)), start);
    assert_eq!(allowed.complete_since(after(300)), start, "the old generation begins at the start");
    assert!(allowed.contains(web.fingerprint()));
    assert_eq!(allowed.complete_since(after(600)), after(300));
    assert!(!allowed.contains(web.fingerprint()));
    // Many writes end a generation early.
    for number in 0..70_000 {
        allowed.note(&ingress("shop", "web", number, 0), after(601));
    }
    assert_eq!(allowed.complete_since(after(602)), after(601));
}

#[test]
fn statements_are_bounded_and_an_annotation_of_another_form_has_none() {
    for text in ["", "x", "[]", "{\"a\": 1}", "{\"a\": {\"reviewed\": [\"x\"]}}", "{\"a\": {\"counted\": [1]}}"] {
        assert_eq!(Statements::read(Some(text)), Statements::default(), "{text}");
    }
    assert_eq!(Statements::read(None), Statements::default());
    let ids = |from: u64| (from..from + 500).map(WriteId).collect::<Vec<_>>();
    let statement = |from: u64| Statement { at: 0, reviewed: ids(from), unreviewed: ids(from + 500), counted: vec![] };
    let mut all = Statements::default();
    for pod in 0..30 {
        all = all.with(&format!("pod-{pod}"), &statement(pod * 1000), at(pod)).unwrap();
        assert_eq!(Statements::read(Some(&all.text())), all);
        assert!(all.text().len() <= 128 * 1024, "{}", all.text().len());
    }
    assert!(all.0.contains_key("pod-29") && !all.0.contains_key("pod-0"), "the oldest give way");
    assert_eq!(all.with("pod-29", &statement(29_000), at(31)), None, "nothing new");
    let fewer = Statement { reviewed: vec![WriteId(29_000)], ..Statement::default() };
    assert_eq!(all.with("pod-29", &fewer, at(31)), None, "what is left out alone is not written");
    let later = all.with("pod-30", &fewer, at(700)).unwrap();
    assert_eq!(later.0.keys().collect::<Vec<_>>(), ["pod-30"], "replicas that have gone are forgotten");
    // What another replica has counted is not counted again.
    let counted = Statement { counted: vec![WriteId(1)], ..Statement::default() };
    let first = Statements::default().with("pod-1", &counted, at(0)).unwrap();
    assert_eq!(first.with("pod-2", &counted, at(1)), None);
}

/// What happens within one second.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    Reviewed { by: usize, delay: u64 },
    Unreviewed { delay: u64 },
    Kill(usize),
    Restart(usize),
    Delete(usize),
    Start,
    Depose,
    Lag(u64, u64),
    Lost,
    Unanswered,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => Just(Event::Nothing),
        6 => (0..3_usize, 0..31_u64).prop_map(|(by, delay)| Event::Reviewed { by, delay }),
        6 => (0..3_usize).prop_map(|by| Event::Reviewed { by, delay: 0 }),
        4 => (0..5_u64).prop_map(|delay| Event::Unreviewed { delay }),
        1 => (0..3_usize).prop_map(Event::Kill),
        2 => (0..3_usize).prop_map(Event::Restart),
        1 => (0..3_usize).prop_map(Event::Delete),
        1 => Just(Event::Start),
        1 => Just(Event::Depose),
        1 => (0..40_u64, 0..4_u64).prop_map(|(ingresses, endpoints)| Event::Lag(ingresses, endpoints)),
        2 => Just(Event::Lag(0, 0)),
        2 => Just(Event::Lost),
        2 => Just(Event::Unanswered),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_reviewed_write_is_counted_and_no_other_one_twice(
        replicas in 1..4_usize,
        events in proptest::collection::vec(event(), 100..400),
    ) {
        let mut simulation = Simulation::new(replicas);
        simulation.run(65);
        for (number, event) in events.into_iter().enumerate() {
            let is_running = |pod: usize| simulation.pods.get(pod).is_some_and(|(_, process)| process.is_some());
            match event {
                Event::Reviewed { by, delay } if is_running(by) => {
                    simulation.write(&format!("reviewed-{number}"), Some(by), delay);
                }
                Event::Unreviewed { delay } => simulation.write(&format!("unreviewed-{number}"), None, delay),
                Event::Kill(pod) if is_running(pod) => simulation.kill(pod),
                Event::Restart(pod) if pod < simulation.pods.len() => {
                    simulation.kill(pod);
                    simulation.start_process(pod);
                }
                Event::Delete(pod) if pod < simulation.pods.len() => simulation.delete(pod),
                Event::Start if simulation.pods.len() < 3 => simulation.start_pod(),
                Event::Depose => {
                    simulation.holder = None;
                    let places = usize::from(!simulation.pods.is_empty());
                    simulation.pods.rotate_left(places);
                }
                Event::Lag(ingresses, endpoints) => simulation.lag = (ingresses, endpoints),
                _ => {}
            }
            simulation.step(matches!(event, Event::Lost), matches!(event, Event::Unanswered));
            for (key, count) in &simulation.counted {
                prop_assert!(key.name.starts_with("unreviewed"), "{key} at second {}", simulation.second);
                prop_assert_eq!(*count, 1, "{} at second {}", key, simulation.second);
            }
        }
    }
}
