//! The task that follows the published states of the cluster and keeps the Ingresses that stop their controllers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::admission::{Rules, SharedRules};
use crate::checks::Settings;
use crate::cluster::SharedInventory;
use crate::routing::{ReloadBlock, ReloadBlocks, ReloadIndex, SharedReloadBlocks};

/// The pause between two updates. Changes in between are evaluated together.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after a panic, which the same state would cause again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_mins(1);
/// The pause is at least this many times as long as the update before it: updates take at most a tenth of one core.
const REST: u32 = 9;

/// Follows an inventory and publishes what is known after each update, until the future is dropped. The work runs on threads for
/// blocking work, apart from reviews and watches. After a change of the
/// configured classes or dialects, and after a panic, a new index evaluates every Ingress.
pub async fn follow_reload_blocks(inventory: SharedInventory, rules: SharedRules, blocks: SharedReloadBlocks) {
    let new_index = |rules: &Rules| {
        let Settings { classes, dialects, .. } = rules.engine.settings();
        ReloadIndex::new(classes.clone(), dialects.clone())
    };
    let mut configured = rules.load();
    let mut index = new_index(&configured);
    loop {
        let latest = rules.load();
        if !Arc::ptr_eq(&configured, &latest) {
            let (old, new) = (configured.engine.settings(), latest.engine.settings());
            if old.classes != new.classes || old.dialects != new.dialects {
                index = new_index(&latest);
            }
            configured = latest;
        }
        let state = inventory.load();
        if index.is_current(&state) {
            sleep(PAUSE).await;
            continue;
        }
        let started = Instant::now();
        let update = spawn_blocking(move || {
            let next = index.update(&state, Timestamp::now());
            (index, next)
        });
        let Ok((updated, next)) = update.await else {
            tracing::error!("Ingresses that stop their controllers are unknown because of an internal error; retrying");
            blocks.publish(ReloadBlocks::default());
            index = new_index(&configured);
            sleep(PAUSE_AFTER_PANIC).await;
            continue;
        };
        index = updated;
        log_changes(&blocks.load(), &next);
        blocks.publish(next);
        sleep(PAUSE.max(started.elapsed() * REST)).await;
    }
}

/// Writes one line for each change.
fn log_changes(before: &ReloadBlocks, now: &ReloadBlocks) {
    let is_in = |blocks: &ReloadBlocks, of: &ReloadBlock| {
        blocks.all().iter().any(|block| block.ingress == of.ingress && block.reason == of.reason)
    };
    for block in now.all().iter().filter(|block| !is_in(before, block)) {
        tracing::warn!(ingress = %block.ingress, reason = block.reason, "an Ingress stops its controller: no change is loaded");
    }
    for block in before.all().iter().filter(|block| !is_in(now, block)) {
        tracing::info!(ingress = %block.ingress, "the Ingress no longer stops its controller");
    }
}
