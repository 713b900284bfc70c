//! Kubernetes' own rules, for controllers without a dialect of their own: "Path types" and "Hostname wildcards" on the
//! Ingress page of the Kubernetes documentation. Exact precedes Prefix, a longer Prefix a shorter one, by path elements.
//!
//! `ImplementationSpecific` depends on the controller; it counts as Prefix here, as with most controllers.

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::rules::Claim;
use super::server::{Dropped, DroppedBecause, Location, Modifier, Server};
use crate::model::{Backend, Host, PathType};

impl<'a> Server<'a> {
    /// Creates the server of these rules; `None`: no Ingress has the host. The server of [`Host::Any`] always exists.
    #[must_use]
    pub fn neutral(host: &Host, claims: &[Claim<'a>]) -> Option<Self> {
        if claims.is_empty() && *host != Host::Any {
            return None;
        }
        let mut locations: Vec<Location<'a>> = Vec::new();
        let mut dropped = Vec::new();
        let mut first: HashMap<(Modifier, &str), usize> = HashMap::new();
        for Claim { ingress, rule, .. } in claims {
            for at in rule.iter().flat_map(|rule| rule.paths()) {
                let is_exact = at.path.path_type == PathType::Exact;
                let (modifier, path) = match at.path.routed() {
                    path if is_exact => (Modifier::Exact, path),
                    path => (Modifier::Prefix, path.trim_end_matches('/')),
                };
                if let Some(known) = first.get(&(modifier, path)) {
                    let why = DroppedBecause::Duplicate(locations[*known].ingress.unwrap_or(ingress));
                    dropped.push(Dropped { ingress, at, why });
                    continue;
                }
                first.insert((modifier, path), locations.len());
                let text = if is_exact { Cow::Borrowed(path) } else { Cow::Owned(format!("{path}/")) };
                locations.push(Location::plain(text, modifier, ingress, Some(at), &at.path.backend));
            }
        }
        // `/foo` itself belongs to Prefix `/foo`, unless an Exact path has it.
        let exacts: HashSet<&str> =
            first.keys().filter(|(modifier, _)| *modifier == Modifier::Exact).map(|(_, path)| *path).collect();
        let prefixes = locations.iter().filter(|location| location.modifier == Modifier::Prefix);
        let twins: Vec<Location<'a>> = prefixes
            .filter(|location| location.path != "/" && !exacts.contains(&location.path[..location.path.len() - 1]))
            .map(|location| {
                let mut companion = location.clone();
                companion.path = Cow::Owned(location.path[..location.path.len() - 1].to_owned());
                companion.modifier = Modifier::Exact;
                companion.is_exact_companion = true;
                companion
            })
            .collect();
        locations.extend(twins);
        // "If none of the paths match, the default backend": the oldest Ingress that has one.
        if !first.contains_key(&(Modifier::Prefix, "")) {
            let mut fallbacks = claims.iter().filter_map(|claim| Some((claim.ingress, fallback(claim)?)));
            let root = Cow::Borrowed("/");
            locations.extend(
                fallbacks.next().map(|(ingress, to)| Location::plain(root, Modifier::Prefix, ingress, None, to)),
            );
        }
        let mut server = Self::new(host, locations, dropped);
        server.redirects_to_slash = false;
        Some(server)
    }
}

fn fallback<'a>(claim: &Claim<'a>) -> Option<&'a Backend> {
    claim.ingress.default_backend.as_ref()
}
