//! The entry of `spec.tls` for a host: section 5.1.

use foldhash::{HashMap, HashMapExt as _};

use crate::model::{Host, TlsEntry};

/// Which entry is meant for which host. An Ingress can have thousands of both.
#[derive(Debug)]
pub struct TlsEntries<'a> {
    tls: &'a [TlsEntry],
    first_with: HashMap<&'a Host, usize>,
}

/// The entry that is meant for a host.
#[derive(Debug, Clone, Copy)]
pub struct MeantFor<'a> {
    /// The place in `spec.tls`.
    pub index: usize,
    /// The entry.
    pub entry: &'a TlsEntry,
    /// It names the host itself, not a wildcard that covers it.
    pub by_name: bool,
}

impl<'a> TlsEntries<'a> {
    /// Creates the entries of an Ingress.
    #[must_use]
    pub fn of(tls: &'a [TlsEntry]) -> Self {
        let mut first_with = HashMap::new();
        for (index, entry) in tls.iter().enumerate() {
            entry.hosts.iter().for_each(|host| {
                first_with.entry(host).or_insert(index);
            });
        }
        Self { tls, first_with }
    }

    /// Returns the first entry that names the host, else the first one with a wildcard that covers it.
    #[must_use]
    pub fn meant_for(&self, host: &Host) -> Option<MeantFor<'a>> {
        let named = self.first_with.get(host);
        let covering = || host.wildcard().and_then(|wildcard| self.first_with.get(&wildcard));
        let index = *named.or_else(covering)?;
        self.tls.get(index).map(|entry| MeantFor { index, entry, by_name: named.is_some() })
    }
}
