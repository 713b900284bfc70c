//! Which location of a server answers a request: nginx's own order. Sections 2.6 and 2.7.

use super::pattern::{Budget, BudgetExceeded, Pattern, literal_prefix};
use super::server::{Location, Modifier, Server};

/// A pattern costs as much as so many comparisons of text.
pub(crate) const PATTERN: u32 = 400;

/// What a server does with a path.
#[derive(Debug, Clone, Copy)]
pub enum Located<'s, 'a> {
    /// This location takes it.
    At(&'s Location<'a>),
    /// It would be this location's with a slash to its end: nginx answers 301 to there.
    Slash(&'s Location<'a>),
    /// No location: nginx has nothing to serve.
    Nowhere,
}

impl<'s, 'a> Located<'s, 'a> {
    /// The location that takes the request itself.
    #[must_use]
    pub fn at(&self) -> Option<&'s Location<'a>> {
        match self {
            Self::At(location) => Some(location),
            Self::Slash(_) | Self::Nowhere => None,
        }
    }
}

impl<'a> Server<'a> {
    /// The location for a path that is [normalized](super::normalized).
    ///
    /// # Errors
    /// When it would take too long to say.
    pub fn locate(&self, uri: &[u8], budget: &Budget) -> Result<Located<'_, 'a>, BudgetExceeded> {
        if self.is_regex { self.first_match(uri, budget) } else { Ok(self.longest_prefix(uri)) }
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
        // A location that passes requests on and ends in a slash sends there whoever forgot it (section 2.7).
        let with_slash = [uri, b"/"].concat();
        let slash = [Modifier::Exact, Modifier::Prefix].into_iter().find_map(|of| self.plain(of, &with_slash));
        match (slash.filter(|_| self.redirects_to_slash), prefix) {
            (Some(slash), _) => Located::Slash(slash),
            (None, Some(prefix)) => Located::At(prefix),
            (None, None) => Located::Nowhere,
        }
    }

    fn first_match(&self, uri: &[u8], budget: &Budget) -> Result<Located<'_, 'a>, BudgetExceeded> {
        budget.spend(u32::try_from(uri.len()).unwrap_or(u32::MAX))?;
        for location in self.patterns_for(uri).into_iter().map(|at| &self.locations[at]) {
            if literal_prefix(&location.path).len() == location.path.len() {
                return Ok(Located::At(location));
            }
            budget.spend(PATTERN)?;
            // A pattern that PCRE2 refuses loads nowhere: what this host answers is then the previous configuration's.
            let pattern = Pattern::location(&location.path).map_err(|_| BudgetExceeded)?;
            if pattern.is_match(uri).ok_or_else(|| budget.give_up())? {
                return Ok(Located::At(location));
            }
        }
        Ok(Located::Nowhere)
    }
}
