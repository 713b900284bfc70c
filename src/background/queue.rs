//! The Ingresses that wait for an evaluation: those that single changes affect, and those of a pass over all.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::model::Key;

/// The number of evaluations for single changes after which one of a pass follows, if both wait.
const SHARE: u32 = 3;

/// Two queues without duplicates. Neither waits for the other to become empty.
#[derive(Debug, Default)]
pub(super) struct Queue {
    changed: BTreeSet<Key>,
    /// The rest of the pass over all Ingresses.
    pass: BTreeSet<Key>,
    /// The evaluations for single changes since the last one of a pass.
    turn: u32,
    /// The last Ingress that was taken from each queue: the next one follows it, so that none is overtaken for ever.
    last_changed: Option<Key>,
    last_of_pass: Option<Key>,
}

impl Queue {
    /// Adds Ingresses for a single change.
    pub(super) fn add(&mut self, ingresses: impl IntoIterator<Item = Key>) {
        self.changed.extend(ingresses);
    }

    /// Begins a pass over all Ingresses, after the last one.
    pub(super) fn begin_pass(&mut self, all: impl Iterator<Item = Key>) {
        self.pass.extend(all);
    }

    /// Takes the next Ingress.
    pub(super) fn next(&mut self) -> Option<Key> {
        let is_turn_of_pass = self.changed.is_empty() || (self.turn >= SHARE && !self.pass.is_empty());
        if is_turn_of_pass {
            self.turn = 0;
            return take(&mut self.pass, &mut self.last_of_pass);
        }
        self.turn = self.turn.saturating_add(1);
        let next = take(&mut self.changed, &mut self.last_changed)?;
        // One evaluation serves both.
        self.pass.remove(&next);
        Some(next)
    }

    /// Returns the number of Ingresses that wait.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.changed.len() + self.pass.len()
    }

    /// Returns whether no Ingress waits.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.pass.is_empty()
    }

    /// Returns whether no Ingress of a pass waits.
    #[must_use]
    pub(super) fn is_pass_complete(&self) -> bool {
        self.pass.is_empty()
    }
}

/// Takes the Ingress that follows the last one.
fn take(queue: &mut BTreeSet<Key>, last: &mut Option<Key>) -> Option<Key> {
    let after = last.take().and_then(|last| queue.range((Bound::Excluded(last), Bound::Unbounded)).next().cloned());
    let next = after.or_else(|| queue.first().cloned())?;
    queue.remove(&next);
    *last = Some(next.clone());
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new("shop", name)
    }

    fn keys(names: &[&str]) -> impl Iterator<Item = Key> {
        names.iter().map(|name| key(name))
    }

    #[test]
    fn single_changes_come_before_a_pass_and_do_not_stop_it() {
        let mut queue = Queue::default();
        queue.begin_pass(keys(&["p1", "p2", "p3", "z1"]));
        queue.add(keys(&["z1", "z2", "z3", "z4"]));
        let mut order = Vec::new();
        while let Some(next) = queue.next() {
            order.push(next.name.to_string());
        }
        assert_eq!(order, ["z1", "z2", "z3", "p1", "z4", "p2", "p3"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn an_ingress_that_changes_again_and_again_delays_no_other() {
        let mut queue = Queue::default();
        queue.add(keys(&["a", "b", "c"]));
        let mut order = Vec::new();
        for _ in 0..6 {
            order.push(queue.next().unwrap().name.to_string());
            queue.add(keys(&["a"]));
        }
        assert_eq!(order[..4], ["a", "b", "c", "a"]);
    }
}
