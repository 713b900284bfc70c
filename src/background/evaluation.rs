//! The verdict on one stored Ingress: its findings as `audit` reports them, and the states of its routes.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::admission::Rules;
use crate::analysis::analyze_within;
use crate::budget::{Allowance, Budget};
use crate::checks::{self, CHECK_NOT_EVALUATED, SERVICE_WITHOUT_READY_ENDPOINTS};
use crate::cluster::{ClusterState, ClusterView, Coverage, Unavailable};
use crate::engine::NotEvaluatedReason;
use crate::finding::{Evidence, Level};
use crate::model::{Ingress, Kind, Kinds};
use crate::policy::Decision;
use crate::routing::{Controllers, LinkStatus, ReloadBlocks, Route, Routes, routes_of};

use super::verdicts::{StoredFinding, StoredRoutes, StoredVerdict};

/// The findings of one check that keep their texts, and a fifth of the findings that are kept.
const TEXTS: usize = 20;
/// The steps for the routes of one Ingress, about 10 ms.
const STEPS_OF_ROUTES: u32 = 400_000;

/// Evaluates a stored Ingress. Objects of the kinds `on_demand` that were not read yet are unknown, and no finding reports that. After
/// a panic the routes are unknown.
#[must_use]
pub(super) fn evaluate(
    ingress: &Ingress,
    known: ClusterState<'_>,
    rules: &Rules,
    blocks: &ReloadBlocks,
    on_demand: Kinds,
) -> StoredVerdict {
    let findings = || findings(ingress, known, rules, on_demand);
    // The engine catches panics of checks. The policy and the routes are outside of it.
    let all = |_| (Vec::new(), checks::ALL.iter().map(|check| check.code).collect());
    let (findings, not_evaluated) = catch_unwind(AssertUnwindSafe(findings)).unwrap_or_else(all);
    let routes = || routes(ingress, known, rules, blocks);
    let unknown = |_| StoredRoutes { unknown: count(ingress.paths()), ..StoredRoutes::default() };
    let routes = catch_unwind(AssertUnwindSafe(routes)).unwrap_or_else(unknown);
    StoredVerdict { findings, not_evaluated, routes }
}

/// Returns the findings, and the codes of the checks that were not evaluated.
fn findings(
    ingress: &Ingress,
    known: ClusterState<'_>,
    rules: &Rules,
    on_demand: Kinds,
) -> (Vec<StoredFinding>, Vec<&'static str>) {
    let allowance = Allowance { texts: TEXTS, ..Allowance::full() };
    let analysis = analyze_within(&allowance, ingress, known, &rules.engine, &rules.policy);
    let unread: Vec<String> = on_demand.iter().map(reason_of_unread).collect();
    let is_unread = |decision: &&Decision| {
        let finding = &decision.finding;
        finding.code == CHECK_NOT_EVALUATED.code && unread.iter().any(|reason| **reason == *finding.subject)
    };
    let decisions = analysis.verdict.distinct().filter(|decision| decision.level > Level::Off && !is_unread(decision));
    let findings = decisions.take(TEXTS * 5).map(stored).collect();
    let not_evaluated: BTreeSet<&str> = analysis.not_evaluated.iter().map(|not| not.check.code).collect();
    (findings, not_evaluated.into_iter().collect())
}

/// Returns the reason for which checks are not evaluated while an object of a kind was not read yet.
fn reason_of_unread(kind: Kind) -> String {
    NotEvaluatedReason::Unknown(Unavailable { kind, coverage: Coverage::FetchedByName }).text()
}

fn stored(decision: &Decision) -> StoredFinding {
    let Decision { finding, level, waived, .. } = decision;
    let service = finding.rests_on.iter().find_map(|evidence| match evidence {
        Evidence::Object(Kind::Service, key) => Some(key.name.clone()),
        _ => None,
    });
    StoredFinding {
        code: finding.code,
        level: *level,
        subject: finding.subject.clone(),
        field: finding.field.to_string().into(),
        message: finding.message.clone(),
        help: finding.help.clone(),
        is_readiness: finding.code == SERVICE_WITHOUT_READY_ENDPOINTS.code,
        service,
        waived: waived.clone(),
    }
}

fn routes(ingress: &Ingress, known: ClusterState<'_>, rules: &Rules, blocks: &ReloadBlocks) -> StoredRoutes {
    let budget = Budget::new(&Allowance { steps: STEPS_OF_ROUTES, ..Allowance::full() }, 0);
    let view = ClusterView::new(known, &ingress.meta.key, Kinds::of(&Kind::ALL), Kinds::NONE).within(&budget);
    let settings = rules.engine.settings();
    let dialects = settings.dialects.with_observed_settings(&view);
    let controllers = Controllers::new(&view, &settings.classes, &dialects);
    let controller = controllers.handling(ingress);
    let routes = Routes::of(controllers, controller, Some(ingress)).within(&budget);
    let is_blocked = blocks.all().iter().any(|block| {
        let culprit = known.store.ingress(&block.ingress.namespace, &block.ingress.name);
        culprit.is_some_and(|culprit| controllers.handling(culprit).is_same_as(&controller))
    });
    let found = routes_of(ingress, &routes);
    if budget.is_exceeded() {
        return StoredRoutes { unknown: count(ingress.paths()), ..StoredRoutes::default() };
    }
    let mut states = StoredRoutes { unknown: found.unknown, ..StoredRoutes::default() };
    for route in &found.routes {
        *state_of(route, is_blocked, &mut states) += 1;
    }
    states
}

/// While a controller loads no change, the configuration from before decides, which is unknown.
fn state_of<'s>(route: &Route<'_>, is_blocked: bool, states: &'s mut StoredRoutes) -> &'s mut u32 {
    match route.status() {
        LinkStatus::Ok if is_blocked => &mut states.unknown,
        LinkStatus::Ok => &mut states.serving,
        LinkStatus::Broken => &mut states.broken,
        LinkStatus::Unknown => &mut states.unknown,
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
