//! IG316: a pattern that takes too much.

use crate::checks::routed_paths::{ROUTES, Request, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::{alternatives_at_the_top, literal_prefix};

pub(crate) static REGEX_OVERREACHING: Check = Check {
    code: "IG316",
    name: "regex-overreaching",
    summary: "the pattern takes more than it seems to",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_overreaching.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let text = path.text();
        let (taken, instead) = if let Some(stem) = optional_slash(text) {
            (format!("{stem}xyz"), format!("{stem}(/|$)(.*)"))
        } else if let Some(last) = alternatives(text) {
            (format!("/x{last}"), format!("/({})", text[1..].replace("|/", "|")))
        } else {
            continue;
        };
        let Some(located) = path.locate(cx, &taken) else { return };
        if !located.at().is_some_and(|location| path.is_own(location)) {
            continue;
        }
        let message = format!("{} takes {} too: visitors get what is behind this path", Quoted(text), Request(&taken));
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        let help = format!("write {}", Quoted(&instead));
        finding.help(if cx.rewrite_target().is_some_and(|target| target.contains('$')) {
            format!("{help} and count the groups of rewrite-target anew")
        } else {
            help
        });
    }
}

/// `/x` of `/x/?(.*)`: the slash may be missing, so whatever begins like it is taken.
fn optional_slash(path: &str) -> Option<&str> {
    let stem = path.split_once("/?(.*)").or_else(|| path.split_once("/?.*"))?.0;
    (stem.len() > 1 && literal_prefix(stem).len() == stem.len()).then_some(stem)
}

/// `/b` of `/a|/b`: only the first of them is bound to the beginning of the path.
fn alternatives(path: &str) -> Option<&str> {
    let is_plain = |part: &str| part.starts_with('/') && literal_prefix(part).len() == part.len();
    let all_plain = alternatives_at_the_top(path) && path.split('|').all(is_plain);
    path.rsplit('|').next().filter(|_| all_plain)
}
