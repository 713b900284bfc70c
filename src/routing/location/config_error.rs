//! Configuration that nginx rejects. One such error on one host prevents every reload: no Ingress change takes effect.
//! Section 2.8.

use std::fmt;

use super::pattern::{Pattern, PatternError, literal_prefix};
use super::server::{Location, Modifier, Server};
use super::variables::is_no_name_for_a_group;
use crate::budget::{Budget, BudgetExceeded};
use crate::finding::Quoted;
use crate::routing::annotations::LONGEST_PARAMETER;

/// An error for which nginx rejects a server, and with it the whole configuration: no Ingress change takes effect until it
/// is fixed (section 2.8).
#[derive(Debug, Clone)]
pub enum ConfigError<'s, 'a> {
    /// B1 to B3: "duplicate location".
    Duplicate(&'s Location<'a>, &'s Location<'a>),
    /// B4, B10 and B19: PCRE or nginx rejects the regex.
    Pattern {
        /// The location.
        location: &'s Location<'a>,
        /// The reason.
        reason: String,
        /// Whether every version of PCRE rejects it.
        is_certain: bool,
    },
    /// B9: "too long parameter" for the path.
    PathTooLong(&'s Location<'a>),
    /// B9: "too long parameter" for the `rewrite-target`.
    TargetTooLong(&'s Location<'a>),
}

impl<'s, 'a> ConfigError<'s, 'a> {
    /// Returns the location, or the first of two.
    #[must_use]
    pub const fn location(&self) -> &'s Location<'a> {
        match self {
            Self::Duplicate(location, _)
            | Self::Pattern { location, .. }
            | Self::PathTooLong(location)
            | Self::TargetTooLong(location) => location,
        }
    }
}

impl fmt::Display for ConfigError<'_, '_> {
    /// Writes the reason without the Ingress of the location.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(one, other) => {
                write!(f, "duplicate location {}", one.directive())?;
                other.ingress.map_or(Ok(()), |ingress| write!(f, ", also from Ingress {}", ingress.meta.key))
            }
            Self::Pattern { location, reason, .. } => write!(f, "{}: {reason}", Quoted(&location.path)),
            Self::PathTooLong(_) => f.write_str("it is longer than nginx allows"),
            Self::TargetTooLong(_) => f.write_str("its rewrite-target is longer than nginx allows"),
        }
    }
}

impl<'a> Server<'a> {
    /// Returns the errors for which nginx rejects this server. One that returns 403 has no locations (section 5.7).
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn config_errors(&self, budget: &Budget) -> Result<Vec<ConfigError<'_, 'a>>, BudgetExceeded> {
        if self.forbidden.is_some() {
            return Ok(Vec::new());
        }
        let duplicates = self.duplicates().map(|(one, other)| ConfigError::Duplicate(one, other));
        Ok(duplicates.chain(self.invalid_locations(|_| true, budget)?).collect())
    }

    /// Returns the errors of single locations, of those that are in question.
    ///
    /// # Errors
    /// When path matching exceeds its budget.
    pub fn invalid_locations(
        &self,
        is_in_question: impl Fn(&Location<'a>) -> bool,
        budget: &Budget,
    ) -> Result<Vec<ConfigError<'_, 'a>>, BudgetExceeded> {
        let mut errors: Vec<ConfigError<'_, 'a>> = Vec::new();
        for location in self.locations.iter().filter(|location| is_in_question(location)) {
            budget.spend(2 + u32::try_from(location.path.len() / 32).unwrap_or(u32::MAX))?;
            if location.has_too_long_target() {
                errors.push(ConfigError::TargetTooLong(location));
            }
            if location.has_too_long_path() {
                errors.push(ConfigError::PathTooLong(location));
                continue;
            }
            if !self.is_regex || literal_prefix(&location.path).len() == location.path.len() {
                continue;
            }
            match Pattern::location(&location.path, budget) {
                Ok(pattern) => {
                    let taken = pattern.names().find(|name| is_no_name_for_a_group(name));
                    let reason = |name| format!("nginx has a variable \"{name}\" of its own");
                    errors.extend(taken.map(|name| ConfigError::Pattern {
                        location,
                        reason: reason(name),
                        is_certain: true,
                    }));
                }
                Err(PatternError::Invalid { reason, in_both }) => {
                    errors.push(ConfigError::Pattern { location, reason, is_certain: in_both });
                }
                Err(PatternError::TooLong | PatternError::TooCostly) => return Err(BudgetExceeded),
            }
        }
        Ok(errors)
    }
}

impl Location<'_> {
    /// Returns whether the rewrite target is too long for nginx: it is unquoted, so it may be longer by one (section 2.8,
    /// B9).
    fn has_too_long_target(&self) -> bool {
        self.refusal.is_none() && self.target.is_some_and(|target| target.len() > LONGEST_PARAMETER + 1)
    }

    /// Returns whether the path is too long for nginx (section 2.8, B9).
    fn has_too_long_path(&self) -> bool {
        let path = &*self.path;
        // `set $location_path` writes each dollar as `${literal_dollar}`.
        if path.len() * "${literal_dollar}".len() <= LONGEST_PARAMETER {
            return false;
        }
        let count = |which: &[u8]| path.bytes().filter(|byte| which.contains(byte)).count();
        let escaped = path.len() + count(b"\"\\");
        let target = self.target.filter(|_| self.refusal.is_none());
        let before = match (target, self.modifier) {
            (Some(_), _) => "(?i)".len(),
            (None, Modifier::Regex) => "^".len(),
            (None, _) => 0,
        };
        let variable = count(b"$") * ("${literal_dollar}".len() - 1);
        // It is unquoted there, so it may be longer by one.
        escaped + before.max(variable.saturating_sub(1)) > LONGEST_PARAMETER
    }
}
