//! The controller that handles an Ingress, as far as it can be known: sections 1.1 to 1.4.

mod annotation_class;
mod described;
mod dialect;
mod discovered;
mod discovery;
mod flags;
mod group;
mod instance;
mod known;
mod known_values;
mod observed;
mod release;
mod settings;
mod shared_settings;
mod unsettled;
mod watched;

pub use annotation_class::AnnotationClass;
pub use described::DescribedSetting;
pub use dialect::{ControllerFamily, Dialect, DialectMatch, DialectRule, Dialects, FamilySource};
pub use discovered::Discovered;
pub use discovery::{Discovery, DiscoveryMode};
pub use flags::ControllerFlags;
pub use group::ControllerGroup;
pub use instance::Instance;
pub use known::{KnownController, SecretSource};
pub use observed::ObservedController;
pub use release::Release;
pub use settings::ControllerSettings;
pub use unsettled::Unsettled;
pub use watched::WatchedNamespaces;

use crate::cluster::{ClusterView, Lookup};
use crate::model::{ClassRef, Ingress, IngressClass, Path};
use crate::routing::path_matching::PathMeaning;

/// Classes that a controller matches by name. Its installation creates no IngressClass.
const MATCHED_BY_NAME: [&str; 1] = ["contour"];

/// How the cluster treats Ingresses without an ingress class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Classless {
    /// Some controller handles them (`--watch-ingress-without-class` and the like).
    Served,
    /// No controller handles them.
    Ignored,
    /// Not configured.
    #[default]
    Unknown,
}

/// The configured rules for ingress classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRules {
    /// Class names that are served although no IngressClass of that name exists.
    pub assume: Vec<String>,
    /// How the cluster treats Ingresses without an ingress class.
    pub classless: Classless,
    /// The values of `spec.controller` that run in this cluster; empty: not configured.
    pub controllers: Vec<String>,
    /// Whether the annotations of an Ingress identify its controller where files contain no IngressClass.
    pub from_annotations: bool,
}

impl Default for ClassRules {
    fn default() -> Self {
        Self { assume: Vec::new(), classless: Classless::default(), controllers: Vec::new(), from_annotations: true }
    }
}

/// The identity of the controller that handles an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerId<'a> {
    /// The controller that its IngressClass names.
    Named(&'a str),
    /// A controller without a known name: it is assumed or matched by class name, or it has set the address of an Ingress of
    /// this class.
    Unnamed,
    /// No controller.
    None,
    /// Unknown whether a controller handles it.
    Unknown,
}

/// The controller that handles an Ingress, and its dialect.
#[derive(Debug, Clone, Copy)]
pub struct Controller<'a> {
    /// The identity.
    pub id: ControllerId<'a>,
    /// The dialect; Kubernetes' own rules where the controller is not known.
    pub dialect: &'a Dialect,
    /// The row of the controller among the known ones, by its name or its class.
    pub known: Option<&'static KnownController>,
    /// What identifies the controller.
    pub basis: Basis,
}

/// What identifies the controller of an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// Its class, as far as it is known.
    Class,
    /// The prefix of its annotations: files contain no IngressClass.
    Annotations,
    /// The name of its class alone, which other controllers use as well.
    ClassName,
}

impl ClassRules {
    /// Returns whether a class name is served without an IngressClass object.
    #[must_use]
    pub fn assumes(&self, name: &str) -> bool {
        MATCHED_BY_NAME.contains(&name) || self.assume.iter().any(|assumed| assumed == name)
    }

    /// Returns whether the configuration lists the controllers that run, and this one is not among them.
    #[must_use]
    pub fn excludes(&self, controller: &str) -> bool {
        !self.controllers.is_empty() && !self.controllers.iter().any(|running| *running == *controller)
    }

    /// Returns the IngressClass of an Ingress if its controller does not run: it is not among the configured ones, and no Ingress of
    /// the class has an address. A class that is served by name is served whatever its IngressClass says. Reads IngressClasses and
    /// Ingresses.
    #[must_use]
    pub fn unserved<'a>(
        &self,
        ingress: &Ingress,
        view: &ClusterView<'a>,
        dialects: &Dialects,
    ) -> Option<&'a IngressClass> {
        let ClassRef::Named(name) = ingress.class_ref() else { return None };
        let is_by_name = || self.assumes(name) || dialects.of_name(name, &ingress.meta.key.namespace).is_some();
        if self.controllers.is_empty() || is_by_name() {
            return None;
        }
        let class = view.class(name).found()?;
        (self.excludes(&class.controller) && view.served(ingress.class_ref()).is_absent()).then_some(class)
    }
}

impl<'a> Controller<'a> {
    /// Creates a controller that the class of the Ingress identifies.
    pub(super) const fn new(
        id: ControllerId<'a>,
        dialect: &'a Dialect,
        known: Option<&'static KnownController>,
    ) -> Self {
        Self { id, dialect, known, basis: Basis::Class }
    }

    /// Returns `spec.controller` of its IngressClass, where it is known.
    #[must_use]
    pub const fn name(&self) -> Option<&'a str> {
        match self.id {
            ControllerId::Named(name) => Some(name),
            ControllerId::Unnamed | ControllerId::None | ControllerId::Unknown => None,
        }
    }

    /// Returns whether it is certain that a controller handles the Ingress. The name of its class alone is not enough.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self.id, ControllerId::Named(_) | ControllerId::Unnamed) && !matches!(self.basis, Basis::ClassName)
    }

    /// Returns where the controller reads the Secrets of TLS entries. An unknown controller may read none.
    #[must_use]
    pub fn secrets(&self) -> SecretSource {
        match (self.id, self.known) {
            (ControllerId::Unknown, _) => SecretSource::Unknown,
            (_, Some(known)) => known.secrets,
            (_, None) => SecretSource::Ingress,
        }
    }

    /// Returns whether the controller reads the Secrets of TLS entries in the namespace of the Ingress.
    #[must_use]
    pub fn reads_secrets(&self) -> bool {
        self.secrets() == SecretSource::Ingress
    }

    /// Returns the requests that a path of an Ingress matches, for a controller without nginx locations.
    #[must_use]
    pub fn meaning<'p>(&self, ingress: &Ingress, path: &'p Path) -> PathMeaning<'p> {
        match self.known {
            Some(known) => known.meaning(&ingress.meta.annotations, path),
            None => known::meaning_by_kubernetes(path),
        }
    }

    /// Returns whether two Ingresses certainly have the same controller: the same configured dialect, or the same
    /// `spec.controller`. An unnamed controller is not even the same as itself.
    #[must_use]
    pub fn is_same_as(&self, other: &Controller<'_>) -> bool {
        let reads = |controller: &Controller<'_>| controller.dialect.family.reads_nginx_annotations();
        if reads(self) || reads(other) {
            return std::ptr::eq(self.dialect, other.dialect);
        }
        matches!((self.id, other.id), (ControllerId::Named(a), ControllerId::Named(b)) if a == b)
    }
}

/// The controllers of a cluster: finds the one that handles an Ingress.
#[derive(Debug, Clone, Copy)]
pub struct Controllers<'a> {
    view: &'a ClusterView<'a>,
    classes: &'a ClassRules,
    dialects: &'a Dialects,
}

impl<'a> Controllers<'a> {
    /// Creates the controllers of a cluster from its classes, the configured rules and the dialects with the settings
    /// observed in it (see [`Dialects::with_observed_settings`]).
    #[must_use]
    pub const fn new(view: &'a ClusterView<'a>, classes: &'a ClassRules, dialects: &'a Dialects) -> Self {
        Self { view, classes, dialects }
    }

    /// Returns the cluster that they run in.
    #[must_use]
    pub const fn view(&self) -> &'a ClusterView<'a> {
        self.view
    }

    /// Returns the IngressClass of an Ingress if its controller does not run: see [`ClassRules::unserved`].
    #[must_use]
    pub fn unserved(&self, ingress: &Ingress) -> Option<&'a IngressClass> {
        self.classes.unserved(ingress, self.view, self.dialects)
    }

    /// Returns the controller of an Ingress by its class, or by its annotations where files contain no IngressClass. Reads
    /// IngressClasses and Ingresses.
    #[must_use]
    pub fn of(&self, ingress: &Ingress) -> Controller<'a> {
        let controller = self.of_class(ingress.class_ref(), &ingress.meta.key.namespace);
        let by_annotations = || self.without_classes(ingress);
        if controller.id == ControllerId::Unknown { by_annotations().unwrap_or(controller) } else { controller }
    }

    /// Returns the controller that the annotations of an Ingress identify, or the name `nginx` of its class, if the files
    /// contain no IngressClass.
    fn without_classes(&self, ingress: &Ingress) -> Option<Controller<'a>> {
        let Self { view, classes, dialects } = *self;
        if !classes.from_annotations || !view.lacks_classes() {
            return None;
        }
        let name = match ingress.class_ref() {
            ClassRef::Named(name) | ClassRef::Annotated(name) => name,
            ClassRef::Classless => "",
        };
        let (known, basis) = match KnownController::marked_by(&ingress.meta.annotations) {
            Some(known) => (known, Basis::Annotations),
            None if name == "nginx" => (KnownController::ingress_nginx(), Basis::ClassName),
            None => return None,
        };
        let controller = known.name()?;
        let dialect = dialects.of_class(name, controller, &ingress.meta.key.namespace);
        Some(Controller { basis, ..Controller::new(ControllerId::Named(controller), dialect, Some(known)) })
    }

    /// Returns the controller that handles a stored Ingress: not one that watches other namespaces only (section 1.4). If
    /// such an Ingress has an address all the same, or the watched namespaces are not known, its controller is unknown. Reads
    /// IngressClasses and Ingresses.
    #[must_use]
    pub fn handling(&self, ingress: &Ingress) -> Controller<'a> {
        let controller = self.of(ingress);
        let watches = controller.dialect.watches(&ingress.meta.key.namespace);
        // An address is the sign that the controller watches a namespace whose labels are not known.
        let is_handled = watches == Some(true) || (watches.is_none() && ingress.has_address());
        if !controller.dialect.family.reads_nginx_annotations() || is_handled {
            return controller;
        }
        let is_unknown = watches.is_none() || ingress.has_address();
        let id = if is_unknown { ControllerId::Unknown } else { ControllerId::None };
        Controller::new(id, self.dialects.neutral(), None)
    }

    /// Returns the controller of the Ingresses of a namespace with this class. Reads IngressClasses and Ingresses.
    #[must_use]
    pub fn of_class(&self, class: ClassRef<'_>, namespace: &str) -> Controller<'a> {
        let Self { view, classes, dialects } = *self;
        let name = match class {
            ClassRef::Named(name) | ClassRef::Annotated(name) => name,
            ClassRef::Classless => return self.classless(namespace),
        };
        if let Lookup::Found(found) = view.class(name) {
            let dialect = dialects.of_class(name, &found.controller, namespace);
            if self.ignores_annotation(class, namespace).is_some() {
                return self.of_ignored_annotation(class, name, namespace);
            }
            let known = KnownController::named(&found.controller);
            let is_read = matches!(class, ClassRef::Annotated(_)) || !known.is_some_and(|it| it.ignores_class_field);
            let id = if is_read || dialect.family != ControllerFamily::Neutral {
                ControllerId::Named(&found.controller)
            } else {
                without_class_object(Lookup::<()>::Absent, view.served(class))
            };
            return Controller::new(id, dialect, known);
        }
        let by_name = match class {
            // Unless IngressClasses can be read, one of this name may belong to another controller.
            ClassRef::Annotated(value) => {
                dialects.of_annotation(value, namespace).filter(|_| view.class(name).is_absent())
            }
            _ => dialects.of_name(name, namespace),
        };
        if let Some(dialect) = by_name {
            if self.may_be_renamed(class, dialect, namespace) {
                return Controller::new(ControllerId::Unknown, dialects.neutral(), None);
            }
            return Controller::new(ControllerId::Unnamed, dialect, None);
        }
        let known = match class {
            ClassRef::Annotated(value) => KnownController::of_annotation_class(value),
            _ => KnownController::of_class_name(name),
        };
        let id = match class {
            _ if classes.assumes(name) => ControllerId::Unnamed,
            // GKE has no IngressClass object.
            ClassRef::Annotated(_) if known.is_some_and(|it| it.ignores_class_field) => ControllerId::Unnamed,
            // Whether a controller handles the class is its flag, such as `--ingress-class`.
            ClassRef::Annotated(_) => served_or_unknown(view.served(class)),
            _ if known.is_some() => served_or_unknown(view.served(class)),
            _ => without_class_object(view.class(name), view.served(class)),
        };
        Controller::new(id, dialects.neutral(), known)
    }

    fn classless(&self, namespace: &str) -> Controller<'a> {
        let Self { view, classes, dialects } = *self;
        let id = match classes.classless {
            Classless::Ignored => ControllerId::None,
            Classless::Served => ControllerId::Unnamed,
            Classless::Unknown => {
                if let Some(dialect) = dialects.of_classless(namespace) {
                    return Controller::new(ControllerId::Unnamed, dialect, None);
                }
                match view.served(ClassRef::Classless) {
                    Lookup::Found(()) => ControllerId::Unnamed,
                    // A controller that handles classless Ingresses leaves no trace before it has set an address.
                    Lookup::Absent | Lookup::Unknown => ControllerId::Unknown,
                }
            }
        };
        Controller::new(id, dialects.neutral(), None)
    }

    /// Returns the dialect of the controller of an IngressClass, if the class annotation names that class and the controller
    /// does not handle this value: it compares the annotation with `--ingress-class` only (section 1.1.2). Reads IngressClasses.
    #[must_use]
    pub fn ignores_annotation(&self, class: ClassRef<'_>, namespace: &str) -> Option<&'a Dialect> {
        let ClassRef::Annotated(value) = class else { return None };
        let found = self.view.class(value).found()?;
        let dialect = self.dialects.of_class(value, &found.controller, namespace);
        let is_nginx = dialect.family == ControllerFamily::Nginx && !dialect.is_imitated;
        (is_nginx && dialect.annotation_class.excludes(value)).then_some(dialect)
    }

    /// Returns the controller of an annotation that names the class of a controller that ignores it.
    fn of_ignored_annotation(&self, class: ClassRef<'_>, value: &str, namespace: &str) -> Controller<'a> {
        let Self { view, dialects, .. } = *self;
        if let Some(dialect) = dialects.of_annotation(value, namespace) {
            return Controller::new(ControllerId::Unnamed, dialect, None);
        }
        let id = match view.served(class) {
            Lookup::Absent => ControllerId::None,
            Lookup::Found(()) | Lookup::Unknown => ControllerId::Unknown,
        };
        Controller::new(id, dialects.neutral(), None)
    }
}

/// Returns the controller of a class that needs no IngressClass, from whether an Ingress of it has an address.
fn served_or_unknown<'a>(served: Lookup<()>) -> ControllerId<'a> {
    if matches!(served, Lookup::Found(())) { ControllerId::Unnamed } else { ControllerId::Unknown }
}

/// Returns the controller of a class without a readable IngressClass, from whether an Ingress of it has an address.
fn without_class_object<'a, T>(class: Lookup<T>, served: Lookup<()>) -> ControllerId<'a> {
    match (class, served) {
        (_, Lookup::Found(())) => ControllerId::Unnamed,
        (Lookup::Absent, Lookup::Absent) => ControllerId::None,
        _ => ControllerId::Unknown,
    }
}
