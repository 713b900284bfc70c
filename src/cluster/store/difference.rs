//! The changes between two states, which are mostly a few of many objects: what both share is not compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Change, Coverage, Inventory, Object};
use crate::model::{ApiCaller, Key, Kind};

/// An object before and now.
type Pair<'i, T> = (Option<&'i T>, Option<&'i T>);

impl Inventory {
    /// Returns the changes that turn an earlier state into this one, one after the other: the first state of a cluster is large. What
    /// files show about other objects is not among them.
    pub(crate) fn difference_from<'i>(&'i self, before: &'i Self) -> impl Iterator<Item = (Kind, Change)> + 'i {
        let of_kinds = Kind::ALL.into_iter().flat_map(move |kind| {
            let coverage = self.coverage(kind);
            let covered = (coverage != before.coverage(kind)).then_some(Change::Cover(None, coverage));
            covered.into_iter().chain(self.changed_objects(kind, before)).map(move |change| (kind, change))
        });
        of_kinds.chain(self.changed_unreadable(before)).chain(self.changed_coverage_of_objects(before))
    }

    fn changed_unreadable(&self, before: &Self) -> Vec<(Kind, Change)> {
        if Arc::ptr_eq(&self.unreadable, &before.unreadable) {
            return Vec::new();
        }
        let is_new = |(kind, key): &(Kind, Key)| !before.is_unreadable(*kind, &key.namespace, &key.name);
        let new = self.unreadable().filter(is_new).map(|(kind, key)| (kind, Change::Unreadable(key)));
        let is_gone = |(kind, key): &(Kind, Key)| {
            !self.is_unreadable(*kind, &key.namespace, &key.name) && !self.keys(*kind).contains(key)
        };
        let gone = before.unreadable().filter(is_gone).map(|(kind, key)| (kind, Change::Delete(key)));
        new.chain(gone).collect()
    }

    fn changed_coverage_of_objects(&self, before: &Self) -> Vec<(Kind, Change)> {
        if Arc::ptr_eq(&self.coverage_of, &before.coverage_of) {
            return Vec::new();
        }
        let of = |(kind, key): &(Kind, Key), coverage| (*kind, Change::Cover(Some(key.clone()), coverage));
        let set = self.coverage_of.iter().filter(|(at, coverage)| before.coverage_of.get(*at) != Some(coverage));
        let set = set.map(|(at, coverage)| of(at, *coverage));
        let unset = before.coverage_of.keys().filter(|at| !self.coverage_of.contains_key(*at));
        set.chain(unset.map(|at| of(at, Coverage::NotWatched))).collect()
    }

    fn changed_objects<'i>(&'i self, kind: Kind, before: &'i Self) -> Box<dyn Iterator<Item = Change> + 'i> {
        match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                let changed = self.changed_api_callers(kind, before);
                changes(changed, |it| it.key.clone(), move |it| Object::ApiCaller(kind, it))
            }
            Kind::Certificate => {
                let changed = self.certificates.objects().changed(before.certificates.objects());
                changes(changed, |it| it.key.clone(), Object::Certificate)
            }
            Kind::ConfigMap => {
                let changed = changed_values(&self.config_maps, &before.config_maps);
                changes(changed, |it| it.key.clone(), Object::ConfigMap)
            }
            Kind::DaemonSet | Kind::Deployment | Kind::StatefulSet => {
                let changed = self.workloads.changed(kind, &before.workloads);
                changes(changed, |it| it.key.clone(), move |it| Object::Workload(kind, it))
            }
            Kind::EndpointSlice => {
                let changed = self.endpoint_slices.objects().changed(before.endpoint_slices.objects());
                changes(changed, |it| it.key.clone(), Object::EndpointSlice)
            }
            Kind::Ingress => {
                changes(self.changed_ingresses(before), |it| it.meta.key.clone(), |it| Object::Ingress(Box::new(it)))
            }
            Kind::IngressClass => {
                let changed = changed_values(&self.classes, &before.classes);
                changes(changed, |it| it.meta.key.clone(), Object::IngressClass)
            }
            Kind::Namespace => {
                let names = self.namespaces.changed(&before.namespaces, Arc::ptr_eq);
                let changed = names.into_iter().map(|name| (before.namespace(name), self.namespace(name)));
                changes(changed, |it| Key::new("", &it.name), Object::Namespace)
            }
            Kind::Node => {
                let changed = changed_values(self.workloads.nodes(), before.workloads.nodes());
                changes(changed, |it| Key::new("", &it.name), Object::Node)
            }
            Kind::Pod => {
                let changed = self.workloads.pods().changed(before.workloads.pods());
                changes(changed, |it| it.key.clone(), Object::Pod)
            }
            Kind::Secret => changes(self.secrets.changed(&before.secrets), |it| it.meta.key.clone(), Object::Secret),
            Kind::Service => {
                changes(self.services.changed(&before.services), |it| it.meta.key.clone(), Object::Service)
            }
        }
    }

    /// There are dozens.
    fn changed_api_callers<'i>(&'i self, kind: Kind, before: &'i Self) -> Vec<Pair<'i, ApiCaller>> {
        if Arc::ptr_eq(&self.api_callers, &before.api_callers) {
            return Vec::new();
        }
        let of = |state: &'i Self, key: &Key| state.api_callers(kind).find(|it| it.key == *key);
        let stored = self.api_callers(kind).map(|it| (of(before, &it.key), Some(it)));
        let gone = before.api_callers(kind).filter(|it| of(self, &it.key).is_none()).map(|it| (Some(it), None));
        stored.chain(gone).collect()
    }
}

/// Returns the values that were added, replaced or removed, each before and now.
pub(super) fn changed_values<'m, K: Ord, V: PartialEq>(
    now: &'m Arc<BTreeMap<K, V>>,
    before: &'m Arc<BTreeMap<K, V>>,
) -> Vec<Pair<'m, V>> {
    if Arc::ptr_eq(now, before) {
        return Vec::new();
    }
    let stored = now.iter().map(|(key, value)| (before.get(key), Some(value))).filter(|(then, now)| then != now);
    let gone = before.iter().filter(|(key, _)| !now.contains_key(key)).map(|(_, value)| (Some(value), None));
    stored.chain(gone).collect()
}

/// Objects that are equal before and now have not changed, whatever their addresses.
fn changes<'i, T: Clone + PartialEq + 'i>(
    changed: impl IntoIterator<Item = Pair<'i, T>> + 'i,
    key: impl Fn(&T) -> Key + 'i,
    object: impl Fn(T) -> Object + 'i,
) -> Box<dyn Iterator<Item = Change> + 'i> {
    let change = move |pair: Pair<'i, T>| match pair {
        (before, now) if before == now => None,
        (_, Some(now)) => Some(Change::Apply(object(now.clone()))),
        (before, None) => before.map(|before| Change::Delete(key(before))),
    };
    Box::new(changed.into_iter().filter_map(change))
}
