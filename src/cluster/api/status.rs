//! The completeness of the inventory and the status of its watches, for readiness and metrics.

use std::collections::BTreeSet;

use super::{Rights, WatchStatus, Watches};
use crate::cluster::{Coverage, SharedInventory};
use crate::model::{Kind, Kinds};

/// The state of an inventory and of the watches that fill it.
#[derive(Debug, Clone)]
pub struct SyncStatus {
    /// The inventory.
    pub inventory: SharedInventory,
    /// The watches; none over manifests.
    pub watches: Watches,
    /// The rights of the service account; none over manifests.
    pub rights: Rights,
    /// Kinds that checks need: readiness waits until each is listed or forbidden.
    pub required: Kinds,
    /// Kinds that only improve messages: readiness waits for them as long as no error is known.
    pub optional: Kinds,
}

impl SyncStatus {
    /// Returns why reviews cannot be evaluated fully yet, one line per kind or object; empty when ready. A forbidden kind is not
    /// waited for, see [`SyncStatus::notes`]. Before the process is ready for the first time, missing rights count as well:
    /// see [`Rights::withheld`].
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let watches = self.watches();
        let trouble = |kind| watches.iter().find(|watch| watch.kind == kind)?.trouble.clone();
        let optional: Kinds = self.optional.iter().filter(|kind| trouble(*kind).is_none()).collect();
        let unlisted = self.covered(self.required | optional, Coverage::NotSynced);
        let reason = |trouble: Option<String>| trouble.unwrap_or_else(|| "the first list is not complete".to_owned());
        let kinds = unlisted.into_iter().map(|kind| format!("{kind}: {}", reason(trouble(kind))));
        let objects = self.single_objects().into_iter().filter(|(_, coverage)| *coverage == Coverage::NotSynced);
        let objects = objects.map(|(watch, _)| format!("{watch}: {}", reason(watch.trouble.clone())));
        let missing: Vec<String> = self.rights.withheld().into_iter().chain(kinds).chain(objects).collect();
        if missing.is_empty() {
            self.rights.note_ready();
        }
        missing
    }

    /// Returns what limits the evaluation although the process is ready, one line per kind or object.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.rights.notes();
        notes.extend(self.places_without_rights().into_iter().map(|namespace| {
            format!(
                "namespace {namespace}: no permission to read its controllers; their versions and settings are unknown"
            )
        }));
        let listed = self.covered(self.required, Coverage::Complete);
        for watch in self.watches().into_iter().filter(|watch| listed.contains(&watch.kind)) {
            notes.extend(watch.trouble.map(|trouble| format!("{}: changes are not received: {trouble}", watch.kind)));
        }
        notes.extend(self.single_objects().into_iter().filter_map(|(watch, coverage)| {
            let exists = watch.only.as_ref().is_none_or(|key| self.inventory.load().config_map(key).is_some());
            match (coverage, &watch.trouble) {
                (Coverage::Complete, Some(trouble)) => Some(format!("{watch}: changes are not received: {trouble}")),
                (Coverage::Complete, None) if !exists => {
                    Some(format!("{watch}: does not exist; its settings are unknown"))
                }
                _ => None,
            }
        }));
        notes
    }

    /// Returns the number of objects in the inventory for each watched kind.
    #[must_use]
    pub fn objects(&self) -> Vec<(&'static str, usize)> {
        let store = self.inventory.load();
        Kind::ALL.into_iter().filter(|kind| kind.is_watched()).map(|kind| (kind.name(), store.count(kind))).collect()
    }

    /// Returns the state of each watch; empty over manifests.
    #[must_use]
    pub fn watches(&self) -> Vec<WatchStatus> {
        self.watches.states()
    }

    /// The namespaces of discovery that exist and in which the API server allows nothing. A cluster may deny it on purpose, so that no
    /// check is blind.
    fn places_without_rights(&self) -> BTreeSet<String> {
        let mut watches = self.watches();
        watches.retain(|watch| watch.only.as_ref().is_some_and(|key| key.name.is_empty()));
        let namespace = |watch: &WatchStatus| watch.only.as_ref().map(|key| key.namespace.to_string());
        let used: BTreeSet<_> =
            watches.iter().filter(|watch| watch.idle_since.is_none()).filter_map(namespace).collect();
        let store = self.inventory.load();
        let is_refused = |namespace: &String| !used.contains(namespace) && store.namespace(namespace).is_some();
        watches.iter().filter_map(namespace).filter(is_refused).collect()
    }

    /// The watched single objects without controllers, which are optional, each with the coverage of that object.
    fn single_objects(&self) -> Vec<(WatchStatus, Coverage)> {
        let store = self.inventory.load();
        let covered = |watch: WatchStatus| {
            let key = watch.only.clone().filter(|key| !key.name.is_empty())?;
            let coverage = store.coverage_of(watch.kind, &key.namespace, &key.name);
            Some((watch, coverage))
        };
        self.watches().into_iter().filter_map(covered).collect()
    }

    fn covered(&self, kinds: Kinds, coverage: Coverage) -> Vec<Kind> {
        let store = self.inventory.load();
        kinds.iter().filter(|kind| store.coverage(*kind) == coverage).collect()
    }
}
