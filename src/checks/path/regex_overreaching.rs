//! IG316: a regex that matches too much.

use crate::checks::findings::AUDIT;
use crate::checks::request::Request;
use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::{alternatives_at_the_top, literal_prefix};

pub(crate) static REGEX_OVERREACHING: Check = Check {
    code: "IG316",
    name: "regex-overreaching",
    summary: "the regex matches more than intended",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
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
        let optional = optional_slash(text);
        let (matched, instead) = if let Some((stem, rest)) = optional {
            (format!("{stem}xyz"), format!("{stem}(?:/|$){rest}"))
        } else if let Some(last) = alternatives(text) {
            (format!("/x{last}"), format!("/(?:{})", text[1..].replace("|/", "|")))
        } else {
            continue;
        };
        let Some(located) = path.locate(cx, &matched) else { continue };
        if !located.at().is_some_and(|location| path.is_own(location)) {
            continue;
        }
        let message = format!("{} also matches {}: such requests go to this backend", Quoted(text), Request(&matched));
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        // Groups that capture nothing leave the numbers in `rewrite-target` valid.
        finding.help(format!("use path {}", Quoted(&instead)));
        // Few hosts have such another path.
        if optional.is_some() {
            finding.at_most(AUDIT);
        }
    }
}

/// Splits `/x/?(.*)` into `/x` and `(.*)`. The slash is optional, so every path that begins with `/x` matches.
fn optional_slash(path: &str) -> Option<(&str, &str)> {
    let (stem, rest) = path.split_once("/?").filter(|(_, rest)| rest.starts_with("(.*)") || rest.starts_with(".*"))?;
    (stem.len() > 1 && literal_prefix(stem).len() == stem.len()).then_some((stem, rest))
}

/// Returns `/b` of `/a|/b`. Only the first alternative is anchored to the start of the path.
fn alternatives(path: &str) -> Option<&str> {
    let is_plain = |part: &str| part.starts_with('/') && literal_prefix(part).len() == part.len();
    let all_plain = alternatives_at_the_top(path) && path.split('|').all(is_plain);
    path.rsplit('|').next().filter(|_| all_plain)
}
