//! The Ingresses of the inventory, with indexes for the lookups of checks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::index::Index;
use super::namespaced::Namespaced;
use super::persistent::PersistentMap;
use crate::model::{Backend, ClassRef, Host, Ingress, Key};

/// An owned class reference of an Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ClassKey {
    Named(Box<str>),
    Annotated(Box<str>),
    Classless,
}

/// The numbers of Ingresses of one class.
#[derive(Debug, Clone, Copy, Default)]
struct OfClass {
    all: usize,
    /// Those with an address.
    served: usize,
}

/// Every known Ingress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ingresses {
    objects: Namespaced<Ingress>,
    /// By rule host and alias. A defaultBackend without rules counts as [`Host::Any`].
    hosts: Index<Host, Ingress>,
    /// Class value → the numbers of its Ingresses.
    classes: PersistentMap<ClassKey, OfClass>,
    /// By namespace and name of the Services that they send requests to.
    users: Index<Key, Ingress>,
    /// By name of a variable that they may define, in lower case.
    variables: Index<str, Ingress>,
    /// Those with a regex as an alias, which no host name finds.
    with_regex_alias: Index<(), Ingress>,
}

impl Ingresses {
    pub(crate) fn apply(&mut self, ingress: Ingress) {
        if self.objects.holds(&ingress) {
            return;
        }
        self.delete(&ingress.meta.key);
        let ingress = Arc::new(ingress);
        for host in claimed_hosts(&ingress) {
            self.hosts.insert(&host, &ingress);
        }
        for service in services(&ingress) {
            self.users.insert(&Key::new(&ingress.meta.key.namespace, service), &ingress);
        }
        for variable in defined_variables(&ingress) {
            self.variables.insert(&variable, &ingress);
        }
        if has_regex_alias(&ingress) {
            self.with_regex_alias.insert(&(), &ingress);
        }
        let of_class = self.classes.or_default(ClassKey::from(ingress.class_ref()));
        of_class.all += 1;
        of_class.served += usize::from(ingress.has_address());
        self.objects.insert(ingress);
    }

    pub(crate) fn delete(&mut self, key: &Key) {
        let Some(ingress) = self.objects.remove(key) else { return };
        for host in claimed_hosts(&ingress) {
            self.hosts.remove(&host, &ingress);
        }
        for service in services(&ingress) {
            self.users.remove(&Key::new(&key.namespace, service), &ingress);
        }
        for variable in defined_variables(&ingress) {
            self.variables.remove(&variable, &ingress);
        }
        if has_regex_alias(&ingress) {
            self.with_regex_alias.remove(&(), &ingress);
        }
        let class = ClassKey::from(ingress.class_ref());
        let Some(of_class) = self.classes.get_mut(&class) else { return };
        of_class.all -= 1;
        of_class.served -= usize::from(ingress.has_address());
        if of_class.all == 0 {
            self.classes.remove(&class);
        }
    }

    pub(crate) fn objects(&self) -> &Namespaced<Ingress> {
        &self.objects
    }

    pub(crate) fn on(&self, host: &Host) -> impl Iterator<Item = &Ingress> {
        self.hosts.of(host)
    }

    pub(crate) fn using(&self, service: &Key) -> impl ExactSizeIterator<Item = &Ingress> {
        self.users.of(service)
    }

    pub(crate) fn defining(&self, variable: &str) -> impl Iterator<Item = &Ingress> {
        self.variables.of(variable)
    }

    pub(crate) fn with_regex_alias(&self) -> impl Iterator<Item = &Ingress> {
        self.with_regex_alias.of(&())
    }

    pub(crate) fn is_served(&self, class: ClassRef<'_>) -> bool {
        self.classes.get(&ClassKey::from(class)).is_some_and(|of_class| of_class.served > 0)
    }

    pub(crate) fn of_class(&self, class: ClassRef<'_>) -> usize {
        self.classes.get(&ClassKey::from(class)).map_or(0, |of_class| of_class.all)
    }
}

/// Returns the hosts of an Ingress: those of its rules, its aliases (ingress-nginx `server-alias`), and [`Host::Any`] if it
/// has only a default backend.
fn claimed_hosts(ingress: &Ingress) -> Vec<Host> {
    let mut hosts: Vec<Host> = ingress.hosts().into_iter().map(|(_, host)| host.clone()).collect();
    if ingress.rules.is_empty() && ingress.default_backend.is_some() {
        hosts.push(Host::Any);
    }
    hosts.extend(ingress.meta.annotations.server_aliases().map(Host::parse));
    hosts
}

/// Returns whether an alias of an Ingress is a regex, which nginx marks with `~`.
fn has_regex_alias(ingress: &Ingress) -> bool {
    ingress.meta.annotations.server_aliases().any(|alias| alias.starts_with('~'))
}

/// Returns the names of the nginx variables that an Ingress may define.
fn defined_variables(ingress: &Ingress) -> BTreeSet<Box<str>> {
    let mut variables = ingress.group_names();
    variables.extend(ingress.names_in_snippets());
    variables
}

/// Returns the Services that an Ingress sends requests to.
fn services(ingress: &Ingress) -> BTreeSet<&str> {
    let names = ingress.backends().filter_map(|at| match at.backend {
        Backend::Service { name, .. } => Some(&**name),
        Backend::Resource => None,
    });
    names.collect()
}

impl From<ClassRef<'_>> for ClassKey {
    fn from(class: ClassRef<'_>) -> Self {
        match class {
            ClassRef::Named(name) => Self::Named(name.into()),
            ClassRef::Annotated(value) => Self::Annotated(value.into()),
            ClassRef::Classless => Self::Classless,
        }
    }
}
