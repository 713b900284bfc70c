//! The other Ingresses as a check may read them, each charged to the budget of the evaluation.

use super::view::{ClusterView, LOOKUP};
use super::{Inventory, LiveRead, Lookup};
use crate::budget::Budget;
use crate::model::{Host, Ingress, Key, Kind};

/// The steps of a budget that each other Ingress costs.
const OTHER: u32 = 6;

impl<'a> ClusterView<'a> {
    /// Returns the other Ingresses as far as Ingresses are known, in no particular order.
    pub fn ingresses(&self) -> impl Iterator<Item = &'a Ingress> {
        let stored = self.readable(Kind::Ingress).into_iter().flat_map(Inventory::ingresses);
        stored.filter_map(|other| self.other(other))
    }

    /// The other Ingresses with a rule or an alias for exactly this host, as far as Ingresses are known: see
    /// [`ClusterView::knows`]. Those that are being deleted do not count: they will not be there when this one serves.
    #[must_use]
    pub fn others_on(&self, host: &Host) -> Lookup<Vec<&'a Ingress>> {
        self.others(|store| store.ingresses_on(host))
    }

    /// The other Ingresses that send requests to this Service, as far as Ingresses are known.
    #[must_use]
    pub fn others_using(&self, namespace: &str, service: &str) -> Lookup<Vec<&'a Ingress>> {
        let service = Key::new(namespace, service);
        self.others(|store| store.ingresses_using(&service))
    }

    /// The other Ingresses whose regexes or snippets may define a variable of this name, in any case.
    #[must_use]
    pub fn others_defining(&self, variable: &str) -> Lookup<Vec<&'a Ingress>> {
        let variable = variable.to_ascii_lowercase();
        self.others(|store| store.ingresses_defining(&variable))
    }

    /// The other Ingresses with a regex as an alias, which may match any host.
    #[must_use]
    pub fn others_with_regex_alias(&self) -> Lookup<Vec<&'a Ingress>> {
        self.others(Inventory::ingresses_with_regex_alias)
    }

    /// Whether some other Ingress with a rule or an alias for exactly this host is so.
    #[must_use]
    pub fn other_on(&self, host: &Host, is_so: impl Fn(&Ingress) -> bool) -> Lookup<&'a Ingress> {
        match self.others_on(host) {
            Lookup::Found(others) => {
                // What is asked may read every path.
                let paths = |other: &Ingress| u32::try_from(other.paths().count()).unwrap_or(u32::MAX);
                match others
                    .into_iter()
                    .take_while(|other| self.affords_others(paths(other)))
                    .find(|other| is_so(other))
                {
                    Some(other) => Lookup::Found(other),
                    None if self.budget.is_some_and(Budget::is_exceeded) => Lookup::Unknown,
                    None => self.none(Kind::Ingress),
                }
            }
            Lookup::Absent => Lookup::Absent,
            Lookup::Unknown => Lookup::Unknown,
        }
    }

    /// The other Ingresses that an index has.
    fn others<I: Iterator<Item = &'a Ingress>>(&self, of: impl FnOnce(&'a Inventory) -> I) -> Lookup<Vec<&'a Ingress>> {
        let Some(store) = self.readable(Kind::Ingress).filter(|_| self.affords(LOOKUP)) else { return Lookup::Unknown };
        let affordable = of(store).take_while(|_| self.affords_others(OTHER));
        let others = affordable.filter_map(|other| self.other(other)).collect();
        if self.budget.is_some_and(Budget::is_exceeded) { Lookup::Unknown } else { Lookup::Found(others) }
    }

    /// Spends steps on other Ingresses; returns false if the budget is exceeded.
    fn affords_others(&self, steps: u32) -> bool {
        self.budget.is_none_or(|budget| budget.spend(steps).is_ok())
    }

    /// Returns a stored Ingress in its latest version, unless it is the candidate or is being deleted.
    fn other(&self, stored: &'a Ingress) -> Option<&'a Ingress> {
        let key = &stored.meta.key;
        if self.candidate == Some(key) {
            return None;
        }
        let seen = match self.live_reads.get(Kind::Ingress, &key.namespace, &key.name) {
            Some(LiveRead::Found(object)) => object.ingress()?,
            Some(LiveRead::Absent) => return None,
            Some(LiveRead::Forbidden | LiveRead::Excluded | LiveRead::Failed(_)) | None => stored,
        };
        (!seen.meta.deleting).then_some(seen)
    }
}
