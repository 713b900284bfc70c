//! Watches: every way in which a live cluster restarts them, and that the inventory is correct afterwards.

use std::time::{Duration, Instant};

use ingress_guard::cluster::{Coverage, Inventory, Pace, Rights, SharedInventory, Wanted, Watches};
use ingress_guard::model::{Kind, Kinds};
use ingress_guard::tasks::Tasks;
use serde_json::{Value, json};

use super::api::{Api, client};
use crate::server::client::eventually;

/// The time until a refusal is certain.
pub(super) const CERTAIN: Duration = Duration::from_millis(300);

pub(super) fn pace() -> Pace {
    Pace {
        page: 2,
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        refused_pause: Duration::from_millis(50),
        certain: CERTAIN,
        rights: Duration::from_millis(50),
        shortest_watch: Duration::ZERO,
        following: Duration::from_millis(20),
        ..Pace::default()
    }
}

struct Watching {
    inventory: SharedInventory,
    watches: Watches,
}

impl Watching {
    fn start(client: &kube::Client) -> Self {
        Self::paced(client, &pace())
    }

    fn paced(client: &kube::Client, pace: &Pace) -> Self {
        let inventory = SharedInventory::new(Inventory::default());
        let wanted = Wanted { needs: Kinds::of(&[Kind::Service, Kind::Ingress]), ..Wanted::default() };
        let watches = Watches::start(client, wanted, &inventory, &Rights::default(), pace, &Tasks::default());
        Self { inventory, watches }
    }

    fn services(&self) -> Vec<String> {
        self.inventory.load().service_names("shop").map(str::to_owned).collect()
    }

    async fn services_are(&self, wanted: &[&str]) {
        let what = format!("services {wanted:?}");
        eventually(&what, async || self.coverage() == Coverage::Complete && self.services() == wanted).await;
    }

    fn coverage(&self) -> Coverage {
        self.inventory.load().coverage(Kind::Service)
    }

    async fn coverage_is(&self, wanted: Coverage) {
        eventually(&format!("{wanted:?}"), async || self.coverage() == wanted).await;
    }

    fn watch(&self) -> ingress_guard::cluster::WatchStatus {
        self.watches.states().into_iter().find(|watch| watch.kind == Kind::Service).unwrap()
    }
}

pub(super) fn service(name: &str, port: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"port": port}]}})
}

#[tokio::test]
async fn kinds_are_listed_in_pages_and_then_watched() {
    let api = Api::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        api.put("services", service(name, 80));
    }
    let watching = Watching::start(&api.client());
    watching.services_are(&["a", "b", "c", "d", "e"]).await;
    let lists = api.asked().iter().filter(|asked| asked.starts_with("list services")).count();
    assert_eq!(lists, 3, "five objects in pages of two");

    api.put("services", service("f", 80));
    api.delete("services", "shop", "a");
    watching.services_are(&["b", "c", "d", "e", "f"]).await;
    api.put("services", service("b", 8080));
    eventually("the changed port", async || {
        watching.inventory.load().service("shop", "b").unwrap().ports[0].number == 8080
    })
    .await;
    assert!(watching.watches.is_current(Kind::Service, Instant::now()));
    assert_eq!(watching.watch().restarts, 0);
}

#[tokio::test]
async fn a_watch_that_ends_resumes_at_its_version() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
    let version = api.bookmark("services");
    eventually("another watch", async || {
        api.end_watches();
        api.asked().contains(&format!("watch services {version}"))
    })
    .await;
    api.put("services", service("b", 80));
    watching.services_are(&["a", "b"]).await;
    let lists = api.asked().iter().filter(|asked| asked.starts_with("list services")).count();
    assert_eq!(lists, 1, "nothing was listed again");
}

#[tokio::test]
async fn after_a_compaction_the_inventory_is_listed_in_place() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    api.put("services", service("b", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a", "b"]).await;
    api.silence(true);
    api.delete("services", "shop", "a");
    api.put("services", service("c", 80));
    api.compact();
    api.silence(false);
    api.end_watches();
    // What is known stays known while the list runs: it is not reported as missing.
    eventually("the new list", async || {
        assert_eq!(watching.coverage(), Coverage::Complete);
        assert!(watching.services().contains(&"b".to_owned()));
        watching.services() == ["b", "c"]
    })
    .await;
    assert_eq!(watching.watch().restarts, 1);
    assert_eq!(watching.watch().trouble, None);
}

#[tokio::test]
async fn an_error_event_can_report_that_a_watch_expired() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
    let gone = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410,
                      "reason": "Expired", "message": "too old resource version"});
    api.raw_event("services", json!({"type": "ERROR", "object": gone}));
    eventually("a second list", async || {
        api.asked().iter().filter(|asked| asked.starts_with("list services")).count() == 2
    })
    .await;
    watching.services_are(&["a"]).await;
}

#[tokio::test]
async fn a_kind_without_rights_is_forbidden_until_they_are_granted() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    api.forbid("services", true);
    let watching = Watching::start(&api.client());
    watching.coverage_is(Coverage::Forbidden).await;
    eventually("the other kind", async || watching.inventory.load().coverage(Kind::Ingress) == Coverage::Complete)
        .await;
    assert!(watching.watch().trouble.unwrap().contains("forbidden"));
    api.forbid("services", false);
    watching.services_are(&["a"]).await;

    // Withdrawn while it is followed: noticed when the watch is next begun, and nothing is missed meanwhile.
    api.forbid("services", true);
    api.end_watches();
    watching.coverage_is(Coverage::Forbidden).await;
    api.put("services", service("b", 80));
    api.forbid("services", false);
    watching.services_are(&["a", "b"]).await;
}

#[tokio::test]
async fn an_unreadable_object_is_unknown_and_the_others_are_watched() {
    let api = Api::start().await;
    let mut broken = service("broken", 80);
    broken["spec"]["ports"] = json!("none");
    api.put("services", broken.clone());
    api.put("services", service("a", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
    assert!(watching.inventory.load().is_unreadable(Kind::Service, "shop", "broken"));
    assert_eq!(watching.watch().skipped, 1);

    // Broken by a change, repaired by the next.
    broken["metadata"]["name"] = json!("a");
    api.put("services", broken);
    eventually("a is unreadable", async || watching.inventory.load().is_unreadable(Kind::Service, "shop", "a")).await;
    api.put("services", service("a", 80));
    api.delete("services", "shop", "broken");
    watching.services_are(&["a"]).await;
    eventually("all are readable", async || {
        let inventory = watching.inventory.load();
        !inventory.is_unreadable(Kind::Service, "shop", "a")
            && !inventory.is_unreadable(Kind::Service, "shop", "broken")
    })
    .await;
}

#[tokio::test]
async fn a_line_that_is_not_an_event_restarts_the_watch() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
    api.raw_event("services", json!("no event"));
    eventually("a restart", async || watching.watch().restarts > 0).await;
    api.compact();
    api.put("services", service("b", 80));
    watching.services_are(&["a", "b"]).await;
}

#[tokio::test]
async fn without_an_api_server_the_watch_retries_and_reports_the_error() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let watching = Watching::start(&client(free));
    eventually("trouble", async || watching.watch().restarts > 1).await;
    assert_eq!(watching.coverage(), Coverage::NotSynced);
    assert!(watching.watch().trouble.is_some());
    assert!(!watching.watches.is_current(Kind::Service, Instant::now()));
    let api = Api::start_on(free).await;
    api.put("services", service("a", 80));
    watching.services_are(&["a"]).await;
    assert!(watching.watches.is_current(Kind::Service, Instant::now()));
}

#[tokio::test]
async fn a_throttled_list_is_retried() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    api.throttle(3);
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
}

#[tokio::test]
async fn after_a_long_outage_an_expired_version_lists_at_once() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let slow = (Duration::from_millis(10), Duration::from_mins(10), Duration::ZERO);
    let pace = Pace { first_pause: slow.0, longest_pause: slow.1, certain: slow.2, ..pace() };
    let watching = Watching::paced(&api.client(), &pace);
    watching.services_are(&["a"]).await;
    api.forbid("services", true);
    api.end_watches();
    eventually("pauses of seconds", async || watching.watch().restarts == 8).await;
    api.compact();
    api.put("services", service("b", 80));
    api.forbid("services", false);
    eventually("too old", async || watching.watch().restarts == 9).await;
    // The next pause would have been of five seconds.
    tokio::time::timeout(Duration::from_secs(2), watching.services_are(&["a", "b"])).await.unwrap();
}

#[tokio::test]
async fn an_idle_watch_retries_after_an_outage_when_a_review_needs_it() {
    let api = Api::start().await;
    api.lacks("certificates", true);
    let slow = (Duration::from_millis(10), Duration::from_mins(10), Duration::ZERO);
    let pace = Pace { first_pause: slow.0, longest_pause: slow.1, certain: slow.2, ..pace() };
    let inventory = SharedInventory::new(Inventory::default());
    let wanted = Wanted { hints: Kind::Certificate.into(), ..Wanted::default() };
    let watches = Watches::start(&api.client(), wanted, &inventory, &Rights::default(), &pace, &Tasks::default());
    let watch = || watches.states().remove(0);
    eventually("rests", async || watch().idle_since.is_some()).await;
    api.break_lists(true);
    eventually("pauses of seconds", async || {
        watches.wake(Kind::Certificate.into());
        watch().restarts >= 9
    })
    .await;
    api.break_lists(false);
    // The pause is of five seconds by now.
    watches.wake(Kind::Certificate.into());
    let looked = eventually("looked again", async || watch().trouble.is_none());
    tokio::time::timeout(Duration::from_secs(2), looked).await.unwrap();
}

/// The watch of Certificates, which are optional.
struct Certificates {
    inventory: SharedInventory,
    watches: Watches,
}

impl Certificates {
    fn start(api: &Api) -> Self {
        let inventory = SharedInventory::new(Inventory::default());
        let wanted = Wanted { hints: Kind::Certificate.into(), ..Wanted::default() };
        let watches = Watches::start(&api.client(), wanted, &inventory, &Rights::default(), &pace(), &Tasks::default());
        Self { inventory, watches }
    }

    async fn are(&self, count: usize, coverage: Coverage) {
        eventually(&format!("{count} {coverage:?}"), async || self.now() == (count, coverage)).await;
    }

    fn now(&self) -> (usize, Coverage) {
        let inventory = self.inventory.load();
        (inventory.count(Kind::Certificate), inventory.coverage(Kind::Certificate))
    }

    fn restarts(&self) -> u64 {
        self.watches.states()[0].restarts
    }
}

fn certificate() -> Value {
    json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "app", "namespace": "shop"},
           "spec": {"secretName": "app"}})
}

#[tokio::test]
async fn an_api_server_that_starts_and_refuses_everything_changes_nothing() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    api.put("certificates", certificate());
    let (watching, certificates) = (Watching::start(&api.client()), Certificates::start(&api));
    watching.services_are(&["a"]).await;
    certificates.are(1, Coverage::Complete).await;
    for status in [401, 403, 404, 429, 500, 503] {
        let before = watching.watch().restarts + certificates.restarts();
        api.starts_with(Some(status));
        api.end_watches();
        let started = Instant::now();
        while started.elapsed() < CERTAIN * 2 {
            assert_eq!(
                (watching.coverage(), watching.services()),
                (Coverage::Complete, vec!["a".to_owned()]),
                "{status}"
            );
            assert_eq!(certificates.now(), (1, Coverage::Complete), "{status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let attempts = watching.watch().restarts + certificates.restarts() - before;
        assert!(attempts >= 4, "{status}: {attempts} attempts");
        assert!(!watching.watches.is_current(Kind::Service, Instant::now()), "{status}");
        api.starts_with(None);
        eventually("recovery", async || {
            watching.watch().trouble.is_none() && certificates.watches.states()[0].trouble.is_none()
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_is_certain_only_after_a_while_and_if_the_api_server_confirms_it() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let watching = Watching::start(&api.client());
    watching.services_are(&["a"]).await;
    // An authorizer that fails does not say that the right is missing.
    api.fail_evaluations(Some("the webhook authorizer does not respond"));
    api.forbid("services", true);
    api.end_watches();
    let began = Instant::now();
    while began.elapsed() < CERTAIN * 2 {
        assert_eq!(watching.coverage(), Coverage::Complete);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    api.fail_evaluations(None);
    let confirmed = Instant::now();
    watching.coverage_is(Coverage::Forbidden).await;
    assert!(confirmed.elapsed() + Duration::from_millis(100) >= CERTAIN, "{:?}", confirmed.elapsed());
}

#[tokio::test]
async fn certificates_are_forgotten_only_if_discovery_repeats_that_there_are_none() {
    let api = Api::start().await;
    api.put("certificates", certificate());
    let certificates = Certificates::start(&api);
    certificates.are(1, Coverage::Complete).await;
    // The list fails with 404, but discovery still has the kind.
    api.answer_all_with(404);
    api.end_watches();
    let before = certificates.restarts();
    eventually("attempts", async || certificates.restarts() > before + 10).await;
    assert_eq!(certificates.now(), (1, Coverage::Complete));

    api.lacks("certificates", true);
    let gone = Instant::now();
    certificates.are(0, Coverage::Complete).await;
    assert!(gone.elapsed() + Duration::from_millis(100) >= CERTAIN, "{:?}", gone.elapsed());
    eventually("idle", async || certificates.watches.states()[0].idle_since.is_some()).await;
}

#[tokio::test]
async fn an_idle_watch_that_is_refused_by_a_starting_api_server_retries_soon() {
    let api = Api::start().await;
    api.lacks("certificates", true);
    let certificates = Certificates::start(&api);
    certificates.are(0, Coverage::Complete).await;
    api.starts_with(Some(403));
    certificates.watches.wake(Kind::Certificate.into());
    eventually("refused", async || certificates.restarts() > 2).await;
    assert_eq!(certificates.now(), (0, Coverage::Complete), "a refusal is not news");
    api.starts_with(None);
    api.lacks("certificates", false);
    api.put("certificates", certificate());
    certificates.are(1, Coverage::Complete).await;
}

#[tokio::test]
async fn the_first_watch_that_reaches_the_api_server_again_wakes_the_others() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pace = Pace { first_pause: Duration::from_millis(10), longest_pause: Duration::from_mins(10), ..pace() };
    let watching = Watching::paced(&client(free), &pace);
    eventually("pauses of seconds", async || watching.watches.states().iter().all(|watch| watch.restarts >= 9)).await;
    let api = Api::start_on(free).await;
    api.put("services", service("a", 80));
    let recovered = |watches: &Watches| watches.states().iter().filter(|watch| watch.trouble.is_none()).count();
    eventually("one", async || recovered(&watching.watches) > 0).await;
    // The pauses of both differ by more than that on average.
    tokio::time::timeout(Duration::from_millis(300), watching.services_are(&["a"])).await.unwrap();
}

#[tokio::test]
async fn watches_that_are_closed_at_once_pause_and_count_as_failing() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    api.cut_watches(true);
    let watching = Watching::paced(&api.client(), &Pace { shortest_watch: Duration::from_secs(1), ..pace() });
    watching.services_are(&["a"]).await;
    eventually("restarts", async || watching.watch().restarts > 4).await;
    // A pause follows each failure, so there are no more requests than restarts.
    let (asked, restarts) = (api.asked(), watching.watch().restarts);
    let watches = asked.iter().filter(|asked| asked.starts_with("watch services")).count();
    assert!(watches as u64 <= restarts + 1, "{watches} watches, {restarts} restarts");
    eventually("trouble", async || watching.watch().trouble.is_some_and(|trouble| trouble.contains("immediately")))
        .await;
    assert!(!watching.watches.is_current(Kind::Service, Instant::now()));
    api.put("services", service("b", 80));
    api.cut_watches(false);
    watching.services_are(&["a", "b"]).await;
    assert!(watching.watches.is_current(Kind::Service, Instant::now()));
}
