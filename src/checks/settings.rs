//! What configuration says to checks.

use super::NamespaceMatch;
use crate::model::Host;
use crate::routing::{ClassRules, Dialects};

/// What configuration says to checks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which classes are served.
    pub classes: ClassRules,
    /// Whose rules hold for which class.
    pub dialects: Dialects,
    /// Whether messages may name objects of other namespaces.
    pub reveal_other_namespaces: bool,
    /// Which namespaces may use which hosts.
    pub host_ownership: Vec<HostOwnership>,
    /// Which classes Ingresses of some namespaces may use; the first rule that matches holds.
    pub class_rules: Vec<NamespaceClasses>,
    /// From how many days before its end a certificate is worth a word.
    pub expiry_warning_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            classes: ClassRules::default(),
            dialects: Dialects::default(),
            reveal_other_namespaces: true,
            host_ownership: Vec::new(),
            class_rules: Vec::new(),
            expiry_warning_days: 14,
        }
    }
}

/// Hosts and the namespaces that may use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOwnership {
    /// Exact hosts, or `*.example.com` for everything below `example.com`.
    pub hosts: Vec<Host>,
    /// The namespaces.
    pub namespaces: Vec<String>,
}

/// Namespaces and the classes that Ingresses in them may use.
#[derive(Debug, Clone)]
pub struct NamespaceClasses {
    /// Which namespaces.
    pub namespaces: NamespaceMatch,
    /// The names of the classes; `None`: any.
    pub classes: Option<Vec<String>>,
}

impl Settings {
    /// The namespaces that may use a host; `None` where nobody has been given it. The first entry with the host holds.
    #[must_use]
    pub fn owners(&self, host: &Host) -> Option<&[String]> {
        let owning = self.host_ownership.iter().find(|entry| entry.hosts.iter().any(|owned| is_within(host, owned)));
        owning.map(|entry| &*entry.namespaces)
    }
}

/// Whether a host is an owned one or below it, at any depth: who owns a domain owns what is in it.
fn is_within(host: &Host, owned: &Host) -> bool {
    match (host, owned) {
        (Host::Exact(name) | Host::Wildcard(name), Host::Wildcard(parent)) => {
            name.strip_suffix(&**parent).is_some_and(|rest| rest.ends_with('.') || (rest.is_empty() && host == owned))
        }
        _ => host == owned,
    }
}
