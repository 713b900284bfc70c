//! What several checks compute alike, kept for one evaluation.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::Context;
use super::routed_paths::Routed;
use crate::budget::Budget;
use crate::cluster::Lookup;
use crate::model::{Kind, Service};
use crate::routing::{AnnotationFault, OptionalBackend, value_faults};

/// The shared results of the checks of one evaluation.
#[derive(Debug, Default)]
pub struct Memo<'a> {
    routed: OnceCell<Rc<[Routed<'a>]>>,
    /// Whether a redirect answers every request, and why every backend may be unused.
    pub(super) every_backend: OnceCell<(bool, Option<OptionalBackend>)>,
    rewrite_target: OnceCell<Option<&'a str>>,
    value_faults: OnceCell<Box<[AnnotationFault<'a>]>>,
    /// The Service that was found last, because most paths of an Ingress have the same Service.
    last_service: Cell<Option<&'a Service>>,
}

impl<'a> Memo<'a> {
    /// Returns the paths that become locations. Those that `find` returns after the budget was exceeded may be incomplete, and
    /// are not kept.
    pub(super) fn routed(&self, budget: &Budget, find: impl FnOnce() -> Rc<[Routed<'a>]>) -> Rc<[Routed<'a>]> {
        if let Some(routed) = self.routed.get() {
            return Rc::clone(routed);
        }
        let routed = find();
        if !budget.is_exceeded() {
            let _ = self.routed.set(Rc::clone(&routed));
        }
        routed
    }
}

impl<'a> Context<'a> {
    /// Returns a Service in the namespace of the Ingress.
    #[must_use]
    pub fn service(&self, name: &str) -> Lookup<&'a Service> {
        let last = self.memo.last_service.get().filter(|last| *last.meta.key.name == *name);
        if let Some(last) = last.filter(|_| self.view.declares(Kind::Service)) {
            return Lookup::Found(last);
        }
        let service = self.view.service(self.namespace(), name);
        if let Lookup::Found(service) = service {
            self.memo.last_service.set(Some(service));
        }
        service
    }

    /// Returns `rewrite-target` if the controller accepts its value. The result is cached, because each path asks for it.
    #[must_use]
    pub fn rewrite_target(&self) -> Option<&'a str> {
        *self.memo.rewrite_target.get_or_init(|| self.nginx().rewrite_target())
    }

    /// Returns the faults of annotation values, and of annotations that the settings of the controller refuse. Several checks report
    /// some of them.
    #[must_use]
    pub fn value_faults(&self) -> &'a [AnnotationFault<'a>] {
        self.memo.value_faults.get_or_init(|| value_faults(self.ingress, self.dialect()).into())
    }
}
