//! The input of a check.

use std::cell::Cell;
use std::rc::Rc;

use super::{Memo, Settings};
use crate::cluster::{ClusterView, Lookup};
use crate::finding::Finding;
use crate::model::{Host, Ingress, Kind};
use crate::routing::annotations::Annotation;
use crate::routing::{Claim, Controller, ControllerId, Dialect, NginxAnnotations, Routes, Server, When};

/// The input of a check: one Ingress, the cluster view, the settings and the routes of the controller.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Ingress to check.
    pub ingress: &'a Ingress,
    /// The objects of the cluster that the check may read.
    pub view: &'a ClusterView<'a>,
    /// The settings from the configuration.
    pub settings: &'a Settings,
    /// The controller of the Ingress.
    pub controller: Controller<'a>,
    routes: &'a Routes<'a>,
    pub(super) hints_left: Cell<u8>,
    pub(super) exceeded_budget: Cell<bool>,
    pub(super) exceeded_by_own: Cell<bool>,
    pub(super) is_oversized: bool,
    pub(super) left_out_matching: Cell<bool>,
    pub(super) memo: &'a Memo<'a>,
}

impl<'a> Context<'a> {
    /// Creates the context of one check.
    #[must_use]
    pub fn new(
        ingress: &'a Ingress,
        view: &'a ClusterView<'a>,
        settings: &'a Settings,
        routes: &'a Routes<'a>,
        memo: &'a Memo<'a>,
    ) -> Self {
        // Only the first wrong names get a suggestion, because each suggestion compares up to 1,000 names.
        Self {
            ingress,
            view,
            settings,
            controller: *routes.controller(),
            routes,
            hints_left: Cell::new(4),
            exceeded_budget: Cell::new(false),
            exceeded_by_own: Cell::new(false),
            is_oversized: false,
            left_out_matching: Cell::new(false),
            memo,
        }
    }

    /// Returns the rules for a host from all Ingresses of this controller, before or after this change, the oldest first. Reads
    /// Ingresses and IngressClasses.
    #[must_use]
    pub fn claims(&self, host: &Host, when: When) -> Lookup<Rc<[Claim<'a>]>> {
        if self.sees_routes() { self.routes.claims(host, when) } else { Lookup::Unknown }
    }

    /// Whether Ingresses and IngressClasses are readable, and the Ingress is among the routes: one that is not loaded has none.
    pub(super) fn sees_routes(&self) -> bool {
        let is_readable = [Kind::Ingress, Kind::IngressClass].into_iter().all(|kind| self.view.sees(kind));
        is_readable && self.loading().not_loaded.is_none()
    }

    /// Returns the server that the controller generates for a host, before or after this change; absent if it generates none.
    /// Reads Ingresses and IngressClasses.
    #[must_use]
    pub fn server(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        if self.sees_routes() { self.routes.server(host, when) } else { Lookup::Unknown }
    }

    /// Returns the routes of the controller. The caller must know that Ingresses and IngressClasses are readable.
    #[must_use]
    pub fn routes(&self) -> &'a Routes<'a> {
        self.routes
    }

    /// Returns the dialect of the controller.
    #[must_use]
    pub fn dialect(&self) -> &'a Dialect {
        self.controller.dialect
    }

    /// Adds the ConfigMap and the workloads of the controller to the objects that a finding depends on, if its version or settings
    /// were observed in them.
    pub fn rests_on_settings<'f>(&self, finding: &'f mut Finding) -> &'f mut Finding {
        for (kind, key) in &self.dialect().workloads {
            finding.rests_on(*kind, key.clone());
        }
        match self.dialect().observed_from() {
            Some(key) => finding.rests_on(Kind::ConfigMap, key.clone()),
            None => finding,
        }
    }

    /// Does the same for a finding on the value of an annotation, if the version or a setting makes the value invalid.
    pub(super) fn rests_on_validation(&self, finding: &mut Finding, row: &Annotation, value: &str) {
        let always = row.value_error(value, None).is_some_and(|fault| fault.certain);
        if row.since.is_some() || !always {
            self.rests_on_settings(finding);
        }
    }

    /// Returns the annotations of the Ingress as ingress-nginx reads them.
    #[must_use]
    pub fn nginx(&self) -> NginxAnnotations<'a> {
        NginxAnnotations::of(self.ingress)
    }

    /// Returns true if no controller is known to handle this Ingress. The result of a request is then unknown as well.
    #[must_use]
    pub fn is_unowned(&self) -> bool {
        matches!(self.controller.id, ControllerId::None | ControllerId::Unknown)
    }

    /// Returns true if messages may name objects of this namespace.
    #[must_use]
    pub fn may_name(&self, namespace: &str) -> bool {
        self.settings.reveal_other_namespaces || namespace == self.namespace()
    }

    /// Returns the namespace of the Ingress.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        &self.ingress.meta.key.namespace
    }
}
