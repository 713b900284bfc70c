//! Problems: the findings of one check on one stored Ingress, as Events and reports name them.

use std::fmt::Write as _;

use super::verdicts::{StoredFinding, StoredVerdict};
use crate::checks::{CHECK_FAILED, CHECK_NOT_EVALUATED, CONTROLLER_BLOCKED};
use crate::finding::Level;

/// The findings of one check on one Ingress that warn or deny.
#[derive(Debug, Clone)]
pub(super) struct Problem<'a> {
    /// The check's code.
    pub(super) code: &'static str,
    /// The findings in the order of the report, at least one.
    pub(super) findings: Vec<&'a StoredFinding>,
}

impl<'a> Problem<'a> {
    /// Returns the problems of an Ingress, by code. Findings whose cause is the platform or another Ingress are left out.
    pub(super) fn all(verdict: &'a StoredVerdict) -> Vec<Self> {
        let mut problems: Vec<Self> = Vec::new();
        let findings = verdict.findings.iter().filter(|finding| is_of_the_ingress(finding));
        for finding in findings {
            match problems.iter_mut().find(|problem| problem.code == finding.code) {
                Some(problem) => problem.findings.push(finding),
                None => problems.push(Self { code: finding.code, findings: vec![finding] }),
            }
        }
        problems.sort_by_key(|problem| problem.code);
        problems
    }

    /// Returns the highest level of its findings.
    pub(super) fn level(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Audit)
    }

    /// Returns the field, cause and fix of a finding, and the number of the others.
    pub(super) fn described(&self, finding: &StoredFinding) -> String {
        let mut text = format!("{}: {}", finding.field, finding.message);
        if !finding.help.is_empty() {
            let _ = write!(text, "; {}", finding.help);
        }
        // Findings that read the same are one for people.
        let is_other = |other: &&&StoredFinding| (&other.field, &other.message) != (&finding.field, &finding.message);
        match self.findings.iter().filter(is_other).count() {
            0 => {}
            1 => text.push_str(" (and 1 more finding of this check)"),
            more => {
                let _ = write!(text, " (and {more} more findings of this check)");
            }
        }
        text
    }
}

fn is_of_the_ingress(finding: &StoredFinding) -> bool {
    let others = [CHECK_FAILED.code, CHECK_NOT_EVALUATED.code, CONTROLLER_BLOCKED.code];
    finding.level >= Level::Warn && !others.contains(&finding.code)
}
