//! The verdicts on the stored Ingresses, as the background audit publishes them.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;

use crate::finding::Level;
use crate::model::Key;

/// A finding on a stored Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFinding {
    /// The check's code, e.g. `IG202`.
    pub code: &'static str,
    /// The level that policy gives it.
    pub level: Level,
    /// The identity together with the code.
    pub subject: Box<str>,
    /// The field of the Ingress, as it is written in messages.
    pub field: Box<str>,
    /// The problem and its effect on requests, in one line.
    pub message: Box<str>,
    /// The fix in words; may be empty.
    pub help: Box<str>,
    /// Whether it depends on the readiness of endpoints. A rollout causes such findings for a short time.
    pub is_readiness: bool,
    /// The Service that it depends on first, in the namespace of the Ingress.
    pub service: Option<Box<str>>,
    /// The reason of the waiver or exception that applies.
    pub waived: Option<Arc<str>>,
}

/// The states of the routes of an Ingress, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredRoutes {
    /// Requests reach a ready endpoint.
    pub serving: u32,
    /// Requests get an error.
    pub broken: u32,
    /// Something is not known.
    pub unknown: u32,
}

/// The verdict on one stored Ingress.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredVerdict {
    /// Its findings, in the order of the report.
    pub findings: Vec<StoredFinding>,
    /// The codes of the checks that were not evaluated, sorted. Whether their problems exist is not known.
    pub not_evaluated: Vec<&'static str>,
    /// Its routes.
    pub routes: StoredRoutes,
}

/// The verdicts on all stored Ingresses. Those that a pass did not change are the same objects, so that states are compared by address.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    /// By namespace and name.
    pub by_ingress: HashMap<Key, Arc<StoredVerdict>, RandomState>,
    /// Whether each stored Ingress has been analyzed since the start of the process.
    pub is_complete: bool,
}

/// The latest published verdicts.
#[derive(Debug, Clone, Default)]
pub struct SharedVerdicts(Arc<ArcSwap<Verdicts>>);

impl SharedVerdicts {
    /// Returns the latest verdicts.
    #[must_use]
    pub fn load(&self) -> Arc<Verdicts> {
        self.0.load_full()
    }

    /// Publishes new verdicts.
    pub fn publish(&self, verdicts: Verdicts) {
        self.0.store(Arc::new(verdicts));
    }
}
