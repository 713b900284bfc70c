//! The server that serves a host: its own, one with the host as an alias, a wildcard, or a `www.` redirect. Sections 2.3
//! and 7.2.

use std::rc::Rc;

use super::annotations::NginxAnnotations;
use super::location::{Claim, Server};
use super::routes::{Routes, When};
use crate::cluster::Lookup;
use crate::model::Host;

impl<'a> Routes<'a> {
    /// Returns the server that serves requests for a name: its own, one with the name as an alias, a wildcard, or `_`
    /// (section 2.3; nginx "Server names").
    #[must_use]
    pub fn server_for(&self, name: &str, when: When) -> Lookup<Rc<Server<'a>>> {
        let exact = Host::parse(name);
        let mut tries: Vec<(Host, Via)> = vec![(exact.clone(), Via::Rule), (exact.clone(), Via::Alias)];
        tries.extend(exact.parents().map(|parent| (parent, Via::Alias)));
        // A rule's wildcard is a pattern to nginx and comes after every alias; it stands for one label of `[\w-]+`.
        let label = name.split('.').next().unwrap_or_default();
        let is_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let wildcard = exact.wildcard().filter(|_| !label.is_empty() && label.bytes().all(is_label));
        tries.extend(wildcard.map(|wildcard| (wildcard, Via::Rule)));
        for (host, via) in tries {
            let found = match via {
                Via::Rule => self.server(&host, when),
                Via::Alias => self.aliased(&host, when),
            };
            if !found.is_absent() {
                return found;
            }
        }
        self.server(&Host::Any, when)
    }

    /// Returns the server with this effective alias.
    pub(super) fn aliased(&self, alias: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        let Some(handled) = self.handled_on(&[alias], when) else { return Lookup::Unknown };
        let mut hosts: Vec<&Host> = handled.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host).collect();
        // Of two servers with one name nginx uses the first; the controller writes them in the order of their hosts.
        hosts.sort_by_cached_key(|host| if **host == Host::Any { "_".to_owned() } else { host.to_string() });
        hosts.dedup();
        for host in hosts {
            if self.aliases(host, when).iter().any(|of| of == alias) {
                return self.server(host, when);
            }
        }
        Lookup::Absent
    }

    /// Returns the aliases of a host: those of the oldest Ingress with any, without names that are hosts themselves
    /// (section 2.3).
    #[must_use]
    pub fn aliases(&self, host: &Host, when: When) -> Vec<Host> {
        if !self.reads_nginx_annotations() {
            return Vec::new();
        }
        let claims = self.claims(host, when).found().unwrap_or_default();
        // A defaultBackend without rules has no host to which aliases apply.
        let rules = claims.iter().filter(|claim| claim.rule.is_some());
        let main = rules.map(|claim| claim.ingress).filter(|ingress| !NginxAnnotations::of(ingress).is_canary());
        let mut of_each = main.map(|ingress| NginxAnnotations::of(ingress).server_aliases().map(Host::parse).collect());
        let mut aliases: Vec<Host> = of_each.find(|aliases: &Vec<Host>| !aliases.is_empty()).unwrap_or_default();
        aliases.retain(|alias| alias != host && self.server(alias, when).is_absent());
        aliases
    }

    /// Returns the server to which every request for a name redirects: the names differ by `www.`, and no server has the name
    /// (section 7.2; kubernetes/ingress-nginx, `buildRedirects`). The redirect precedes any wildcard.
    pub(super) fn www_twin(&self, name: &str, when: When) -> Option<Rc<Server<'a>>> {
        let host = Host::parse(name);
        let twin = host.www_twin().filter(|_| self.reads_nginx_annotations())?;
        let wants = |claim: &Claim<'_>| !claim.is_canary && NginxAnnotations::of(claim.ingress).redirects_www();
        if !self.claims(&twin, when).found()?.iter().any(wants) {
            return None;
        }
        let is_free = self.server(&host, when).is_absent() && self.aliased(&host, when).is_absent();
        self.server(&twin, when).found().filter(|_| is_free)
    }
}

#[derive(Clone, Copy)]
enum Via {
    Rule,
    Alias,
}
