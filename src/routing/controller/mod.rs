//! Who takes an Ingress, as far as that can be known: sections 1.1 to 1.3.

mod dialect;
mod settings;

pub use dialect::{ControllerFamily, Dialect, DialectMatch, DialectRule, Dialects};
pub use settings::ControllerSettings;

use crate::cluster::{ClusterView, Lookup};
use crate::model::{ClassRef, Ingress};

/// Classes that a controller matches by name, without an IngressClass object.
const MATCHED_BY_NAME: [&str; 1] = ["contour"];
/// Values of the class annotation that GKE's controller takes. It has no IngressClass object and ignores an Ingress
/// that has the field (kubernetes/ingress-gce#1308, #1891).
const GCE_ANNOTATIONS: [&str; 2] = ["gce", "gce-internal"];

/// What becomes of Ingresses without any class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Classless {
    /// Some controller of the cluster takes them (`--watch-ingress-without-class` and the like).
    Served,
    /// No controller does.
    Ignored,
    /// Nobody has said.
    #[default]
    Unknown,
}

/// What configuration says of classes.
#[derive(Debug, Clone, Default)]
pub struct ClassRules {
    /// Class names that are served although no IngressClass of that name exists.
    pub assume: Vec<String>,
    /// What becomes of Ingresses without any class.
    pub classless: Classless,
    /// The values of `spec.controller` that run in this cluster; empty: nobody has said.
    pub controllers: Vec<String>,
}

/// Who takes an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerId<'a> {
    /// The controller that its IngressClass names.
    Named(&'a str),
    /// Some controller: it is assumed or matched by name, or it has given an address to an Ingress of this class.
    Unnamed,
    /// Nobody that can be seen.
    None,
    /// Nobody can tell.
    Unknown,
}

/// Who takes an Ingress and whose rules hold for it.
#[derive(Debug, Clone, Copy)]
pub struct Controller<'a> {
    /// Who takes it.
    pub id: ControllerId<'a>,
    /// Whose rules hold; Kubernetes' own where the owner is not known.
    pub dialect: &'a Dialect,
}

impl ClassRules {
    /// Whether a class name is served without an IngressClass object.
    #[must_use]
    pub fn assumes(&self, name: &str) -> bool {
        MATCHED_BY_NAME.contains(&name) || self.assume.iter().any(|assumed| assumed == name)
    }

    /// Whether this is a class that GKE's controller takes by annotation.
    #[must_use]
    pub fn is_gce(name: &str) -> bool {
        GCE_ANNOTATIONS.contains(&name)
    }
}

impl Controller<'_> {
    /// Whether the controller looks at the Secrets of TLS entries. The one of AWS takes certificates from ACM by host
    /// name (kubernetes-sigs/aws-load-balancer-controller#3178); where nobody can tell who it is, it may be that one.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        !matches!(self.id, ControllerId::Named("ingress.k8s.aws/alb") | ControllerId::Unknown)
    }

    /// Whether two Ingresses have the same controller: a configured one, else the class's `spec.controller`. That somebody takes
    /// each of them does not say so, not even of one and the same.
    #[must_use]
    pub fn is_same_as(&self, other: &Controller<'_>) -> bool {
        let reads = |controller: &Controller<'_>| controller.dialect.family.reads_nginx_annotations();
        if reads(self) || reads(other) {
            return std::ptr::eq(self.dialect, other.dialect);
        }
        matches!((self.id, other.id), (ControllerId::Named(a), ControllerId::Named(b)) if a == b)
    }
}

impl<'a> Controller<'a> {
    /// Find out who takes `ingress`. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn of(ingress: &Ingress, view: &ClusterView<'a>, rules: &ClassRules, dialects: &'a Dialects) -> Self {
        Self::of_class(ingress.class_ref(), &ingress.meta.key.namespace, view, rules, dialects)
    }

    /// Find out who takes a stored Ingress in fact: not a controller that looks at other namespaces only (section 1.4). Where
    /// somebody has given the Ingress an address nevertheless, nobody can tell who. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn handling(ingress: &Ingress, view: &ClusterView<'a>, rules: &ClassRules, dialects: &'a Dialects) -> Self {
        let controller = Self::of(ingress, view, rules, dialects);
        if !controller.dialect.family.reads_nginx_annotations()
            || controller.dialect.watches(&ingress.meta.key.namespace)
        {
            return controller;
        }
        let id = if ingress.has_address { ControllerId::Unknown } else { ControllerId::None };
        Self { id, dialect: dialects.neutral() }
    }

    /// Find out who takes the Ingresses of a namespace that say their class like this. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn of_class(
        class: ClassRef<'_>,
        namespace: &str,
        view: &ClusterView<'a>,
        rules: &ClassRules,
        dialects: &'a Dialects,
    ) -> Self {
        let name = match class {
            ClassRef::Named(name) | ClassRef::Annotated(name) => name,
            ClassRef::Classless => return Self { id: classless(view, rules), dialect: dialects.neutral() },
        };
        if let Lookup::Found(found) = view.class(name) {
            let dialect = dialects.of_class(name, &found.controller, namespace);
            return Self { id: ControllerId::Named(&found.controller), dialect };
        }
        let by_name = match class {
            // Without a look at the classes nobody can say whether one of this name is another controller's.
            ClassRef::Annotated(value) => {
                dialects.of_annotation(value, namespace).filter(|_| view.class(name).is_absent())
            }
            _ => dialects.of_name(name, namespace),
        };
        if let Some(dialect) = by_name {
            return Self { id: ControllerId::Unnamed, dialect };
        }
        let by_annotation = matches!(class, ClassRef::Annotated(value) if ClassRules::is_gce(value));
        let id = if rules.assumes(name) || by_annotation {
            ControllerId::Unnamed
        } else {
            unseen(view.class(name), view.served(class))
        };
        Self { id, dialect: dialects.neutral() }
    }
}

fn classless<'a>(view: &ClusterView<'_>, rules: &ClassRules) -> ControllerId<'a> {
    match rules.classless {
        Classless::Served => ControllerId::Unnamed,
        Classless::Ignored => ControllerId::None,
        Classless::Unknown => match view.served(ClassRef::Classless) {
            Lookup::Found(()) => ControllerId::Unnamed,
            // Controllers that take classless Ingresses leave no trace before they have served one.
            Lookup::Absent | Lookup::Unknown => ControllerId::Unknown,
        },
    }
}

fn unseen<'a, T>(class: Lookup<T>, served: Lookup<()>) -> ControllerId<'a> {
    match (class, served) {
        (_, Lookup::Found(())) => ControllerId::Unnamed,
        (Lookup::Absent, Lookup::Absent) => ControllerId::None,
        _ => ControllerId::Unknown,
    }
}
