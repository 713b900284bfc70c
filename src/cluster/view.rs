//! The read-only view of the cluster that a check gets: one concrete type over the store, without a trait or a mock.
//!
//! It enforces the kinds that a check declares: any other kind is `Unknown`. It records which kinds were unavailable, so that
//! a check counts as not evaluated exactly where that mattered.

use std::cell::Cell;

use jiff::Timestamp;

use super::{Coverage, Inventory, LiveRead, LiveReads, Lookup, Object};
use crate::budget::Budget;
use crate::model::{
    ApiCaller, CertManagerCertificate, ClassRef, ConfigMap, EndpointSlice, IngressClass, Key, Kind, Kinds, Namespace,
    Node, Pod, Secret, Service, Workload,
};

/// The steps of a budget that one lookup costs.
pub(super) const LOOKUP: u32 = 4;

/// The cluster as one check may read it while it evaluates one Ingress.
#[derive(Debug)]
pub struct ClusterView<'a> {
    pub(super) store: &'a Inventory,
    pub(super) live_reads: &'a LiveReads,
    /// The Ingress under evaluation: its stored version is left out.
    pub(super) candidate: Option<&'a Key>,
    now: Timestamp,
    needs: Kinds,
    hints: Kinds,
    asked: Cell<Kinds>,
    unavailable: Cell<Option<Unavailable>>,
    pub(super) budget: Option<&'a Budget>,
}

/// The state of the cluster at one moment: the inventory, the live reads of this review, and the time.
#[derive(Debug, Clone, Copy)]
pub struct ClusterState<'a> {
    /// The inventory.
    pub store: &'a Inventory,
    /// The objects that were fetched by name; they take precedence over the inventory.
    pub live_reads: &'a LiveReads,
    /// The time of the review.
    pub now: Timestamp,
}

/// A kind that a check requires and that is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    /// The kind.
    pub kind: Kind,
    /// The reason.
    pub coverage: Coverage,
}

impl<'a> ClusterView<'a> {
    /// Creates the view of a check: without the stored version of the Ingress `candidate`, restricted to the kinds that the
    /// check requires (`needs`) and those that are optional (`hints`).
    #[must_use]
    pub fn new(state: ClusterState<'a>, candidate: &'a Key, needs: Kinds, hints: Kinds) -> Self {
        Self::of(state, Some(candidate), needs, hints)
    }

    /// Creates the view of everything that is known.
    #[must_use]
    pub fn unrestricted(state: ClusterState<'a>) -> Self {
        Self::of(state, None, Kinds::of(&Kind::ALL), Kinds::NONE)
    }

    fn of(state: ClusterState<'a>, candidate: Option<&'a Key>, needs: Kinds, hints: Kinds) -> Self {
        let ClusterState { store, live_reads, now } = state;
        let (asked, unavailable) = (Cell::default(), Cell::default());
        Self { store, live_reads, candidate, now, needs, hints, asked, unavailable, budget: None }
    }

    /// Charges lookups to a budget: where it is exceeded, the answer is unknown.
    #[must_use]
    pub fn within(self, budget: &'a Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// The time of the review.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the kinds that were read so far.
    #[must_use]
    pub fn asked(&self) -> Kinds {
        self.asked.get()
    }

    /// Returns the first required kind that was unavailable.
    #[must_use]
    pub fn unavailable(&self) -> Option<Unavailable> {
        self.unavailable.get()
    }

    /// Returns whether every object of a kind is known.
    #[must_use]
    pub fn knows(&self, kind: Kind) -> bool {
        self.sees(kind) && self.none::<()>(kind).is_absent()
    }

    /// Returns whether the check has declared this kind. An object of it that another check has found is then known to this
    /// check as well.
    #[must_use]
    pub fn declares(&self, kind: Kind) -> bool {
        self.declared(kind)
    }

    /// Returns whether the view shows every object of a kind. Unlike a lookup, it does not count as one that failed.
    #[must_use]
    pub fn lists(&self, kind: Kind) -> bool {
        self.declared(kind) && self.store.coverage(kind) == Coverage::Complete
    }

    /// Whether anything of a kind is known.
    #[must_use]
    pub fn sees(&self, kind: Kind) -> bool {
        self.readable(kind).is_some()
    }

    /// An IngressClass.
    #[must_use]
    pub fn class(&self, name: &str) -> Lookup<&'a IngressClass> {
        self.object((Kind::IngressClass, "", name), Object::class, |store| store.class(name))
    }

    /// All IngressClasses, for hints.
    pub fn classes(&self) -> impl Iterator<Item = &'a IngressClass> {
        self.readable(Kind::IngressClass).into_iter().flat_map(Inventory::classes)
    }

    /// Names of all IngressClasses, for hints.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> {
        self.classes().map(|class| &*class.meta.key.name)
    }

    /// Returns whether the view shows files that contain no IngressClass.
    #[must_use]
    pub fn lacks_classes(&self) -> bool {
        self.store.coverage(Kind::IngressClass) == Coverage::Partial && self.store.classes().next().is_none()
    }

    /// A Namespace.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Lookup<&'a Namespace> {
        self.object((Kind::Namespace, "", name), Object::namespace, |store| store.namespace(name))
    }

    /// The class that the API server would fill in: the newest of those annotated as default, ties by name
    /// (`DefaultIngressClass`, Kubernetes 1.25 and later).
    #[must_use]
    pub fn default_class(&self) -> Lookup<&'a IngressClass> {
        self.ask(Kind::IngressClass, |store| {
            let defaults = store.classes().filter(|class| class.is_default);
            defaults
                .max_by(|a, b| a.meta.created.cmp(&b.meta.created).then_with(|| b.meta.key.name.cmp(&a.meta.key.name)))
        })
    }

    /// Returns whether any stored Ingress of this class has an address, which only a controller that handles it sets.
    #[must_use]
    pub fn served(&self, class: ClassRef<'_>) -> Lookup<()> {
        self.ask(Kind::Ingress, |store| store.is_served(class).then_some(()))
    }

    /// A Service.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Lookup<&'a Service> {
        self.object((Kind::Service, namespace, name), Object::service, |store| store.service(namespace, name))
    }

    /// Returns the names of the Services of a namespace, for suggestions.
    pub fn service_names(&self, namespace: &str) -> impl Iterator<Item = &'a str> {
        self.readable(Kind::Service).into_iter().flat_map(move |store| store.service_names(namespace))
    }

    /// Returns the namespaces with a Service of this name, for suggestions.
    pub fn service_namespaces(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.readable(Kind::Service).into_iter().flat_map(move |store| store.service_namespaces(name))
    }

    /// Webhook configurations and APIServices that make the API server call a Service, as far as they may be seen.
    #[must_use]
    pub fn api_callers(&self, service: &Key) -> Vec<(Kind, &'a ApiCaller)> {
        let mut callers = Vec::new();
        for kind in Kind::API_CALLERS {
            let known = self.readable(kind).into_iter().flat_map(|store| store.api_callers_of(kind, service));
            let now = known.filter_map(|known| {
                self.object((kind, "", &known.key.name), Object::api_caller, |_| Some(known)).found()
            });
            callers.extend(now.map(|caller| (kind, caller)));
        }
        callers
    }

    /// The EndpointSlices of a Service: found, even where there are none.
    #[must_use]
    pub fn endpoint_slices(&self, namespace: &str, service: &str) -> Lookup<Vec<&'a EndpointSlice>> {
        let coverage = self.store.coverage_of(Kind::EndpointSlice, namespace, service);
        if coverage == Coverage::NotProvided && self.declared(Kind::EndpointSlice) {
            return self.note_unavailable(Kind::EndpointSlice, coverage);
        }
        self.referring(Kind::EndpointSlice, namespace, |store| {
            (coverage == Coverage::Complete).then(|| store.endpoint_slices_of(namespace, service).collect())
        })
    }

    /// Returns the namespaces with EndpointSlices for a Service of this name that has no such Service, for suggestions, among the
    /// first 1000.
    pub fn stray_endpoint_slices(&self, service: &str) -> impl Iterator<Item = &'a str> {
        let store = self.readable(Kind::EndpointSlice).filter(|_| self.knows(Kind::Service));
        store.into_iter().flat_map(move |store| store.stray_endpoint_slices(service))
    }

    /// A Node.
    #[must_use]
    pub fn node(&self, name: &str) -> Lookup<&'a Node> {
        self.object((Kind::Node, "", name), |_| None, |store| store.node(name))
    }

    /// The pods that a Service selects, by name; never an empty list. Where not all pods are known, those that are.
    #[must_use]
    pub fn pods(&self, service: &Service) -> Lookup<Vec<&'a Pod>> {
        let namespace = &service.meta.key.namespace;
        self.selected(&[Kind::Pod], namespace, |store, _| store.pods_selected(namespace, &service.selector).collect())
    }

    /// The workloads whose pods a Service selects, with their kinds; never an empty list. Where not all are known, those
    /// that are.
    #[must_use]
    pub fn workloads(&self, service: &Service) -> Lookup<Vec<(Kind, &'a Workload)>> {
        let namespace = &service.meta.key.namespace;
        self.selected(&Kind::WORKLOADS, namespace, |store, kind| {
            store.workloads_selected(kind, namespace, &service.selector).map(|workload| (kind, workload)).collect()
        })
    }

    /// Returns whether a namespace has a workload, as far as workloads are known.
    #[must_use]
    pub fn has_workloads(&self, namespace: &str) -> bool {
        let has = |kind: &Kind| self.readable(*kind).is_some_and(|store| store.has_workloads(*kind, namespace));
        Kind::WORKLOADS.iter().any(has)
    }

    /// A Certificate of cert-manager that is issued into this Secret.
    #[must_use]
    pub fn certificate_for(&self, namespace: &str, secret: &str) -> Lookup<&'a CertManagerCertificate> {
        self.referring(Kind::Certificate, namespace, |store| store.certificates_for(namespace, secret).next())
    }

    /// A Secret's facts.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Lookup<&'a Secret> {
        self.object((Kind::Secret, namespace, name), Object::secret, |store| store.secret(namespace, name))
    }

    /// Returns the names of the TLS Secrets of a namespace, for suggestions. Empty where Secrets are read by name only.
    pub fn certificate_names(&self, namespace: &str) -> impl Iterator<Item = &'a str> {
        self.listed(Kind::Secret).into_iter().flat_map(move |store| store.certificate_names(namespace))
    }

    /// Returns the namespaces with a TLS Secret of this name, for suggestions, among the first 1000. Empty where Secrets are read
    /// by name only.
    pub fn secret_namespaces(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.listed(Kind::Secret).into_iter().flat_map(move |store| store.secret_namespaces(name))
    }

    /// A ConfigMap's facts.
    #[must_use]
    pub fn config_map(&self, key: &Key) -> Lookup<&'a ConfigMap> {
        let of = (Kind::ConfigMap, &*key.namespace, &*key.name);
        self.object(of, Object::config_map, |store| store.config_map(key))
    }

    /// Spends steps on what the Ingress itself refers to; returns false if the budget is exceeded.
    pub(super) fn affords(&self, steps: u32) -> bool {
        self.budget.is_none_or(|budget| budget.spend_own(steps).is_ok())
    }

    /// One object: as it was read live for this review, else as the inventory has it.
    fn object<T>(
        &self,
        (kind, namespace, name): (Kind, &str, &str),
        live: impl FnOnce(&'a Object) -> Option<&'a T>,
        stored: impl FnOnce(&'a Inventory) -> Option<&'a T>,
    ) -> Lookup<&'a T> {
        if !self.affords(LOOKUP) {
            return Lookup::Unknown;
        }
        match self.declared(kind).then(|| self.live_reads.get(kind, namespace, name)).flatten() {
            Some(LiveRead::Found(object)) => live(object).map_or(Lookup::Unknown, Lookup::Found),
            Some(LiveRead::Absent) => Lookup::Absent,
            Some(LiveRead::Forbidden) => self.note_unavailable(kind, Coverage::Forbidden),
            Some(LiveRead::Excluded) => self.note_unavailable(kind, Coverage::Disabled),
            Some(LiveRead::Failed(_)) => self.note_unavailable(kind, Coverage::ReadFailed),
            None if self.store.is_unreadable(kind, namespace, name) => {
                self.note_unavailable(kind, Coverage::Unreadable)
            }
            None => self.answer(kind, self.store.coverage_of(kind, namespace, name), stored),
        }
    }

    /// Objects that refer to another one of their namespace, which those that cannot be read might do too.
    fn referring<T>(&self, kind: Kind, namespace: &str, answer: impl FnOnce(&'a Inventory) -> Option<T>) -> Lookup<T> {
        if !self.affords(LOOKUP) {
            return Lookup::Unknown;
        }
        if self.declared(kind) && self.store.has_unreadable(kind, namespace) {
            return self.note_unavailable(kind, Coverage::Unreadable);
        }
        self.answer(kind, self.store.coverage(kind), answer)
    }

    /// Returns the objects of several kinds in a namespace. An unavailable kind matters only if the others have
    /// nothing.
    fn selected<T>(
        &self,
        kinds: &[Kind],
        namespace: &str,
        of: impl Fn(&'a Inventory, Kind) -> Vec<T>,
    ) -> Lookup<Vec<T>> {
        let asked =
            kinds.iter().copied().filter(|kind| self.declared(*kind) && self.store.coverage(*kind).is_readable());
        let found: Vec<T> = asked.flat_map(|kind| of(self.store, kind)).collect();
        if !found.is_empty() {
            return Lookup::Found(found);
        }
        let is_unknown = |kind: &Kind| !self.referring(*kind, namespace, |_| None::<()>).is_absent();
        if kinds.iter().any(is_unknown) { Lookup::Unknown } else { Lookup::Absent }
    }

    /// Answers a question about all objects of a kind.
    pub(super) fn ask<T>(&self, kind: Kind, stored: impl FnOnce(&'a Inventory) -> Option<T>) -> Lookup<T> {
        match self.readable(kind) {
            Some(store) => stored(store).map_or_else(|| self.none(kind), Lookup::Found),
            None => Lookup::Unknown,
        }
    }

    /// Returns the answer if no known object of a kind matches: an unreadable one might.
    pub(super) fn none<T>(&self, kind: Kind) -> Lookup<T> {
        if self.store.has_any_unreadable(kind) {
            return self.note_unavailable(kind, Coverage::Unreadable);
        }
        self.outside(kind, self.store.coverage(kind))
    }

    fn answer<T>(&self, kind: Kind, coverage: Coverage, stored: impl FnOnce(&'a Inventory) -> Option<T>) -> Lookup<T> {
        match self.covered(kind, coverage) {
            Some(store) => stored(store).map_or_else(|| self.outside(kind, coverage), Lookup::Found),
            None => Lookup::Unknown,
        }
    }

    /// Returns the answer for an object that a readable store does not hold.
    fn outside<T>(&self, kind: Kind, coverage: Coverage) -> Lookup<T> {
        match coverage {
            Coverage::Partial | Coverage::OneNamespace => self.note_unavailable(kind, coverage),
            _ => Lookup::Absent,
        }
    }

    pub(super) fn readable(&self, kind: Kind) -> Option<&'a Inventory> {
        self.covered(kind, self.store.coverage(kind))
    }

    /// Returns the inventory, if objects of a kind are listed and not only read by name. Otherwise the check is complete all the same.
    fn listed(&self, kind: Kind) -> Option<&'a Inventory> {
        (self.declared(kind) && self.store.coverage(kind).is_readable()).then_some(self.store)
    }

    /// Returns the inventory, if the coverage makes its contents reliable.
    fn covered(&self, kind: Kind, coverage: Coverage) -> Option<&'a Inventory> {
        let coverage = if self.declared(kind) { coverage } else { Coverage::Undeclared };
        if coverage.is_readable() {
            return Some(self.store);
        }
        self.note_unavailable::<()>(kind, coverage);
        None
    }

    /// Returns whether the check has declared this kind, and records that it was read.
    fn declared(&self, kind: Kind) -> bool {
        self.asked.set(self.asked.get() | kind.into());
        (self.needs | self.hints).contains(kind)
    }

    fn note_unavailable<T>(&self, kind: Kind, coverage: Coverage) -> Lookup<T> {
        // Objects that are not written in files, or that only audits read, are expected to be missing.
        let is_news = !matches!(coverage, Coverage::NotProvided | Coverage::NotWatched);
        let is_missed = !self.hints.contains(kind) && is_news;
        if is_missed && self.unavailable.get().is_none() {
            self.unavailable.set(Some(Unavailable { kind, coverage }));
        }
        Lookup::Unknown
    }
}
