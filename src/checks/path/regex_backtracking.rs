//! IG317: a regex with exponential backtracking.

use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::{nests_repetitions, runaway};

pub(crate) static REGEX_BACKTRACKING: Check = Check {
    code: "IG317",
    name: "regex-backtracking",
    summary: "the regex has exponential backtracking: one request can block an nginx worker",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_backtracking.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let text = path.text();
        // Few paths repeat a group; the others need no analysis.
        if ![")+", ")*", "){"].iter().any(|repeated| text.contains(repeated)) || !nests_repetitions(text) {
            continue;
        }
        let Some(Some(attack)) = cx.weighed(runaway(text, cx.routes().budget())) else { continue };
        let message = format!(
            "{} has nested quantifiers: one request of {} characters can block an nginx worker",
            Quoted(text),
            attack.len()
        );
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        finding.help("use one quantifier: a+ equals (a+)+");
    }
}
