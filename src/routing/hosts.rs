//! The server that serves a host: its own, one with the host as an alias, a wildcard, or a `www.` redirect. Sections 2.3
//! and 7.2.

use std::rc::Rc;

use super::annotations::NginxAnnotations;
use super::location::{Claim, Server};
use super::routes::{Routes, When};
use super::server_name::ServerName;
use crate::budget::BudgetExceeded;
use crate::cluster::Lookup;
use crate::model::{Host, Ingress};

/// The hosts whose servers have the names of a domain.
#[derive(Debug, Default)]
struct Owners {
    /// That of the domain itself.
    own: Option<Host>,
    /// That of `*.domain`.
    below: Option<Host>,
}

impl<'a> Routes<'a> {
    /// Returns the server that serves requests for a name: its own, one with a matching alias, a wildcard, or `_`
    /// (section 2.3; nginx "Server names").
    #[must_use]
    pub fn server_for(&self, name: &str, when: When) -> Lookup<Rc<Server<'a>>> {
        // `_` is the name of the server that has no host.
        let host = if name == "_" { Host::Any } else { Host::parse(name) };
        // A regex is not a name of a host, although it is kept like one.
        let by_name = if name.starts_with('~') { self.server(&host, when) } else { self.server_by_name(&host, when) };
        let found = if by_name.is_absent() { self.server_by_regex(&host, when) } else { by_name };
        if found.is_absent() { self.server(&Host::Any, when) } else { found }
    }

    /// Returns the server with a name for a host that is not a regex: the host itself, a wildcard before a domain or after labels.
    pub(super) fn server_by_name(&self, host: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        let Host::Exact(name) = host else { return self.server(host, when) };
        // An alias that begins with a dot is a name of its domain, not of a host that begins with one.
        let own = if name.starts_with('.') { Ok(None) } else { self.owners(name, when).map(|owners| owners.own) };
        let Ok(mut found) = own else { return Lookup::Unknown };
        for domain in host.parents().filter_map(|parent| parent.domain().map(str::to_owned)) {
            if found.is_some() {
                break;
            }
            let Ok(owners) = self.owners(&domain, when) else { return Lookup::Unknown };
            found = owners.below;
        }
        if let Some(owner) = found {
            return self.server(&owner, when);
        }
        host.labels_with_any_end()
            .map(|name| self.aliased(&name, when))
            .find(|of| !of.is_absent())
            .unwrap_or(Lookup::Absent)
    }

    /// Returns the hosts whose servers have the names `domain` and `*.domain`. nginx reads names in the order of the configuration and
    /// ignores those that it already has. `.domain` is both, and ignored with either of them (`ngx_hash_add_key`).
    fn owners(&self, domain: &str, when: When) -> Result<Owners, BudgetExceeded> {
        let own = Host::Exact(domain.into());
        let names = [own.clone(), Host::Wildcard(domain.into()), Host::Exact(format!(".{domain}").into())];
        let mut handled = self.handled_on(&names.each_ref(), when).ok_or(BudgetExceeded)?;
        let name_of = |alias: &str| names.iter().position(|name| *name == Host::parse(alias));
        handled.retain(|ingress| NginxAnnotations::of(ingress).server_aliases().any(|alias| name_of(alias).is_some()));
        let itself = match self.server(&own, when) {
            Lookup::Found(_) => Some(&own),
            Lookup::Absent => None,
            Lookup::Unknown => return Err(BudgetExceeded),
        };
        let aliased = handled.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host);
        // The redirect of the `www.` twin comes first.
        let has_redirect = !handled.is_empty() && self.www_twin(domain, when).is_some();
        let (mut owners, mut has_own, mut has_below) = (Owners::default(), has_redirect, false);
        for host in in_configuration_order(aliased.chain(itself)) {
            let mut of_host = self.aliases(host, when);
            of_host.sort_unstable();
            let first = (itself == Some(host)).then_some(0);
            for name in first.into_iter().chain(of_host.into_iter().filter_map(name_of)) {
                let is_dotted = name == 2;
                if is_dotted && has_own {
                    continue;
                }
                if name != 1 && !std::mem::replace(&mut has_own, true) {
                    owners.own = Some(host.clone()).filter(|_| !(is_dotted && has_below));
                }
                if name != 0 && !std::mem::replace(&mut has_below, true) {
                    owners.below = Some(host.clone());
                }
            }
        }
        Ok(owners)
    }

    /// Returns the first server of the configuration with this effective alias, as it is written.
    pub(super) fn aliased(&self, alias: &Host, when: When) -> Lookup<Rc<Server<'a>>> {
        let Some(mut handled) = self.handled_on(&[alias], when) else { return Lookup::Unknown };
        let is_it = |of: &str| Host::parse(of) == *alias;
        handled.retain(|ingress| NginxAnnotations::of(ingress).server_aliases().any(is_it));
        for host in in_configuration_order(handled.iter().flat_map(|ingress| &ingress.rules).map(|rule| &rule.host)) {
            if self.aliases(host, when).iter().any(|of| is_it(of)) {
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
        let wants = |claim: &Claim<'a>| self.redirects_www(claim.ingress, &twin, when);
        if !self.claims(&twin, when).found()?.iter().any(wants) {
            return None;
        }
        self.server(&twin, when).found().filter(|_| self.server(&host, when).is_absent())
    }

    /// Returns whether an Ingress redirects the `www.` twin of a host: the annotation counts where a path of the Ingress is a location
    /// of the host (section 7.2).
    pub(super) fn redirects_www(&self, ingress: &Ingress, host: &Host, when: When) -> bool {
        let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
        NginxAnnotations::of(ingress).redirects_www()
            && self.server(host, when).found().is_some_and(|server| {
                let mut locations = server.locations.iter().filter(|location| location.at.is_some());
                locations.any(|location| location.ingress.is_some_and(is_own))
            })
    }
}

/// Returns hosts in the order of their servers in the configuration, each once: of two servers with one name nginx uses the
/// first.
fn in_configuration_order<'h>(hosts: impl Iterator<Item = &'h Host>) -> Vec<&'h Host> {
    let mut hosts: Vec<&Host> = hosts.collect();
    hosts.sort_by_cached_key(|host| if **host == Host::Any { "_".to_owned() } else { host.to_string() });
    hosts.dedup();
    hosts
}
