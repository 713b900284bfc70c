//! IG311: a rewrite that drops the subpath.

use std::cell::LazyCell;

use super::rewrite_advice::RewriteAdvice;
use crate::checks::request::Request;
use crate::checks::routed_paths::{ROUTES, Routed, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX, PathType};
use crate::routing::{Piece, is_plainly_regex, pieces};

pub(crate) static REWRITE_DROPS_SUBPATH: Check = Check {
    code: "IG311",
    name: "rewrite-drops-subpath",
    summary: "every request below the path is rewritten to the same target",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_drops_subpath.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(target) = super::target(cx) else { return };
    // A URL is a redirect, and one target page is intended.
    if target.starts_with("http://") || target.starts_with("https://") {
        return;
    }
    let has_capture = pieces(target).any(|piece| matches!(piece, Piece::Capture(_)));
    let has_variable = pieces(target).any(|piece| matches!(piece, Piece::Variable(_)));
    let literal: String = pieces(target).filter_map(Piece::literal).collect();
    let advice = LazyCell::new(|| RewriteAdvice::new(cx, target));
    for path in routed(cx).iter().filter(|_| !has_variable) {
        let text = path.text();
        // `Exact` and a regex with an end are intended for one page.
        if target == text || path.at.path.path_type == PathType::Exact || text.ends_with('$') {
            continue;
        }
        // The groups of the path are kept, or IG310 reports that they are missing.
        if has_capture && (is_plainly_regex(text) || has_groups(cx, text)) {
            continue;
        }
        let Some(below) = below(cx, path) else { continue };
        let message = format!(
            "{} drops subpaths of {}: {} is {}",
            Quoted(target),
            Quoted(text),
            Request(&below),
            effects::rewritten_to(&literal)
        );
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
        let finding = of_host(cx, out.add(field, format!("{} target={target}", path.at.subject()), message));
        finding.help(advice.help(cx, path.at));
    }
}

fn has_groups(cx: &Context<'_>, path: &str) -> bool {
    path.contains('(') && cx.pattern(path).is_none_or(|pattern| pattern.groups() > 0)
}

/// Returns a request below the path.
fn below<'a>(cx: &Context<'a>, path: &Routed<'a>) -> Option<String> {
    if is_plainly_regex(path.text()) {
        return path.samples(cx)?.into_iter().take(2).next_back();
    }
    Some(format!("{}/x", path.text().trim_end_matches('/')))
}
