//! IG316: a pattern that takes too much.

use super::{ROUTES, of_host, routed};
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
        let text = path.at.path.routed();
        let (taken, help) = if let Some(stem) = optional_slash(text) {
            (format!("{stem}xyz"), format!("write {stem}(/|$)(.*) and count the groups of rewrite-target anew"))
        } else if let Some((first, second)) = alternatives(text) {
            (format!("/x{second}"), format!("put the alternatives into a group: ({first}|{second})"))
        } else {
            continue;
        };
        let Some(located) = path.locate(cx, &taken) else { return };
        if !located.at().is_some_and(|location| path.is_own(location)) {
            continue;
        }
        let message = format!("{} takes {taken} too: its visitors get what is behind this path", Quoted(text));
        of_host(cx, out.add(path.field(), path.at.subject(), message)).help(help);
    }
}

/// `/x` of `/x/?(.*)`: the slash may be missing, so whatever begins like it is taken.
fn optional_slash(path: &str) -> Option<&str> {
    let stem = path.split_once("/?(.*)").or_else(|| path.split_once("/?.*"))?.0;
    (stem.len() > 1 && literal_prefix(stem).len() == stem.len()).then_some(stem)
}

/// The halves of `/a|/b` at the top: only the first is bound to the beginning of the path.
fn alternatives(path: &str) -> Option<(&str, &str)> {
    let (first, second) = path.split_once('|').filter(|_| alternatives_at_the_top(path))?;
    let is_plain = |part: &str| part.starts_with('/') && literal_prefix(part).len() == part.len();
    (is_plain(first) && is_plain(second)).then_some((first, second))
}
