//! What a check is given, and where it puts what it finds.

use std::cell::Cell;

use crate::cluster::World;
use crate::finding::{Finding, Levels};
use crate::model::{FieldPath, Ingress};
use crate::routing::{ClassRules, Dialect, Dialects, NginxAnnotations, Owner, Taker};

/// What configuration says to checks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which classes are served.
    pub classes: ClassRules,
    /// Whose rules hold for which class.
    pub dialects: Dialects,
    /// Whether messages may name objects of other namespaces.
    pub reveal_other_namespaces: bool,
    /// From how many days before its end a certificate is worth a word.
    pub expiry_warning_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            classes: ClassRules::default(),
            dialects: Dialects::default(),
            reveal_other_namespaces: true,
            expiry_warning_days: 14,
        }
    }
}

/// One Ingress under judgement, and what is known around it.
#[derive(Debug)]
pub struct Context<'a> {
    /// The Ingress.
    pub ingress: &'a Ingress,
    /// What may be asked of the cluster.
    pub world: &'a World<'a>,
    /// What configuration says.
    pub settings: &'a Settings,
    /// Who takes it and whose rules hold.
    pub taker: Taker<'a>,
    hints_left: Cell<u8>,
}

impl<'a> Context<'a> {
    /// The context of one check.
    #[must_use]
    pub fn new(ingress: &'a Ingress, world: &'a World<'a>, settings: &'a Settings, taker: Taker<'a>) -> Self {
        // Names are searched for the first faults only: five thousand wrong names must not cost five thousand searches.
        Self { ingress, world, settings, taker, hints_left: Cell::new(4) }
    }

    /// Whose rules hold.
    #[must_use]
    pub fn dialect(&self) -> &'a Dialect {
        self.taker.dialect
    }

    /// The Ingress' annotations as ingress-nginx reads them.
    #[must_use]
    pub fn nginx(&self) -> NginxAnnotations<'a> {
        NginxAnnotations::of(self.ingress)
    }

    /// Nobody is known to take this Ingress, so what a visitor gets cannot be foretold either.
    #[must_use]
    pub fn is_unowned(&self) -> bool {
        matches!(self.taker.owner, Owner::Nobody | Owner::Unknown)
    }

    /// The Ingress' namespace.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        &self.ingress.meta.key.namespace
    }

    /// The name that `wanted` was most likely meant to be.
    pub fn nearest<'n>(&self, wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        const NAMES: usize = 1000;
        const LENGTH: usize = 64;
        if wanted.len() > LENGTH {
            return None;
        }
        self.hints_left.set(self.hints_left.get().checked_sub(1)?);
        let mistakes = (wanted.chars().count() / 3).clamp(1, 3);
        let alike = names.take(NAMES).filter(|name| name.len().abs_diff(wanted.len()) <= 2 * mistakes);
        let scored = alike.map(|name| (strsim::damerau_levenshtein(wanted, name), name));
        scored.filter(|(distance, _)| *distance <= mistakes).min().map(|(_, name)| name)
    }
}

/// Where a check puts what it finds.
#[derive(Debug)]
pub struct Findings {
    code: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// An empty list for the check with this code.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        Self { code, found: Vec::new() }
    }

    /// Report a fault; say more about it through what comes back.
    ///
    /// `message` is `what is wrong: what the visitor will see`; `subject` has no list index in it.
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

    /// What was found.
    #[must_use]
    pub fn into_inner(self) -> Vec<Finding> {
        self.found
    }
}

/// `a, b, c` or `a, b, c and 4 more`.
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

/// Never above Warn.
pub(super) const WARN: Levels = Levels::both(crate::finding::Level::Warn);
/// Never above Audit.
pub(super) const AUDIT: Levels = Levels::both(crate::finding::Level::Audit);
