//! What nginx refuses: one such thing on one host, and no change of any Ingress takes effect. Section 2.8.

use super::locate::PATTERN;
use super::pattern::{Budget, BudgetExceeded, Pattern, PatternError, literal_prefix};
use super::server::{Location, Modifier, Server};
use super::variables::is_no_name_for_a_group;
use crate::routing::annotations::LONGEST_PARAMETER;

/// Why nginx refuses a server, and with it the whole configuration: nothing changes for anybody until it is mended
/// (section 2.8).
#[derive(Debug, Clone)]
pub enum Fault<'s, 'a> {
    /// B1 to B3: "duplicate location".
    Duplicate(&'s Location<'a>, &'s Location<'a>),
    /// B4 and B10: PCRE2 or nginx refuses the pattern, for this reason.
    Pattern(&'s Location<'a>, String),
    /// B9: "too long parameter", which is the path.
    PathTooLong(&'s Location<'a>),
    /// B9: "too long parameter", which is the `rewrite-target`.
    TargetTooLong(&'s Location<'a>),
}

impl<'a> Server<'a> {
    /// What makes nginx refuse this server.
    ///
    /// # Errors
    /// When it would take too long to say.
    pub fn faults(&self, budget: &Budget) -> Result<Vec<Fault<'_, 'a>>, BudgetExceeded> {
        let mut faults: Vec<Fault<'_, 'a>> =
            self.duplicates().map(|(one, other)| Fault::Duplicate(one, other)).collect();
        for location in &self.locations {
            budget.spend(1)?;
            if location.has_too_long_target() {
                faults.push(Fault::TargetTooLong(location));
            }
            if location.has_too_long_path() {
                faults.push(Fault::PathTooLong(location));
                continue;
            }
            if !self.is_regex || literal_prefix(&location.path).len() == location.path.len() {
                continue;
            }
            budget.spend(PATTERN)?;
            match Pattern::location(&location.path) {
                Ok(pattern) => {
                    let taken = pattern.names().find(|name| is_no_name_for_a_group(name));
                    let reason = |name| format!("nginx has a variable \"{name}\" of its own");
                    faults.extend(taken.map(|name| Fault::Pattern(location, reason(name))));
                }
                Err(PatternError::Invalid(reason)) => faults.push(Fault::Pattern(location, reason)),
                Err(PatternError::TooLong) => return Err(BudgetExceeded),
            }
        }
        Ok(faults)
    }
}

impl Location<'_> {
    /// Whether nginx cannot read the rewrite's target for its length: it stands without quotes, so it may be longer by
    /// one (section 2.8, B9).
    fn has_too_long_target(&self) -> bool {
        self.target.is_some_and(|target| target.len() > LONGEST_PARAMETER + 1)
    }

    /// Whether nginx cannot read the path out of its configuration for its length (section 2.8, B9).
    fn has_too_long_path(&self) -> bool {
        let path = &*self.path;
        // In `set $location_path` each dollar stands as `${literal_dollar}`.
        if path.len() * "${literal_dollar}".len() <= LONGEST_PARAMETER {
            return false;
        }
        let count = |which: &[u8]| path.bytes().filter(|byte| which.contains(byte)).count();
        let escaped = path.len() + count(b"\"\\");
        let before = match (self.target, self.modifier) {
            (Some(_), _) => "(?i)".len(),
            (None, Modifier::Regex) => "^".len(),
            (None, _) => 0,
        };
        let variable = count(b"$") * ("${literal_dollar}".len() - 1);
        // There it may be longer by one.
        escaped + before.max(variable.saturating_sub(1)) > LONGEST_PARAMETER
    }
}
