//! Routes that change: none where nothing changes, and what is told of the others is what the location model answers.

use std::collections::BTreeSet;

use ingress_guard::checks;
use ingress_guard::explain::route_changes;
use ingress_guard::model::{Key, Kind};

use crate::pages;

#[test]
fn nothing_changes_where_nothing_is_applied_and_going_is_the_reverse_of_coming() {
    let mut told = 0;
    for check in checks::ALL {
        for (config, inventory, ingresses) in pages::examples(check.page) {
            let keys: Vec<Key> = ingresses.iter().map(|ingress| ingress.meta.key.clone()).collect();
            let whole = pages::known(&inventory);
            let same = route_changes(&keys, whole, whole, &config.settings);
            assert_eq!((same.changes, same.more), (Vec::new(), 0), "{}", check.code);
            for key in keys.iter().take(3) {
                let mut without = inventory.clone();
                without.delete(Kind::Ingress, key);
                let without = pages::known(&without);
                let one = std::slice::from_ref(key);
                let comes = route_changes(one, without, whole, &config.settings);
                let goes = route_changes(one, whole, without, &config.settings);
                let turned = goes.changes.into_iter().map(|mut change| {
                    std::mem::swap(&mut change.before, &mut change.after);
                    change
                });
                told += comes.changes.len();
                assert!(comes.changes.iter().all(|change| change.before != change.after), "{}", check.code);
                if comes.more == 0 {
                    let comes: BTreeSet<_> = comes.changes.into_iter().collect();
                    assert_eq!(comes, turned.collect(), "{}: {key}", check.code);
                }
            }
        }
    }
    assert!(told > 100, "{told} changes are too few");
}
