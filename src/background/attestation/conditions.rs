//! Whether it is certain that a review would have been one of this installation, and by how many replicas.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use foldhash::HashMap;

use crate::cluster::{Coverage, Inventory, is_reviewed, own_webhooks};
use crate::model::{AddressType, IngressWebhook, Key, Kind, ServiceType};

/// The kinds that must be known as a whole.
pub const KINDS: [Kind; 5] =
    [Kind::Ingress, Kind::EndpointSlice, Kind::Namespace, Kind::Service, Kind::ValidatingWebhookConfiguration];
/// The time for which changes are kept.
const KEPT: Duration = Duration::from_mins(3);
/// The most namespaces whose changes are kept.
const MOST_NAMESPACES: usize = 1000;
/// The longest time between two looks at the cluster, in which no pod comes, reviews and goes.
const LONGEST_GAP: Duration = Duration::from_secs(5);

/// What the certainty of statements rests on, over the last minutes.
#[derive(Debug)]
pub(super) struct Conditions {
    service: Key,
    /// The webhooks of the registration.
    webhooks: Vec<IngressWebhook>,
    /// Nothing that concerns all writes has changed or was unknown since then.
    since: Instant,
    /// The last look at the cluster.
    seen: Option<Instant>,
    /// The namespaces that have changed.
    namespaces: HashMap<Box<str>, Instant>,
    /// The numbers of endpoints, each from a time until that of the next one.
    endpoints: VecDeque<(Instant, u32)>,
}

impl Conditions {
    pub(super) fn new(service: Key, now: Instant) -> Self {
        let (namespaces, endpoints) = (HashMap::default(), VecDeque::new());
        Self { service, webhooks: Vec::new(), since: now, seen: None, namespaces, endpoints }
    }

    /// Notes a state of the cluster. `is_current`: its watches work.
    pub(super) fn note(&mut self, now: Instant, before: Option<&Inventory>, state: &Inventory, is_current: bool) {
        let has_gap = self.seen.is_none_or(|seen| now.saturating_duration_since(seen) > LONGEST_GAP);
        self.seen = Some(now);
        let is_known = KINDS.iter().all(|kind| state.coverage(*kind) == Coverage::Complete);
        let is_same = self.note_webhooks(state);
        self.note_endpoints(now, state);
        if let Some(before) = before {
            self.namespaces.extend(state.changed_namespaces(before).into_iter().map(|name| (name.into(), now)));
            self.namespaces.retain(|_, changed| now.saturating_duration_since(*changed) < KEPT);
        }
        let is_bounded = self.namespaces.len() <= MOST_NAMESPACES;
        if has_gap || !is_current || !is_known || !is_same || !is_bounded || !self.calls_endpoints(state) {
            self.since = now;
        }
        if !is_bounded {
            self.namespaces.clear();
        }
    }

    /// Returns whether the webhooks are those of the last look.
    fn note_webhooks(&mut self, state: &Inventory) -> bool {
        let webhooks = own_webhooks(state, &self.service);
        let is_same = webhooks.iter().copied().eq(&self.webhooks);
        if !is_same {
            self.webhooks = webhooks.into_iter().cloned().collect();
        }
        is_same
    }

    fn note_endpoints(&mut self, now: Instant, state: &Inventory) {
        let count = endpoints(state, &self.service);
        if self.endpoints.back().is_none_or(|(_, last)| *last != count) {
            self.endpoints.push_back((now, count));
        }
        while self.endpoints.get(1).is_some_and(|(from, _)| now.saturating_duration_since(*from) > KEPT) {
            self.endpoints.pop_front();
        }
    }

    /// Returns whether only the endpoints of the Service get reviews: a URL or an external name can lead to other processes.
    fn calls_endpoints(&self, state: &Inventory) -> bool {
        let Key { namespace, name } = &self.service;
        let is_external = state.service(namespace, name).is_some_and(|it| matches!(it.kind, ServiceType::ExternalName));
        !is_external && self.webhooks.iter().all(|webhook| webhook.service.is_some())
    }

    /// Returns whether nothing that concerns all writes has changed or was unknown since a time.
    pub(super) fn hold_since(&self, time: Instant) -> bool {
        self.since <= time
    }

    /// Returns whether the registration certainly selects a namespace. `None`: it is not known.
    pub(super) fn select(&self, state: &Inventory, namespace: &str) -> Option<bool> {
        is_reviewed(state, &self.service, namespace)
    }

    /// Returns whether a namespace has not changed since a time.
    pub(super) fn keep(&self, namespace: &str, since: Instant) -> bool {
        self.namespaces.get(namespace).is_none_or(|changed| *changed < since)
    }

    /// Returns the largest number of endpoints since a time.
    pub(super) fn most_endpoints(&self, since: Instant) -> u32 {
        // The number before the first change since then was in force at that time.
        let first = self.endpoints.partition_point(|(from, _)| *from <= since).saturating_sub(1);
        self.endpoints.range(first..).map(|(_, count)| *count).max().unwrap_or(u32::MAX)
    }
}

/// Returns the number of endpoints of a Service, ready or not. One with two address types has slices for each.
fn endpoints(state: &Inventory, service: &Key) -> u32 {
    let of = |address_type: AddressType| {
        let slices = state.endpoint_slices_of(&service.namespace, &service.name);
        let of_type = slices.filter(|slice| slice.address_type == address_type);
        of_type.fold(0_u32, |sum, slice| sum.saturating_add(slice.ready).saturating_add(slice.not_ready))
    };
    [AddressType::Ipv4, AddressType::Ipv6, AddressType::Fqdn].into_iter().map(of).max().unwrap_or_default()
}
