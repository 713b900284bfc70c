//! IG308: regex matching that changes the results of other Ingresses.

use super::switch_field;
use crate::checks::routed_paths::{ROUTES, is_more_specific, of_host, of_other};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kind, Kinds};
use crate::routing::{Location, When, plain_samples};

pub(crate) static REGEX_SPILLOVER: Check = Check {
    code: "IG308",
    name: "regex-spillover",
    summary: "the Ingress enables regex matching for its host, and other Ingresses lose requests",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_spillover.md"),
    run,
};

/// At most this number of paths of other Ingresses are compared.
const MAX_PATHS: usize = 1000;

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
        if before.is_regex || !after.is_regex || !cx.view.knows(Kind::Ingress) || !cx.matches_paths() {
            continue;
        }
        let budget = cx.routes().budget();
        let mut changed = Vec::new();
        let others = before.locations.iter().filter(|location| !location.is_exact_companion);
        for (at, ingress) in others.filter_map(|location| location.at.zip(location.ingress)).take(MAX_PATHS) {
            let path = at.path.routed();
            for sample in plain_samples(path, at.path.path_type) {
                let located = before.locate(sample.as_bytes(), budget);
                let located = located.and_then(|was| Ok((was.at(), after.locate(sample.as_bytes(), budget)?.at())));
                let Some((was, is)) = cx.weighed(located) else { continue };
                // A more specific location matches with and without regex matching.
                let stays = |is: &Location<'_>| is.is_equivalent(ingress, at) || is_more_specific(is, &sample, path);
                if was.and_then(|was| was.at).is_some_and(|was| was.is_same(at)) && !is.is_some_and(stays) {
                    changed.push(format!("{}{}", Quoted(path), of_other(cx, &ingress.meta.key)));
                    break;
                }
            }
        }
        let Some((first, more)) = changed.split_first() else { continue };
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let message = format!("enables regex matching for {host}: requests no longer reach {first}{more}");
        let finding = of_host(cx, out.add(switch_field(cx), format!("{host} switched"), message));
        finding.help("use a separate host");
    }
}
