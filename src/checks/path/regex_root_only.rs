//! IG319: a regex that matches only `/`.

use crate::checks::request::result;
use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::matches_only_root;

pub(crate) static REGEX_ROOT_ONLY: Check = Check {
    code: "IG319",
    name: "regex-root-only",
    summary: "the regex requires a second slash and matches only `/`",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_root_only.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.server.is_regex && matches_only_root(path.text())) {
        let text = path.text();
        let Some(answer) = path.answer(cx, "/x") else { continue };
        if answer.location.as_ref().is_none_or(|location| location.is_equivalent(cx.ingress, path.at)) {
            continue;
        }
        let message =
            format!("{} matches only /, because nginx merges slashes: /x {}", Quoted(text), result(cx, &answer));
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        // An empty group leaves the numbers in `rewrite-target` valid.
        let instead = if text.starts_with("/(?") { "/(.*)" } else { "/()(.*)" };
        finding.help(format!("use path {}", Quoted(instead)));
    }
}
