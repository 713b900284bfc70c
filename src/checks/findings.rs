//! The findings of one check.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Context;
use crate::budget::Budget;
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Key};

/// The steps of a budget that one finding costs: its texts are written.
const FINDING: u32 = 100;

/// The findings of one check.
#[derive(Debug)]
pub struct Findings<'b> {
    code: &'static str,
    budget: &'b Budget,
    found: Vec<Finding>,
    /// The last one that was added after the budget was exceeded.
    dropped: Option<Finding>,
}

/// The longest message, help and subject, in bytes.
const MESSAGE: usize = 1024;
const SUBJECT: usize = 512;

impl<'b> Findings<'b> {
    /// Creates an empty list for the check with this code. A finding that is added after the budget was exceeded is dropped:
    /// it may be due to something that was not looked up.
    #[must_use]
    pub fn new(code: &'static str, budget: &'b Budget) -> Self {
        Self { code, budget, found: Vec::new(), dropped: None }
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
        if self.found.len() > self.budget.texts() {
            self.found.last_mut().map(shorten);
        }
        let (subject, message) = (subject.into(), message.into());
        let finding = Finding::new(self.code, field, identifying(subject), cut(message, MESSAGE));
        if self.budget.spend_own(FINDING).is_err() {
            return self.dropped.insert(finding);
        }
        let at = self.found.len();
        self.found.push(finding);
        &mut self.found[at]
    }

    /// Returns the findings in the order in which they were added. Those for which the allowance has no texts share one.
    #[must_use]
    pub fn into_inner(mut self) -> Vec<Finding> {
        let texts = self.budget.texts();
        self.budget.keep_texts(self.found.len().min(texts));
        let more = self.found.len().saturating_sub(texts);
        for finding in self.found.iter_mut().skip(texts) {
            shorten(finding);
            finding.message = format!("one of {more} more findings, whose details are left out").into();
        }
        for finding in self.found.iter_mut().take(texts) {
            finding.help = cut(std::mem::take(&mut finding.help), MESSAGE);
        }
        self.found
    }
}

/// Drops the texts of a finding and keeps what decides on it: the subject, the field, the evidence and the ceiling.
fn shorten(finding: &mut Finding) {
    finding.message = Box::default();
    finding.help = Box::default();
    finding.fix = None;
}

fn cut(text: Box<str>, bytes: usize) -> Box<str> {
    if text.len() <= bytes { text } else { format!("{}…", &text[..text.floor_char_boundary(bytes)]).into() }
}

/// Replaces the end of a long subject by its hash, so that it still distinguishes the finding.
fn identifying(subject: Box<str>) -> Box<str> {
    if subject.len() <= SUBJECT {
        return subject;
    }
    // With fixed keys, because baselines keep subjects.
    let mut hasher = DefaultHasher::new();
    subject.hash(&mut hasher);
    format!("{}…{:016x}", &subject[..subject.floor_char_boundary(SUBJECT)], hasher.finish()).into()
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
