//! What files show about objects that are not in them: objects that others create, and objects whose name or namespace is not
//! written in the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::placeholder::is_placeholder;
use crate::model::{Key, Kind};

/// What is known about objects that the inventory does not contain.
#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    /// Names may be placeholders, which stand for any object.
    pub(super) has_placeholders: bool,
    /// The kinds and namespaces with an object whose name is unknown; without a namespace: it is unknown as well.
    pub(super) unnamed: BTreeSet<(Kind, Option<Box<str>>)>,
    /// The objects whose operators may create Services, by namespace; without one: in any namespace.
    pub(super) makers: BTreeMap<Option<Box<str>>, Vec<Maker>>,
    /// The namespace that objects without one were given.
    pub(super) given: Box<str>,
    /// The objects without a namespace.
    pub(super) without_namespace: BTreeSet<(Kind, Box<str>)>,
    /// A namespace of the other objects, by kind and name.
    pub(super) with_namespace: BTreeMap<(Kind, Box<str>), Box<str>>,
}

/// An object whose operator may create others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// Its kind, such as `Prometheus`.
    pub kind: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// The reason why an object that the inventory does not contain may exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt<'a> {
    /// The operator of this object may create it.
    Maker(&'a Maker),
    /// An object of this name has another namespace than the Ingress, and one of the two has none in the files. In this
    /// namespace they would be together.
    Namespace(Box<str>),
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.name)
    }
}

impl Outside {
    /// Returns whether an object may exist that the inventory does not contain.
    pub(super) fn may_contain(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        if self.has_placeholders && (is_placeholder(name) || is_placeholder(namespace)) {
            return true;
        }
        !self.unnamed.is_empty()
            && (self.unnamed.contains(&(kind, None)) || self.unnamed.contains(&(kind, Some(Box::from(namespace)))))
    }

    /// Returns the namespace in which an Ingress and the object that it references would be together, if one of them has none in
    /// the files.
    pub(super) fn namespace_of_both(&self, ingress: &Key, kind: Kind, key: &Key) -> Option<Box<str>> {
        if self.without_namespace.is_empty() {
            return None;
        }
        let object = (kind, key.name.clone());
        let is_ingress_given =
            ingress.namespace == self.given && self.without_namespace.contains(&(Kind::Ingress, ingress.name.clone()));
        if is_ingress_given {
            return self.with_namespace.get(&object).cloned();
        }
        self.without_namespace.contains(&object).then(|| ingress.namespace.clone())
    }
}
