//! The server that serves a host: its own, one with the host as an alias, a wildcard, or a `www.` redirect. Sections 2.3
//! and 7.2.

use std::rc::Rc;

use super::annotations::NginxAnnotations;
use super::location::{Claim, Server};
use super::routes::{Routes, When};
use super::server_name::ServerName;
use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::Host;

impl<'a> Routes<'a> {
    /// Returns the server that serves requests for a name: its own, one with a matching alias, a wildcard, or `_`
    /// (section 2.3; nginx "Server names").
    #[must_use]
    pub fn server_for(&self, name: &str, when: When) -> Lookup<Rc<Server<'a>>> {
        // `_` is the name of the server that has no host.
        let host = if name == "_" { Host::Any } else { Host::parse(name) };
        let own = self.server(&host, when);
        // A regex is not a name of a host, although it is kept like one.
        let names: Vec<Host> = host.server_names().filter(|_| !name.starts_with('~')).collect();
        let found = if own.is_absent() {
            // To nginx `.example.com` is the same name as `example.com` or `*.example.com`.
            let groups = names.chunk_by(|_, next| has_leading_dot(next));
            groups.map(|names| self.aliased(names, when)).find(|found| !found.is_absent())
        } else {
            let dotted = names.get(1).filter(|name| has_leading_dot(name));
            let other = dotted.and_then(|name| self.aliased(std::slice::from_ref(name), when).found());
            let is_first =
                |other: &Rc<Server<'a>>| in_configuration_order([&other.host, &host].into_iter())[0] != &host;
            Some(other.filter(is_first).map_or(own, Lookup::Found))
        };
        match found.unwrap_or_else(|| self.server_by_regex(&host, when)) {
            Lookup::Absent => self.server(&Host::Any, when),
            found => found,
        }
    }

    /// Returns the first server of the configuration with one of these effective aliases, as they are written.
    pub(super) fn aliased(&self, aliases: &[Host], when: When) -> Lookup<Rc<Server<'a>>> {
        let names: Vec<&Host> = aliases.iter().collect();
        let Some(mut handled) = self.handled_on(&names, when) else { return Lookup::Unknown };
        let is_one = |alias: &str| aliases.contains(&Host::parse(alias));
        handled.retain(|ingress| NginxAnnotations::of(ingress).server_aliases().any(is_one));
        for host in in_configuration_order(handled.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host)) {
            if self.aliases(host, when).iter().any(|of| is_one(of)) {
                return self.server(host, when);
            }
        }
        Lookup::Absent
    }

    /// Returns the first server of the configuration with a regex that matches a host: an alias, or the wildcard of a rule,
    /// which is a regex to nginx and stands for one label of `[\w-]+`.
    fn server_by_regex(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        let Lookup::Found(mut with_regex) = self.view().others_with_regex_alias() else { return Lookup::Unknown };
        if !self.reads_nginx_annotations() {
            with_regex.clear();
        }
        if self.keep_handled(&mut with_regex, when).is_err() {
            return Lookup::Unknown;
        }
        let of_aliases = with_regex.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host);
        let is_label_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let label = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let is_label = |name: &str| !label(name).is_empty() && label(name).bytes().all(is_label_byte);
        let wildcard = host.wildcard().filter(|_| matches!(host, Host::Exact(name) if is_label(name)));
        for of in in_configuration_order(of_aliases.chain(&wildcard)) {
            if wildcard.as_ref() == Some(of) {
                let found = self.server(of, when);
                if !found.is_absent() {
                    return found;
                }
            }
            for alias in self.aliases(of, when).into_iter().filter(|alias| alias.starts_with('~')) {
                match ServerName::alias_matches(alias, host, self.budget()) {
                    Ok(true) => return self.server(of, when),
                    Ok(false) => {}
                    Err(BudgetExceeded) => return Lookup::Unknown,
                }
            }
        }
        Lookup::Absent
    }

    /// Returns the aliases of a host: those of the oldest Ingress with any, without names that are hosts themselves
    /// (section 2.3).
    #[must_use]
    pub fn aliases(&self, host: &Host, when: When) -> Vec<&'a str> {
        if !self.reads_nginx_annotations() {
            return Vec::new();
        }
        let claims = self.claims(host, when).found().unwrap_or_default();
        // A defaultBackend without rules has no host to which aliases apply.
        let rules = claims.iter().filter(|claim| claim.rule.is_some());
        let main = rules.map(|claim| claim.ingress).filter(|ingress| !NginxAnnotations::of(ingress).is_canary());
        let mut of_each = main.map(|ingress| NginxAnnotations::of(ingress).server_aliases().collect());
        let mut aliases: Vec<&str> = of_each.find(|aliases: &Vec<&str>| !aliases.is_empty()).unwrap_or_default();
        aliases.retain(|alias| {
            let alias = Host::parse(alias);
            alias != *host && self.server(&alias, when).is_absent()
        });
        aliases
    }

    /// Returns the server to which every request for a name redirects: the names differ by `www.`, and no server has the name
    /// (section 7.2; kubernetes/ingress-nginx, `BuildRedirects`). It comes first in the configuration, before any alias.
    pub(super) fn www_twin(&self, name: &str, when: When) -> Option<Rc<Server<'a>>> {
        let host = Host::parse(name);
        let twin = host.www_twin().filter(|_| self.reads_nginx_annotations())?;
        let wants = |claim: &Claim<'_>| !claim.is_canary && NginxAnnotations::of(claim.ingress).redirects_www();
        if !self.claims(&twin, when).found()?.iter().any(wants) {
            return None;
        }
        self.server(&twin, when).found().filter(|_| self.server(&host, when).is_absent())
    }
}

/// Returns whether a name is one such as `.example.com`.
fn has_leading_dot(name: &Host) -> bool {
    matches!(name, Host::Exact(name) if name.starts_with('.'))
}

/// Returns hosts in the order of their servers in the configuration, each once: of two servers with one name nginx uses the
/// first.
fn in_configuration_order<'h>(hosts: impl Iterator<Item = &'h Host>) -> Vec<&'h Host> {
    let mut hosts: Vec<&Host> = hosts.collect();
    hosts.sort_by_cached_key(|host| if **host == Host::Any { "_".to_owned() } else { host.to_string() });
    hosts.dedup();
    hosts
}
