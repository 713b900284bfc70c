//! IG308: regex mode that changes what others answer.

use super::{ROUTES, of_host, of_other, switch_field};
use crate::checks::context::list;
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::{When, plain_samples};

pub(crate) static REGEX_SPILLOVER: Check = Check {
    code: "IG308",
    name: "regex-spillover",
    summary: "this Ingress makes its host match patterns, which changes what other Ingresses of the host answer",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_spillover.md"),
    run,
};

/// So many requests of others are compared at most.
const MOST: usize = 1000;

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().is_canary() {
        return;
    }
    for (_, host) in cx.ingress.hosts() {
        let (Lookup::Found(before), Lookup::Found(after)) =
            (cx.server(host, When::Before), cx.server(host, When::After))
        else {
            continue;
        };
        if before.is_regex || !after.is_regex {
            continue;
        }
        let mut changed = Vec::new();
        let others = before.locations.iter().filter(|location| !location.is_twin);
        for (at, ingress) in others.filter_map(|location| location.at.zip(location.ingress)).take(MOST) {
            for sample in plain_samples(at.path.routed(), at.path.path_type) {
                let effort = cx.routes().effort();
                let located = before
                    .locate(sample.as_bytes(), effort)
                    .and_then(|was| Ok((was, after.locate(sample.as_bytes(), effort)?)));
                let Some((was, is)) = cx.weighed(located) else { return };
                if was.at().is_some_and(|was| is.at().is_none_or(|is| !was.is_for_the_same(is))) {
                    changed.push(format!("{}{}", Quoted(at.path.routed()), of_other(cx, &ingress.meta.key)));
                    break;
                }
            }
        }
        if changed.is_empty() {
            continue;
        }
        let message = format!(
            "this makes every path of {host} a pattern, in other Ingresses too: visitors no longer reach {}",
            list(changed)
        );
        let finding = of_host(cx, out.add(switch_field(cx), format!("{host} switched"), message));
        finding.help("give the Ingress that rewrites a host of its own, or make its paths more exact");
    }
}
