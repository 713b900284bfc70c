//! The rules of controllers without nginx locations: "Path types" and "Hostname wildcards" on the Ingress page of the
//! Kubernetes documentation. Exact precedes Prefix, a longer Prefix a shorter one, by path elements. What a controller
//! matches otherwise is a [`PathMeaning`].

use std::borrow::Cow;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::dropped::{Dropped, DroppedBecause};
use super::host_winner::HostWinner;
use super::rules::Claim;
use super::server::{Location, Modifier, Server, Special};
use crate::model::{Backend, Host, Ingress, Path};
use crate::routing::path_matching::PathMeaning;

impl<'a> Server<'a> {
    /// Creates the server of these rules; `None`: no Ingress has the host. The server of [`Host::Any`] always exists.
    /// `winner` is the Ingress that gets the host, on a controller that gives it to one.
    #[must_use]
    pub fn neutral(
        host: &Host,
        claims: &[Claim<'a>],
        meaning: impl Fn(&'a Ingress, &'a Path) -> PathMeaning<'a>,
        winner: Option<HostWinner<'a>>,
    ) -> Option<Self> {
        if claims.is_empty() && *host != Host::Any {
            return None;
        }
        let mut locations: Vec<Location<'a>> = Vec::new();
        let (mut dropped, mut specials, mut with_companion) = (Vec::new(), Vec::new(), Vec::new());
        let mut first: HashMap<(Modifier, &str), usize> = HashMap::new();
        for Claim { ingress, rule, .. } in claims {
            let refused = winner.and_then(|winner| winner.refuses(ingress));
            for at in rule.iter().flat_map(|rule| rule.paths()) {
                let meaning = match winner {
                    Some(HostWinner::Undecided(..)) => PathMeaning::Unknown(at.path.routed()),
                    _ => meaning(ingress, at.path),
                };
                let (modifier, path) = match meaning {
                    PathMeaning::Exact(path) => (Modifier::Exact, path),
                    PathMeaning::Elements(path) | PathMeaning::Text(path) | PathMeaning::ElementsOrText(path) => {
                        (Modifier::Prefix, path.trim_end_matches('/'))
                    }
                    PathMeaning::Glob(_) | PathMeaning::Unknown(_) => (Modifier::Special, at.path.routed()),
                };
                let known = first.get(&(modifier, path));
                let duplicate =
                    known.map(|known| DroppedBecause::Duplicate(locations[*known].ingress.unwrap_or(ingress)));
                if let Some(why) = refused.or(duplicate) {
                    dropped.push(Dropped { ingress, at, why });
                    continue;
                }
                first.insert((modifier, path), locations.len());
                match meaning {
                    PathMeaning::Exact(_) | PathMeaning::Elements(_) => {}
                    // The location ends in a slash too.
                    PathMeaning::Text(text) | PathMeaning::ElementsOrText(text)
                        if text.is_empty() || text.ends_with('/') => {}
                    by => specials.push(Special { location: locations.len(), by }),
                }
                let is_below_only = matches!(meaning, PathMeaning::Text(text) if text.ends_with('/'));
                if modifier == Modifier::Prefix && !path.is_empty() && !is_below_only {
                    with_companion.push(locations.len());
                }
                let text = match modifier {
                    Modifier::Prefix => Cow::Owned(format!("{path}/")),
                    Modifier::Exact | Modifier::Regex | Modifier::Special => Cow::Borrowed(path),
                };
                locations.push(Location::plain(text, modifier, ingress, Some(at), &at.path.backend));
            }
        }
        // `/foo` itself belongs to Prefix `/foo`, unless an Exact path has it.
        let exacts: HashSet<&str> =
            first.keys().filter(|(modifier, _)| *modifier == Modifier::Exact).map(|(_, path)| *path).collect();
        let prefixes = with_companion.into_iter().map(|at| &locations[at]);
        let twins: Vec<Location<'a>> = prefixes
            .filter(|location| !exacts.contains(&location.path[..location.path.len() - 1]))
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
            let has_host = |claim: &&Claim<'a>| winner.is_none_or(|winner| winner.refuses(claim.ingress).is_none());
            let mut fallbacks =
                claims.iter().filter(has_host).filter_map(|claim| Some((claim.ingress, fallback(claim)?)));
            let root = Cow::Borrowed("/");
            locations.extend(
                fallbacks.next().map(|(ingress, to)| Location::plain(root, Modifier::Prefix, ingress, None, to)),
            );
        }
        let mut server = Self::new(host, locations, dropped);
        server.redirects_to_slash = false;
        server.specials = specials;
        Some(server)
    }
}

fn fallback<'a>(claim: &Claim<'a>) -> Option<&'a Backend> {
    claim.ingress.default_backend.as_ref()
}
