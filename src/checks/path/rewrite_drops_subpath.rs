//! IG311: a rewrite that loses the rest of the path.

use crate::checks::routed_paths::{ROUTES, Request, Routed, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX, PathType};
use crate::routing::{Pattern, Piece, is_plainly_regex, pieces};

pub(crate) static REWRITE_DROPS_SUBPATH: Check = Check {
    code: "IG311",
    name: "rewrite-drops-subpath",
    summary: "everything below the path is rewritten to one and the same target",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_drops_subpath.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(target) = super::target(cx) else { return };
    // A URL of its own is a redirect to one page, and so meant.
    if target.starts_with("http://") || target.starts_with("https://") {
        return;
    }
    let has_capture = pieces(target).any(|piece| matches!(piece, Piece::Capture(_)));
    let has_variable = pieces(target).any(|piece| matches!(piece, Piece::Variable(_)));
    let literal: String = pieces(target).filter_map(Piece::literal).collect();
    for path in routed(cx).iter().filter(|_| !has_variable) {
        let text = path.text();
        // `Exact` and a pattern with an end are meant for one page.
        if target == text || path.at.path.path_type == PathType::Exact || text.ends_with('$') {
            continue;
        }
        let is_regex = is_plainly_regex(text);
        // Captures are kept, or IG310 says that they are not there.
        if has_capture && (is_regex || has_groups(text)) {
            continue;
        }
        let Some(below) = below(cx, path) else { continue };
        let becomes = if literal.is_empty() { "nothing (500)".to_owned() } else { Quoted(&literal).to_string() };
        let message = format!("{} keeps nothing of the path: {} becomes {becomes}", Quoted(target), Request(&below));
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
        let finding = of_host(cx, out.add(field, format!("{} target={target}", path.at.subject()), message));
        if is_regex {
            finding.help("capture what to keep: /api(/|$)(.*) with /$2");
            continue;
        }
        let (stem, before) = (text.trim_end_matches('/'), literal.trim_end_matches('/'));
        let (capture, group) = if stem.is_empty() { ("/(.*)", 1) } else { ("(/|$)(.*)", 2) };
        let (path, target) = (format!("{stem}{capture}"), format!("{before}/${group}"));
        finding.help(format!("write path {} and target {}", Quoted(&path), Quoted(&target)));
    }
}

fn has_groups(path: &str) -> bool {
    path.contains('(') && Pattern::location(path).map_or(true, |pattern| pattern.groups() > 0)
}

/// A request below the path.
fn below<'a>(cx: &Context<'a>, path: &Routed<'a>) -> Option<String> {
    if is_plainly_regex(path.text()) {
        return path.samples(cx)?.into_iter().take(2).next_back();
    }
    Some(format!("{}/x", path.text().trim_end_matches('/')))
}
