//! Runs checks over one Ingress: order, budgets, panics. Policy decides the level of each finding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::budget::{Allowance, Budget};
use crate::checks::{Applies, CHECK_FAILED, CHECK_NOT_EVALUATED, Check, Context, Findings, Memo, Settings};
use crate::cluster::{ClusterState, ClusterView, Coverage, Unavailable};
use crate::finding::{Finding, Level, Levels};
use crate::model::{FieldPath, Ingress, Kind, Kinds};
use crate::policy::Policy;
use crate::routing::{Controllers, Routes};

/// The checks that run, with their settings.
#[derive(Debug)]
pub struct Engine {
    /// In the order in which they run: those that cannot be waived, then those that can deny, then the rest.
    turns: Vec<Turn>,
    settings: Settings,
}

/// One check in the order of evaluation.
#[derive(Debug)]
struct Turn {
    check: &'static Check,
    /// The place of its findings among those of all checks.
    place: usize,
    /// Its share of the reserved steps, relative to the other shares.
    share: u32,
}

/// The share of a check that can deny, and of one that cannot be waived either.
const SHARE: u32 = 1;
const SHARE_NOT_WAIVABLE: u32 = 4;

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
}

impl Engine {
    /// Creates an engine that runs these checks and returns their findings in this order. The policy decides which run first
    /// and have a reserve: those that can deny.
    #[must_use]
    pub fn new(checks: Vec<&'static Check>, settings: Settings, policy: &Policy) -> Self {
        let turn = |(place, check): (usize, &'static Check)| {
            let share = match (policy.can_deny(check), check.waivable) {
                (false, _) => 0,
                (true, true) => SHARE,
                (true, false) => SHARE_NOT_WAIVABLE,
            };
            Turn { check, place, share }
        };
        let mut turns: Vec<Turn> = checks.into_iter().enumerate().map(turn).collect();
        turns.sort_by_key(|turn| (turn.check.waivable, turn.share == 0));
        Self { turns, settings }
    }

    /// Returns the watched kinds that some check requires.
    #[must_use]
    pub fn needs(&self) -> Kinds {
        // The class of an Ingress decides its controller and dialect.
        let own = Kinds::of(&[Kind::IngressClass, Kind::Ingress]);
        self.turns.iter().fold(own, |needs, turn| needs | turn.check.needs).watched()
    }

    /// Returns the watched kinds that are optional: checks read them to improve messages only.
    #[must_use]
    pub fn hints(&self) -> Kinds {
        self.turns.iter().fold(Kinds::NONE, |hints, turn| hints | turn.check.hints).watched()
    }

    /// Returns the code of each check, in order, with the kinds without which it is not evaluated.
    #[must_use]
    pub fn sources(&self) -> Vec<(&'static str, Kinds)> {
        // The class decides whether a check of one family of controllers applies.
        let class =
            |check: &Check| if check.applies == Applies::Everywhere { Kinds::NONE } else { Kind::IngressClass.into() };
        let mut sources: Vec<_> =
            self.turns.iter().map(|turn| (turn.check.code, turn.check.needs | class(turn.check))).collect();
        sources.sort_by_key(|(code, _)| *code);
        sources
    }

    /// Evaluates one Ingress against the cluster state within an allowance.
    #[must_use]
    pub fn run(&self, ingress: &Ingress, known: ClusterState<'_>, allowance: &Allowance) -> Evaluation {
        self.run_only(|_| true, ingress, known, allowance)
    }

    /// Evaluates one Ingress as [`Engine::run`] does, with the `wanted` checks only.
    #[must_use]
    pub fn run_only(
        &self,
        wanted: impl Fn(&Check) -> bool,
        ingress: &Ingress,
        known: ClusterState<'_>,
        allowance: &Allowance,
    ) -> Evaluation {
        let key = &ingress.meta.key;
        let own = ClusterView::new(known, key, Kind::IngressClass.into(), Kinds::of(&[Kind::Ingress, Kind::ConfigMap]));
        let dialects = self.settings.dialects.with_observed_settings(&own);
        let controllers = Controllers::new(&own, &self.settings.classes, &dialects);
        let controller = controllers.of(ingress);
        let turns = self.turns.iter().filter(|Turn { check, .. }| wanted(check) && !exempt(check, ingress));
        // Each check sees only the kinds that it declares. The views outlive the routes, which all checks share.
        let mut views: Vec<(&Turn, ClusterView<'_>)> = Vec::with_capacity(self.turns.len());
        views.extend(turns.map(|turn| (turn, ClusterView::new(known, key, turn.check.needs, turn.check.hints))));
        let shares: u32 = views.iter().map(|(turn, _)| turn.share).sum();
        let reserve_of_share = allowance.steps / 2 / shares.max(1);
        let budget = Budget::new(allowance, reserve_of_share * shares);
        let routes = Routes::of(controllers, controller, Some(ingress)).within(budget);
        let budget = routes.budget();
        let memo = Memo::default();
        let mut evaluation = Evaluation::default();
        // By the place of the check.
        let mut found_at: Vec<(usize, Vec<Finding>)> = Vec::new();
        let mut not_evaluated_at: Vec<(usize, NotEvaluated)> = Vec::new();
        for (Turn { check, place, share }, view) in &views {
            let mut not_evaluated = |why| not_evaluated_at.push((*place, NotEvaluated { check, why }));
            if !check.applies.to(controller.dialect.family) {
                // The controller is unknown: the check might apply to it.
                if let Some(unknown) = own.unavailable() {
                    not_evaluated(NotEvaluatedReason::Unknown(unknown));
                }
                continue;
            }
            budget.begin(share * reserve_of_share);
            if budget.is_interrupted() {
                not_evaluated(NotEvaluatedReason::Deadline);
                continue;
            }
            let mut found = Findings::new(check.code);
            let context = Context::new(ingress, view, &self.settings, &routes, &memo);
            let outcome = catch_unwind(AssertUnwindSafe(|| (check.run)(&context, &mut found)));
            let mut found = match outcome {
                // Findings of a check that panicked may be incomplete: they are dropped.
                Err(_) => vec![failed(check)],
                Ok(()) => found.into_inner(),
            };
            found.retain(|finding| !is_of_challenge(check, ingress, finding));
            if !found.is_empty() {
                found_at.push((*place, found));
            }
            if let Some(unknown) = view.unavailable() {
                not_evaluated(NotEvaluatedReason::Unknown(unknown));
            }
            if budget.is_interrupted() {
                not_evaluated(NotEvaluatedReason::Deadline);
            } else if context.exceeded_budget() || budget.is_exceeded() {
                not_evaluated(NotEvaluatedReason::Budget);
            }
            evaluation.exhausted |= budget.is_exceeded();
        }
        found_at.sort_by_key(|(place, _)| *place);
        not_evaluated_at.sort_by_key(|(place, _)| *place);
        evaluation.not_evaluated = not_evaluated_at.into_iter().map(|(_, not_evaluated)| not_evaluated).collect();
        evaluation.findings = found_at.into_iter().flat_map(|(_, found)| found).collect();
        evaluation.spent = budget.spent();
        evaluation.report_not_evaluated();
        evaluation
    }
}

/// Returns whether an Ingress is exempt from a check: the solver of an ACME challenge exists for seconds, and its Service may be
/// younger than the cache. Checks that cannot be waived apply all the same, since every client can write such an Ingress.
fn exempt(check: &Check, ingress: &Ingress) -> bool {
    check.waivable && ingress.is_acme_solver
}

/// Returns whether a finding is about a challenge path that cert-manager has added to an Ingress of a user. The same applies to it.
fn is_of_challenge(check: &Check, ingress: &Ingress, finding: &Finding) -> bool {
    check.waivable && ingress.is_acme_challenge_at(&finding.field)
}

fn failed(check: &Check) -> Finding {
    let message = format!("{} {} failed with an internal error: only the other checks apply", check.code, check.name);
    let help = "report the Ingress and the log of ingress-guard to the ingress-guard project";
    let mut finding = Finding::new(CHECK_FAILED.code, FieldPath::spec(), check.code, message.as_str());
    finding.help(help).at_most(Levels::both(Level::Warn)).shared_warning(format!("{message}; {help}"));
    finding
}

impl Evaluation {
    /// Adds one finding for each reason, with the codes of the checks that were not evaluated for it.
    fn report_not_evaluated(&mut self) {
        let mut reasons: Vec<(NotEvaluatedReason, Vec<&'static str>)> = Vec::new();
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
            if why == NotEvaluatedReason::Budget {
                finding.help("simplify the regexes or split the host");
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
            Self::Budget => "path matching exceeded its budget (too many or too complex regexes)".to_owned(),
            Self::Unknown(Unavailable { kind, coverage }) => match coverage {
                Coverage::NotSynced => format!("the {kind} cache has not synced yet"),
                Coverage::Forbidden => format!("RBAC does not allow ingress-guard to read {kind} objects"),
                Coverage::Disabled => format!("reading {kind} objects is disabled"),
                Coverage::Partial => format!("{kind} objects that are not in the files are unknown"),
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
            Self::Budget => false,
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
            }) => Level::Audit,
            Self::Unknown(_) | Self::Deadline | Self::Budget => Level::Warn,
        }
    }
}
