//! Runs checks over one Ingress: order, budgets, panics. Policy decides the level of each finding.

mod doubt;
mod evaluation;

pub use evaluation::{Evaluation, NotEvaluated, NotEvaluatedReason};

use std::cell::LazyCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::budget::{Allowance, Budget};
use crate::checks::{Applies, Check, Context, Findings, Memo, Settings};
use crate::cluster::{ClusterState, ClusterView};
use crate::finding::{Finding, Level, Levels};
use crate::model::{Ingress, Kind, Kinds};
use crate::policy::Policy;
use crate::routing::{Basis, Controller, Controllers, FamilySource, Routes};
use evaluation::{MOST_PARTS, failed, too_costly};

/// The checks that run, with their settings.
#[derive(Debug, Clone)]
pub struct Engine {
    /// In the order in which they run: those that cannot be waived, then those that can deny, then the rest.
    turns: Vec<Turn>,
    settings: Settings,
}

/// One check in the order of evaluation.
#[derive(Debug, Clone)]
struct Turn {
    check: &'static Check,
    /// The place of its findings among those of all checks.
    place: usize,
    /// Its share of the reserved steps, relative to the other shares.
    share: u32,
}

impl Turn {
    fn can_deny(&self) -> bool {
        self.share > SHARE_OF_OTHERS
    }

    /// Returns why the check did not finish, if it exceeded its time or budget.
    fn exceeded(&self, context: &Context<'_>, budget: &Budget) -> Option<NotEvaluatedReason> {
        let is_strict = !self.check.waivable && self.can_deny();
        if budget.is_interrupted() {
            Some(NotEvaluatedReason::Deadline)
        } else if is_strict && (context.exceeded_by_own() || budget.is_exceeded_by_own()) {
            Some(NotEvaluatedReason::TooCostly)
        } else if context.exceeded_budget() || budget.is_exceeded() {
            Some(NotEvaluatedReason::Budget)
        } else {
            None
        }
    }
}

/// The share of a check that can deny, and of one that cannot be waived either.
const SHARE: u32 = 8;
const SHARE_NOT_WAIVABLE: u32 = 32;
/// The share of any other check: enough to read an Ingress of any size once, whatever the checks before it have spent.
const SHARE_OF_OTHERS: u32 = 1;

/// The checks on an Ingress that its controller loads. A controller that does not watch the namespace loads none (section 1.4).
const OF_LOADED: [&str; 8] = ["IG302", "IG312", "IG314", "IG603", "IG609", "IG611", "IG612", "IG613"];

/// The optional kinds by which the controller of an Ingress is found, and that decide whether it loads the Ingress.
const CONTROLLER_HINTS: Kinds = Kinds::of(&[
    Kind::ConfigMap,
    Kind::DaemonSet,
    Kind::Deployment,
    Kind::Ingress,
    Kind::Namespace,
    Kind::Pod,
    Kind::Secret,
    Kind::StatefulSet,
]);

impl Engine {
    /// Creates an engine that runs these checks and returns their findings in this order. The policy decides which run first
    /// and have a reserve: those that can deny.
    #[must_use]
    pub fn new(checks: Vec<&'static Check>, settings: Settings, policy: &Policy) -> Self {
        let turn = |(place, check): (usize, &'static Check)| {
            let share = match (policy.can_deny(check), check.waivable) {
                (false, _) => SHARE_OF_OTHERS,
                (true, true) => SHARE,
                (true, false) => SHARE_NOT_WAIVABLE,
            };
            Turn { check, place, share }
        };
        let mut turns: Vec<Turn> = checks.into_iter().enumerate().map(turn).collect();
        turns.sort_by_key(|turn| (turn.check.waivable, !turn.can_deny()));
        Self { turns, settings }
    }

    /// Returns the same engine with messages that name no other namespace.
    #[must_use]
    pub fn without_other_namespaces(&self) -> Self {
        let settings = Settings { reveal_other_namespaces: false, ..self.settings.clone() };
        Self { turns: self.turns.clone(), settings }
    }

    /// Returns the settings of the checks.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the number of checks that run.
    #[must_use]
    pub fn checks(&self) -> usize {
        self.turns.len()
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
            |check: &Check| if check.applies.depends_on_family() { Kind::IngressClass.into() } else { Kinds::NONE };
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
        let turns: Vec<&Turn> =
            self.turns.iter().filter(|turn| wanted(turn.check) && !exempt(turn.check, ingress)).collect();
        let shares: u32 = turns.iter().map(|turn| turn.share).sum();
        let reserve_of_share = allowance.steps / 2 / shares.max(1);
        let budget = Budget::new(allowance, reserve_of_share * shares);
        let own = ClusterView::new(known, key, Kind::IngressClass.into(), CONTROLLER_HINTS);
        let own = own.within(&budget);
        let dialects = self.settings.dialects.with_observed_settings(&own);
        let controllers = Controllers::new(&own, &self.settings.classes, &dialects);
        let controller = controllers.of(ingress);
        let unsettled = controllers.unsettled(ingress);
        // Each check sees only the kinds that it declares. The views outlive the routes, which all checks share.
        let view = |check: &Check| ClusterView::new(known, key, check.needs, check.hints).within(&budget);
        let mut views: Vec<(&Turn, ClusterView<'_>)> = Vec::with_capacity(turns.len());
        views.extend(turns.into_iter().map(|turn| (turn, view(turn.check))));
        let routes = Routes::of(controllers, controller, Some(ingress)).within(&budget);
        let memo = Memo::default();
        // Stored Ingresses that are not loaded are absent here. The controller may still serve their previous versions.
        let with_previous = LazyCell::new(|| {
            Routes::of(controllers, controller, Some(ingress)).within(&budget).with_previous_versions()
        });
        let memo_with_previous = Memo::default();
        let mut evaluation = Evaluation { oversized: oversized(ingress), ..Evaluation::default() };
        let reading = reading(ingress);
        // By the place of the check.
        let mut found_at: Vec<(usize, Vec<Finding>)> = Vec::new();
        let mut not_evaluated_at: Vec<(usize, NotEvaluated)> = Vec::new();
        for (turn, view) in &views {
            let Turn { check, place, .. } = turn;
            let mut not_evaluated = |why| not_evaluated_at.push((*place, NotEvaluated { check, why }));
            if !check.applies.to(controller.dialect.family) {
                // The controller is unknown: the check might apply to it.
                if let Some(unknown) = own.unavailable() {
                    not_evaluated(NotEvaluatedReason::Unknown(unknown));
                } else if unsettled.is_some() {
                    not_evaluated(NotEvaluatedReason::Unsettled);
                }
                continue;
            }
            budget.begin(turn.share * reserve_of_share, !check.waivable);
            if budget.is_interrupted() {
                not_evaluated(NotEvaluatedReason::Deadline);
                continue;
            }
            let mut found = Findings::new(check.code, &budget);
            let context =
                Context::new(ingress, view, &self.settings, &routes, &memo).oversized(evaluation.oversized.is_some());
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                if budget.spend_own(reading).is_ok() {
                    (check.run)(&context, &mut found);
                }
            }));
            let mut found = match outcome {
                // Findings of a check that panicked may be incomplete: they are dropped.
                Err(_) => vec![failed(check)],
                Ok(()) => doubt::limited(found.into_inner(), key, known),
            };
            found.retain(|finding| !is_of_challenge(check, ingress, finding));
            if check.applies.depends_on_family() && controller.dialect.family_source == FamilySource::Workloads {
                for finding in &mut found {
                    rest_on_workloads(finding, &controller);
                }
            }
            if let Some(unknown) = view.unavailable() {
                not_evaluated(NotEvaluatedReason::Unknown(unknown));
            }
            if context.left_out_matching() {
                not_evaluated(NotEvaluatedReason::Oversized);
            }
            let mut exceeded = turn.exceeded(&context, &budget);
            if turn.can_deny() && !found.is_empty() && routes.leaves_out_unloaded() {
                let mut again = Findings::new(check.code, &budget);
                let context = Context::new(ingress, view, &self.settings, &with_previous, &memo_with_previous)
                    .oversized(evaluation.oversized.is_some());
                let run_again = || {
                    if !budget.is_exceeded() {
                        (check.run)(&context, &mut again);
                    }
                };
                // What is not found again is not certain, also if the check could not finish.
                let is_panic = catch_unwind(AssertUnwindSafe(run_again)).is_err();
                warn_of_the_rest(&mut found, &again.into_inner());
                found.extend(is_panic.then(|| failed(check)));
                exceeded = exceeded.or_else(|| turn.exceeded(&context, &budget));
            }
            if let Some(why) = exceeded {
                found.extend((why == NotEvaluatedReason::TooCostly).then(|| too_costly(check)));
                not_evaluated(why);
            }
            // Also while a check ran again: in a slow place it can complete.
            evaluation.exhausted |= budget.is_exceeded() && !budget.is_interrupted();
            if may_be_of_another(&controller, check, &key.namespace) {
                warn_at_most(&mut found);
            }
            if !found.is_empty() {
                found_at.push((*place, found));
            }
        }
        evaluation.not_evaluated = in_order(not_evaluated_at).collect();
        evaluation.findings = in_order(found_at).flatten().collect();
        evaluation.leave_out_refused();
        evaluation.spent = budget.spent();
        evaluation.report_not_evaluated(unsettled);
        evaluation.report_oversized(self.settings.oversized);
        evaluation
    }
}

/// The results of checks in the order of the checks, which is not the order in which they ran.
fn in_order<T>(mut results: Vec<(usize, T)>) -> impl Iterator<Item = T> {
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result)
}

/// Lowers denials to warnings.
fn warn_at_most(found: &mut [Finding]) {
    for finding in found {
        finding.at_most(Levels::both(Level::Warn));
    }
}

/// Lowers findings to a warning that are absent where stored Ingresses that are not loaded count: they rest on the absence of
/// such an Ingress, which is not certain.
fn warn_of_the_rest(found: &mut [Finding], with_previous: &[Finding]) {
    for finding in found {
        let is_same = |other: &Finding| other.code == finding.code && other.subject == finding.subject;
        if !with_previous.iter().any(is_same) {
            finding.at_most(Levels::both(Level::Warn));
        }
    }
}

/// Returns whether another controller may handle the Ingress, with other rules or settings for the check: one that uses the name of
/// the class as well, or one that watches the namespace. The controller itself may read annotations with another prefix.
fn may_be_of_another(controller: &Controller<'_>, check: &Check, namespace: &str) -> bool {
    let is_of_class_name = controller.basis == Basis::ClassName && check.applies.depends_on_family();
    let reads_others = controller.dialect.reads_unknown_prefix && check.applies.depends_on_family();
    let is_watched = controller.dialect.watches(namespace) == Some(true);
    is_of_class_name || reads_others || (!is_watched && OF_LOADED.contains(&check.code))
}

/// Returns whether an Ingress is exempt from a check: the solver of an ACME challenge exists for seconds, and its Service may be
/// younger than the cache. Checks that cannot be waived apply all the same, since every client can write such an Ingress. The API
/// server has validated an Ingress that is not read from a file.
fn exempt(check: &Check, ingress: &Ingress) -> bool {
    (check.waivable && ingress.is_acme_solver) || (check.applies == Applies::Manifests && ingress.written.is_none())
}

/// Returns whether a finding is about a challenge path that cert-manager has added to an Ingress of a user. The same applies to it.
fn is_of_challenge(check: &Check, ingress: &Ingress, finding: &Finding) -> bool {
    check.waivable && ingress.is_acme_challenge_at(&finding.field)
}

/// The steps of one check for reading the Ingress once: its rules, paths and TLS entries.
fn reading(ingress: &Ingress) -> u32 {
    let hosts = ingress.rules.len() + ingress.tls.iter().map(|entry| 1 + entry.hosts.len()).sum::<usize>() / 4;
    u32::try_from(hosts + ingress.paths().count() / 4).unwrap_or(u32::MAX)
}

/// Returns the number of distinct hosts and paths if it is more than [`MOST_PARTS`].
fn oversized(ingress: &Ingress) -> Option<usize> {
    let most = ingress.rules.len()
        + ingress.paths().count()
        + ingress.tls.iter().map(|entry| entry.hosts.len()).sum::<usize>();
    if most <= MOST_PARTS {
        return None;
    }
    Some(ingress.distinct_parts()).filter(|parts| *parts > MOST_PARTS)
}

/// Makes a finding depend on the workloads that show which controller this is.
fn rest_on_workloads(finding: &mut Finding, controller: &Controller<'_>) {
    for (kind, key) in &controller.dialect.workloads {
        finding.rests_on(*kind, key.clone());
    }
}
