//! IG310: the rewrite target uses a capture group that the path does not define.

use std::cell::LazyCell;

use super::rewrite_advice::{RewriteAdvice, captures};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{Piece, is_plainly_regex, pieces};

pub(crate) static REWRITE_CAPTURE_MISSING: Check = Check {
    code: "IG310",
    name: "rewrite-capture-missing",
    summary: "`rewrite-target` uses a capture group that the path does not define",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("rewrite_capture_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(target) = super::target(cx) else { return };
    let Some(wanted) = captures(target).max() else { return };
    let advice = LazyCell::new(|| RewriteAdvice::new(cx, target));
    for at in cx.ingress.paths() {
        let path = at.path.routed();
        let Some(count) = cx.pattern(path).map(|pattern| pattern.groups()) else { continue };
        // IG311 reports literal paths.
        if wanted <= count || (count == 0 && !is_plainly_regex(path)) {
            continue;
        }
        let has = match count {
            0 => "no group".to_owned(),
            1 => "1 group".to_owned(),
            more => format!("{more} groups"),
        };
        let message = format!(
            "{} uses capture group {wanted}, path {} has {has}: {}",
            Quoted(target),
            Quoted(path),
            consequence(target, count)
        );
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
        let finding = out.add(field, format!("{} target={target}", at.subject()), message);
        finding.help(advice.help(cx, at));
        // The target may be intended for other paths of the Ingress, and this path keeps one of its groups.
        if count > 0 && captures(target).any(|capture| capture == count) {
            finding.at_most(WARN);
        }
    }
}

/// Describes what the backend receives, with every missing group empty.
fn consequence(target: &str, groups: usize) -> String {
    let mut rewritten = String::new();
    for piece in pieces(target) {
        match piece {
            Piece::Literal(text) => rewritten.push_str(text),
            Piece::Capture(group) if group > groups => {}
            // Its value differs from request to request.
            Piece::Capture(_) | Piece::Variable(_) => return "that part of the rewritten path is empty".to_owned(),
        }
    }
    format!("every request is {}", effects::rewritten_to(&rewritten))
}
