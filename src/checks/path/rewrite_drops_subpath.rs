//! IG311: a rewrite that loses the rest of the path.

use super::{ROUTES, of_host, routed};
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
    let Some(target) = cx.nginx().rewrite_target().filter(|_| !cx.nginx().redirects_everything()) else { return };
    for path in routed(cx) {
        let text = path.at.path.routed();
        // `Exact` and a pattern with an end are meant for one page.
        if target == text || path.at.path.path_type == PathType::Exact || text.ends_with('$') {
            continue;
        }
        let Ok(pattern) = Pattern::location(text) else { continue };
        // IG310 speaks of groups that are missing where the path plainly has patterns.
        if pattern.groups() == 0
            && is_plainly_regex(text)
            && pieces(target).any(|piece| matches!(piece, Piece::Capture(_)))
        {
            continue;
        }
        let depends = |piece: Piece<'_>| match piece {
            Piece::Literal(_) => false,
            Piece::Capture(group) => group <= pattern.groups(),
            Piece::Variable(_) => true,
        };
        if pieces(target).any(depends)
            || (pattern.groups() > 0 && pieces(target).any(|piece| matches!(piece, Piece::Capture(_))))
        {
            continue;
        }
        let becomes: String = pieces(target).filter_map(Piece::literal).collect();
        let below = format!("{}/…", text.trim_end_matches('/'));
        let message = format!("target {} keeps nothing of the path: {below} becomes {becomes}", Quoted(target));
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
        let finding = of_host(cx, out.add(field, format!("{} target={target}", path.at.subject()), message));
        if is_plainly_regex(text) {
            finding.help("capture what to keep: /api(/|$)(.*) with /$2");
        } else {
            let stem = text.trim_end_matches('/');
            let kept = if stem.is_empty() { "/(.*) with /$1".to_owned() } else { format!("{stem}(/|$)(.*) with /$2") };
            finding.help(format!("to keep the rest write path {kept} and use-regex: \"true\""));
        }
    }
}
