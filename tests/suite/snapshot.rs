//! Snapshots of a cluster: a written snapshot reads back equal and contains no Secret data; other files are rejected.

use std::path::PathBuf;

use ingress_guard::budget::Allowance;
use ingress_guard::checks;
use ingress_guard::cluster::{Coverage, Inventory, LiveRead, LiveReads, Object, ReadFailure, Snapshot, SnapshotError};
use ingress_guard::config::Config;
use ingress_guard::model::{Ingress, Key, Kind, Kinds};
use ingress_guard::policy::Verdict;
use ingress_guard::probe::{ClusterAddresses, Refusal, refusal};
use serde_json::json;

use crate::pages;

fn written(snapshot: &Snapshot) -> String {
    let mut text = Vec::new();
    snapshot.write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn read(text: &str) -> Result<Snapshot, SnapshotError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    std::fs::write(&path, text).unwrap();
    Snapshot::read(&path)
}

fn again(snapshot: &Snapshot) -> Snapshot {
    read(&written(snapshot)).unwrap_or_else(|error| panic!("{error}"))
}

fn everything(inventory: &Inventory) -> Vec<String> {
    let objects = Kind::ALL.into_iter().flat_map(|kind| inventory.objects(kind));
    let coverage = Kind::ALL.map(|kind| format!("{kind} {:?}", inventory.coverage(kind)));
    objects.map(|object| format!("{object:?}")).chain(coverage).collect()
}

/// What all checks say of every Ingress.
fn verdicts(config: &Config, snapshot: &Snapshot) -> Vec<String> {
    let engine = config.engine();
    let mut ingresses: Vec<_> = snapshot.inventory.ingresses().collect();
    ingresses.sort_by_key(|ingress| &ingress.meta.key);
    let analyze = |ingress| {
        let findings = engine.run(ingress, snapshot.state(), &Allowance::full()).findings;
        let Verdict { decisions, .. } = config.policy.decide(findings, &pages::circumstances(ingress, false));
        format!("{} {decisions:?}", ingress.meta.key)
    };
    ingresses.into_iter().map(analyze).collect()
}

#[test]
fn every_example_of_every_page_is_the_same_after_writing_and_reading() {
    let mut examples_seen = 0;
    for check in checks::ALL {
        for (config, mut inventory, _) in pages::examples(check.page) {
            // A snapshot contains stored objects, not manifests.
            let manifests: Vec<Ingress> = inventory.ingresses().cloned().collect();
            for ingress in manifests {
                inventory.apply(Object::Ingress(Box::new(Ingress { written: None, ..ingress })));
            }
            let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() };
            let again = again(&snapshot);
            assert_eq!(everything(&again.inventory), everything(&snapshot.inventory), "{}", check.code);
            assert_eq!(verdicts(&config, &again), verdicts(&config, &snapshot), "{}", check.code);
            assert_eq!(written(&again), written(&snapshot), "{}", check.code);
            examples_seen += 1;
        }
    }
    assert!(examples_seen > 200, "{examples_seen} examples_seen are too few");
}

const SECRETS: &str = "
apiVersion: v1
kind: Secret
metadata: {name: good, namespace: shop}
type: kubernetes.io/tls
stringData:
  tls.crt: certificate(app.example.com, *.example.com; 2026-01-01..2027-01-01)
  tls.key: key(own)
  auth: alice:very-secret
---
apiVersion: v1
kind: Secret
metadata: {name: other-key, namespace: shop}
stringData:
  tls.crt: certificate(app.example.com; 2026-01-01..2027-01-01)
  tls.key: key(foreign)
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: shop}
data: {token: dmVyeS1zZWNyZXQ=, tls.crt: \"\"}
---
apiVersion: v1
kind: Secret
metadata: {name: empty, namespace: shop}
data: {tls.crt: \"\", tls.key: \"\"}
";

#[test]
fn of_secrets_there_are_facts_only() {
    let manifests = pages::fixtures::expand(SECRETS);
    let inventory = pages::inventory(&Config::default(), &manifests);
    let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() };
    let text = written(&snapshot);
    let base64 =
        |line: &str| line.len() > 40 && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    let contents = manifests.lines().map(str::trim).filter(|line| base64(line));
    let secrets = ["very-secret", "dmVyeS1zZWNyZXQ", "alice", "BEGIN", "PRIVATE"];
    let mut looked = 0;
    for secret in contents.chain(secrets) {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
        looked += 1;
    }
    assert!(looked > 10, "{manifests}");
    assert!(text.contains("app.example.com") && text.contains("2027-01-01"), "{text}");
    assert_eq!(everything(&again(&snapshot).inventory), everything(&snapshot.inventory));
}

#[test]
fn live_reads_and_unreadable_objects_survive_a_snapshot() {
    let mut inventory = Inventory::default();
    inventory.cover(Kind::Ingress, Coverage::Complete);
    inventory.cover(Kind::Service, Coverage::Forbidden);
    inventory.cover(Kind::Secret, Coverage::FetchedByName);
    inventory.cover(Kind::EndpointSlice, Coverage::NotProvided);
    inventory.cover(Kind::Namespace, Coverage::Disabled);
    inventory.apply_unreadable(Kind::Ingress, Key::new("shop", "strange"));
    let mut live_reads = LiveReads::default();
    let secret = json!({"metadata": {"namespace": "shop", "name": "found"}, "data": {"auth": "eA=="}});
    let found = Object::Secret(serde_json::from_value(secret).unwrap());
    live_reads.insert(Kind::Secret, Key::new("shop", "found"), LiveRead::Found(Box::new(found)));
    live_reads.insert(Kind::Secret, Key::new("shop", "absent"), LiveRead::Absent);
    live_reads.insert(Kind::Secret, Key::new("shop", "forbidden"), LiveRead::Forbidden);
    live_reads.insert(Kind::Secret, Key::new("shop", "failed"), LiveRead::Failed(ReadFailure::Error));
    let again = again(&Snapshot { inventory, live_reads, taken: pages::now() });
    let coverage = |kind| again.inventory.coverage(kind);
    assert_eq!(coverage(Kind::Service), Coverage::Forbidden);
    assert_eq!(coverage(Kind::EndpointSlice), Coverage::NotProvided);
    assert_eq!(coverage(Kind::Namespace), Coverage::Disabled);
    assert_eq!(coverage(Kind::Certificate), Coverage::NotSynced);
    assert!(again.inventory.is_unreadable(Kind::Ingress, "shop", "strange"));
    let key = Key::default();
    let view = ingress_guard::cluster::ClusterView::new(again.state(), &key, Kinds::of(&[Kind::Secret]), Kinds::NONE);
    assert!(view.secret("shop", "found").found().unwrap().has_auth);
    assert!(view.secret("shop", "absent").is_absent());
    for unknown in ["forbidden", "failed", "never-read"] {
        assert!(!view.secret("shop", unknown).is_absent(), "{unknown}");
    }
    assert_eq!(again.taken, pages::now());
}

#[test]
fn a_file_that_is_not_a_snapshot_is_rejected() {
    let inventory = pages::inventory(&Config::default(), &pages::fixtures::expand(SECRETS));
    let text = written(&Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() });
    let lines: Vec<&str> = text.lines().collect();
    let without_last = lines[..lines.len() - 1].join("\n");
    let cut = &text[..text.len() - 20];
    for (text, said) in [
        ("", "not a snapshot; create one with ingress-guard snapshot"),
        ("apiVersion: v1\nkind: List\n", "not a snapshot"),
        ("{\"apiVersion\": \"v1\", \"items\": []}\n", "not a snapshot"),
        ("{\"snapshot\": \"etcd\", \"schemaVersion\": 1}\n", "not a snapshot"),
        ("\u{0}\u{1}\u{2}", "not a snapshot"),
        (
            "{\"snapshot\": \"ingress-guard\", \"schemaVersion\": 2, \"what\": \"ever\"}\n",
            "the snapshot has schema version 2, this ingress-guard reads version 1; create it again with ingress-guard snapshot",
        ),
        ("{\"snapshot\": \"ingress-guard\", \"schemaVersion\": 1}\n", ":1: missing field"),
        (&without_last, "damaged snapshot: 3 instead of 4 objects; create it again with ingress-guard snapshot"),
        (cut, ":5: EOF while parsing"),
        (&(text.clone() + "{}\n"), "damaged snapshot: 5 instead of 4 objects"),
        (&text.replace("\"Secret\",\"object\"", "\"ReplicaSet\",\"object\""), ":2: unknown kind \"ReplicaSet\""),
        (&text.replace("keyMismatch", "keyLost"), "unknown fault \"keyLost\" of a Secret"),
        (&text.replace("\"object\":", "\"subject\":"), ":2: the object is missing"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}\n  does not say {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(Snapshot::read(folder.path()).unwrap_err().to_string().contains("not a snapshot"));
    let nowhere = Snapshot::read(&PathBuf::from("/no/such/file")).unwrap_err().to_string();
    assert_eq!(nowhere, "/no/such/file: No such file or directory (os error 2)");
}

#[test]
fn addresses_survive_a_snapshot() {
    let pod = |name: &str, ip: &str, is_on_host: bool| {
        let status = json!({"phase": "Running", "podIPs": [{"ip": ip}]});
        json!({"metadata": {"namespace": "shop", "name": name}, "spec": {"hostNetwork": is_on_host}, "status": status})
    };
    let addresses = json!([{"ip": "203.0.113.1"}, {"hostname": "lb.example.com"}, {"ip": "2001:db8::1"}, {}]);
    let ingress =
        json!({"metadata": {"namespace": "shop", "name": "web"}, "status": {"loadBalancer": {"ingress": addresses}}});
    let spec = json!({"clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd12::7"], "ports": [{"port": 80}]});
    let mut inventory = Inventory::default();
    let service = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": spec});
    let headless = json!({"metadata": {"namespace": "shop", "name": "none"}, "spec": {"clusterIP": "None"}});
    let node = json!({"metadata": {"name": "a"}, "spec": {"podCIDRs": ["10.244.0.0/24"]}});
    for object in [
        Object::Ingress(Box::new(serde_json::from_value(ingress).unwrap())),
        Object::Service(serde_json::from_value(service).unwrap()),
        Object::Service(serde_json::from_value(headless).unwrap()),
        Object::Pod(serde_json::from_value(pod("own", "10.200.0.7", false)).unwrap()),
        Object::Pod(serde_json::from_value(pod("host", "10.0.0.7", true)).unwrap()),
        Object::Node(serde_json::from_value(node).unwrap()),
    ] {
        inventory.cover(object.kind(), Coverage::Complete);
        inventory.apply(object);
    }
    let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() };
    let read = again(&snapshot).inventory;
    let stored = read.ingress("shop", "web").unwrap();
    assert_eq!(
        stored.addresses.iter().map(|text| &**text).collect::<Vec<_>>(),
        ["203.0.113.1", "lb.example.com", "2001:db8::1", ""]
    );
    let cluster = ClusterAddresses::of(&read);
    for (ip, wanted) in [
        ("10.96.0.7", Some(Refusal::Cluster)),
        ("fd12::7", Some(Refusal::Cluster)),
        ("10.200.0.7", Some(Refusal::Cluster)),
        ("10.244.0.9", Some(Refusal::Cluster)),
        ("10.0.0.7", None),
        ("203.0.113.1", None),
    ] {
        assert_eq!(refusal(ip.parse().unwrap(), &cluster), wanted, "{ip}");
    }
}
