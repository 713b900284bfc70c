//! Files that are not those of a world, and that may be applied to the same cluster.

use std::collections::{BTreeSet, HashMap};

use crate::cluster::{Elsewhere, Manifest, Named, Shown};
use crate::model::placeholder::is_placeholder;
use crate::model::{Key, Kind};

/// The contents of some files.
#[derive(Default, Clone)]
pub(super) struct Sources<'a> {
    /// The objects.
    pub(super) objects: Vec<&'a Manifest>,
    /// What the files show about objects that are not in them.
    pub(super) elsewhere: Vec<&'a Elsewhere>,
}

impl<'a> Sources<'a> {
    /// Returns the contents of both. Later objects replace earlier ones.
    pub(super) fn followed_by(mut self, next: Self) -> Self {
        self.objects.extend(next.objects);
        self.elsewhere.extend(next.elsewhere);
        self
    }

    pub(super) fn shown(&self) -> Shown<'a> {
        let named = |manifest: &&Manifest| Named {
            kind: manifest.object.kind(),
            key: manifest.object.key(),
            has_namespace: manifest.has_namespace,
        };
        Shown { defined: self.objects.iter().map(named).collect(), elsewhere: self.elsewhere.clone() }
    }

    /// The Secrets that cert-manager creates for the Certificates.
    pub(super) fn issued(&self) -> impl Iterator<Item = &'a Named> + use<'a, '_> {
        self.elsewhere.iter().flat_map(|file| &file.issued)
    }
}

/// The files of each world, as far as other worlds may need them.
pub(super) struct Worlds<'a> {
    all: Vec<Sources<'a>>,
    /// The pairs of worlds that define the same object: they are alternatives, which are not applied to the same cluster.
    are_alternatives: BTreeSet<(usize, usize)>,
}

impl<'a> Worlds<'a> {
    pub(super) fn of<'s>(own: impl Iterator<Item = &'s Sources<'a>>) -> Self
    where
        'a: 's,
    {
        let mut of: HashMap<(Kind, Key), BTreeSet<usize>> = HashMap::new();
        let mut all = Vec::new();
        for (number, Sources { objects, elsewhere }) in own.enumerate() {
            for (kind, key) in objects.iter().map(|manifest| (manifest.object.kind(), manifest.object.key())) {
                // Every cluster has its IngressClasses, and a placeholder may stand for another name.
                let is_certain = !is_placeholder(&key.namespace) && !is_placeholder(&key.name);
                if kind.is_namespaced() && (is_referenced(kind) || kind == Kind::Ingress) && is_certain {
                    of.entry((kind, key)).or_default().insert(number);
                }
            }
            let objects = objects.iter().copied().filter(|manifest| is_referenced(manifest.object.kind())).collect();
            all.push(Sources { objects, elsewhere: elsewhere.clone() });
        }
        let shared: BTreeSet<BTreeSet<usize>> = of.into_values().filter(|worlds| worlds.len() > 1).collect();
        let pairs =
            shared.iter().flat_map(|worlds| worlds.iter().flat_map(|one| worlds.iter().map(|two| (*one, *two))));
        Self { all, are_alternatives: pairs.collect() }
    }

    /// Returns the files of the other worlds that are no alternatives to this one.
    pub(super) fn beside(&self, number: usize) -> Sources<'a> {
        let is_beside = |other: usize| other != number && !self.are_alternatives.contains(&(number, other));
        let others = self.all.iter().enumerate().filter(|(other, _)| is_beside(*other));
        others.fold(Sources::default(), |sources, (_, other)| sources.followed_by(other.clone()))
    }
}

/// Whether Ingresses reference objects of a kind.
fn is_referenced(kind: Kind) -> bool {
    matches!(kind, Kind::ConfigMap | Kind::IngressClass | Kind::Secret | Kind::Service)
}
