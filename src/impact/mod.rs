//! What stored Ingresses lose by a write of another object: the difference between their findings with and without the write.
//! The write is never denied.

mod comparison;
mod loss;

use crate::budget::Allowance;
use crate::checks::{
    CHECK_NOT_EVALUATED, CLASS_IN_USE, CONTROLLER_SETTING_IN_USE, SERVICE_IN_USE, SERVICE_PORT_IN_USE,
};
use crate::cluster::{ClusterState, ClusterView, Coverage, Inventory, Object, Unavailable};
use crate::engine::{Engine, NotEvaluatedReason};
use crate::finding::{Finding, Quoted};
use crate::model::{ClassRef, ConfigMap, IngressClass, Key, Kind, Service};
use comparison::Comparison;
use loss::{Losses, finding};

/// The Ingresses of one Service that are evaluated. The others are counted as not evaluated.
const MOST_INGRESSES: usize = 1_000;

/// The checks on what becomes of a backend, each with the check that reports it at the write of the Service.
const OF_SERVICES: [(&str, &str); 6] = [
    ("IG201", SERVICE_IN_USE.code),
    ("IG202", SERVICE_PORT_IN_USE.code),
    ("IG203", SERVICE_PORT_IN_USE.code),
    ("IG205", SERVICE_PORT_IN_USE.code),
    ("IG206", SERVICE_IN_USE.code),
    ("IG215", SERVICE_IN_USE.code),
];

/// The checks on what a controller refuses because of its settings.
const OF_SETTINGS: [(&str, &str); 3] = [
    ("IG303", CONTROLLER_SETTING_IN_USE.code),
    ("IG604", CONTROLLER_SETTING_IN_USE.code),
    ("IG609", CONTROLLER_SETTING_IN_USE.code),
];

/// The kinds whose objects decide on the impact. They are watched whatever the configuration says.
const READ: [Kind; 2] = [Kind::Ingress, Kind::IngressClass];

/// A write of an object that Ingresses depend on.
#[derive(Debug)]
pub enum Write {
    /// A Service is replaced, or deleted.
    Service {
        /// The stored Service.
        stored: Service,
        /// The Service in its place; `None`: it is deleted.
        replacement: Option<Service>,
    },
    /// An IngressClass is deleted.
    ClassDeletion(IngressClass),
    /// A ConfigMap is replaced by this one.
    ConfigMap(ConfigMap),
}

/// What stored Ingresses lose by a write.
#[derive(Debug, Default)]
pub struct Impact {
    /// One finding for each loss, which many Ingresses may share.
    pub findings: Vec<Finding>,
    /// Whether Ingresses were not evaluated because the allowance was used up.
    pub exhausted: bool,
    /// The steps that were spent.
    pub spent: u32,
}

impl Impact {
    /// Evaluates the stored Ingresses that a write concerns, within an allowance. A Namespace that is being deleted loses its
    /// Ingresses anyway, so writes in it have no impact.
    #[must_use]
    pub fn of(write: &Write, engine: &Engine, known: ClusterState<'_>, allowance: &Allowance) -> Self {
        let namespace = known.store.namespace(&write.key().namespace);
        if namespace.is_some_and(|namespace| namespace.deleting) {
            return Self::default();
        }
        let unknown = READ.into_iter().find(|kind| known.store.coverage(*kind) != Coverage::Complete);
        if let Some(kind) = unknown {
            let unknown = Unavailable { kind, coverage: known.store.coverage(kind) };
            return Self { findings: vec![not_evaluated(NotEvaluatedReason::Unknown(unknown))], ..Self::default() };
        }
        match write {
            Write::Service { stored, replacement } => {
                of_service(stored, replacement.as_ref(), engine, known, allowance)
            }
            Write::ClassDeletion(class) => of_class_deletion(class, engine, known),
            Write::ConfigMap(config_map) => of_config_map(config_map, engine, known, allowance),
        }
    }
}

impl Write {
    /// Returns the kind of the written object.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Service { .. } => Kind::Service,
            Self::ClassDeletion(_) => Kind::IngressClass,
            Self::ConfigMap(_) => Kind::ConfigMap,
        }
    }

    /// Returns the key of the written object.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Service { stored, .. } => &stored.meta.key,
            Self::ClassDeletion(class) => &class.meta.key,
            Self::ConfigMap(config_map) => &config_map.key,
        }
    }
}

fn of_service(
    stored: &Service,
    replacement: Option<&Service>,
    engine: &Engine,
    known: ClusterState<'_>,
    allowance: &Allowance,
) -> Impact {
    let key = &stored.meta.key;
    let users = known.store.ingresses_using(key);
    let all = users.len();
    if all == 0 {
        return Impact::default();
    }
    // The watch may not have delivered the stored one yet.
    let mut before = known.store.clone();
    before.apply(Object::Service(stored.clone()));
    let mut after = before.clone();
    match replacement {
        Some(replacement) => after.apply(Object::Service(replacement.clone())),
        None => after.delete(Kind::Service, key),
    }
    let (before, after) = (with(known, &before), with(known, &after));
    let mut losses = Losses::of(format!("Service {key}"), replacement.is_none());
    let mut comparison = Comparison { engine, checks: &OF_SERVICES, before, after, allowance, spent: 0 };
    let evaluated = comparison.add_losses(users.take(MOST_INGRESSES), &mut losses);
    let exhausted = evaluated < all.min(MOST_INGRESSES);
    Impact { findings: losses.findings(all - evaluated), exhausted, spent: comparison.spent }
}

/// The API server refuses changes of `spec.controller`, so only a deletion concerns Ingresses. They are counted, not evaluated.
fn of_class_deletion(class: &IngressClass, engine: &Engine, known: ClusterState<'_>) -> Impact {
    let name = &*class.meta.key.name;
    let of_name = ClassRef::Named(name);
    let all = known.store.ingresses_of_class(of_name);
    let settings = engine.settings();
    let view = ClusterView::unrestricted(known);
    let dialects = settings.dialects.with_observed_settings(&view);
    let needs_no_class = settings.classes.assumes(name) || dialects.of_name(name, "").is_some();
    let is_unserved = settings.classes.excludes(&class.controller) && !known.store.is_served(of_name);
    if all == 0 || needs_no_class || is_unserved {
        return Impact::default();
    }
    let (ingresses, them) = if all == 1 { ("Ingress has", "it") } else { ("Ingresses have", "them") };
    let message = format!(
        "IngressClass {}: {all} {ingresses} this class: requests for {them} return 404, at the latest when the controller restarts",
        Quoted(name)
    );
    let finding = finding(CLASS_IN_USE.code, message, "give the Ingresses another class first");
    Impact { findings: vec![finding], ..Impact::default() }
}

fn of_config_map(config_map: &ConfigMap, engine: &Engine, known: ClusterState<'_>, allowance: &Allowance) -> Impact {
    let mut after = known.store.clone();
    after.apply(Object::ConfigMap(config_map.clone()));
    let observed = |store: &Inventory| {
        engine.settings().dialects.with_observed_settings(&ClusterView::unrestricted(with(known, store)))
    };
    // It is not the ConfigMap of a controller, or nothing that concerns Ingresses has changed.
    if observed(known.store) == observed(&after) {
        return Impact::default();
    }
    let after = with(known, &after);
    let mut losses = Losses::of(format!("ConfigMap {}", config_map.key), false);
    if !engine.settings().reveal_other_namespaces {
        losses.hide_other_namespaces(&config_map.key.namespace);
    }
    let mut comparison = Comparison { engine, checks: &OF_SETTINGS, before: known, after, allowance, spent: 0 };
    // Settings refuse annotations and paths. An Ingress without these loses nothing.
    let all = known.store.count(Kind::Ingress);
    let evaluated = comparison.add_losses(known.store.ingresses(), &mut losses);
    Impact { findings: losses.findings(all - evaluated), exhausted: evaluated < all, spent: comparison.spent }
}

/// The same state with another inventory.
fn with<'a>(known: ClusterState<'a>, store: &'a Inventory) -> ClusterState<'a> {
    ClusterState { store, ..known }
}

/// The finding that nothing was evaluated.
fn not_evaluated(why: NotEvaluatedReason) -> Finding {
    finding(CHECK_NOT_EVALUATED.code, format!("the impact on Ingresses was not evaluated: {}", why.text()), "")
}
