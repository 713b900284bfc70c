//! Runs checks over one Ingress: order, clock, panics. What becomes of the findings is policy's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::checks::{CHECK_FAILED, CHECK_NOT_EVALUATED, Check, Context, Findings, Settings};
use crate::cluster::{ClusterState, ClusterView, Coverage, Unavailable};
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Ingress, Kind, Kinds};
use crate::routing::{Controller, Routes};

/// The checks that run, with what configuration says to them.
#[derive(Debug)]
pub struct Engine {
    checks: Vec<&'static Check>,
    settings: Settings,
}

/// What the checks say of one Ingress.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// What they found, in the order of the checks, then of the object's fields.
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// A check without a verdict.
#[derive(Debug, Clone, Copy)]
pub struct NotEvaluated {
    /// The check.
    pub check: &'static Check,
    /// Why.
    pub why: Why,
}

/// Why a check has no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It asked for a kind of which nothing is known.
    Unknown(Unavailable),
    /// There was no time left.
    Deadline,
    /// It would have taken too long to say, whatever the time.
    Budget,
}

impl Engine {
    /// An engine that runs these checks in their order.
    #[must_use]
    pub fn new(checks: Vec<&'static Check>, settings: Settings) -> Self {
        Self { checks, settings }
    }

    /// The kinds without which some check cannot judge a write.
    #[must_use]
    pub fn needs(&self) -> Kinds {
        // The class of an Ingress says whose rules hold.
        let own = Kinds::of(&[Kind::IngressClass, Kind::Ingress]);
        self.checks.iter().fold(own, |needs, check| needs | check.needs).watched()
    }

    /// The kinds that checks read for better words only.
    #[must_use]
    pub fn hints(&self) -> Kinds {
        self.checks.iter().fold(Kinds::NONE, |hints, check| hints | check.hints).watched()
    }

    /// Judge one Ingress against the store. After `deadline` no further check is begun.
    #[must_use]
    pub fn run(&self, ingress: &Ingress, known: ClusterState<'_>, deadline: Option<Instant>) -> Evaluation {
        self.run_only(|_| true, ingress, known, deadline)
    }

    /// As [`Engine::run`], with some of the checks.
    #[must_use]
    pub fn run_only(
        &self,
        wanted: impl Fn(&Check) -> bool,
        ingress: &Ingress,
        known: ClusterState<'_>,
        deadline: Option<Instant>,
    ) -> Evaluation {
        let key = &ingress.meta.key;
        let own = ClusterView::new(known, key, Kind::IngressClass.into(), Kinds::of(&[Kind::Ingress, Kind::ConfigMap]));
        let dialects = self.settings.dialects.with_observed_settings(&own);
        let controller = Controller::of(ingress, &own, &self.settings.classes, &dialects);
        let checks = self.checks.iter().copied().filter(|check| wanted(check) && !exempt(check, ingress));
        // Each check sees no more than it declares. They come before the routes, which every check shares.
        let worlds: Vec<(&Check, ClusterView<'_>)> =
            checks.map(|check| (check, ClusterView::new(known, key, check.needs, check.hints))).collect();
        let routes = Routes::of(Some(ingress), &own, &self.settings.classes, &dialects, controller);
        let mut evaluation = Evaluation::default();
        for (check, view) in &worlds {
            if !check.applies.to(controller.dialect.family) {
                // Somebody's rules hold, but whose cannot be seen: the check might have had something to say.
                if let Some(unknown) = own.unavailable() {
                    evaluation.not_evaluated.push(NotEvaluated { check, why: Why::Unknown(unknown) });
                }
                continue;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                evaluation.not_evaluated.push(NotEvaluated { check, why: Why::Deadline });
                continue;
            }
            let mut found = Findings::new(check.code);
            let context = Context::new(ingress, view, &self.settings, controller, &routes);
            let outcome = catch_unwind(AssertUnwindSafe(|| (check.run)(&context, &mut found)));
            match outcome {
                // What a check found before it failed may be half the truth.
                Err(_) => evaluation.findings.push(failed(check)),
                Ok(()) => evaluation.findings.append(&mut found.into_inner()),
            }
            if let Some(unknown) = view.unavailable() {
                evaluation.not_evaluated.push(NotEvaluated { check, why: Why::Unknown(unknown) });
            }
            if context.exceeded_budget() {
                evaluation.not_evaluated.push(NotEvaluated { check, why: Why::Budget });
            }
        }
        evaluation.report_not_evaluated();
        evaluation
    }
}

/// Solvers of ACME challenges live for seconds and are nobody's to mend. What nobody may waive holds for them too, since
/// anybody can put their label on.
fn exempt(check: &Check, ingress: &Ingress) -> bool {
    ingress.is_acme_solver && check.waivable
}

fn failed(check: &Check) -> Finding {
    let message = format!("{} {} failed: only the other checks were evaluated", check.code, check.name);
    let help = "report this bug with the Ingress; the log has the source line";
    let mut finding = Finding::new(CHECK_FAILED.code, FieldPath::spec(), check.code, message.as_str());
    finding.help(help).at_most(Levels::both(Level::Warn)).shared_warning(format!("{message}; {help}"));
    finding
}

impl Evaluation {
    /// One finding for each reason, which names the checks that it has silenced.
    fn report_not_evaluated(&mut self) {
        let mut reasons: Vec<(Why, Vec<&'static str>)> = Vec::new();
        for NotEvaluated { check, why } in &self.not_evaluated {
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, codes)) => codes.push(check.code),
                None => reasons.push((*why, vec![check.code])),
            }
        }
        for (why, codes) in reasons {
            let message = format!("{} not evaluated: {}", codes.join(", "), why.text());
            let mut finding = Finding::new(CHECK_NOT_EVALUATED.code, FieldPath::spec(), why.text(), message);
            finding.at_most(Levels::both(why.ceiling()));
            // Which checks are affected depends on the Ingress.
            if why != Why::Budget {
                finding.shared_warning(format!("checks not evaluated: {}", why.text()));
            }
            self.findings.push(finding);
        }
    }
}

impl Why {
    /// For a human.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Deadline => "the review took too long".to_owned(),
            Self::Budget => "the paths of its hosts are too many or too hard to say in time which answers".to_owned(),
            Self::Unknown(Unavailable { kind, coverage }) => match coverage {
                Coverage::NotSynced => format!("the first list of {kind} objects has not come yet"),
                Coverage::Forbidden => format!("RBAC does not let ingress-guard read {kind} objects"),
                Coverage::SwitchedOff => format!("reading {kind} objects is switched off"),
                Coverage::Partial => format!("{kind} objects outside the given files are not known"),
                Coverage::OnDemand | Coverage::Unreadable => {
                    format!(
                        "what is in {} {kind} that it depends on is not known",
                        if kind.name().starts_with(['A', 'E', 'I']) { "an" } else { "a" }
                    )
                }
                Coverage::Undeclared | Coverage::Complete | Coverage::NotGiven | Coverage::NotWatched => {
                    format!("the check does not declare that it reads {kind}")
                }
            },
        }
    }

    /// What somebody has chosen is worth knowing; what should not be so is worth a warning.
    fn ceiling(self) -> Level {
        match self {
            Self::Unknown(Unavailable {
                coverage:
                    Coverage::Forbidden
                    | Coverage::SwitchedOff
                    | Coverage::NotGiven
                    | Coverage::NotWatched
                    | Coverage::Partial,
                ..
            }) => Level::Audit,
            Self::Unknown(_) | Self::Deadline | Self::Budget => Level::Warn,
        }
    }
}
