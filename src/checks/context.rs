//! What a check is given.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::Settings;
use crate::cluster::{ClusterView, Lookup};
use crate::finding::Finding;
use crate::model::{Host, Ingress, Kind, Service};
use crate::routing::{
    BudgetExceeded, Claim, Controller, ControllerId, Dialect, NginxAnnotations, Routes, Server, When,
};

/// One Ingress under judgement, and what is known around it.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// What may be asked of the cluster.
    pub view: &'a ClusterView<'a>,
    /// What configuration says.
    pub settings: &'a Settings,
    /// Who takes it and whose rules hold.
    pub controller: Controller<'a>,
    routes: &'a Routes<'a>,
    pub(super) hints_left: Cell<u8>,
    exceeded_budget: Cell<bool>,
    rewrite_target: OnceCell<Option<&'a str>>,
    /// The Service that was found last: the paths of an Ingress mostly go to one.
    last_service: Cell<Option<&'a Service>>,
}

impl<'a> Context<'a> {
    /// The context of one check.
    #[must_use]
    pub fn new(
        ingress: &'a Ingress,
        view: &'a ClusterView<'a>,
        settings: &'a Settings,
        routes: &'a Routes<'a>,
    ) -> Self {
        // Names are searched for the first faults only: five thousand wrong names must not cost five thousand searches.
        Self {
            ingress,
            view,
            settings,
            controller: *routes.controller(),
            routes,
            hints_left: Cell::new(4),
            exceeded_budget: Cell::new(false),
            rewrite_target: OnceCell::new(),
            last_service: Cell::new(None),
        }
    }

    /// The rules of all Ingresses of this controller for a host, with this Ingress or without it, the oldest first. Reads
    /// Ingresses and IngressClasses.
    #[must_use]
    pub fn claims(&self, host: &Host, when: When) -> Lookup<Rc<[Claim<'a>]>> {
        if self.sees_routes() { self.routes.claims(host, when) } else { Lookup::Unknown }
    }

    fn sees_routes(&self) -> bool {
        [Kind::Ingress, Kind::IngressClass].into_iter().all(|kind| self.view.sees(kind))
    }

    /// What the controller makes of a host with this Ingress or without it; absent where it makes nothing of it. Reads
    /// Ingresses and IngressClasses.
    #[must_use]
    pub fn server(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        if self.sees_routes() { self.routes.server(host, when) } else { Lookup::Unknown }
    }

    /// Everything that the controller answers, for who has made sure that it is known.
    #[must_use]
    pub fn routes(&self) -> &'a Routes<'a> {
        self.routes
    }

    /// What an answer is, unless it would take too long to say: then the check counts as not evaluated.
    pub fn weighed<T>(&self, answer: Result<T, BudgetExceeded>) -> Option<T> {
        if answer.is_err() {
            self.exceeded_budget.set(true);
        }
        answer.ok()
    }

    /// Whether something could not be said because it would have taken too long.
    #[must_use]
    pub fn exceeded_budget(&self) -> bool {
        self.exceeded_budget.get()
    }

    /// Whose rules hold.
    #[must_use]
    pub fn dialect(&self) -> &'a Dialect {
        self.controller.dialect
    }

    /// Name what a finding depends on where the controller's ConfigMap has been read.
    pub fn rests_on_settings<'f>(&self, finding: &'f mut Finding) -> &'f mut Finding {
        match self.dialect().observed_from() {
            Some(key) => finding.rests_on(Kind::ConfigMap, key.clone()),
            None => finding,
        }
    }

    /// A Service of the Ingress' namespace.
    #[must_use]
    pub fn service(&self, name: &str) -> Lookup<&'a Service> {
        let last = self.last_service.get().filter(|last| *last.meta.key.name == *name);
        let service = last.map_or_else(|| self.view.service(self.namespace(), name), Lookup::Found);
        if let Lookup::Found(service) = service {
            self.last_service.set(Some(service));
        }
        service
    }

    /// The Ingress' annotations as ingress-nginx reads them.
    #[must_use]
    pub fn nginx(&self) -> NginxAnnotations<'a> {
        NginxAnnotations::of(self.ingress)
    }

    /// `rewrite-target`, where the controller accepts it. Judged once: it may be as long as the Ingress has paths.
    #[must_use]
    pub fn rewrite_target(&self) -> Option<&'a str> {
        *self.rewrite_target.get_or_init(|| self.nginx().rewrite_target())
    }

    /// Nobody is known to take this Ingress, so what a visitor gets cannot be foretold either.
    #[must_use]
    pub fn is_unowned(&self) -> bool {
        matches!(self.controller.id, ControllerId::None | ControllerId::Unknown)
    }

    /// Whether messages may name objects of this namespace.
    #[must_use]
    pub fn may_name(&self, namespace: &str) -> bool {
        self.settings.reveal_other_namespaces || namespace == self.namespace()
    }

    /// The Ingress' namespace.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        &self.ingress.meta.key.namespace
    }
}
