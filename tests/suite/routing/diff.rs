//! Routes that change: none without a difference, and removing an Ingress is the reverse of adding it.

use std::collections::BTreeSet;

use ingress_guard::checks::{self, Settings};
use ingress_guard::cluster::{ClusterState, ClusterView};
use ingress_guard::model::{Ingress, Kind};
use ingress_guard::routing::{Controllers, RouteChanges};

use crate::pages;

fn between(changed: &[Ingress], states: [ClusterState<'_>; 2], settings: &Settings) -> RouteChanges {
    let views = states.map(ClusterView::unrestricted);
    let of = |at: usize| Controllers::new(&views[at], &settings.classes, &settings.dialects);
    RouteChanges::between(changed, of(0), of(1))
}

#[test]
fn equal_states_have_no_changes_and_removing_an_ingress_reverses_adding_it() {
    let mut compared = 0;
    for check in checks::ALL {
        for (config, inventory, ingresses) in pages::examples(check.page) {
            let whole = pages::known(&inventory);
            let same = between(&ingresses, [whole, whole], &config.settings);
            assert_eq!((same.changes, same.more), (Vec::new(), 0), "{}", check.code);
            for ingress in ingresses.iter().take(3) {
                let key = &ingress.meta.key;
                let mut without = inventory.clone();
                without.delete(Kind::Ingress, key);
                let without = pages::known(&without);
                let one = std::slice::from_ref(ingress);
                let added = between(one, [without, whole], &config.settings);
                let removed = between(one, [whole, without], &config.settings);
                let reversed = removed.changes.into_iter().map(|mut change| {
                    std::mem::swap(&mut change.before, &mut change.after);
                    change
                });
                compared += added.changes.len();
                assert!(added.changes.iter().all(|change| change.before != change.after), "{}", check.code);
                if added.more == 0 {
                    let added: BTreeSet<_> = added.changes.into_iter().collect();
                    assert_eq!(added, reversed.collect(), "{}: {key}", check.code);
                }
            }
        }
    }
    assert!(compared > 100, "{compared} changes are too few");
}
