//! The Ingresses whose verdicts a change of the cluster may change: reverse look-up through the indexes.

use std::collections::BTreeSet;

use foldhash::{HashSet, HashSetExt as _};

use super::references::References;
use crate::cluster::{Changes, Inventory};
use crate::model::{Backend, ClassRef, Host, Ingress, Key, Kind};
use crate::routing::NginxAnnotations;

/// The Ingresses to evaluate again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Affected {
    /// Each stored Ingress.
    pub(super) all: bool,
    /// These Ingresses; some may not be stored any more.
    pub(super) ingresses: BTreeSet<Key>,
}

/// One state of the cluster, with what is collected about it.
struct Search<'s> {
    now: &'s Inventory,
    references: &'s References,
    affected: Affected,
    /// Patterns of hosts that changed: each Ingress below them is affected.
    patterns: HashSet<Host>,
}

/// Returns the Ingresses that changes affect. Two things are left to the pass over all Ingresses: names that messages suggest, and
/// conditions that any other Ingress can satisfy.
#[must_use]
pub(super) fn affected(
    changes: &Changes<'_>,
    before: &Inventory,
    now: &Inventory,
    references: &References,
) -> Affected {
    let mut search = Search { now, references, affected: Affected::default(), patterns: HashSet::new() };
    search.affected.all = changes.is_general;
    let mut classes: HashSet<ClassRef<'_>> = HashSet::new();
    for (then, current) in &changes.ingresses {
        search.changed(*then, *current);
        for ingress in then.iter().chain(current) {
            let class = ingress.class_ref();
            if before.is_served(class) != now.is_served(class) {
                classes.insert(class);
            }
        }
    }
    for service in changes.services.iter().chain(changes.services.iter().flat_map(|it| references.aliases_of(it))) {
        search.affected.ingresses.extend(now.ingresses_using(service).map(|ingress| ingress.meta.key.clone()));
        search.affected.ingresses.extend(references.to(Kind::Service, service).cloned());
    }
    for secret in &changes.secrets {
        search.referenced(Kind::Secret, secret);
    }
    for config_map in &changes.config_maps {
        search.referenced(Kind::ConfigMap, config_map);
    }
    for namespace in &changes.namespaces {
        search.affected.ingresses.extend(now.ingresses_in(namespace).map(|ingress| ingress.meta.key.clone()));
    }
    search.finish(&classes)
}

/// Returns the Ingresses that a change of an object that is read by name affects.
#[must_use]
pub(super) fn affected_by(kind: Kind, key: &Key, now: &Inventory, references: &References) -> Affected {
    let mut search = Search { now, references, affected: Affected::default(), patterns: HashSet::new() };
    search.referenced(kind, key);
    search.finish(&HashSet::new())
}

impl Search<'_> {
    /// Adds an Ingress that was added, replaced or removed, and those that share something with it.
    fn changed(&mut self, before: Option<&Ingress>, now: Option<&Ingress>) {
        if let (Some(before), Some(now)) = (before, now)
            && is_alike(before, now)
        {
            self.affected.ingresses.insert(now.meta.key.clone());
            return;
        }
        self.affected.all |= before.map(variables) != now.map(variables) && has_variables(before, now);
        for ingress in before.into_iter().chain(now) {
            self.affected.ingresses.insert(ingress.meta.key.clone());
            self.on_hosts_of(ingress);
            self.with_services_of(ingress);
        }
    }

    /// Adds the Ingresses that name an object, and those on their hosts: one certificate is served for a host.
    fn referenced(&mut self, kind: Kind, key: &Key) {
        let (now, references) = (self.now, self.references);
        for key in references.to(kind, key) {
            self.affected.ingresses.insert(key.clone());
            if let Some(ingress) = now.ingress(&key.namespace, &key.name) {
                self.on_hosts_of(ingress);
            }
        }
    }

    /// Adds the Ingresses on the hosts of an Ingress, on names that match these hosts, and on hosts that match its names.
    fn on_hosts_of(&mut self, ingress: &Ingress) {
        let rules = ingress.hosts().into_iter().map(|(_, host)| host.clone());
        let aliases: Vec<Host> = ingress.meta.annotations.server_aliases().map(Host::parse).collect();
        let any = (ingress.rules.is_empty() && ingress.default_backend.is_some()).then_some(Host::Any);
        for host in rules.chain(aliases).chain(any) {
            // What is served for all hosts, or for those that a regex matches, has no index.
            self.affected.all |= host == Host::Any || matches!(&host, Host::Exact(name) if name.starts_with('~'));
            let keys = self.references.with_tls_host(&host).cloned();
            self.affected.ingresses.extend(keys);
            for name in host.server_names() {
                self.affected.ingresses.extend(self.now.ingresses_on(&name).map(|other| other.meta.key.clone()));
            }
            if is_pattern(&host) {
                self.patterns.insert(host);
            }
        }
        self.affected.ingresses.extend(self.now.ingresses_with_regex_alias().map(|other| other.meta.key.clone()));
    }

    /// Adds the Ingresses that use the same Services, if one of both is a canary: the first user of a Service decides whether it has a
    /// location, and then whether others on its hosts have one.
    fn with_services_of(&mut self, ingress: &Ingress) {
        let is_canary = |ingress: &Ingress| NginxAnnotations::of(ingress).is_canary();
        let own = is_canary(ingress);
        let names: BTreeSet<&str> = ingress.backends().filter_map(|at| service(at.backend)).collect();
        let now = self.now;
        for name in names {
            let service = Key::new(&ingress.meta.key.namespace, name);
            for user in now.ingresses_using(&service).filter(|user| own || is_canary(user)) {
                self.affected.ingresses.insert(user.meta.key.clone());
                self.on_hosts_of(user);
            }
        }
    }

    /// Adds what only a look at every Ingress can find.
    fn finish(mut self, classes: &HashSet<ClassRef<'_>>) -> Affected {
        if self.affected.all || (self.patterns.is_empty() && classes.is_empty()) {
            return self.affected;
        }
        let matches = |ingress: &&Ingress| {
            let mut hosts = ingress.rules.iter().map(|rule| &rule.host);
            classes.contains(&ingress.class_ref())
                || (!self.patterns.is_empty()
                    && hosts.any(|host| host.server_names().any(|name| self.patterns.contains(&name))))
        };
        let found: Vec<Key> = self.now.ingresses().filter(matches).map(|ingress| ingress.meta.key.clone()).collect();
        self.affected.ingresses.extend(found);
        self.affected
    }
}

/// Returns whether a change concerns no other Ingress: mostly an address or a label.
fn is_alike(before: &Ingress, now: &Ingress) -> bool {
    before.meta == now.meta
        && before.class_name == now.class_name
        && before.default_backend == now.default_backend
        && before.tls == now.tls
        && before.rules == now.rules
}

/// Returns whether a name of an nginx server matches other hosts than itself.
fn is_pattern(host: &Host) -> bool {
    match host {
        Host::Any => false,
        Host::Wildcard(_) => true,
        Host::Exact(name) => name.starts_with('.') || name.ends_with(".*"),
    }
}

/// Returns the names of the nginx variables that an Ingress may define.
fn variables(ingress: &Ingress) -> BTreeSet<Box<str>> {
    let mut variables = ingress.group_names();
    variables.extend(ingress.names_in_snippets());
    variables
}

fn has_variables(before: Option<&Ingress>, now: Option<&Ingress>) -> bool {
    before.into_iter().chain(now).any(|ingress| !variables(ingress).is_empty())
}

fn service(backend: &Backend) -> Option<&str> {
    match backend {
        Backend::Service { name, .. } => Some(name),
        Backend::Resource => None,
    }
}
