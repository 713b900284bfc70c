//! The object store against a naive model, and the independence of its states.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use ingress_guard::cluster::{Inventory, Object, SharedInventory};
use ingress_guard::model::{EndpointSlice, Host, Ingress, Key, Kind, Service};
use proptest::prelude::*;
use serde_json::{Value, json};

const NAMESPACES: [&str; 2] = ["blog", "shop"];
const NAMES: [&str; 3] = ["api", "app", "web"];
const HOSTS: [&str; 3] = ["", "a.example.com", "*.example.com"];
const KINDS: [Kind; 4] = [Kind::EndpointSlice, Kind::Ingress, Kind::Namespace, Kind::Service];

/// The objects of all kinds, each lookup of which reads all of them.
#[derive(Debug, Clone, Default)]
struct Naive {
    ingresses: BTreeMap<Key, Ingress>,
    services: BTreeMap<Key, Service>,
    slices: BTreeMap<Key, EndpointSlice>,
    namespaces: BTreeMap<Key, String>,
    unreadable: BTreeSet<(Kind, Key)>,
}

#[derive(Debug, Clone)]
enum Event {
    Apply(Kind, Key, Value),
    Unreadable(Kind, Key),
    Delete(Kind, Key),
}

/// Two small numbers decide the content of an object.
fn object(kind: Kind, key: &Key, (one, two): (usize, usize)) -> Value {
    let metadata = json!({"name": key.name, "namespace": key.namespace});
    match kind {
        Kind::EndpointSlice => {
            let labels = json!({"kubernetes.io/service-name": (["", "app", "web"][one])});
            json!({"metadata": {"name": key.name, "namespace": key.namespace, "labels": labels},
                   "endpoints": vec![json!({}); two]})
        }
        Kind::Namespace => json!({"metadata": {"name": key.name, "labels": {"tier": one.to_string()}}}),
        Kind::Ingress => {
            let backend = json!({"service": {"name": NAMES[two], "port": {"number": 80}}});
            let rule = json!({"host": HOSTS[one], "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}});
            let alias = json!({"nginx.ingress.kubernetes.io/server-alias": "alias.example.com"});
            json!({"metadata": {"name": key.name, "namespace": key.namespace, "annotations": if two == 0 { alias } else { json!({}) }},
                   "spec": if one + two == 4 { json!({"defaultBackend": backend}) } else { json!({"rules": [rule]}) }})
        }
        _ => json!({"metadata": metadata, "spec": {"ports": [{"port": 80 + one}]}}),
    }
}

fn event() -> impl Strategy<Value = Event> {
    let key = (0..2usize, 0..3usize).prop_map(|(namespace, name)| Key::new(NAMESPACES[namespace], NAMES[name]));
    (0..4usize, key, 0..8u8, (0..3usize, 0..3usize)).prop_map(|(kind, mut key, what, content)| {
        let kind = KINDS[kind];
        if kind == Kind::Namespace {
            key.namespace = Box::default();
        }
        match what {
            0 => Event::Unreadable(kind, key),
            1..=2 => Event::Delete(kind, key),
            _ => Event::Apply(kind, key.clone(), object(kind, &key, content)),
        }
    })
}

fn read(kind: Kind, value: Value) -> Object {
    match kind {
        Kind::EndpointSlice => Object::EndpointSlice(serde_json::from_value(value).unwrap()),
        Kind::Ingress => Object::Ingress(serde_json::from_value(value).unwrap()),
        Kind::Namespace => Object::Namespace(serde_json::from_value(value).unwrap()),
        _ => Object::Service(serde_json::from_value(value).unwrap()),
    }
}

impl Naive {
    fn make(&mut self, event: Event) {
        let (Event::Apply(kind, key, _) | Event::Unreadable(kind, key) | Event::Delete(kind, key)) = event.clone();
        self.ingresses.retain(|other, _| kind != Kind::Ingress || *other != key);
        self.services.retain(|other, _| kind != Kind::Service || *other != key);
        self.slices.retain(|other, _| kind != Kind::EndpointSlice || *other != key);
        self.namespaces.retain(|other, _| kind != Kind::Namespace || *other != key);
        self.unreadable.remove(&(kind, key.clone()));
        match event {
            Event::Unreadable(..) => {
                self.unreadable.insert((kind, key));
            }
            Event::Apply(_, _, value) => match read(kind, value.clone()) {
                Object::Ingress(ingress) => drop(self.ingresses.insert(key, *ingress)),
                Object::Service(service) => drop(self.services.insert(key, service)),
                Object::EndpointSlice(slice) => drop(self.slices.insert(key, slice)),
                _ => {
                    let tier = value["metadata"]["labels"]["tier"].as_str().unwrap();
                    self.namespaces.insert(key, tier.to_owned());
                }
            },
            Event::Delete(..) => {}
        }
    }

    fn answers(&self) -> Vec<String> {
        let mut answers = Vec::new();
        for host in HOSTS.iter().chain(&["alias.example.com"]) {
            let host = Host::parse(host);
            let on = |ingress: &&Ingress| {
                let is_any = ingress.rules.is_empty() && host == Host::Any;
                let mut aliases = ingress.meta.annotations.server_aliases();
                is_any
                    || ingress.rules.iter().any(|rule| rule.host == host)
                    || aliases.any(|alias| Host::parse(alias) == host)
            };
            let on: Vec<_> = self.ingresses.values().filter(on).map(|ingress| ingress.meta.key.to_string()).collect();
            answers.push(format!("{host}: {on:?}"));
        }
        for (namespace, name) in NAMESPACES.iter().flat_map(|namespace| NAMES.map(|name| (*namespace, name))) {
            let using = self.ingresses.values().filter(|ingress| {
                let mut backends = ingress.backends();
                *ingress.meta.key.namespace == *namespace
                    && backends.any(|at| format!("{:?}", at.backend).contains(&format!("{name:?}")))
            });
            let using: Vec<_> = using.map(|ingress| ingress.meta.key.to_string()).collect();
            let slices =
                self.slices.values().filter(|slice| &*slice.key.namespace == namespace && &*slice.service == name);
            let slices: Vec<_> = slices.map(|slice| (&*slice.key.name, slice.ready)).collect();
            let key = Key::new(namespace, name);
            let port = self.services.get(&key).map(|service| service.ports[0].number);
            answers.push(format!("{key}: {using:?} {slices:?} {port:?}"));
        }
        for name in NAMES {
            let namespaces: Vec<_> =
                self.services.keys().filter(|key| &*key.name == name).map(|key| &*key.namespace).collect();
            answers.push(format!("{name}: {namespaces:?} {:?}", self.namespaces.get(&Key::new("", name))));
        }
        for kind in KINDS {
            let count = match kind {
                Kind::Ingress => self.ingresses.len(),
                Kind::Service => self.services.len(),
                Kind::EndpointSlice => self.slices.len(),
                _ => self.namespaces.len(),
            };
            let unreadable: Vec<_> =
                self.unreadable.iter().filter(|(of, _)| *of == kind).map(|(_, key)| key.to_string()).collect();
            answers.push(format!("{kind}: {count} {} {unreadable:?}", count + unreadable.len()));
        }
        answers
    }
}

fn make(inventory: &mut Inventory, event: Event) {
    match event {
        Event::Apply(kind, _, value) => inventory.apply(read(kind, value)),
        Event::Unreadable(kind, key) => inventory.apply_unreadable(kind, key),
        Event::Delete(kind, key) => inventory.delete(kind, &key),
    }
}

fn answers(inventory: &Inventory) -> Vec<String> {
    let mut answers = Vec::new();
    for host in HOSTS.iter().chain(&["alias.example.com"]) {
        let host = Host::parse(host);
        let on: Vec<_> = inventory.ingresses_on(&host).map(|ingress| ingress.meta.key.to_string()).collect();
        answers.push(format!("{host}: {on:?}"));
    }
    for (namespace, name) in NAMESPACES.iter().flat_map(|namespace| NAMES.map(|name| (*namespace, name))) {
        let key = Key::new(namespace, name);
        let using: Vec<_> = inventory.ingresses_using(&key).map(|ingress| ingress.meta.key.to_string()).collect();
        let slices = inventory.endpoint_slices_of(namespace, name);
        let slices: Vec<_> = slices.map(|slice| (&*slice.key.name, slice.ready)).collect();
        let port = inventory.service(namespace, name).map(|service| service.ports[0].number);
        answers.push(format!("{key}: {using:?} {slices:?} {port:?}"));
    }
    for name in NAMES {
        let namespaces: Vec<_> = inventory.service_namespaces(name).collect();
        let tier = inventory.namespace(name).map(|namespace| namespace.labels["tier"].to_string());
        answers.push(format!("{name}: {namespaces:?} {tier:?}"));
    }
    for kind in KINDS {
        let unreadable: Vec<_> =
            inventory.unreadable().filter(|(of, _)| *of == kind).map(|(_, key)| key.to_string()).collect();
        answers.push(format!("{kind}: {} {} {unreadable:?}", inventory.count(kind), inventory.keys(kind).len()));
    }
    answers
}

proptest! {
    #[test]
    fn the_store_equals_a_naive_model_and_earlier_states_do_not_change(
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let (mut inventory, mut naive) = (Inventory::default(), Naive::default());
        let mut states = vec![(inventory.clone(), naive.clone())];
        for event in events {
            make(&mut inventory, event.clone());
            naive.make(event);
            states.push((inventory.clone(), naive.clone()));
        }
        for (inventory, naive) in states {
            prop_assert_eq!(answers(&inventory), naive.answers());
        }
    }
}

/// A Service and an EndpointSlice for each of many names, with this port and count.
fn fill(inventory: &mut Inventory, number: usize) {
    for n in 0..100 {
        let (key, service) = (Key::new("shop", &format!("web-{n}")), format!("web-{n}"));
        let ports = json!({"metadata": {"name": key.name, "namespace": "shop"}, "spec": {"ports": [{"port": number}]}});
        inventory.apply(read(Kind::Service, ports));
        let labels = json!({"kubernetes.io/service-name": service});
        let slice = json!({"metadata": {"name": key.name, "namespace": "shop", "labels": labels},
                           "endpoints": vec![json!({}); number]});
        inventory.apply(read(Kind::EndpointSlice, slice));
    }
}

/// The numbers that a state holds, without duplicates.
fn numbers(inventory: &Inventory) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..100)
        .flat_map(|n| {
            let name = format!("web-{n}");
            let port = inventory.service("shop", &name).unwrap().ports[0].number.try_into().unwrap();
            let ready = inventory.endpoint_slices_of("shop", &name).next().unwrap().ready as usize;
            [port, ready]
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[test]
fn a_held_state_delays_neither_other_readers_nor_the_next_states() {
    let mut next = Inventory::default();
    fill(&mut next, 1);
    let shared = SharedInventory::new(next.clone());
    let held = shared.load();
    let writer = {
        let (shared, (done, written)) = (shared.clone(), mpsc::channel());
        std::thread::spawn(move || {
            for number in 2..=20 {
                fill(&mut next, number);
                shared.publish(next.clone());
            }
            done.send(()).unwrap();
        });
        written
    };
    // A lock would never be released: the state is held until the end.
    writer.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!((numbers(&held), numbers(&shared.load())), (vec![1], vec![20]));
}

#[test]
fn a_state_has_all_changes_of_a_batch_or_none() {
    let mut next = Inventory::default();
    fill(&mut next, 1);
    let shared = SharedInventory::new(next.clone());
    let reader = shared.clone();
    let (stop, stopped) = mpsc::channel::<()>();
    let reads = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            let state: Arc<Inventory> = reader.load();
            let numbers = numbers(&state);
            assert_eq!(numbers.len(), 1, "{numbers:?}");
            seen.extend(numbers);
        }
        seen
    });
    for number in 2..=50 {
        fill(&mut next, number);
        shared.publish(next.clone());
    }
    drop(stop);
    let seen = reads.join().unwrap();
    assert!(seen.is_sorted(), "a reader went back to an earlier state: {seen:?}");
}

#[test]
fn a_clone_of_a_large_inventory_takes_microseconds() {
    let mut inventory = Inventory::default();
    for n in 0..20_000 {
        let key = Key::new(&format!("team-{}", n / 20), &format!("web-{n}"));
        inventory.apply(read(Kind::Service, object(Kind::Service, &key, (0, 0))));
        inventory.apply(read(Kind::EndpointSlice, object(Kind::EndpointSlice, &key, (1, 0))));
    }
    let started = std::time::Instant::now();
    let clones: Vec<Inventory> = (0..1_000).map(|_| inventory.clone()).collect();
    let each = started.elapsed() / 1_000;
    assert!(each < Duration::from_micros(100), "{each:?}");
    assert_eq!(clones[0].count(Kind::Service), 20_000);
}

#[test]
fn an_event_that_changes_nothing_copies_nothing() {
    let key = Key::new("shop", "web");
    for kind in [Kind::EndpointSlice, Kind::Ingress, Kind::Service] {
        let mut inventory = Inventory::default();
        inventory.apply(read(kind, object(kind, &key, (1, 1))));
        let before = inventory.clone();
        // The API server returns the same object, with metadata and status that no check reads.
        inventory.apply(read(kind, object(kind, &key, (1, 1))));
        let is_shared = match kind {
            Kind::EndpointSlice => {
                let slice = |inventory: &Inventory| {
                    std::ptr::from_ref(inventory.endpoint_slices_of("shop", "app").next().unwrap())
                };
                slice(&inventory) == slice(&before)
            }
            Kind::Ingress => {
                let ingress = |inventory: &Inventory| std::ptr::from_ref(inventory.ingress("shop", "web").unwrap());
                ingress(&inventory) == ingress(&before)
            }
            _ => {
                let service = |inventory: &Inventory| std::ptr::from_ref(inventory.service("shop", "web").unwrap());
                service(&inventory) == service(&before)
            }
        };
        assert!(is_shared, "{kind}");
    }
}

#[test]
fn equal_parts_of_objects_are_stored_once() {
    let mut inventory = Inventory::default();
    for (name, port) in [("a", 80), ("b", 80), ("c", 81)] {
        let labels = json!({"kubernetes.io/service-name": "web"});
        let slice =
            json!({"metadata": {"name": name, "namespace": "shop", "labels": labels}, "ports": [{"port": port}]});
        inventory.apply(read(Kind::EndpointSlice, slice));
    }
    let slices: Vec<&EndpointSlice> = inventory.endpoint_slices_of("shop", "web").collect();
    assert!(Arc::ptr_eq(&slices[0].ports, &slices[1].ports));
    assert_eq!((slices[1].ports[0].number, slices[2].ports[0].number), (Some(80), Some(81)));

    let backend = |port: i32| json!({"service": {"name": "web", "port": {"number": port}}});
    let paths = json!([{"path": "/a", "backend": backend(80)}, {"path": "/b", "backend": backend(80)}, {"path": "/c", "backend": backend(81)}]);
    let ingress: Ingress = serde_json::from_value(json!({"spec": {"rules": [{"http": {"paths": paths}}]}})).unwrap();
    let [a, b, c] = &*ingress.rules[0].paths else { panic!("three paths") };
    assert!(Arc::ptr_eq(&a.backend, &b.backend));
    assert_ne!(b.backend, c.backend);
}
