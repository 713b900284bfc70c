//! IG310: the rewrite target names a capture group that the path does not have.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{Pattern, Piece, is_plainly_regex, pieces};

pub(crate) static REWRITE_CAPTURE_MISSING: Check = Check {
    code: "IG310",
    name: "rewrite-capture-missing",
    summary: "`rewrite-target` names a capture group that the path does not have",
    levels: Levels::both(Level::Deny),
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
    for at in cx.ingress.paths() {
        let path = at.path.routed();
        let Ok(count) = Pattern::location(path).map(|pattern| pattern.groups()) else { continue };
        // A plain path beside `/$1` is the old tutorial: it serves, if not as meant.
        if wanted <= count || (count == 0 && !is_plainly_regex(path)) {
            continue;
        }
        let has = match count {
            0 => "no group".to_owned(),
            1 => "1 group".to_owned(),
            more => format!("{more} groups"),
        };
        let message = format!(
            "${wanted} in {} is empty, path {} has {has}: {}",
            Quoted(target),
            Quoted(path),
            consequence(target, count)
        );
        let finding = out.add(
            FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target")),
            format!("{} target={target}", at.subject()),
            message,
        );
        finding.help(match count {
            0 => "capture what to keep: /api(/|$)(.*) with /$2".to_owned(),
            1 => "use $1, or add the group to the path".to_owned(),
            _ => format!("use ${count} or less, or add the group to the path"),
        });
        // A target for several paths may count on groups that only some of them have, and lose nothing by it.
        if count > 0 && uses(target, count) {
            finding.at_most(WARN);
        }
    }
}

/// What the backend is asked for, with every capture that is missing left empty.
fn consequence(target: &str, groups: usize) -> String {
    let mut rewritten = String::new();
    for piece in pieces(target) {
        match piece {
            Piece::Literal(text) => rewritten.push_str(text),
            Piece::Capture(group) if group > groups => {}
            // What it stands for differs from request to request.
            Piece::Capture(_) | Piece::Variable(_) => return "that part of it is missing".to_owned(),
        }
    }
    format!("every request becomes {}", Quoted(&rewritten))
}

fn uses(target: &str, group: usize) -> bool {
    captures(target).any(|capture| capture == group)
}

fn captures(target: &str) -> impl Iterator<Item = usize> {
    pieces(target).filter_map(|piece| if let Piece::Capture(group) = piece { Some(group) } else { None })
}
