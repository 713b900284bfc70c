//! Ingresses whose controller may be ingress-nginx, without anything that settles it. Neither the rules of ingress-nginx nor
//! those of Kubernetes are known to apply to them.

use std::fmt;

use super::known_values::is_another_controller;
use super::{Controllers, Dialect};
use crate::finding::Quoted;
use crate::model::{ClassRef, Ingress, IngressClass, NGINX_PREFIX};

/// The reason why it is unknown whether ingress-nginx handles an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled<'a> {
    /// The Ingress has annotations of ingress-nginx, and this `spec.controller` of its class is not known.
    Controller(&'a str),
    /// The class annotation has the default value of ingress-nginx, whose IngressClasses have other names. This is the
    /// `spec.controller` of such a class.
    Annotation(&'a str),
}

impl<'a> Controllers<'a> {
    /// Returns why it is unknown whether ingress-nginx handles an Ingress; `None` if it is known. Reads IngressClasses and
    /// Ingresses.
    #[must_use]
    pub fn unsettled(&self, ingress: &Ingress) -> Option<Unsettled<'a>> {
        let namespace = &ingress.meta.key.namespace;
        let class = ingress.class_ref();
        let name = match class {
            ClassRef::Named(name) | ClassRef::Annotated(name) => name,
            ClassRef::Classless => return None,
        };
        if let Some(found) = self.view.class(name).found() {
            let has_annotations = ingress.meta.annotations.iter().any(|(key, _)| key.starts_with(NGINX_PREFIX));
            return self.unsettled_class(found).filter(|_| has_annotations);
        }
        let ClassRef::Annotated(value) = class else { return None };
        let dialect = self.dialects.of_annotation(value, namespace).filter(|_| self.view.class(value).is_absent())?;
        self.may_be_renamed(class, dialect, namespace)
            .then(|| self.other_class_of(dialect, namespace))?
            .map(Unsettled::Annotation)
    }

    /// Returns why it is unknown whether ingress-nginx handles the Ingresses of an IngressClass that have annotations of it.
    #[must_use]
    pub fn unsettled_class(&self, class: &'a IngressClass) -> Option<Unsettled<'a>> {
        let dialect = self.dialects.of_class(&class.meta.key.name, &class.controller, "");
        let is_neutral = std::ptr::eq(dialect, self.dialects.neutral());
        let is_unsettled = is_neutral && !is_another_controller(&class.controller);
        is_unsettled.then_some(Unsettled::Controller(&class.controller))
    }

    /// Returns whether a controller whose `--ingress-class` is not known may handle another value of the annotation: it has an
    /// IngressClass, which has another name, and no Ingress with this value has an address (section 1.1.2).
    pub(super) fn may_be_renamed(&self, class: ClassRef<'_>, dialect: &Dialect, namespace: &str) -> bool {
        dialect.annotation_class == super::AnnotationClass::Assumed
            && matches!(class, ClassRef::Annotated(_))
            && self.other_class_of(dialect, namespace).is_some()
            && self.view.served(class).found().is_none()
    }

    /// Returns the `spec.controller` of an IngressClass with this dialect.
    fn other_class_of(&self, dialect: &Dialect, namespace: &str) -> Option<&'a str> {
        let has_dialect =
            |name: &str, controller: &str| std::ptr::eq(self.dialects.of_class(name, controller, namespace), dialect);
        let mut classes = self.view.classes();
        classes.find(|class| has_dialect(&class.meta.key.name, &class.controller)).map(|class| &*class.controller)
    }
}

impl Unsettled<'_> {
    /// Returns what to do, with the line to configure.
    #[must_use]
    pub fn help(&self) -> String {
        let (Self::Controller(controller) | Self::Annotation(controller)) = self;
        match self {
            Self::Controller(_) => format!(
                "if it is ingress-nginx, add to the configuration: \
                 dialects: [{{match: {{controller: {controller}}}, engine: nginx}}]; else engine: neutral"
            ),
            Self::Annotation(_) => format!(
                "set spec.ingressClassName, or add the flag --ingress-class of the controller to the configuration: \
                 dialects: [{{match: {{controller: {controller}}}, engine: nginx, annotationClass: VALUE}}]"
            ),
        }
    }
}

impl fmt::Display for Unsettled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(controller) => {
                write!(f, "controller {} may be ingress-nginx or another one", Quoted(controller))
            }
            Self::Annotation(controller) => {
                write!(
                    f,
                    "the IngressClasses of controller {} have other names, so its flag --ingress-class may have another value",
                    Quoted(controller)
                )
            }
        }
    }
}
