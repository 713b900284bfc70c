//! IG503: an exact host that overrides a wildcard host without defining its paths.

use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Host, Kind, Kinds};
use crate::routing::{Outcome, Scheme, When, plain_samples};

pub(crate) static WILDCARD_GAP: Check = Check {
    code: "IG503",
    name: "wildcard-gap",
    summary: "the host overrides a wildcard host, but lacks paths of the wildcard: requests for them return 404",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("wildcard_gap.md"),
    run,
};

/// The number of paths of the wildcard host that are compared at most.
const MAX_PATHS: usize = 100;

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().is_canary() {
        return;
    }
    for (index, host) in cx.ingress.hosts() {
        // A host that exists already overrides the wildcard today.
        let (Host::Exact(name), true) = (host, cx.server(host, When::Before).is_absent()) else { continue };
        let Some(wildcard) = host.wildcard().and_then(|wildcard| cx.server(&wildcard, When::Before).found()) else {
            continue;
        };
        let Some(own) = cx.server(host, When::After).found() else { continue };
        let paths = wildcard
            .locations
            .iter()
            .filter(|location| !location.is_exact_companion)
            .filter_map(|location| location.at);
        let samples = paths.take(MAX_PATHS).flat_map(|at| plain_samples(at.path.routed(), at.path.path_type));
        for sample in samples {
            let routes = cx.routes();
            let was = routes.answer_on(&wildcard, Scheme::Https, &sample, When::Before);
            let Some(was) = cx.weighed(was) else { return };
            let Some(is) = cx.weighed(routes.answer_on(&own, Scheme::Https, &sample, When::After)) else { return };
            if !matches!(was.outcome, Outcome::Backend { .. })
                || is.outcome != Outcome::DefaultBackend
                || !cx.view.knows(Kind::Ingress)
            {
                continue;
            }
            let field = FieldPath::spec().field("rules").index(index).field("host");
            let message = format!(
                "host {} overrides {} and lacks some of its paths: {} for {sample}",
                Quoted(name),
                wildcard.host,
                effects::NOT_FOUND
            );
            let finding = out.add(field, host.to_string(), message);
            finding.rests_on_index("hosts").help("add the missing paths or path \"/\"");
            break;
        }
    }
}
