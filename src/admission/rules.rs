//! The rules that reviews apply, replaced as a whole when the configuration changes.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::Engine;
use crate::policy::Policy;

/// The checks with their settings, and the policy that decides on their findings.
#[derive(Debug)]
pub struct Rules {
    /// The checks with their settings.
    pub engine: Engine,
    /// The policy.
    pub policy: Policy,
    /// The configuration that they were read from; empty: the defaults.
    pub text: Arc<str>,
}

/// The latest [`Rules`]. Each review uses the same ones from its beginning to its end.
#[derive(Debug, Clone)]
pub struct SharedRules(Arc<ArcSwap<Rules>>);

impl SharedRules {
    /// Creates shared rules.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(rules)))
    }

    /// Returns the latest rules.
    #[must_use]
    pub fn load(&self) -> Arc<Rules> {
        self.0.load_full()
    }

    /// Replaces the rules, for reviews that begin later.
    pub fn publish(&self, rules: Rules) {
        self.0.store(Arc::new(rules));
    }
}
