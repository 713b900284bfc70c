//! The findings of one check.

use super::Context;
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Key};

/// The findings of one check.
#[derive(Debug)]
pub struct Findings {
    code: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// Creates an empty list for the check with this code.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        Self { code, found: Vec::new() }
    }

    /// Adds a finding and returns it, so that the caller can add help, a fix or evidence.
    ///
    /// `message` has the form `what is wrong: effect on requests`. `subject` identifies the finding over several versions of
    /// the Ingress, so it contains no list index.
    pub fn add(
        &mut self,
        field: FieldPath,
        subject: impl Into<Box<str>>,
        message: impl Into<Box<str>>,
    ) -> &mut Finding {
        let at = self.found.len();
        self.found.push(Finding::new(self.code, field, subject, message));
        &mut self.found[at]
    }

    /// Returns the findings in the order in which they were added.
    #[must_use]
    pub fn into_inner(self) -> Vec<Finding> {
        self.found
    }
}

/// Names an older Ingress of the same host: `the older Ingress shop/web`, or `an older Ingress` if messages may not name its
/// namespace.
pub(super) fn older(cx: &Context<'_>, key: &Key) -> String {
    if cx.may_name(&key.namespace) { format!("the older Ingress {key}") } else { "an older Ingress".to_owned() }
}

/// Joins items for a message: `a, b, c`, or `a, b, c and 4 more` if there are more than five.
pub(super) fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 5;
    let mut items = items.into_iter();
    let mut shown: Vec<String> = items.by_ref().take(SHOWN).map(|item| item.to_string()).collect();
    match items.count() {
        0 => shown.join(", "),
        more => {
            let last = format!("{} and {more} more", shown.pop().unwrap_or_default());
            shown.push(last);
            shown.join(", ")
        }
    }
}

/// The ceiling of a finding that warns at most.
pub(super) const WARN: Levels = Levels::both(Level::Warn);
/// The ceiling of a finding that is reported at audit level at most.
pub(super) const AUDIT: Levels = Levels::both(Level::Audit);
