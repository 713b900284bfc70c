//! The location of a server that gets a request, by nginx's order. Sections 2.6 and 2.7. Other controllers have special paths.

use super::pattern::{Pattern, literal_prefix};
use super::server::{Location, Modifier, Server, Special};
use crate::budget::{Budget, BudgetExceeded};
use crate::model::Ingress;
use crate::routing::path_matching::{PathMeaning, glob_matches};

/// The location of a path.
#[derive(Debug, Clone, Copy)]
pub enum Located<'s, 'a> {
    /// This location gets the request.
    At(&'s Location<'a>),
    /// This location would get it with a trailing slash: nginx redirects there with 301.
    Slash(&'s Location<'a>),
    /// No location matches.
    Nowhere,
    /// Whether this location gets the request is unknown.
    Unknown(&'s Location<'a>),
}

impl<'s, 'a> Located<'s, 'a> {
    /// Returns the location that gets the request itself.
    #[must_use]
    pub fn at(&self) -> Option<&'s Location<'a>> {
        match self {
            Self::At(location) => Some(location),
            Self::Slash(_) | Self::Nowhere | Self::Unknown(_) => None,
        }
    }
}

impl<'a> Server<'a> {
    /// Returns an Ingress that enables regex matching for the host, preferably this one (section 2.2).
    #[must_use]
    pub fn regex_source(&self, preferred: &Ingress) -> Option<&'a Ingress> {
        let sources = || self.locations.iter().filter(|location| location.enables_regex).filter_map(|it| it.ingress);
        sources().find(|of| of.meta.key == preferred.meta.key).or_else(|| sources().next())
    }

    /// Returns the location for a path that is [normalized](super::normalized).
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn locate(&self, uri: &[u8], budget: &Budget) -> Result<Located<'_, 'a>, BudgetExceeded> {
        if self.is_regex {
            return self.first_match(uri, budget);
        }
        // Each of its slashes may end the prefix.
        let slashes = uri.split(|byte| *byte == b'/').count() - 1;
        budget
            .spend(u32::try_from(slashes.saturating_mul(8 + uri.len() / 64)).unwrap_or(u32::MAX).saturating_add(4))?;
        let plain = self.longest_prefix(uri);
        if self.specials.is_empty() { Ok(plain) } else { self.special(plain, uri, budget) }
    }

    /// Returns the location for a path on a controller other than nginx, where `plain` is the one by Kubernetes' rules.
    /// An exact path precedes every other one. A longer text precedes a shorter one, and globs come last.
    fn special<'s>(
        &'s self,
        plain: Located<'s, 'a>,
        uri: &[u8],
        budget: &Budget,
    ) -> Result<Located<'s, 'a>, BudgetExceeded> {
        let length = match plain {
            Located::At(location) if location.modifier == Modifier::Exact && !location.is_exact_companion => {
                return Ok(plain);
            }
            Located::At(location) => location.path.trim_end_matches('/').len(),
            Located::Slash(_) | Located::Nowhere | Located::Unknown(_) => 0,
        };
        let steps = self.specials.len().saturating_mul(4 + uri.len() / 64);
        budget.spend(u32::try_from(steps).unwrap_or(u32::MAX))?;
        let (mut longest, mut first_glob): (Option<(&str, Located<'_, 'a>)>, _) = (None, None);
        for Special { location, by } in &self.specials {
            let location = &self.locations[*location];
            match *by {
                PathMeaning::Unknown(text) if uri.starts_with(text.as_bytes()) => {
                    return Ok(Located::Unknown(location));
                }
                PathMeaning::Text(text) | PathMeaning::ElementsOrText(text)
                    if text.len() > length.max(longest.map_or(0, |(longest, _)| longest.len()))
                        && uri.starts_with(text.as_bytes()) =>
                {
                    let is_certain = matches!(by, PathMeaning::Text(_));
                    let located = if is_certain { Located::At(location) } else { Located::Unknown(location) };
                    longest = Some((text, located));
                }
                PathMeaning::Glob(glob) if first_glob.is_none() => {
                    let steps = (glob.len() / 8).saturating_mul(uri.len());
                    budget.spend(u32::try_from(steps).unwrap_or(u32::MAX))?;
                    first_glob = glob_matches(glob.as_bytes(), uri).then_some(Located::At(location));
                }
                _ => {}
            }
        }
        Ok(match (longest, plain, first_glob) {
            (Some((_, located)), ..) => located,
            (None, Located::Nowhere, Some(glob)) => glob,
            (None, plain, _) => plain,
        })
    }

    fn longest_prefix(&self, uri: &[u8]) -> Located<'_, 'a> {
        if let Some(exact) = self.plain(Modifier::Exact, uri) {
            return Located::At(exact);
        }
        // Every plain prefix ends in a slash (section 2.5).
        let slashes = uri.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        let prefix = slashes.map(|(at, _)| &uri[..=at]).find_map(|part| self.plain(Modifier::Prefix, part));
        if let Some(same) = prefix.filter(|location| location.path.as_bytes() == uri) {
            return Located::At(same);
        }
        // A location that ends in a slash and proxies requests redirects a request without it (section 2.7).
        let with_slash = [uri, b"/"].concat();
        let mut slashes = [Modifier::Exact, Modifier::Prefix].into_iter().filter_map(|of| self.plain(of, &with_slash));
        // Either of the two makes nginx redirect, in the name of the exact one.
        let slash = slashes.clone().next();
        let redirects = self.redirects_to_slash && slashes.any(|location| location.refusal.is_none());
        match (slash.filter(|_| redirects), prefix) {
            (Some(slash), _) => Located::Slash(slash),
            (None, Some(prefix)) => Located::At(prefix),
            (None, None) => Located::Nowhere,
        }
    }

    fn first_match(&self, uri: &[u8], budget: &Budget) -> Result<Located<'_, 'a>, BudgetExceeded> {
        for location in self.patterns_for(uri, budget)?.into_iter().map(|at| &self.locations[at]) {
            if literal_prefix(&location.path).len() == location.path.len() {
                return Ok(Located::At(location));
            }
            // nginx rejects a regex that PCRE2 rejects: the host then answers by the previous configuration.
            let pattern = Pattern::location(&location.path, budget).map_err(|_| BudgetExceeded)?;
            if pattern.is_match(uri, budget)? {
                return Ok(Located::At(location));
            }
        }
        Ok(Located::Nowhere)
    }
}
