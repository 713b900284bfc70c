//! Records of reviews: what is in them, their bounds, and their repetition.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use ingress_guard::admission::{Recording, Reviewed, Reviewer, Rules};
use ingress_guard::checks;
use ingress_guard::cluster::{Inventory, Object, SharedInventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::{Ingress, Key, Kind, Node, Pod};
use ingress_guard::record::{Repeated, Writer, repeat, segments};
use ingress_guard::server::start_recorder;
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};

use crate::admission::{BAD, GOOD, create, recorded, spec, update};
use crate::pages::{self, now};

const LARGE: u64 = 64 << 20;

/// A reviewer whose reviews are recorded.
struct Recorded {
    reviewer: Reviewer,
    queue: Receiver<Recording>,
}

impl Recorded {
    fn over(inventory: Inventory, text: &str) -> Self {
        let config = Config::parse_at("config", text, now()).unwrap_or_else(|error| panic!("{error}"));
        let (engine, policy) = (config.engine(), config.policy);
        let rules = Rules { engine, policy, text: text.into() };
        let (sender, queue) = sync_channel(1000);
        let reviewer = Reviewer::with_rules(SharedInventory::new(inventory), rules, now).with_recorder(sender);
        Self { reviewer, queue }
    }

    fn of(manifests: &str, text: &str) -> Self {
        Self::over(load_text("cluster", manifests).unwrap(), text)
    }

    fn review(&self, review: &Value) -> Reviewed {
        block_on(self.reviewer.review(review.to_string().as_bytes())).unwrap()
    }

    fn write(&self, writer: &mut Writer) {
        for recording in self.queue.try_iter() {
            writer.write(&recording).unwrap();
        }
    }
}

/// Returns all records of a folder.
fn text(folder: &Path) -> String {
    segments(folder).unwrap().iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

fn repeated(folder: &Path, configuration: Option<&str>) -> Vec<Repeated> {
    let mut all = Vec::new();
    let text = text(folder);
    repeat(text.as_bytes(), configuration, |repeated| all.push(repeated)).unwrap_or_else(|error| panic!("{error}"));
    all
}

/// The Ingresses of manifests, as a client sends them.
fn ingresses(manifests: &str) -> impl Iterator<Item = Value> {
    let objects = manifests.split("---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    objects.filter(|object| object["kind"] == "Ingress" && object["apiVersion"] == "networking.k8s.io/v1")
}

#[test]
fn every_example_of_every_page_has_the_same_verdict_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), LARGE).unwrap();
    let mut reviews = 0;
    for check in checks::ALL {
        for (configuration, manifests) in pages::texts(check.page) {
            let config = Config::parse_at("page", &configuration, now()).unwrap();
            let mut inventory = pages::inventory(&config, &manifests);
            let stored: Vec<Ingress> = inventory.ingresses().cloned().collect();
            for ingress in stored {
                inventory.apply(Object::Ingress(Box::new(Ingress { written: None, ..ingress })));
            }
            let recorded = Recorded::over(inventory, &configuration);
            for ingress in ingresses(&manifests) {
                let mut review = create(json!({}), json!({}));
                for field in ["name", "namespace"] {
                    review["request"][field] = ingress["metadata"][field].clone();
                }
                review["request"]["object"] = ingress;
                // What the API server refuses does not reach the webhook.
                let sent = block_on(recorded.reviewer.review(review.to_string().as_bytes()));
                reviews += usize::from(sent.is_ok_and(|reviewed| !reviewed.record.is_recording_lost));
            }
            recorded.write(&mut writer);
        }
    }
    let repeated = repeated(folder.path(), None);
    assert!(reviews > 300 && repeated.len() <= reviews, "{reviews} {}", repeated.len());
    assert!(repeated.len() > 300, "{}", repeated.len());
    let differing: Vec<&Repeated> = repeated.iter().filter(|it| it.recorded != it.repeated).collect();
    assert!(differing.is_empty(), "{} of {}: {differing:#?}", differing.len(), repeated.len());
}

/// Reviews of a real API server, with managed fields.
#[test]
fn reviews_of_updates_and_of_a_changing_cluster_are_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), LARGE).unwrap();
    for (cluster, configuration) in [(GOOD, ""), (BAD, ""), (GOOD, "profile: strict"), (BAD, "profile: observe")] {
        let recorded = Recorded::of(cluster, configuration);
        recorded.review(&recorded_create());
        let broken = (json!({}), spec(&[("/", "missing", 80)]));
        let worse = (json!({}), spec(&[("/", "missing", 80), ("/more", "gone", 80)]));
        // The ratchet: one of the two findings is not new.
        recorded.review(&update(broken, worse));
        recorded.write(&mut writer);
    }
    let repeated = repeated(folder.path(), None);
    assert_eq!(repeated.len(), 8);
    for it in &repeated {
        assert_eq!(it.recorded, it.repeated, "{} {}", it.operation, it.ingress);
    }
    assert!(repeated.iter().any(|it| !it.recorded.is_empty()));
    // One segment holds them all, each change of the cluster once.
    assert_eq!(segments(folder.path()).unwrap().len(), 1);
}

fn recorded_create() -> Value {
    recorded("create")
}

#[test]
fn another_configuration_gives_other_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), LARGE).unwrap();
    let observed = Recorded::of(GOOD, "profile: observe");
    observed.review(&create(json!({}), spec(&[("/", "missing", 80)])));
    observed.write(&mut writer);
    let deny = |configuration: Option<&str>| {
        let one = repeated(folder.path(), configuration).pop().unwrap();
        let denies = |findings: &[(String, _)]| findings.iter().any(|(_, level)| format!("{level}") == "deny");
        (denies(&one.recorded), denies(&one.repeated))
    };
    assert_eq!(deny(None), (false, false));
    assert_eq!(deny(Some("profile: guard")), (false, true));
    // Names of users are hashed, and compared all the same.
    let user = recorded("create")["request"]["userInfo"]["username"].as_str().unwrap().to_owned();
    assert_eq!(deny(Some(&format!("breakGlass: {{users: [{user:?}]}}"))), (false, false));
    assert_eq!(deny(Some("breakGlass: {users: [somebody-else]}")), (false, true));
}

/// Returns the changes from one state to another, sorted: maps have no order.
fn changes(now: &Inventory, before: &Inventory) -> Vec<String> {
    let mut changes: Vec<String> =
        now.written_changes(before, |_| {}).map(|change| change.unwrap().to_string()).collect();
    changes.sort();
    changes
}

/// The examples on the pages contain every kind.
#[test]
fn the_changes_between_two_states_turn_one_into_the_other() {
    let (mut before, empty) = (Inventory::default(), Inventory::default());
    let mut kinds = BTreeSet::new();
    for check in checks::ALL {
        for (configuration, manifests) in pages::texts(check.page) {
            let config = Config::parse_at("page", &configuration, now()).unwrap();
            let now = pages::inventory(&config, &manifests);
            let mut state = before.clone();
            for change in changes(&now, &before) {
                state.change_as_written(&change).unwrap();
            }
            assert_eq!(changes(&state, &empty), changes(&now, &empty), "{manifests}");
            assert_eq!(changes(&now, &now.clone()), [""; 0]);
            kinds.extend(Kind::ALL.into_iter().filter(|kind| now.count(*kind) > 0).map(Kind::name));
            before = now;
        }
    }
    assert!(kinds.len() > 12, "{kinds:?}");
}

/// A controller can have a pod on each Node, and each review is compared with the one before.
#[test]
fn the_changes_between_two_states_do_not_cost_a_comparison_of_all_pairs() {
    let mut state = load_text(
        "cluster",
        "{apiVersion: v1, kind: Node, metadata: {name: node}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: pod, namespace: shop}}",
    )
    .unwrap();
    let [Object::Node(node)] = &state.objects(Kind::Node)[..] else { panic!("no Node") };
    let [Object::Pod(pod)] = &state.objects(Kind::Pod)[..] else { panic!("no pod") };
    for number in 0..5_000 {
        state.apply(Object::Node(Node { name: format!("node-{number}").into(), ..node.clone() }));
        state.apply(Object::Pod(Pod { key: Key::new("shop", &format!("pod-{number}")), ..pod.clone() }));
    }
    let started = Instant::now();
    for number in 0..50 {
        let before = state.clone();
        state.apply(Object::Node(Node { name: format!("new-{number}").into(), ..node.clone() }));
        state.apply(Object::Pod(Pod { key: Key::new("shop", &format!("new-{number}")), ..pod.clone() }));
        assert_eq!(changes(&state, &before).len(), 2);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_record_contains_no_name_of_a_user_and_nothing_that_no_check_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(folder.path(), LARGE).unwrap();
    let recorded = Recorded::of(GOOD, "");
    let snippet = "set $tenant very-secret; more_set_headers \"X-Key: very-secret\";";
    let mut review = create(
        json!({
            "nginx.ingress.kubernetes.io/configuration-snippet": snippet,
            "kubectl.kubernetes.io/last-applied-configuration": "{\"very\": \"secret-too\"}",
            "example.com/token": "very-secret",
        }),
        spec(&[("/", "missing", 80)]),
    );
    review["request"]["userInfo"] =
        json!({"username": "jane@example.com", "groups": ["payroll"], "extra": {"a": ["very-secret"]}});
    recorded.review(&review);
    recorded.write(&mut writer);
    let text = text(folder.path());
    for hidden in ["very-secret", "secret-too", "jane@example.com", "payroll", "managedFields", "last-applied"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert!(text.contains("set $tenant left_out;"), "{text}");
    let file = segments(folder.path()).unwrap().remove(0);
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = repeated(folder.path(), None).pop().unwrap();
    assert_eq!(again.recorded, again.repeated);
}

#[test]
fn the_oldest_segment_goes_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 64 * 1024;
    let mut writer = Writer::new(folder.path(), limit).unwrap();
    let recorded = Recorded::of(GOOD, "");
    let size =
        || -> u64 { segments(folder.path()).unwrap().iter().map(|path| fs::metadata(path).unwrap().len()).sum() };
    let mut first = None;
    for number in 0..200_i64 {
        recorded.review(&create(json!({}), spec(&[("/", &format!("missing-{number}"), 80)])));
        let mut recording = recorded.queue.recv().unwrap();
        recording.now += jiff::SignedDuration::from_secs(number);
        writer.write(&recording).unwrap();
        assert!(size() <= limit, "{} after {number}", size());
        first = first.or_else(|| segments(folder.path()).unwrap().pop());
    }
    assert!(segments(folder.path()).unwrap().len() > 2 && !first.unwrap().exists());
    // Each segment is complete in itself.
    let repeated = repeated(folder.path(), None);
    assert!(repeated.len() > 10 && repeated.len() < 200, "{}", repeated.len());
    assert!(repeated.iter().all(|it| it.recorded == it.repeated));
    assert!(repeated.last().unwrap().recorded.iter().any(|(finding, _)| finding.contains("missing-199")));
}

#[test]
fn a_review_never_waits_for_the_recorder() {
    let recorded = Recorded::of(GOOD, "");
    let (sender, _queue) = sync_channel(1);
    let reviewer = recorded.reviewer.with_recorder(sender);
    let review = create(json!({}), spec(&[("/", "missing", 80)])).to_string();
    let lost = || block_on(reviewer.review(review.as_bytes())).unwrap().record.is_recording_lost;
    assert!(!lost(), "there is one place");
    assert!(lost(), "no one takes it");
    let metrics = Metrics::new();
    let answer = block_on(reviewer.review(review.as_bytes())).unwrap();
    metrics.reviewed(&answer.record, Duration::from_millis(1), None);
    assert!(metrics.encode(&[], &[]).contains("ingress_guard_recorded_reviews_total{result=\"dropped\"} 1\n"));
}

#[test]
fn a_full_disk_stops_the_records_and_no_review() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Arc::new(Metrics::new());
    // No segment fits.
    let sender = start_recorder(Writer::new(folder.path(), 100).unwrap(), Arc::clone(&metrics)).unwrap();
    let reviewer = Recorded::of(GOOD, "").reviewer.with_recorder(sender);
    let review = create(json!({}), spec(&[("/", "missing", 80)])).to_string();
    let stopped = || metrics.encode(&[], &[]).contains("ingress_guard_recording_stopped 1\n");
    assert!(!stopped());
    let started = Instant::now();
    while !stopped() {
        assert!(block_on(reviewer.review(review.as_bytes())).unwrap().record.denial.is_some());
        assert!(started.elapsed() < Duration::from_secs(20), "the recorder has not stopped");
    }
    let after = block_on(reviewer.review(review.as_bytes())).unwrap();
    assert!(after.record.denial.is_some() && !after.record.is_recording_lost);
    assert_eq!(segments(folder.path()).unwrap(), Vec::<std::path::PathBuf>::new());
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ingress-guard")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_commands_print_records_and_compare_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut writer = Writer::new(folder.path(), LARGE).unwrap();
    let observed = Recorded::of(GOOD, "profile: observe");
    observed.review(&create(json!({}), spec(&[("/", "missing", 80)])));
    observed.review(&recorded("create"));
    observed.write(&mut writer);

    let (code, printed, _) = run(&["records", path]);
    assert_eq!((code, printed.as_str()), (0, text(folder.path()).as_str()));
    // A line that is being written is not printed, and ends a replay.
    let file = segments(folder.path()).unwrap().remove(0);
    fs::write(&file, format!("{printed}{{\"review\": ")).unwrap();
    assert_eq!(run(&["records", path]).1, printed);
    let warning = format!("warning: {path}: the last line is not whole and is left out\n");
    assert_eq!(run(&["replay", path]), (0, "2 reviews replayed, 0 changed\n".to_owned(), warning));

    let stream = folder.path().join("stream");
    fs::write(&stream, &printed).unwrap();
    let config = folder.path().join("new.yaml");
    fs::write(&config, "profile: guard\n").unwrap();
    let arguments = ["replay", stream.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let (code, table, _) = run(&arguments);
    assert_eq!(code, 1);
    assert!(table.contains(": warn becomes deny\n  - warn IG201 app.example.com / Prefix service=missing"), "{table}");
    assert!(
        table.contains("\n  + deny IG201 app.example.com") && table.ends_with("\n2 reviews replayed, 1 changed\n"),
        "{table}"
    );
    let (code, json, _) = run(&[&arguments[..], &["--output", "json"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["reviews"], json["changed"].as_array().unwrap().len()), (1, &json!(2), 1), "{json:#}");
    assert_eq!(
        (&json["changed"][0]["recorded"]["verdict"], &json["changed"][0]["replayed"]["verdict"]),
        (&json!("warn"), &json!("deny"))
    );

    fs::write(&config, "profile: guards\n").unwrap();
    let (code, _, error) = run(&arguments);
    assert!(code == 2 && error.contains("guards"), "{error}");
    fs::write(&stream, "kind: Ingress\n").unwrap();
    let (code, _, error) = run(&["replay", stream.to_str().unwrap()]);
    assert!(code == 2 && error.contains("line 1: not a record of ingress-guard"), "{error}");
    assert_eq!(run(&["records", "/nowhere"]).0, 2);
    // An export that has failed is empty.
    fs::write(&stream, "").unwrap();
    let (code, _, error) = run(&["replay", stream.to_str().unwrap()]);
    assert!(code == 2 && error.contains("no review is recorded in these paths"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let (code, _, error) = run(&["records", empty.path().to_str().unwrap()]);
    assert!(code == 2 && error.contains("there is no record in "), "{error}");
}
