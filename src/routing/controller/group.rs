//! Ingresses grouped by the controller that handles them.

use super::{Controller, ControllerId, Controllers};
use crate::model::{ClassRef, Host, Ingress};

/// A controller and the Ingresses that it handles.
#[derive(Debug)]
pub struct ControllerGroup<'a> {
    /// The controller, by its name where any of the Ingresses names it.
    pub controller: Controller<'a>,
    /// The Ingresses in the given order; none where only an IngressClass names the controller.
    pub ingresses: Vec<&'a Ingress>,
}

impl<'a> ControllerGroup<'a> {
    /// Returns the Ingress of a controller that cannot be identified: whether it handles any other Ingress is unknown.
    #[must_use]
    pub fn alone(&self) -> Option<&'a Ingress> {
        if self.controller.is_same_as(&self.controller) { None } else { self.ingresses.first().copied() }
    }
}

impl<'a> Controllers<'a> {
    /// Returns the controllers of these Ingresses in the order of their first Ingress. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn grouped(&self, ingresses: impl IntoIterator<Item = &'a Ingress>) -> Vec<ControllerGroup<'a>> {
        group(ingresses.into_iter().map(|ingress| (self.handling(ingress), Some(ingress))))
    }

    /// Returns the controllers of these Ingresses, then those that only an IngressClass names. Reads IngressClasses and
    /// Ingresses.
    #[must_use]
    pub fn grouped_with_classes(&self, ingresses: impl IntoIterator<Item = &'a Ingress>) -> Vec<ControllerGroup<'a>> {
        let of_ingresses = ingresses.into_iter().map(|ingress| (self.handling(ingress), Some(ingress)));
        // No namespace in particular: the first controller of the class.
        let of_classes = self.view.class_names().map(|name| (self.of_class(ClassRef::Named(name), ""), None));
        group(of_ingresses.chain(of_classes))
    }

    /// Returns whether some of these Ingresses may be behind different addresses: their controller gives them load balancers of
    /// their own.
    #[must_use]
    pub fn have_several_balancers(&self, ingresses: &[&Ingress]) -> bool {
        let with_own = |ingress: &&Ingress| self.of(ingress).known.filter(|known| known.has_own_balancers());
        let Some((first, known)) = ingresses.iter().find_map(|ingress| Some((*ingress, with_own(ingress)?))) else {
            return false;
        };
        let is_of_it = |other: &&&Ingress| with_own(other).is_some_and(|of| std::ptr::eq(of, known));
        ingresses.iter().filter(is_of_it).any(|other| !known.shares_balancer(first, other))
    }

    /// Returns the Ingresses that may serve requests for a host, by key: those with the host itself, an alias or a wildcard
    /// that may cover it, or no host. `None`: the Ingresses are not known. Reads Ingresses.
    #[must_use]
    pub fn candidates_for(&self, host: &Host) -> Option<Vec<&'a Ingress>> {
        let mut ingresses = Vec::new();
        for host in host.server_names().chain([Host::Any]) {
            ingresses.extend(self.view.others_on(&host).found()?);
        }
        ingresses.extend(self.view.others_with_regex_alias().found()?);
        ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        ingresses.dedup_by(|a, b| a.meta.key == b.meta.key);
        Some(ingresses)
    }
}

fn group<'a>(members: impl Iterator<Item = (Controller<'a>, Option<&'a Ingress>)>) -> Vec<ControllerGroup<'a>> {
    let mut groups: Vec<ControllerGroup<'a>> = Vec::new();
    // The groups that another Ingress can join. A large cluster may have thousands of others.
    let mut joinable: Vec<usize> = Vec::new();
    for (controller, ingress) in members {
        if let Some(at) = joinable.iter().find(|at| groups[**at].controller.is_same_as(&controller)) {
            let group = &mut groups[*at];
            if matches!(controller.id, ControllerId::Named(_)) {
                group.controller = controller;
            }
            group.ingresses.extend(ingress);
            continue;
        }
        if controller.is_same_as(&controller) {
            joinable.push(groups.len());
        } else if ingress.is_none() {
            continue;
        }
        groups.push(ControllerGroup { controller, ingresses: Vec::from_iter(ingress) });
    }
    groups
}
