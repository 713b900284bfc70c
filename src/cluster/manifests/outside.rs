//! What files show about objects that are not in them, added to what is known of a cluster.

use std::collections::BTreeSet;

use super::custom::{CustomResource, MadeSecret, MadeServices};
use crate::cluster::live_reads::{LiveRead, LiveReads, ReadFailure};
use crate::cluster::store::{Inventory, Maker};
use crate::model::placeholder::is_placeholder;
use crate::model::{Key, Kind};

/// An object that a file shows, with or without its contents.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
    /// Whether the file gives the namespace.
    pub has_namespace: bool,
}

/// What a file shows about objects that are not in it, or only in part.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Objects that exist and whose contents are not in the file: encrypted, or with placeholders.
    pub unclear: Vec<Named>,
    /// The Secrets that cert-manager creates for Certificates of the file.
    pub issued: Vec<Named>,
    /// The objects of other kinds that create Secrets or Services.
    pub custom: Vec<CustomResource>,
}

/// What some files show.
#[derive(Debug, Default)]
pub struct Shown<'a> {
    /// The objects in them.
    pub defined: Vec<Named>,
    /// Objects that are not in them, by file.
    pub elsewhere: Vec<&'a Elsewhere>,
}

/// What is known of a cluster. Live reads take precedence over the inventory.
#[derive(Debug)]
pub struct Known<'a> {
    /// The objects.
    pub inventory: &'a mut Inventory,
    /// The objects that were read one by one.
    pub live_reads: &'a mut LiveReads,
}

impl Named {
    fn is_unnamed(&self) -> bool {
        is_placeholder(&self.key.namespace) || is_placeholder(&self.key.name)
    }
}

impl<'a> Shown<'a> {
    fn unclear(&self) -> impl Iterator<Item = &'a Named> + use<'a, '_> {
        self.elsewhere.iter().flat_map(|file| &file.unclear)
    }

    fn issued(&self) -> impl Iterator<Item = &'a Named> + use<'a, '_> {
        self.elsewhere.iter().flat_map(|file| &file.issued)
    }

    fn custom(&self) -> impl Iterator<Item = &'a CustomResource> + use<'a, '_> {
        self.elsewhere.iter().flat_map(|file| &file.custom)
    }
}

impl Known<'_> {
    /// Adds what the files of a cluster show, and what files beside them show that may be applied to the same cluster. The objects of
    /// the files themselves are in the inventory already. `given` is the namespace of objects without one, if it is only assumed.
    pub fn note(&mut self, files: &Shown<'_>, beside: &Shown<'_>, given: Option<&str>) {
        for Named { kind, key, .. } in files.unclear() {
            self.replace_by_unknown(*kind, key);
        }
        for object in beside.defined.iter().chain(beside.unclear()).chain(beside.issued()) {
            self.assume(object.kind, &object.key);
        }
        let of_ingress = files.defined.iter().filter(|object| object.kind == Kind::Ingress);
        let namespaces: BTreeSet<&str> = of_ingress.map(|object| &*object.key.namespace).collect();
        let mut made = Vec::new();
        for custom in files.custom().chain(beside.custom()) {
            made.extend(custom.secrets.iter().flat_map(|secret| secrets(secret, &namespaces)));
            self.note_maker(custom);
        }
        for secret in &made {
            self.assume(secret.kind, &secret.key);
        }
        self.inventory.expect_placeholders();
        let shown = [files, beside].into_iter();
        let shown = shown.flat_map(|shown| shown.defined.iter().chain(shown.unclear()).chain(shown.issued()));
        let all: Vec<&Named> = shown.chain(&made).collect();
        for Named { kind, key, .. } in all.iter().filter(|object| object.is_unnamed()) {
            // It may be any object.
            let namespace = (!is_placeholder(&key.namespace)).then_some(&*key.namespace);
            self.inventory.note_unnamed(*kind, namespace);
        }
        if let Some(given) = given {
            self.inventory.note_namespaces(given, relevant(&files.defined, &all));
        }
    }

    /// Records an object whose operator may create Services.
    fn note_maker(&mut self, CustomResource { kind, key, services, .. }: &CustomResource) {
        let maker = || Maker { kind: kind.clone(), name: key.name.clone() };
        match services {
            MadeServices::Nowhere => {}
            MadeServices::Anywhere => self.inventory.note_maker(None, maker()),
            MadeServices::In(namespaces) => {
                for namespace in namespaces {
                    let namespace = (!is_placeholder(namespace)).then_some(&**namespace);
                    self.inventory.note_maker(namespace, maker());
                }
            }
        }
    }

    /// Makes an object exist whose contents are unknown, unless it is known.
    pub fn assume(&mut self, kind: Kind, key: &Key) {
        match self.live_reads.get(kind, &key.namespace, &key.name) {
            Some(LiveRead::Found(_)) => return,
            Some(_) => self.forget(kind, key),
            None => {}
        }
        if !self.inventory.contains(kind, key) {
            self.inventory.apply_unreadable(kind, key.clone());
        }
    }

    /// Replaces what is known of an object.
    pub fn replace_by_unknown(&mut self, kind: Kind, key: &Key) {
        if self.live_reads.get(kind, &key.namespace, &key.name).is_some() {
            self.forget(kind, key);
        }
        self.inventory.apply_unreadable(kind, key.clone());
    }

    fn forget(&mut self, kind: Kind, key: &Key) {
        self.live_reads.insert(kind, key.clone(), LiveRead::Failed(ReadFailure::Error));
    }
}

/// The objects that would be together with an Ingress if those without a namespace got one: with a namespace, if an Ingress has none,
/// and the reverse. Most files have neither, and a repository has many.
fn relevant<'n>(defined: &[Named], all: &[&'n Named]) -> impl Iterator<Item = (Kind, &'n Key, bool)> {
    let has = |has_namespace: bool| {
        defined.iter().any(|object| object.kind == Kind::Ingress && object.has_namespace == has_namespace)
    };
    let has_other = [has(true), has(false)];
    let objects =
        all.iter().filter(move |object| object.kind == Kind::Ingress || has_other[usize::from(object.has_namespace)]);
    objects.map(|object| (object.kind, &object.key, object.has_namespace))
}

/// A Secret that is created from another object: in its namespace, else in each with an Ingress.
fn secrets(MadeSecret { namespace, name, has_namespace }: &MadeSecret, of_ingresses: &BTreeSet<&str>) -> Vec<Named> {
    let of =
        |namespace: &str| Named { kind: Kind::Secret, key: Key::new(namespace, name), has_namespace: *has_namespace };
    match namespace {
        Some(namespace) => vec![of(namespace)],
        None => of_ingresses.iter().map(|namespace| of(namespace)).collect(),
    }
}
