//! Publication: what a watch receives becomes visible soon, whole, and without a lock that a review could hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ingress_guard::cluster::{Coverage, Inventory, Rights, SharedInventory, Wanted, Watches};
use ingress_guard::model::{Kind, Kinds};
use ingress_guard::tasks::Tasks;

use super::api::Api;
use super::watch::{pace, service};
use crate::server::client::eventually;

fn watching(api: &Api) -> (SharedInventory, Watches) {
    watching_only(api, &[Kind::Service, Kind::Ingress])
}

fn watching_only(api: &Api, kinds: &[Kind]) -> (SharedInventory, Watches) {
    let inventory = SharedInventory::new(Inventory::default());
    let wanted = Wanted { needs: Kinds::of(kinds), ..Wanted::default() };
    let watches = Watches::start(&api.client(), wanted, &inventory, &Rights::default(), &pace(), &Tasks::default());
    (inventory, watches)
}

fn port(inventory: &Inventory, name: &str) -> Option<i32> {
    inventory.service("shop", name).map(|service| service.ports[0].number)
}

async fn complete(inventory: &SharedInventory) {
    eventually("complete", async || inventory.load().coverage(Kind::Service) == Coverage::Complete).await;
}

/// Both on one worker thread: a blocked writer would block the reader, too.
#[tokio::test]
async fn changes_become_visible_while_a_review_holds_a_state() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let (inventory, _watches) = watching(&api);
    complete(&inventory).await;
    let held = inventory.load();
    for number in 81..90 {
        api.put("services", service("a", number));
        let wanted = Some(i32::from(number));
        eventually("the new port", async || port(&inventory.load(), "a") == wanted).await;
    }
    assert_eq!(port(&held, "a"), Some(80), "a state does not change");
}

#[tokio::test]
async fn a_change_is_visible_soon_after_it_is_received() {
    let api = Api::start().await;
    api.put("services", service("a", 80));
    let (inventory, watches) = watching(&api);
    complete(&inventory).await;
    let mut delays = Vec::new();
    for number in 81..=100 {
        let sent = Instant::now();
        api.put("services", service("a", number));
        while port(&inventory.load(), "a") != Some(i32::from(number)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(sent.elapsed() < Duration::from_secs(5), "not visible after five seconds");
        }
        delays.push(sent.elapsed());
    }
    delays.sort();
    assert!(delays[10] < Duration::from_millis(200), "{delays:?}");
    assert!(watches.published(Kind::Service.into(), Duration::from_secs(5)).await, "nothing waits any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_state_has_a_part_of_a_page_of_a_list() {
    let api = Api::start().await;
    let put = |number| ["a", "b"].map(|name| api.put("services", service(name, number)));
    put(80);
    let (inventory, _watches) = watching(&api);
    complete(&inventory).await;
    let (reader, stop) = (inventory.clone(), Arc::new(AtomicBool::new(false)));
    let stopping = Arc::clone(&stop);
    let reads = std::thread::spawn(move || {
        while !stopping.load(Ordering::Relaxed) {
            let state = reader.load();
            assert_eq!(port(&state, "a"), port(&state, "b"));
            std::thread::yield_now();
        }
    });
    for number in 81..90 {
        // The watch receives neither of the two changes, and lists again.
        api.silence(true);
        put(number);
        api.compact();
        api.silence(false);
        api.end_watches();
        let wanted = Some(i32::from(number));
        eventually("the new ports", async || port(&inventory.load(), "b") == wanted).await;
    }
    stop.store(true, Ordering::Relaxed);
    reads.join().unwrap();
}

#[tokio::test]
async fn objects_that_a_second_list_does_not_contain_are_removed_although_changes_wait_for_publication() {
    let api = Api::start().await;
    let (inventory, _watches) = watching(&api);
    complete(&inventory).await;
    for round in 0..10 {
        // Received by the watch just before it lists again.
        let name = format!("web-{round}");
        api.put("services", service(&name, 80));
        eventually("received", async || port(&inventory.load(), &name).is_some()).await;
        api.put("services", service(&format!("late-{round}"), 80));
        api.silence(true);
        api.delete("services", "shop", &name);
        api.compact();
        api.silence(false);
        api.end_watches();
        eventually("removed", async || port(&inventory.load(), &name).is_none()).await;
    }
    assert_eq!(inventory.load().count(Kind::Service), 10);
}

/// The first page of a failed list has been applied, although nothing of it is visible.
#[tokio::test]
async fn objects_of_a_failed_first_list_are_forgotten_if_the_next_list_lacks_them() {
    let api = Api::start().await;
    for name in ["a", "b", "c"] {
        api.put("services", service(name, 80));
    }
    api.break_next_pages(true);
    // A change of another kind would publish the page as well.
    let (inventory, watches) = watching_only(&api, &[Kind::Service]);
    let has_failed = || watches.states().iter().any(|watch| watch.kind == Kind::Service && watch.restarts > 0);
    eventually("the first list fails", async || has_failed()).await;
    api.delete("services", "shop", "a");
    api.break_next_pages(false);
    complete(&inventory).await;
    let state = inventory.load();
    assert_eq!(["a", "b", "c"].map(|name| port(&state, name)), [None, Some(80), Some(80)]);
}
