//! What the files show about objects that are not in them.

use std::collections::BTreeSet;

use crate::cluster::{
    CustomResource, Elsewhere, Inventory, LiveRead, LiveReads, MadeSecret, MadeServices, Maker, ReadFailure, Snapshot,
};
use crate::model::placeholder::is_placeholder;
use crate::model::{Key, Kind};

/// An object of the files.
pub(super) struct Written {
    pub(super) kind: Kind,
    pub(super) key: Key,
    /// Whether its file gives the namespace.
    pub(super) has_namespace: bool,
}

/// Adds objects whose contents are not in the files, and those that others create.
pub(super) fn note(snapshot: &mut Snapshot, elsewhere: &[&Elsewhere], written: &[Written]) {
    for (kind, key) in elsewhere.iter().flat_map(|file| &file.unclear) {
        replace_by_unknown(snapshot, *kind, key);
    }
    let of_ingress = written.iter().filter(|object| object.kind == Kind::Ingress);
    let namespaces: BTreeSet<&str> = of_ingress.map(|object| &*object.key.namespace).collect();
    for CustomResource { kind, key, secrets, services } in elsewhere.iter().flat_map(|file| &file.custom) {
        for MadeSecret { namespace, name } in secrets {
            let in_one = namespace.as_deref().map(|namespace| vec![namespace]);
            for namespace in in_one.unwrap_or_else(|| namespaces.iter().copied().collect()) {
                assume(snapshot, Kind::Secret, &Key::new(namespace, name));
            }
        }
        let maker = || Maker { kind: kind.clone(), name: key.name.clone() };
        match services {
            MadeServices::Nowhere => {}
            MadeServices::Anywhere => snapshot.inventory.note_maker(None, maker()),
            MadeServices::In(namespaces) => {
                for namespace in namespaces {
                    snapshot.inventory.note_maker(Some(namespace), maker());
                }
            }
        }
    }
    snapshot.inventory.expect_placeholders();
    note_unnamed(&mut snapshot.inventory, elsewhere, written);
}

/// Records objects whose name or namespace is a placeholder. They may be any object.
fn note_unnamed(inventory: &mut Inventory, elsewhere: &[&Elsewhere], written: &[Written]) {
    let written = written.iter().map(|object| (object.kind, &object.key));
    let unclear = elsewhere.iter().flat_map(|file| &file.unclear).map(|(kind, key)| (*kind, key));
    for (kind, key) in written.chain(unclear) {
        let is_somewhere = is_placeholder(&key.namespace);
        if is_somewhere || is_placeholder(&key.name) {
            inventory.note_unnamed(kind, (!is_somewhere).then_some(&*key.namespace));
        }
    }
}

/// Makes an object exist whose contents are unknown, unless it is known.
pub(super) fn assume(Snapshot { inventory, live_reads, .. }: &mut Snapshot, kind: Kind, key: &Key) {
    match live_reads.get(kind, &key.namespace, &key.name) {
        Some(LiveRead::Found(_)) => return,
        Some(_) => forget(live_reads, kind, key),
        None => {}
    }
    if !inventory.contains(kind, key) {
        inventory.apply_unreadable(kind, key.clone());
    }
}

/// Replaces what is known of an object.
pub(super) fn replace_by_unknown(Snapshot { inventory, live_reads, .. }: &mut Snapshot, kind: Kind, key: &Key) {
    if live_reads.get(kind, &key.namespace, &key.name).is_some() {
        forget(live_reads, kind, key);
    }
    inventory.apply_unreadable(kind, key.clone());
}

/// Live reads take precedence over the inventory.
fn forget(live_reads: &mut LiveReads, kind: Kind, key: &Key) {
    live_reads.insert(kind, key.clone(), LiveRead::Failed(ReadFailure::Error));
}
