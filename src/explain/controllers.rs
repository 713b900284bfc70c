//! The controllers that may serve a host: those of all classes and Ingresses, and the Ingresses without a known controller.

use crate::cluster::{ClusterView, Lookup};
use crate::model::{ClassRef, Host, Ingress};
use crate::routing::{ClassRules, Controller, ControllerId, Dialects, Routes};

/// One controller.
pub(super) struct Answering<'a> {
    pub(super) controller: Controller<'a>,
    pub(super) routes: Routes<'a>,
}

/// An Ingress with the host that no known controller handles.
pub(super) struct Untaken<'a> {
    pub(super) ingress: &'a Ingress,
    /// It is certain that no controller handles it.
    pub(super) certain: bool,
    /// The controller of its class is known and watches other namespaces only.
    unwatched: bool,
}

impl Answering<'_> {
    /// `spec.controller`, if it is known.
    pub(super) fn name(&self) -> Option<&str> {
        match self.controller.id {
            ControllerId::Named(name) => Some(name),
            ControllerId::Unnamed | ControllerId::None | ControllerId::Unknown => None,
        }
    }
}

/// The Ingresses that can match a request for a host: by the host itself, an alias, a wildcard, or a rule without a host.
pub(super) fn concerned<'a>(host: &Host, view: &ClusterView<'a>) -> Option<Vec<&'a Ingress>> {
    let name = host.to_string();
    let parents = name.match_indices('.').map(|(dot, _)| Host::Wildcard(name[dot + 1..].into()));
    let mut ingresses = Vec::new();
    for host in [host.clone()].into_iter().chain(parents).chain([Host::Any]) {
        ingresses.extend(view.others_on(&host).found()?);
    }
    ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    ingresses.dedup_by(|a, b| a.meta.key == b.meta.key);
    Some(ingresses)
}

/// A cluster view with the configuration of its controllers.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) view: &'a ClusterView<'a>,
    pub(super) rules: &'a ClassRules,
    pub(super) dialects: &'a Dialects,
}

impl<'a> Known<'a> {
    /// Groups Ingresses by controller. Returns the controllers, and the Ingresses without a known one.
    pub(super) fn grouped(self, ingresses: &[&'a Ingress]) -> (Vec<Answering<'a>>, Vec<Untaken<'a>>) {
        let (mut controllers, mut untaken): (Vec<Answering<'a>>, Vec<Untaken<'a>>) = (Vec::new(), Vec::new());
        for ingress in ingresses {
            let controller = Controller::handling(ingress, self.view, self.rules, self.dialects);
            if is_known(&controller) {
                self.add(&mut controllers, controller, Some(ingress));
                continue;
            }
            let unwatched = is_known(&Controller::of(ingress, self.view, self.rules, self.dialects));
            untaken.push(Untaken { ingress, certain: controller.id == ControllerId::None, unwatched });
        }
        (controllers, untaken)
    }

    /// Adds the controllers of all classes of the cluster, also those without Ingresses.
    pub(super) fn add_classes(self, controllers: &mut Vec<Answering<'a>>) {
        for class in self.view.class_names() {
            self.add(controllers, self.of_class(class), None);
        }
    }

    /// The controller of a class, if it is known.
    pub(super) fn answering(self, class: &str) -> Option<Answering<'a>> {
        let controller = self.of_class(class);
        is_known(&controller).then(|| Answering {
            controller,
            routes: Routes::of(None, self.view, self.rules, self.dialects, controller),
        })
    }

    fn of_class(self, name: &str) -> Controller<'a> {
        // No namespace in particular: the first controller of the class.
        Controller::of_class(ClassRef::Named(name), "", self.view, self.rules, self.dialects)
    }

    fn add(self, controllers: &mut Vec<Answering<'a>>, controller: Controller<'a>, by: Option<&'a Ingress>) {
        if let Some(known) = controllers.iter_mut().find(|known| known.controller.is_same_as(&controller)) {
            // Prefer the entry that has the controller's name.
            if matches!(controller.id, ControllerId::Named(_)) {
                known.controller = controller;
            }
            return;
        }
        // Unnamed controllers cannot be distinguished, so each gets one Ingress only.
        let is_alone = !controller.is_same_as(&controller);
        let alone = by.filter(|_| is_alone);
        if is_alone && by.is_none() {
            return;
        }
        let routes = Routes::of(alone, self.view, self.rules, self.dialects, controller);
        controllers.push(Answering { controller, routes });
    }
}

fn is_known(controller: &Controller<'_>) -> bool {
    matches!(controller.id, ControllerId::Named(_) | ControllerId::Unnamed)
}

/// The reason why no controller is known for an Ingress, in words.
pub(super) fn why_untaken(untaken: &Untaken<'_>, view: &ClusterView<'_>) -> String {
    match untaken.ingress.class_ref() {
        _ if untaken.unwatched => "the controller of its class watches other namespaces only".to_owned(),
        ClassRef::Named(name) => match view.class(name) {
            Lookup::Absent => format!("IngressClass {name:?} does not exist"),
            Lookup::Found(_) | Lookup::Unknown => format!("no controller is known for class {name:?}"),
        },
        ClassRef::Annotated(name) => format!("no controller is known for class annotation {name:?}"),
        ClassRef::Classless => "it has no ingress class".to_owned(),
    }
}
