//! Objects that are evaluated together, and the way back from an Ingress to its place in a file.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::beside::Sources;
use super::options::Assumed;
use crate::analysis::Placeholders;
use crate::cli::cluster_source::{Listed, Loaded};
use crate::cluster::{
    ClusterState, Coverage, Inventory, Known, LiveReads, Manifest, ManifestFile, Named, Object, Origin, Snapshot,
};
use crate::model::placeholder::placeholders;
use crate::model::{Ingress, Key, Kind};
use crate::report::{Provenance, Unsubstituted};
use crate::repository::{Content, Root};

/// The objects of one root, or of all given files.
pub(super) struct World {
    /// The name of the root, if there are several.
    pub(super) name: Option<Box<str>>,
    /// The objects, overlaid on the base if there is one.
    pub(super) snapshot: Snapshot,
    /// The base without the files.
    pub(super) before: Option<Loaded>,
    /// Whether something that changes the objects is not known.
    pub(super) is_sample: bool,
    /// Whether `--fix` may change its files: they are applied as they are.
    pub(super) is_fixable: bool,
    /// The root, if a program renders it.
    rendered: Option<Root>,
    /// The position of each Ingress; its last definition counts, as with `kubectl apply`.
    origins: HashMap<Key, Origin>,
    /// The Ingresses in the order of the files.
    order: Vec<Key>,
    /// Those that contain placeholders. The inventory knows only that they exist.
    unsubstituted: BTreeMap<Key, (Ingress, Placeholders)>,
}

/// What a world is made of.
#[derive(Default)]
pub(super) struct Material<'a> {
    pub(super) name: Option<Box<str>>,
    /// The root, unless the files were given as they are.
    pub(super) root: Option<&'a Root>,
    /// The files whose Ingresses are analyzed.
    pub(super) own: Sources<'a>,
    /// Other files of the same cluster.
    pub(super) context: Sources<'a>,
    /// Objects that exist, and whose definitions differ.
    pub(super) unclear: Vec<(Kind, Key)>,
    /// Files that may be those of the same cluster: if nothing else defines their objects, they exist, and their contents are unknown.
    pub(super) beside: Sources<'a>,
}

/// How the objects of a world stand to those outside.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The namespace of objects without one, if it is only assumed.
    pub(super) assumed_namespace: Option<&'a str>,
    /// Whether there are no Services outside the files.
    pub(super) is_complete: bool,
    /// Whether there are no other worlds, which may contain other Ingresses.
    pub(super) is_only: bool,
}

impl World {
    pub(super) fn new(
        material: Material<'_>,
        base: Option<Listed>,
        scope: Scope<'_>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let Material { name, root, own, context, unclear, beside } = material;
        let mut origins: HashMap<Key, Origin> = HashMap::new();
        let mut order = Vec::new();
        for Manifest { object, origin, .. } in
            own.objects.iter().filter(|manifest| manifest.object.kind() == Kind::Ingress)
        {
            if origins.insert(object.key(), origin.clone()).is_none() {
                order.push(object.key());
            }
        }
        // The API server validates an update by the stored object as well.
        let stored = |Key { namespace, name }: &Key| base.as_ref()?.inventory().ingress(namespace, name);
        let (mut objects, mut unsubstituted) = (Vec::new(), BTreeMap::new());
        let files = context.followed_by(own);
        for manifest in &files.objects {
            let mut object = manifest.object.clone();
            let (kind, key) = (object.kind(), object.key());
            object.set_written(manifest.written.clone(), stored(&key));
            match object {
                Object::Ingress(ingress) if let Some(found) = Placeholders::of(&ingress) => {
                    unsubstituted.insert(key, (*ingress, found));
                }
                object => {
                    if kind == Kind::Ingress {
                        unsubstituted.remove(&key);
                    }
                    objects.push(object);
                }
            }
        }
        let (mut snapshot, before) = match base {
            Some(base) => overlaid(base, objects, now)?,
            None => (alone(objects, files.issued(), now, scope), None),
        };
        let is_given = root.is_some_and(|root| root.namespace.is_some());
        let mut known = known(&mut snapshot);
        known.note(&files.shown(), &beside.shown(), scope.assumed_namespace.filter(|_| !is_given));
        for (kind, key) in &unclear {
            known.replace_by_unknown(*kind, key);
        }
        for key in unsubstituted.keys() {
            known.replace_by_unknown(Kind::Ingress, key);
        }
        unsubstituted.retain(|key, _| origins.contains_key(key));
        Ok(Self {
            name,
            snapshot,
            before,
            is_sample: root.is_some_and(|root| root.is_sample),
            is_fixable: root.is_none(),
            rendered: root.filter(|root| !matches!(root.content, Content::Files(_))).cloned(),
            origins,
            order,
            unsubstituted,
        })
    }

    pub(super) fn state(&self) -> ClusterState<'_> {
        self.snapshot.state()
    }

    pub(super) fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.order.iter().filter_map(|key| {
            let unsubstituted = self.unsubstituted.get(key).map(|(ingress, _)| ingress);
            unsubstituted.or_else(|| self.snapshot.inventory.ingress(&key.namespace, &key.name))
        })
    }

    /// Whether an Ingress contains placeholders.
    pub(super) fn is_unsubstituted(&self, key: &Key) -> bool {
        self.unsubstituted.contains_key(key)
    }

    /// Adds the values that contain placeholders, with the variables as the files write them.
    pub(super) fn count_unsubstituted(&self, files: &[ManifestFile], counted: &mut Unsubstituted) {
        for (key, (_, found)) in &self.unsubstituted {
            counted.values += found.values;
            counted.ingresses += 1;
            let Some(Origin { file, document, .. }) = self.origins.get(key) else { continue };
            let names = placeholders(&files[*file].text[document.clone()]).filter_map(|placeholder| placeholder.name);
            let names = names.filter(|name| found.names.contains(&name.to_ascii_lowercase()));
            counted.variables.extend(names.map(str::to_owned));
        }
    }

    pub(super) fn origin(&self, key: &Key) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Where an Ingress comes from. A rendered one comes from a template of its chart, or from its kustomization.
    pub(super) fn provenance(&self, origin: &Origin, files: &[ManifestFile]) -> Provenance {
        let file = &files[origin.file];
        let from = self.rendered.as_ref().map(|root| root.made_from(&file.text[origin.document.clone()]));
        Provenance {
            root: self.name.clone(),
            is_rendered: from.is_some(),
            file: Some(from.unwrap_or_else(|| file.path.clone()).display().to_string()),
        }
    }

    /// After a part that could not be read, an object that is nowhere else may be in that part.
    pub(super) fn make_partial(&mut self) {
        let Snapshot { inventory, live_reads, .. } = &mut self.snapshot;
        for kind in Kind::ALL {
            if inventory.coverage(kind) == Coverage::Complete {
                inventory.cover(kind, Coverage::Partial);
            }
        }
        live_reads.forget_absent();
    }

    /// Makes objects exist whose contents are unknown.
    pub(super) fn assume(&mut self, assumed: impl IntoIterator<Item = Assumed>) {
        for Assumed { kind, key } in assumed {
            known(&mut self.snapshot).assume(kind, &key);
        }
    }
}

fn known(Snapshot { inventory, live_reads, .. }: &mut Snapshot) -> Known<'_> {
    Known { inventory, live_reads }
}

/// The files overlaid on a cluster, and the cluster without them.
fn overlaid(mut base: Listed, objects: Vec<Object>, now: Timestamp) -> anyhow::Result<(Snapshot, Option<Loaded>)> {
    let before = base.inventory().clone();
    base.overlay(objects.iter().cloned(), now);
    let Loaded { snapshot, source, namespace } = base.fetch_referenced()?;
    let Snapshot { inventory, mut live_reads, taken } = snapshot;
    let before = Snapshot { inventory: before, live_reads: live_reads.clone(), taken };
    let is_off = |object: &Object| inventory.coverage(object.kind()) == Coverage::Disabled;
    live_reads.overlay(objects.into_iter().filter(|object| !is_off(object)));
    Ok((Snapshot { inventory, live_reads, taken }, Some(Loaded { snapshot: before, source, namespace })))
}

/// The files without a cluster. Objects outside them are unknown, unless they are complete.
fn alone<'n>(
    objects: Vec<Object>,
    issued: impl Iterator<Item = &'n Named>,
    now: Timestamp,
    Scope { is_complete, is_only, .. }: Scope<'_>,
) -> Snapshot {
    let mut inventory = Inventory::default();
    for object in objects {
        inventory.apply(object);
    }
    let has_workload = Kind::WORKLOADS.iter().any(|kind| inventory.count(*kind) > 0);
    for kind in Kind::ALL {
        let is_complete = is_complete
            && match kind {
                Kind::Service => true,
                Kind::Ingress => is_only,
                Kind::IngressClass | Kind::Secret => inventory.count(kind) > 0,
                // Pods that no workload creates are in files as well.
                kind if Kind::WORKLOADS.contains(&kind) || kind == Kind::Pod => has_workload,
                _ => false,
            };
        inventory.cover(kind, if is_complete { Coverage::Complete } else { Coverage::Partial });
    }
    let mut snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken: now };
    let mut known = known(&mut snapshot);
    for secret in issued {
        known.assume(secret.kind, &secret.key);
    }
    snapshot
}
