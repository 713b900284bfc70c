//! Places of reviews: fast ones on the threads of the sockets, slow ones on threads of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ingress_guard::admission::{Place, Preview, Record, Rejection, Reviewed, Reviewer};
use ingress_guard::cluster::{SharedInventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::server::{Endpoint, Limits, ReviewHandler, webhook};
use ingress_guard::telemetry::Metrics;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::client::{Answer, Ask, Client, eventually, impact_review, patiently, plain_get, review};
use super::handler::record;
use super::running::{PATIENCE, Running, calm, start_app_counted};

/// The time that a review computes.
const COMPUTES: Duration = Duration::from_millis(100);

/// A handler that does what the name in the review says. The answer is the name of the thread.
///
/// Names that begin with `fast` are answered in a fast place, any other name in a slow one. `fast costly` reports many steps. `wait` waits for the gate without computing, `panic`
/// panics, `endless` computes until its client has gone. All others compute for [`COMPUTES`].
struct Worker {
    gate: Semaphore,
    computing: AtomicUsize,
    most_computing: AtomicUsize,
    cancelled: AtomicBool,
    /// The namespaces of the answered reviews, in order.
    answered: Mutex<Vec<String>>,
}

impl Worker {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            computing: AtomicUsize::new(0),
            most_computing: AtomicUsize::new(0),
            cancelled: AtomicBool::new(false),
            answered: Mutex::default(),
        })
    }

    fn compute(&self) {
        let computing = self.computing.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_computing.fetch_max(computing, Ordering::SeqCst);
        std::thread::sleep(COMPUTES);
        self.computing.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ReviewHandler for Worker {
    async fn review(self: &Arc<Self>, _: Endpoint, body: &[u8], place: Place) -> Result<Reviewed, Rejection> {
        let Preview { name, namespace, user, .. } = Preview::of(body);
        let exceeded_allowance = match &place {
            Place::Fast => !name.starts_with("fast"),
            Place::Slow(cancelled) => {
                match &*name {
                    "wait" => drop(self.gate.acquire().await.unwrap()),
                    "panic" => panic!("as asked"),
                    "endless" => {
                        let started = Instant::now();
                        while !cancelled.load(Ordering::Relaxed) && started.elapsed() < PATIENCE {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        self.cancelled.store(cancelled.load(Ordering::Relaxed), Ordering::SeqCst);
                    }
                    _ => self.compute(),
                }
                self.answered.lock().push(namespace.clone());
                false
            }
        };
        if name == "fast compute" {
            self.compute();
        }
        let steps = if name == "fast costly" { 1_000_000 } else { 0 };
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        Ok(Reviewed {
            body: thread.into_bytes(),
            record: Record { namespace, user, ..record() },
            exceeded_allowance,
            steps,
        })
    }
}

/// A server whose reviews a [`Worker`] answers.
struct Places {
    server: Running,
    worker: Arc<Worker>,
}

impl Places {
    async fn start(limits: Limits) -> Self {
        let worker = Worker::new();
        let metrics = Arc::new(Metrics::new());
        let app = webhook(Arc::clone(&worker), &limits, Arc::clone(&metrics));
        Self { server: start_app_counted(limits, app, metrics).await, worker }
    }

    fn send(&self, name: &str, namespace: &str, user: &str) -> JoinHandle<Answer> {
        tokio::spawn(send(self.server.client(), body(name, namespace, user)))
    }

    async fn until_computing(&self, count: usize) {
        eventually("enough reviews compute", async || self.worker.computing.load(Ordering::SeqCst) == count).await;
    }

    async fn until_waiting(&self, count: usize) {
        self.server.until_counts(&format!("ingress_guard_slow_reviews_waiting {count}")).await;
    }
}

async fn send(client: Client, body: Vec<u8>) -> Answer {
    client.send(review(body)).await
}

/// A review as the API server writes it.
fn body(name: &str, namespace: &str, user: &str) -> Vec<u8> {
    let request = format!(
        r#"{{"uid":"1","name":"{name}","namespace":"{namespace}","operation":"CREATE","userInfo":{{"username":"{user}"}},"object":{{}}}}"#
    );
    format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#).into_bytes()
}

fn slow_places(places: usize) -> Limits {
    Limits { slow_places: places, slow_places_per_user: places, ..calm() }
}

#[tokio::test]
async fn a_review_that_exceeds_its_allowance_is_repeated_on_another_thread() {
    let places = Places::start(calm()).await;
    let fast = patiently(places.send("fast", "shop", "ann")).await.unwrap();
    assert_eq!((fast.status.as_u16(), &*fast.body), (200, &b"webhook"[..]));
    let slow = patiently(places.send("compute", "shop", "ann")).await.unwrap();
    assert_eq!(slow.status, 200);
    assert_ne!(&*slow.body, b"webhook");
}

#[tokio::test]
async fn a_large_body_goes_to_a_slow_place_at_once() {
    let places = Places::start(calm()).await;
    let mut large = body("fast", "shop", "ann");
    large.resize(64 * 1024, b' ');
    let answer = send(places.server.client(), large).await;
    assert_eq!(answer.status, 200);
    assert_ne!(&*answer.body, b"webhook");
    assert_eq!(*places.worker.answered.lock(), ["shop"]);
}

#[tokio::test]
async fn fast_reviews_do_not_wait_for_slow_ones() {
    let places = Places::start(Limits { review_wait: Duration::from_secs(10), ..slow_places(2) }).await;
    let slow: Vec<_> = (0..20).map(|_| places.send("compute", "noisy", "eve")).collect();
    places.until_computing(2).await;
    let mut sender = places.server.client().h1().await.unwrap();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(sender.ask(review(body("fast", "shop", "ann"))).await.unwrap().status, 200);
    }
    // Twenty slow reviews take a second.
    assert!(started.elapsed() < Duration::from_millis(800), "{:?}", started.elapsed());
    for slow in slow {
        assert_eq!(patiently(slow).await.unwrap().status, 200);
    }
    assert_eq!(places.worker.most_computing.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_author_with_many_costly_reviews_uses_slow_places_for_a_while() {
    let places = Places::start(calm()).await;
    let is_fast = async |user: &str| {
        let answer = patiently(places.send("fast costly", "shop", user)).await.unwrap();
        assert_eq!(answer.status, 200);
        &*answer.body == b"webhook"
    };
    let mut fast = 0;
    while is_fast("eve").await {
        fast += 1;
        assert!(fast < 10_000, "the work is not counted");
    }
    assert!(is_fast("ann").await);
    eventually("a fast place again", async || is_fast("eve").await).await;
}

#[tokio::test]
async fn namespaces_take_turns_and_users_within_them() {
    let places = Places::start(Limits { review_wait: Duration::from_secs(10), ..slow_places(1) }).await;
    let first = places.send("compute", "first", "eve");
    places.until_computing(1).await;
    let mut all: Vec<_> = (0..10).map(|_| places.send("compute", "noisy", "eve")).collect();
    places.until_waiting(10).await;
    all.push(places.send("compute", "shop", "ann"));
    places.until_waiting(11).await;
    all.push(places.send("compute", "noisy", "bob"));
    for answer in all.into_iter().chain([first]) {
        assert_eq!(patiently(answer).await.unwrap().status, 200);
    }
    let answered = places.worker.answered.lock();
    assert!(answered.iter().position(|namespace| namespace == "shop").unwrap() <= 4, "{answered:?}");
}

#[tokio::test]
async fn one_user_in_one_namespace_has_two_places() {
    let limits = Limits { review_wait: Duration::from_secs(10), slow_places: 4, slow_places_per_user: 2, ..calm() };
    let places = Places::start(limits).await;
    let of_one: Vec<_> = (0..8).map(|_| places.send("compute", "noisy", "eve")).collect();
    for answer in of_one {
        assert_eq!(patiently(answer).await.unwrap().status, 200);
    }
    assert_eq!(places.worker.most_computing.load(Ordering::SeqCst), 2);
    let of_two: Vec<_> = (0..8).map(|n| places.send("compute", "noisy", ["eve", "bob"][n % 2])).collect();
    for answer in of_two {
        assert_eq!(patiently(answer).await.unwrap().status, 200);
    }
    assert!(places.worker.most_computing.load(Ordering::SeqCst) > 2);
}

#[tokio::test]
async fn a_review_that_waits_for_live_reads_gives_its_place_back() {
    let places = Places::start(slow_places(1)).await;
    let waiting = places.send("wait", "shop", "ann");
    places.server.until_counts("ingress_guard_slow_reviews 1").await;
    assert_eq!(patiently(places.send("compute", "shop", "ann")).await.unwrap().status, 200);
    places.worker.gate.add_permits(1);
    assert_eq!(patiently(waiting).await.unwrap().status, 200);
    places.server.until_counts("ingress_guard_slow_reviews 0").await;
}

#[tokio::test]
async fn a_review_that_does_not_begin_in_time_is_rejected() {
    let places = Places::start(Limits { review_wait: Duration::from_millis(50), ..slow_places(1) }).await;
    let first = places.send("endless", "noisy", "eve");
    places.server.until_counts("ingress_guard_slow_reviews 1").await;
    let second = patiently(places.send("compute", "shop", "ann")).await.unwrap();
    assert_eq!(second.status, 503);
    assert!(String::from_utf8_lossy(&second.body).contains("too many slow reviews in progress"), "{:?}", second.body);
    assert!(places.server.counts(r#"ingress_guard_rejected_requests_total{reason="Overloaded"} 1"#).await);
    first.abort();
    eventually("place is free", async || patiently(places.send("compute", "shop", "ann")).await.unwrap().status == 200)
        .await;
}

#[tokio::test]
async fn the_newest_review_of_the_longest_queue_is_rejected_first() {
    let limits = Limits { slow_reviews: 5, review_wait: Duration::from_secs(2), ..slow_places(1) };
    let places = Places::start(limits).await;
    let noisy: Vec<_> = (0..10).map(|_| places.send("compute", "noisy", "eve")).collect();
    places.until_waiting(4).await;
    assert_eq!(patiently(places.send("compute", "shop", "ann")).await.unwrap().status, 200);
    let mut statuses = Vec::new();
    for answer in noisy {
        statuses.push(patiently(answer).await.unwrap().status.as_u16());
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert!((2..10).contains(&answered), "{statuses:?}");
}

#[tokio::test]
async fn a_rejected_review_waits_so_that_its_client_does_not_repeat_it_at_once() {
    let wait = Duration::from_millis(500);
    let places = Places::start(Limits { slow_reviews: 1, review_wait: wait, ..slow_places(1) }).await;
    let first = places.send("endless", "noisy", "eve");
    places.server.until_counts("ingress_guard_slow_reviews 1").await;
    let started = Instant::now();
    assert_eq!(patiently(places.send("compute", "noisy", "eve")).await.unwrap().status, 503);
    assert!(started.elapsed() >= wait, "{:?}", started.elapsed());
    first.abort();
}

/// Many Services in use are deleted at once.
#[tokio::test]
async fn reviews_of_other_objects_take_no_slow_place_of_ingresses() {
    let limits = Limits { slow_reviews: 1, review_wait: Duration::from_millis(500), ..slow_places(1) };
    let places = Places::start(limits).await;
    let client = places.server.client();
    let deletion = tokio::spawn(async move { client.send(impact_review(body("endless", "shop", "eve"))).await });
    places.server.until_counts("ingress_guard_slow_reviews 1").await;
    assert_eq!(patiently(places.send("compute", "shop", "ann")).await.unwrap().status, 200);
    let second = places.server.client();
    let second = second.send(impact_review(body("compute", "other", "eve")));
    assert_eq!(patiently(second).await.status, 503, "they have one place");
    deletion.abort();
}

#[tokio::test]
async fn a_review_ends_when_its_client_has_gone() {
    let places = Places::start(calm()).await;
    let sent = places.send("endless", "shop", "ann");
    places.server.until_counts("ingress_guard_slow_reviews 1").await;
    assert!(!places.worker.cancelled.load(Ordering::SeqCst));
    sent.abort();
    eventually("the review ends", async || places.worker.cancelled.load(Ordering::SeqCst)).await;
    places.server.until_counts("ingress_guard_slow_reviews 0").await;
    places.server.until_counts(r#"ingress_guard_rejected_requests_total{reason="ClientGone"} 1"#).await;
}

#[tokio::test]
async fn a_thread_survives_a_panic() {
    let places = Places::start(slow_places(1)).await;
    for _ in 0..3 {
        assert_eq!(patiently(places.send("panic", "shop", "ann")).await.unwrap().status, 500);
        assert_eq!(patiently(places.send("compute", "shop", "ann")).await.unwrap().status, 200);
    }
    assert!(places.server.counts("ingress_guard_panics_total 3").await);
}

#[tokio::test]
async fn reviews_that_occupy_every_thread_of_the_webhook_do_not_delay_the_health_port() {
    let places = Places::start(calm()).await;
    let mut flood = JoinSet::new();
    for _ in 0..32 {
        let client = places.server.client();
        flood.spawn(async move {
            let mut sender = client.h1().await.unwrap();
            for _ in 0..5 {
                sender.ask(review(body("fast compute", "noisy", "eve"))).await.unwrap();
            }
        });
    }
    eventually("reviews compute", async || places.worker.computing.load(Ordering::SeqCst) > 0).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(plain_get(places.server.health, "/livez").await.0, 200);
        slowest = slowest.max(started.elapsed());
    }
    assert!(places.worker.computing.load(Ordering::SeqCst) > 0, "the flood is over");
    assert!(slowest < COMPUTES * 3, "{slowest:?}");
    flood.shutdown().await;
}

fn broken_clock() -> Timestamp {
    panic!("a clock that fails")
}

#[tokio::test]
async fn a_review_that_panics_is_allowed_with_a_warning_in_either_place() {
    let config = Config::default();
    let inventory = load_text("test", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n").unwrap();
    let engine = config.engine();
    let reviewer = Reviewer::new(SharedInventory::new(inventory), engine, config.policy, broken_clock);
    let metrics = Arc::new(Metrics::new());
    let app = webhook(Arc::new(reviewer), &calm(), Arc::clone(&metrics));
    let server = start_app_counted(calm(), app, metrics).await;
    let request = json!({
        "uid": "705ab4f5", "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"},
        "name": "web", "namespace": "shop", "operation": "CREATE", "userInfo": {"username": "ann"},
        "object": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                   "metadata": {"name": "web", "namespace": "shop"}, "spec": {}},
    });
    // In the order of the API server: `json!` sorts keys.
    let request = format!(
        r#"{{"uid":{},"kind":{},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{},"object":{}}}"#,
        request["uid"], request["kind"], request["userInfo"], request["object"]
    );
    let review_of = format!(r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{request}}}"#);
    for size in [review_of.len(), 64 * 1024] {
        let mut body = review_of.clone().into_bytes();
        body.resize(size, b' ');
        let answer = server.client().send(review(body)).await;
        assert_eq!(answer.status, 200);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let response = &body["response"];
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("705ab4f5"), &json!(true)));
        let warning = response["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with("shop/web IG901 the review failed with an internal error"), "{warning}");
    }
    assert!(server.counts("ingress_guard_panics_total 2").await);
    assert!(server.counts(r#"ingress_guard_findings_total{code="IG901",level="warn"} 2"#).await);
}
