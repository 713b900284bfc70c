//! Live reads of many reviews: their order, their fairness, and results that are never older than the review.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::confirm::{Guarded, in_shop, pair};
use super::watch::service;
use crate::admission::{create, spec};

/// The number of concurrent writes that a kube-apiserver accepts by default (`--max-mutating-requests-inflight`).
const IN_FLIGHT: usize = 200;

/// An Ingress of a namespace and a user with these Services as backends.
fn written(namespace: &str, user: &str, services: &[String]) -> Value {
    let paths: Vec<(String, &str)> = services.iter().map(|name| (format!("/{name}"), name.as_str())).collect();
    let paths: Vec<(&str, &str, u16)> = paths.iter().map(|(path, name)| (path.as_str(), *name, 80)).collect();
    let mut review = create(json!({}), spec(&paths));
    review["request"]["namespace"] = json!(namespace);
    review["request"]["object"]["metadata"]["namespace"] = json!(namespace);
    review["request"]["userInfo"]["username"] = json!(user);
    review
}

fn numbered(start: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{start}-{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn few_objects_are_read_by_name_and_many_as_one_page() {
    let guarded = Guarded::start_paused().await;
    let reads = || guarded.api.asked().into_iter().filter(|asked| asked.starts_with("get ") || asked.contains(" of "));
    let denied = async |count: usize| {
        let answer = guarded.ask(&written("shop", "user", &numbered("gone", count))).await;
        assert_eq!(answer.codes(), (vec![], vec!["IG201".to_owned(); count.min(50)]));
    };
    denied(8).await;
    let by_name: Vec<String> = numbered("get services shop/gone", 8);
    let mut asked: Vec<String> = reads().collect();
    asked.sort();
    assert_eq!(asked, by_name);
    denied(60).await;
    assert_eq!(reads().skip(8).collect::<Vec<_>>(), ["list services of shop"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_review_has_the_same_answer() {
    let guarded = Guarded::start_paused().await;
    let missing = written("shop", "user", &numbered("gone", 60));
    let first = guarded.ask(&missing).await;
    assert!(first.message.starts_with("Ingress shop/web is denied: 60 findings\n"), "{}", first.message);
    assert_eq!(first.warnings, Vec::<String>::new());
    for _ in 0..25 {
        assert_eq!(guarded.ask(&missing).await.body, first.body);
    }
    // In a large namespace the page ends before most names: the first findings are confirmed by name.
    for number in 0..600 {
        guarded.api.put("services", service(&format!("a-{number}"), 80));
    }
    let first = guarded.ask(&missing).await;
    assert!(first.message.starts_with("Ingress shop/web is denied: 8 findings\n"), "{}", first.message);
    assert!(numbered("gone", 8).iter().all(|name| first.message.contains(&format!("\"{name}\""))), "{}", first.message);
    let end = "(not confirmed: the Ingress references too many objects to read each)";
    assert!(first.warnings[..8].iter().all(|warning| warning.ends_with(end)), "{:?}", first.warnings);
    for _ in 0..25 {
        assert_eq!(guarded.ask(&missing).await.body, first.body);
    }
}

/// An Ingress that references a Secret without CA certificates in an annotation, after this number of others in `spec.tls`.
fn with_decoys(count: usize) -> Value {
    let annotations = json!({
        "nginx.ingress.kubernetes.io/auth-tls-verify-client": "on",
        "nginx.ingress.kubernetes.io/auth-tls-secret": "shop/clients",
    });
    let mut spec = spec(&[("/", "web", 80)]);
    let entry = |name: String| json!({"hosts": ["app.example.com"], "secretName": name});
    spec["tls"] = numbered("decoy", count).into_iter().map(entry).collect();
    in_shop(create(annotations, spec))
}

#[tokio::test(start_paused = true)]
async fn other_secrets_do_not_hide_a_finding_that_cannot_be_waived() {
    let guarded = Guarded::start_paused().await;
    guarded.api.put("secrets", pair("clients", "app.example.com"));
    for count in [0, 12, 24, 60, 200] {
        let review = with_decoys(count);
        let first = guarded.ask(&review).await;
        assert_eq!(first.codes().1, ["IG608"], "{count}: {:#}", first.body);
        for _ in 0..8 {
            assert_eq!(guarded.ask(&review).await.body, first.body, "{count}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_that_were_absent_a_moment_ago_are_read_after_others() {
    let guarded = Guarded::start_paused().await;
    let decoys = with_decoys(60);
    guarded.ask(&decoys).await;
    let before = guarded.gets().len();
    let mut changed = decoys;
    changed["request"]["object"]["spec"]["tls"].as_array_mut().unwrap().push(json!({"secretName": "last"}));
    guarded.ask(&changed).await;
    let gets: Vec<String> = guarded.gets().split_off(before);
    assert_eq!(gets.len(), 62);
    // All reads of other names are sent first. Up to 16 arrive in any order.
    let place = gets.iter().position(|asked| asked == "get secrets shop/last").unwrap();
    assert!(place < 20, "{place}: {gets:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_created_just_before_is_found_beside_reads_of_the_same_name() {
    const LANES: usize = 4;
    const ROUNDS: usize = 250;
    let guarded = Guarded::start().await;
    // Watches receive nothing, and each answer has the state at the arrival of its request.
    guarded.api.silence(true);
    guarded.api.slow_gets(Duration::from_millis(3));
    let round: [AtomicUsize; LANES] = Default::default();
    let (stopped, flooded) = (AtomicBool::new(false), AtomicUsize::new(0));
    let name = |lane: usize, round: usize| format!("new-{lane}-{round}");
    let flood = (0..LANES).map(|lane| {
        let (guarded, round, stopped, flooded) = (&guarded, &round, &stopped, &flooded);
        async move {
            while !stopped.load(Ordering::Relaxed) {
                let at = round[lane].load(Ordering::Relaxed);
                let names = [name(lane, at), name(lane, at + 1)];
                let denied = !guarded.ask(&written("shop", "other", &names)).await.allowed;
                flooded.fetch_add(usize::from(denied), Ordering::Relaxed);
            }
        }
    });
    let writes = (0..LANES).map(|lane| {
        let (guarded, round) = (&guarded, &round);
        async move {
            for at in 0..ROUNDS {
                round[lane].store(at, Ordering::Relaxed);
                // The flood reads the name before it exists.
                tokio::time::sleep(Duration::from_millis(1)).await;
                guarded.api.put("services", service(&name(lane, at), 80));
                let answer = guarded.ask(&written("shop", "user", &[name(lane, at)])).await;
                assert!(answer.allowed, "{:#}", answer.body);
            }
        }
    });
    let writes = async {
        futures::future::join_all(writes).await;
        stopped.store(true, Ordering::Relaxed);
    };
    tokio::join!(writes, futures::future::join_all(flood));
    let flooded = flooded.into_inner();
    assert!(flooded > ROUNDS, "{flooded} reviews read names that did not exist");
}

#[tokio::test(start_paused = true)]
async fn no_denial_of_many_namespaces_is_lost() {
    let guarded = Guarded::start_paused().await;
    guarded.api.slow_gets(Duration::from_millis(5));
    let reviews = (0..5000).map(async |number| {
        let names = [format!("gone-{number}"), "gone".to_owned()];
        let user = "system:serviceaccount:gitops:controller";
        guarded.ask(&written(&format!("team-{}", number % 200), user, &names)).await
    });
    let mut answers = stream::iter(reviews).buffer_unordered(IN_FLIGHT);
    let mut denied = 0;
    while let Some(answer) = answers.next().await {
        answer.assert(&[], &["IG201", "IG201"]);
        denied += 1;
    }
    assert_eq!(denied, 5000);
}

#[tokio::test(start_paused = true)]
async fn a_flood_in_one_namespace_does_not_delay_denials_in_another() {
    let guarded = Guarded::start_paused().await;
    guarded.api.slow_gets(Duration::from_millis(50));
    let (stopped, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = (0..40).map(async |sender| {
        while !stopped.load(Ordering::Relaxed) {
            let names = numbered(&format!("gone-{sender}-{}", sent.fetch_add(1, Ordering::Relaxed)), 17);
            let services = if sender % 2 == 0 { &names[..] } else { &[] };
            let mut flood = written("flood", &format!("user-{sender}"), services);
            let entry = |name: &String| json!({"hosts": ["app.example.com"], "secretName": name});
            flood["request"]["object"]["spec"]["tls"] = names.iter().map(entry).collect();
            guarded.ask(&flood).await;
        }
    });
    let honest = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // Also of another user in the same namespace.
        for (number, namespace) in (0..19).flat_map(|number| ["honest", "flood"].map(|namespace| (number, namespace))) {
            let honest = written(namespace, "user", &[format!("gone-{number}")]);
            guarded.ask(&honest).await.assert(&[], &["IG201"]);
        }
        stopped.store(true, Ordering::Relaxed);
    };
    tokio::join!(honest, futures::future::join_all(flood));
    let sent = sent.into_inner();
    assert!(sent > 80, "{sent} reviews of the flood");
}

#[tokio::test(start_paused = true)]
async fn one_user_may_have_all_places_that_are_idle() {
    let guarded = Guarded::start_paused().await;
    guarded.api.slow_gets(Duration::from_millis(50));
    let started = tokio::time::Instant::now();
    let reviews = (0..4).map(async |number| {
        let names = numbered("gone", 8);
        let answer = guarded.ask(&written(&format!("team-{number}"), "user", &names)).await;
        assert_eq!(answer.codes().1.len(), 8, "{:#}", answer.body);
    });
    futures::future::join_all(reviews).await;
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_millis(100), "32 reads took {elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn the_wait_of_one_review_is_bounded() {
    let guarded = Guarded::start_paused().await;
    let mut review = with_decoys(90);
    review["request"]["object"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("gone");
    for (resource, status) in [("secrets", 0), ("services", 0)] {
        guarded.api.break_gets(resource, status);
        let started = tokio::time::Instant::now();
        guarded.ask(&review).await;
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_millis(1400), "{elapsed:?}");
    }
}
