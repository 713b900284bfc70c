//! The background audit: which Ingresses a change affects, when verdicts change by themselves, reads of Secrets, the Lease, figures,
//! writes without a review.

mod figures;
mod follows;
mod lease;
mod outage;
mod reads;
mod writes;

use std::sync::Arc;

use ingress_guard::admission::Rules;
use ingress_guard::background::{Audit, StoredVerdict, World};
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::model::{Key, Kinds};
use ingress_guard::routing::ReloadBlocks;
use jiff::{SignedDuration, Timestamp};

use crate::pages::now;

/// The time between two passes, which no test of single changes reaches.
const INTERVAL: SignedDuration = SignedDuration::from_hours(1000);

/// An audit and the world that it follows.
struct Followed {
    audit: Audit,
    world: World,
    now: Timestamp,
}

fn world(config: Config, state: Inventory) -> World {
    let rules = Rules { engine: config.engine(), policy: config.policy, text: String::new().into() };
    World { state: Arc::new(state), rules: Arc::new(rules), blocks: Arc::new(ReloadBlocks::default()) }
}

impl Followed {
    fn new(config: Config, state: Inventory) -> Self {
        Self::reading(config, state, Kinds::NONE)
    }

    fn reading(config: Config, state: Inventory, on_demand: Kinds) -> Self {
        Self::with(world(config, Inventory::default()).rules, state, on_demand)
    }

    fn with(rules: Arc<Rules>, state: Inventory, on_demand: Kinds) -> Self {
        let world = World { state: Arc::new(state), rules, blocks: Arc::new(ReloadBlocks::default()) };
        let audit = Audit::new(world.clone(), on_demand, INTERVAL);
        let mut followed = Self { audit, world, now: now() };
        followed.follow();
        followed
    }

    /// Evaluates everything that waits. Returns the number of evaluations.
    fn follow(&mut self) -> usize {
        let before = self.audit.evaluated();
        self.audit.note(&self.world, self.now);
        while self.audit.evaluate_next(self.now) {}
        self.audit.evaluated() - before
    }

    /// Changes the state and evaluates what it affects.
    fn change(&mut self, change: impl FnOnce(&mut Inventory)) -> usize {
        let mut state = (*self.world.state).clone();
        change(&mut state);
        self.world.state = Arc::new(state);
        self.follow()
    }

    fn verdict(&self, namespace: &str, name: &str) -> Arc<StoredVerdict> {
        Arc::clone(&self.audit.verdicts().by_ingress[&Key::new(namespace, name)])
    }

    /// The codes of the findings of an Ingress.
    fn codes(&self, namespace: &str, name: &str) -> Vec<&'static str> {
        self.verdict(namespace, name).findings.iter().map(|finding| finding.code).collect()
    }
}
