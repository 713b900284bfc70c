//! The size of an Ingress as far as it affects routes.

use foldhash::{HashSet, HashSetExt as _};

use super::Ingress;

impl Ingress {
    /// Counts the distinct hosts of rules and TLS entries, and the distinct paths of each host. Labels, finalizers and repeated
    /// entries do not count.
    #[must_use]
    pub fn distinct_parts(&self) -> usize {
        let hosts: HashSet<_> = self.rules.iter().map(|rule| &rule.host).collect();
        let mut paths = HashSet::new();
        for at in self.paths() {
            paths.insert((&at.rule.host, &*at.path.path, at.path.path_type));
        }
        let of_tls: HashSet<_> = self.tls.iter().flat_map(|entry| &entry.hosts).collect();
        hosts.len() + paths.len() + of_tls.len()
    }
}
