//! IG208: a host without paths, where every request returns 404.

use foldhash::{HashSet, HashSetExt as _};

use crate::checks::routed_paths::{ROUTES, of_host};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{Host, Kind, Kinds};
use crate::routing::{Outcome, Scheme, When};

pub(crate) static RULE_WITHOUT_PATHS: Check = Check {
    code: "IG208",
    name: "rule-without-paths",
    summary: "a rule has no paths, and no other rule serves its host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rule_without_paths.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A canary creates no server, and a snippet may return a response itself.
    if cx.nginx().is_canary() || cx.nginx().may_answer_by_snippet() {
        return;
    }
    let mut seen = HashSet::new();
    for rule in cx.ingress.rules().filter(|rule| rule.rule.paths.is_empty()) {
        let host = &rule.rule.host;
        let Some(server) = cx.server(host, When::After).found().filter(|_| seen.insert(host)) else { continue };
        // Dropped paths have their own findings.
        if server.locations.iter().any(|location| location.at.is_some()) || !server.dropped.is_empty() {
            continue;
        }
        let Some(answer) = cx.weighed(cx.routes().answer_on(&server, Scheme::Https, "/", When::After)) else { return };
        if answer.outcome != Outcome::DefaultBackend || !cx.view.knows(Kind::Ingress) {
            continue;
        }
        let message = match host {
            Host::Any => format!("the rule has neither host nor paths: {}", effects::NOT_FOUND),
            _ => format!("host {host} has no paths: {}", effects::NOT_FOUND),
        };
        let finding = out.add(rule.field(), format!("{host} without paths"), message);
        of_host(cx, finding).help("add http.paths to the rule, or a defaultBackend to the Ingress");
    }
}
