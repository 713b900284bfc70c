//! The location of a server that gets a request, by nginx's order. Sections 2.6 and 2.7.

use super::pattern::{Pattern, literal_prefix};
use super::server::{Location, Modifier, Server};
use crate::budget::{Budget, BudgetExceeded};

/// The location of a path.
#[derive(Debug, Clone, Copy)]
pub enum Located<'s, 'a> {
    /// This location gets the request.
    At(&'s Location<'a>),
    /// This location would get it with a trailing slash: nginx redirects there with 301.
    Slash(&'s Location<'a>),
    /// No location matches.
    Nowhere,
}

impl<'s, 'a> Located<'s, 'a> {
    /// Returns the location that gets the request itself.
    #[must_use]
    pub fn at(&self) -> Option<&'s Location<'a>> {
        match self {
            Self::At(location) => Some(location),
            Self::Slash(_) | Self::Nowhere => None,
        }
    }
}

impl<'a> Server<'a> {
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
        Ok(self.longest_prefix(uri))
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
        let slash = [Modifier::Exact, Modifier::Prefix].into_iter().find_map(|of| self.plain(of, &with_slash));
        let redirects = |location: &&Location<'a>| self.redirects_to_slash && location.refusal.is_none();
        match (slash.filter(redirects), prefix) {
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
