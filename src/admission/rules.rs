//! The rules that reviews apply, replaced as a whole when the configuration changes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

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

impl Rules {
    /// Returns the same rules with messages that name no other namespace, for findings that are stored where the users of one
    /// namespace read them.
    #[must_use]
    pub fn without_other_namespaces(&self) -> Self {
        Self {
            engine: self.engine.without_other_namespaces(),
            policy: self.policy.clone(),
            text: Arc::clone(&self.text),
        }
    }
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

    /// Returns the same rules with messages that name no other namespace. They are the same object until the rules change.
    #[must_use]
    pub fn discreet(&self) -> DiscreetRules {
        DiscreetRules { of: self.clone(), last: Mutex::default() }
    }

    /// Replaces the rules, for reviews that begin later.
    pub fn publish(&self, rules: Rules) {
        self.0.store(Arc::new(rules));
    }
}

/// The latest [`Rules`] with messages that name no other namespace.
#[derive(Debug)]
pub struct DiscreetRules {
    of: SharedRules,
    /// The rules of the last call, and what was derived from them.
    last: Mutex<Option<(Arc<Rules>, Arc<Rules>)>>,
}

impl DiscreetRules {
    /// Returns the latest rules.
    #[must_use]
    pub fn load(&self) -> Arc<Rules> {
        let rules = self.of.load();
        let mut last = self.last.lock();
        if let Some((of, discreet)) = &*last
            && Arc::ptr_eq(of, &rules)
        {
            return Arc::clone(discreet);
        }
        let is_discreet = !rules.engine.settings().reveal_other_namespaces;
        let discreet = if is_discreet { Arc::clone(&rules) } else { Arc::new(rules.without_other_namespaces()) };
        *last = Some((rules, Arc::clone(&discreet)));
        discreet
    }
}
