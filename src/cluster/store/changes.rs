//! The difference between two states of the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Inventory;
use super::difference::changed_values;
use super::namespaced::Keyed as _;
use crate::model::{Ingress, Key, Kind};

/// The objects that differ between two states. States that share memory are compared by address, so unchanged parts cost
/// nothing.
#[derive(Debug, Default)]
pub struct Changes<'s> {
    /// The Ingresses, each before and now.
    pub ingresses: Vec<(Option<&'s Ingress>, Option<&'s Ingress>)>,
    /// The Services, also those whose EndpointSlices changed or that the API server began or ceased to call.
    pub services: BTreeSet<Key>,
    /// The Secrets, also those into which a changed Certificate is issued.
    pub secrets: BTreeSet<Key>,
    /// The ConfigMaps.
    pub config_maps: BTreeSet<Key>,
    /// The names of the Namespaces.
    pub namespaces: BTreeSet<Box<str>>,
    /// Whether something else changed that may concern each Ingress: an IngressClass, or what is known of a kind.
    pub is_general: bool,
}

impl Inventory {
    /// Returns what was added, replaced or removed since an earlier state. Workloads, pods and Nodes are left out: what a controller
    /// does is derived from them.
    #[must_use]
    pub fn changes_since<'s>(&'s self, before: &'s Self) -> Changes<'s> {
        let mut changes = Changes {
            ingresses: self.changed_ingresses(before),
            is_general: self.differs_in_general(before),
            ..Changes::default()
        };
        let services = self.services.changed(&before.services);
        changes.services.extend(services.into_iter().filter_map(|(then, now)| Some(now.or(then)?.key().clone())));
        let slices = self.endpoint_slices.objects().changed(before.endpoint_slices.objects());
        let slices = slices.into_iter().flat_map(|(then, now)| then.into_iter().chain(now));
        changes.services.extend(slices.map(|slice| Key::new(&slice.key.namespace, &slice.service)));
        if !Arc::ptr_eq(&self.api_callers, &before.api_callers) {
            let (then, now) = (before.called_services(), self.called_services());
            changes.services.extend(then.symmetric_difference(&now).map(|(_, _, service)| (*service).clone()));
        }
        let secrets = self.secrets.changed(&before.secrets);
        changes.secrets.extend(secrets.into_iter().filter_map(|(then, now)| Some(now.or(then)?.key().clone())));
        let certificates = self.certificates.objects().changed(before.certificates.objects());
        let certificates = certificates.into_iter().flat_map(|(then, now)| then.into_iter().chain(now));
        changes.secrets.extend(certificates.map(|it| Key::new(&it.key.namespace, &it.secret_name)));
        let config_maps = changed_values(&self.config_maps, &before.config_maps);
        changes.config_maps.extend(config_maps.into_iter().filter_map(|(then, now)| Some(now.or(then)?.key.clone())));
        changes.namespaces.extend(self.changed_namespaces(before).into_iter().map(Box::from));
        changes
    }

    /// Returns the names of the Namespaces that were added, replaced or removed since an earlier state.
    #[must_use]
    pub fn changed_namespaces<'s>(&'s self, before: &'s Self) -> Vec<&'s str> {
        let changed = self.namespaces.changed(&before.namespaces, Arc::ptr_eq);
        changed.into_iter().map(|name| &**name).collect()
    }

    fn differs_in_general(&self, before: &Self) -> bool {
        self.coverage != before.coverage
            || (!Arc::ptr_eq(&self.coverage_of, &before.coverage_of) && self.coverage_of != before.coverage_of)
            || (!Arc::ptr_eq(&self.unreadable, &before.unreadable) && self.unreadable != before.unreadable)
            || (!Arc::ptr_eq(&self.classes, &before.classes) && self.classes != before.classes)
    }

    /// The Services that the API server calls, each with the object that makes it do so.
    fn called_services(&self) -> BTreeSet<(Kind, &str, &Key)> {
        let callers =
            Kind::API_CALLERS.into_iter().flat_map(|kind| self.api_callers.all(kind).map(move |it| (kind, it)));
        callers
            .flat_map(|(kind, it)| it.services.iter().map(move |called| (kind, &*it.key.name, &called.key)))
            .collect()
    }

    /// Returns the Ingresses of a namespace, by name.
    pub fn ingresses_in(&self, namespace: &str) -> impl Iterator<Item = &Ingress> {
        self.ingresses.objects().within(namespace)
    }
}
