//! The result of the checks for one Ingress: findings, the checks that were not evaluated, and the findings that say so.

use crate::checks::{self, CHECK_FAILED, CHECK_NOT_EVALUATED, Check, Oversized, REFUSED_BY_API_SERVER};
use crate::cluster::{Coverage, Unavailable};
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Segment};
use crate::routing::Unsettled;

/// The most distinct hosts and paths of an Ingress whose paths are compared with requests.
pub(super) const MOST_PARTS: usize = 10_000;

/// The result of the checks for one Ingress.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// The findings in the order of the checks, then of the object's fields.
    pub findings: Vec<Finding>,
    /// The checks that were not evaluated.
    pub not_evaluated: Vec<NotEvaluated>,
    /// The steps that were spent.
    pub spent: u32,
    /// Whether a check ran out of the allowance, so that a larger one may give another result.
    pub exhausted: bool,
    /// The number of distinct hosts and paths if they are too many for path matching.
    pub oversized: Option<usize>,
}

/// A check that was not evaluated.
#[derive(Debug, Clone, Copy)]
pub struct NotEvaluated {
    /// The check.
    pub check: &'static Check,
    /// The reason.
    pub why: NotEvaluatedReason,
}

/// The reason why a check was not evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEvaluatedReason {
    /// A required kind is unavailable.
    Unknown(Unavailable),
    /// The deadline of the review has passed, or its client has gone.
    Deadline,
    /// The check exceeded its budget.
    Budget,
    /// The check exceeded its budget because of the Ingress itself. It has a finding of its own for that.
    TooCostly,
    /// The Ingress has too many hosts and paths to match paths with requests.
    Oversized,
    /// The controller may be ingress-nginx or another one.
    Unsettled,
}

impl Evaluation {
    /// Leaves out findings at a field that the API server refuses, and at fields that contain it or are part of it: its value is
    /// never used.
    pub(super) fn leave_out_refused(&mut self) {
        let is_refusal = |finding: &&Finding| finding.code == REFUSED_BY_API_SERVER.code;
        let refused: Vec<FieldPath> = self
            .findings
            .iter()
            .filter(is_refusal)
            .map(|it| it.field.clone())
            .filter(|field| field.segments().len() > 1)
            .collect();
        let is_refused = |field: &FieldPath| {
            // Not the whole spec, to which findings about the whole Ingress belong.
            let field = field.segments();
            let is_part = |refused: &[Segment]| refused.starts_with(field) || field.starts_with(refused);
            field.len() > 1 && refused.iter().any(|refused| is_part(refused.segments()))
        };
        if refused.is_empty() {
            return;
        }
        let is_waivable = |code: &str| checks::find(code).is_some_and(|check| check.waivable);
        self.findings.retain(|it| is_refusal(&it) || !is_waivable(it.code) || !is_refused(&it.field));
    }

    /// Adds the finding on an Ingress with too many hosts and paths. The subject has their number: a write that raises it has a
    /// finding that the stored object does not have.
    pub(super) fn report_oversized(&mut self, effect: Oversized) {
        let Some(parts) = self.oversized else { return };
        let left_out = self.not_evaluated.iter().filter(|entry| entry.why == NotEvaluatedReason::Oversized);
        let codes: Vec<&str> = left_out.map(|entry| entry.check.code).collect();
        let codes = if codes.is_empty() { String::new() } else { format!(" ({} not evaluated)", codes.join(", ")) };
        let message =
            format!("{parts} hosts and paths, more than {MOST_PARTS}: paths are not compared with requests{codes}");
        let subject = format!("oversized {parts}");
        let mut finding = Finding::new(CHECK_NOT_EVALUATED.code, FieldPath::spec(), subject, message);
        finding.help("split the Ingress into several");
        if effect == Oversized::Warn {
            finding.at_most(Levels::both(Level::Warn));
        }
        self.findings.push(finding);
    }

    /// Adds one finding for each reason, with the codes of the checks that were not evaluated for it.
    pub(super) fn report_not_evaluated(&mut self, unsettled: Option<Unsettled<'_>>) {
        let mut reasons: Vec<(NotEvaluatedReason, Vec<&'static str>)> = Vec::new();
        for NotEvaluated { check, why } in &self.not_evaluated {
            if matches!(why, NotEvaluatedReason::TooCostly | NotEvaluatedReason::Oversized) {
                continue;
            }
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, codes)) => codes.push(check.code),
                None => reasons.push((*why, vec![check.code])),
            }
        }
        for (why, codes) in reasons {
            let reason = match unsettled {
                Some(unsettled) if why == NotEvaluatedReason::Unsettled => unsettled.to_string(),
                _ => why.text(),
            };
            let message = format!("{} not evaluated: {reason}", codes.join(", "));
            let mut finding = Finding::new(CHECK_NOT_EVALUATED.code, FieldPath::spec(), why.text(), message);
            finding.at_most(Levels::both(why.ceiling()));
            if why == NotEvaluatedReason::Budget {
                finding.help("simplify the regexes or split the host");
            }
            if let Some(unsettled) = unsettled.filter(|_| why == NotEvaluatedReason::Unsettled) {
                let help = unsettled.help();
                finding.shared_warning(format!("checks of ingress-nginx not evaluated: {reason}; {help}"));
                finding.help(help);
            }
            if why.is_of_the_platform() {
                // The affected checks depend on the Ingress, so the shared text leaves them out.
                finding.shared_warning(format!("checks not evaluated: {}", why.text()));
            }
            self.findings.push(finding);
        }
    }
}

impl NotEvaluatedReason {
    /// Returns the reason as messages show it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Deadline => "the review exceeded its time limit".to_owned(),
            Self::Unsettled => "the controller may be ingress-nginx or another one; settle it in the configuration: \
                dialects: [{match: {controller: VALUE}, engine: nginx}]"
                .to_owned(),
            Self::Oversized => format!("the Ingress has more than {MOST_PARTS} hosts and paths"),
            Self::Budget | Self::TooCostly => {
                "the evaluation exceeded its budget (too many hosts, paths or regexes, or too complex ones)".to_owned()
            }
            Self::Unknown(Unavailable { kind, coverage }) => match coverage {
                Coverage::NotSynced => format!("the {kind} cache has not synced yet"),
                Coverage::Forbidden => format!("RBAC does not allow ingress-guard to read {kind} objects"),
                Coverage::Disabled => format!("reading {kind} objects is disabled"),
                Coverage::Partial => format!("{kind} objects that are not in the files are unknown"),
                Coverage::OneNamespace => format!("{kind} objects of other namespaces are unknown"),
                Coverage::ReadFailed => format!("the API server did not return a referenced {kind}"),
                Coverage::FetchedByName | Coverage::Unreadable => {
                    format!("the contents of a referenced {kind} are unknown")
                }
                Coverage::Undeclared | Coverage::Complete | Coverage::NotProvided | Coverage::NotWatched => {
                    format!("the check does not declare that it reads {kind} objects")
                }
            },
        }
    }

    /// Whether the cause is the platform (time, watches, rights) and not the Ingress or an object that it references.
    fn is_of_the_platform(self) -> bool {
        match self {
            Self::Deadline => true,
            Self::Budget | Self::TooCostly | Self::Oversized | Self::Unsettled => false,
            Self::Unknown(Unavailable { coverage, .. }) => {
                !matches!(coverage, Coverage::FetchedByName | Coverage::Unreadable)
            }
        }
    }

    /// Returns the highest level: audit where the configuration causes it, a warning for a malfunction or a missing permission.
    fn ceiling(self) -> Level {
        match self {
            Self::Unknown(Unavailable {
                coverage: Coverage::Disabled | Coverage::NotProvided | Coverage::NotWatched | Coverage::Partial,
                ..
            })
            | Self::Unsettled => Level::Audit,
            Self::Unknown(_) | Self::Deadline | Self::Budget | Self::TooCostly | Self::Oversized => Level::Warn,
        }
    }
}

/// The finding of a check that cannot be waived and that the Ingress itself is too costly for. Else such an Ingress could hide
/// any fault.
pub(super) fn too_costly(check: &Check) -> Finding {
    let message = format!(
        "{} {} cannot be evaluated, because the Ingress itself is too costly: a fault that it reports may be present",
        check.code, check.name
    );
    let mut finding = Finding::new(check.code, FieldPath::spec(), "too costly to evaluate", message);
    finding.help("simplify the regexes or split the Ingress into several");
    finding
}

/// The finding of a check that panicked.
pub(super) fn failed(check: &Check) -> Finding {
    let message = format!("{} {} failed with an internal error: only the other checks apply", check.code, check.name);
    let help = "report the Ingress and the log of ingress-guard to the ingress-guard project";
    let mut finding = Finding::new(CHECK_FAILED.code, FieldPath::spec(), check.code, message.as_str());
    finding.help(help).at_most(Levels::both(Level::Warn)).shared_warning(format!("{message}; {help}"));
    finding
}
