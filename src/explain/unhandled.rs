//! Ingresses that no controller is known to handle.

use crate::cluster::{ClusterView, Lookup};
use crate::finding::Quoted;
use crate::model::{CLASS_ANNOTATION, ClassRef, Host, Ingress, IngressClass, Kind, suggest};
use crate::routing::{ControllerGroup, ControllerId, Controllers, Dialect, KnownController, Unsettled};

/// An Ingress that no controller is known to handle.
pub(super) struct Unhandled<'a> {
    pub(super) ingress: &'a Ingress,
    /// It is certain that no controller handles it.
    pub(super) certain: bool,
    /// The controller of its class is known and watches other namespaces only.
    unwatched: bool,
    /// Its controller may be ingress-nginx or another one.
    pub(super) unsettled: Option<Unsettled<'a>>,
    /// Its IngressClass, whose controller does not run.
    pub(super) unserved: Option<&'a IngressClass>,
    /// The controller of its IngressClass ignores the class annotation.
    ignored: Option<&'a Dialect>,
}

impl<'a> Unhandled<'a> {
    /// Returns the Ingresses of a group whose controller is not known.
    pub(super) fn of(group: ControllerGroup<'a>, controllers: Controllers<'a>) -> impl Iterator<Item = Self> {
        let certain = group.controller.id == ControllerId::None;
        // Which rules apply to one Ingress of a host decides about all others of the same controller.
        let of_group = group.ingresses.iter().find_map(|ingress| controllers.unsettled(ingress));
        group.ingresses.into_iter().map(move |ingress| {
            let unsettled = controllers.unsettled(ingress).or(of_group);
            let unwatched = unsettled.is_none() && controllers.of(ingress).is_known();
            let ignored = controllers.ignores_annotation(ingress.class_ref(), &ingress.meta.key.namespace);
            let unserved = controllers.unserved(ingress);
            let certain = certain || unserved.is_some();
            Self { ingress, certain, unwatched, unsettled, unserved, ignored }
        })
    }

    /// Returns whether it has a rule for a host.
    pub(super) fn has_host(&self, host: &Host) -> bool {
        self.ingress.rules.iter().any(|rule| rule.host != Host::Any && rule.host.covers(host))
    }

    /// Returns whether it serves requests for every host.
    pub(super) fn takes_any_host(&self) -> bool {
        let Ingress { rules, default_backend, .. } = self.ingress;
        rules.iter().any(|rule| rule.host == Host::Any) || (rules.is_empty() && default_backend.is_some())
    }
}

/// Returns why no controller handles an Ingress, in words.
pub(super) fn why_unhandled(unhandled: &Unhandled<'_>, view: &ClusterView<'_>) -> String {
    if let Some(unsettled) = unhandled.unsettled {
        return format!("{unsettled}; {}", unsettled.help());
    }
    if let Some(class) = unhandled.unserved {
        return format!("controller {} of its class does not run here", Quoted(&class.controller));
    }
    match unhandled.ingress.class_ref() {
        _ if unhandled.unwatched => "the controller of its class watches other namespaces only".to_owned(),
        ClassRef::Named(name) => match view.class(name) {
            Lookup::Absent => {
                let meant = suggest::did_you_mean(name, view.class_names());
                let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
                format!("IngressClass {name:?} does not exist{meant}")
            }
            Lookup::Found(class) if is_annotation_only(&class.controller) => {
                format!("GKE reads the annotation {CLASS_ANNOTATION} and ignores spec.ingressClassName {name:?}")
            }
            Lookup::Unknown if !view.sees(Kind::IngressClass) => format!(
                "IngressClasses cannot be read: an administrator can grant it with rbac.classReaders of the chart, or a \
                 configuration can name the controller of class {name:?}, such as \
                 dialects: [{{match: {{class: {name}}}, engine: nginx}}]"
            ),
            Lookup::Found(_) | Lookup::Unknown => format!("no controller is known for class {name:?}"),
        },
        ClassRef::Annotated(name) if unhandled.ignored.is_some() => {
            format!("the controller of class {name:?} handles another annotation value only (--ingress-class)")
        }
        ClassRef::Annotated(name) => match KnownController::of_annotation_class(name) {
            Some(known) => format!(
                "{} reads class annotation {name:?} and needs no IngressClass; whether it runs is not visible",
                known.product
            ),
            None => format!(
                "no IngressClass is named {name:?}; whether a controller reads this class annotation is one of its flags"
            ),
        },
        ClassRef::Classless => {
            let mut classes: Vec<&str> = view.class_names().collect();
            classes.sort_unstable();
            let class = match classes[..] {
                [] => "CLASS".to_owned(),
                [class] => class.to_owned(),
                _ => format!("CLASS, one of {}", classes.join(", ")),
            };
            format!(
                "it has no ingress class, and ingress-nginx ignores such Ingresses unless it runs with \
                 --watch-ingress-without-class; add to spec: ingressClassName: {class}"
            )
        }
    }
}

fn is_annotation_only(controller: &str) -> bool {
    KnownController::named(controller).is_some_and(|known| known.ignores_class_field)
}
