//! The changes between two states, which are mostly a few of many objects: what both share is not compared.

use std::sync::Arc;

use super::{Change, Coverage, Inventory, Object};
use crate::model::{Key, Kind};

impl Inventory {
    /// Returns the changes that turn an earlier state into this one. What files show about other objects is not among them.
    #[must_use]
    pub(crate) fn difference_from(&self, before: &Self) -> Vec<(Kind, Change)> {
        let mut changes = Vec::new();
        for kind in Kind::ALL {
            if self.coverage(kind) != before.coverage(kind) {
                changes.push((kind, Change::Cover(None, self.coverage(kind))));
            }
            changes.extend(self.changed_objects(kind, before).into_iter().map(|change| (kind, change)));
        }
        if !Arc::ptr_eq(&self.unreadable, &before.unreadable) {
            let is_new = |(kind, key): &(Kind, Key)| !before.is_unreadable(*kind, &key.namespace, &key.name);
            changes.extend(self.unreadable().filter(is_new).map(|(kind, key)| (kind, Change::Unreadable(key))));
            let is_gone = |(kind, key): &(Kind, Key)| {
                !self.is_unreadable(*kind, &key.namespace, &key.name) && !self.keys(*kind).contains(key)
            };
            changes.extend(before.unreadable().filter(is_gone).map(|(kind, key)| (kind, Change::Delete(key))));
        }
        if !Arc::ptr_eq(&self.coverage_of, &before.coverage_of) {
            let of = |(kind, key): &(Kind, Key), coverage| (*kind, Change::Cover(Some(key.clone()), coverage));
            let set = self.coverage_of.iter().filter(|(at, coverage)| before.coverage_of.get(*at) != Some(coverage));
            changes.extend(set.map(|(at, coverage)| of(at, *coverage)));
            let unset = before.coverage_of.keys().filter(|at| !self.coverage_of.contains_key(*at));
            changes.extend(unset.map(|at| of(at, Coverage::NotWatched)));
        }
        changes
    }

    fn changed_objects(&self, kind: Kind, before: &Self) -> Vec<Change> {
        match kind {
            Kind::Certificate => {
                let changed = self.certificates.objects().changed(before.certificates.objects());
                changes(changed, |it| it.key.clone(), Object::Certificate)
            }
            Kind::EndpointSlice => {
                let changed = self.endpoint_slices.objects().changed(before.endpoint_slices.objects());
                changes(changed, |it| it.key.clone(), Object::EndpointSlice)
            }
            Kind::Ingress => {
                let changed = self.ingresses.objects().changed(before.ingresses.objects());
                changes(changed, |it| it.meta.key.clone(), |it| Object::Ingress(Box::new(it)))
            }
            Kind::Namespace => {
                let names = self.namespaces.changed(&before.namespaces, Arc::ptr_eq);
                let change = |name: &str| match self.namespace(name) {
                    Some(namespace) => Change::Apply(Object::Namespace(namespace.clone())),
                    None => Change::Delete(Key::new("", name)),
                };
                names.into_iter().map(|name| change(name)).collect()
            }
            Kind::Secret => changes(self.secrets.changed(&before.secrets), |it| it.meta.key.clone(), Object::Secret),
            Kind::Service => {
                changes(self.services.changed(&before.services), |it| it.meta.key.clone(), Object::Service)
            }
            Kind::IngressClass if Arc::ptr_eq(&self.classes, &before.classes) => Vec::new(),
            Kind::ConfigMap if Arc::ptr_eq(&self.config_maps, &before.config_maps) => Vec::new(),
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration
                if Arc::ptr_eq(&self.api_callers, &before.api_callers) =>
            {
                Vec::new()
            }
            // Few: of workloads and pods, only those of controllers are watched.
            _ => self.changed_by_value(kind, before),
        }
    }

    fn changed_by_value(&self, kind: Kind, before: &Self) -> Vec<Change> {
        let (now, then) = (self.objects(kind), before.objects(kind));
        let gone: Vec<Key> =
            then.iter().map(Object::key).filter(|key| !now.iter().any(|it| it.key() == *key)).collect();
        let new = now.into_iter().filter(|object| !then.contains(object)).map(Change::Apply);
        new.chain(gone.into_iter().map(Change::Delete)).collect()
    }
}

fn changes<T: Clone>(
    changed: Vec<(Option<&T>, Option<&T>)>,
    key: impl Fn(&T) -> Key,
    object: impl Fn(T) -> Object,
) -> Vec<Change> {
    let change = |(before, now): (Option<&T>, Option<&T>)| match (before, now) {
        (_, Some(now)) => Some(Change::Apply(object(now.clone()))),
        (Some(before), None) => Some(Change::Delete(key(before))),
        (None, None) => None,
    };
    changed.into_iter().filter_map(change).collect()
}
