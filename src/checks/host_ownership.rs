//! The hosts that the configuration assigns to namespaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::budget::{Budget, BudgetExceeded};
use crate::model::Host;
use crate::routing::ServerName;

/// Hosts and the namespaces that may use them. A wildcard stands for all hosts below its domain, [`Host::Any`] for all hosts. The most
/// specific host applies, whatever the order of the configuration.
#[derive(Debug, Clone, Default)]
pub struct HostOwnership(BTreeMap<Host, BTreeSet<String>>);

/// Why a namespace may not use a server name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign<'a> {
    /// The host that is assigned to other namespaces.
    pub host: &'a Host,
    /// These namespaces.
    pub namespaces: &'a BTreeSet<String>,
    /// How much of the name lies within that host.
    pub overlap: Overlap,
}

/// How much of a server name lies within a host that is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// All of it.
    Whole,
    /// The name stands for other hosts as well.
    Part,
    /// The name is a regex that cannot be compared with a domain.
    Undecided,
}

impl HostOwnership {
    /// Assigns hosts to namespaces, beside those that may use them already.
    pub fn assign(&mut self, hosts: impl IntoIterator<Item = Host>, namespaces: &[String]) {
        for host in hosts {
            self.0.entry(host).or_default().extend(namespaces.iter().cloned());
        }
    }

    /// Returns the reason why a namespace may not use a server name: its most specific host belongs to other namespaces, or the
    /// name stands for more than one host, and one of these belongs to other namespaces only.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn foreign(
        &self,
        name: &ServerName,
        namespace: &str,
        budget: &Budget,
    ) -> Result<Option<Foreign<'_>>, BudgetExceeded> {
        let is_own = |namespaces: &BTreeSet<String>| namespaces.contains(namespace);
        if let Some((host, namespaces)) = name.domains().find_map(|host| self.0.get_key_value(&host)) {
            return Ok((!is_own(namespaces)).then_some(Foreign { host, namespaces, overlap: Overlap::Whole }));
        }
        if !name.is_pattern() {
            return Ok(None);
        }
        let mut undecided = None;
        for (host, namespaces) in self.0.iter().filter(|(_, namespaces)| !is_own(namespaces)) {
            match name.meets(host, budget)? {
                Some(true) => return Ok(Some(Foreign { host, namespaces, overlap: Overlap::Part })),
                Some(false) => {}
                None => undecided = undecided.or(Some(Foreign { host, namespaces, overlap: Overlap::Undecided })),
            }
        }
        Ok(undecided)
    }
}
