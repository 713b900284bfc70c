//! IG320: an Exact path that another Ingress turns into a regex.

use crate::checks::request::{Request, result};
use crate::checks::routed_paths::{ROUTES, of_host, of_other, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kinds, PathType};
use crate::routing::is_plainly_regex;

pub(crate) static EXACT_WIDENED: Check = Check {
    code: "IG320",
    name: "exact-widened",
    summary: "another Ingress enables regex matching for the host, and an Exact path matches more requests",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("exact_widened.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // The paths of a challenge are random and short-lived.
    if cx.ingress.is_acme_solver {
        return;
    }
    for path in routed(cx).iter().filter(|path| path.server.is_regex && path.at.path.path_type == PathType::Exact) {
        let text = path.text();
        // IG304 reports Exact `/`. A regex here relies on the other Ingress.
        if text == "/" || text.ends_with('$') || is_plainly_regex(text) {
            continue;
        }
        let source = path.server.regex_source(cx.ingress).filter(|of| of.meta.key != cx.ingress.meta.key);
        let Some(source) = source else { continue };
        let longer = format!("{text}x");
        let Some(answer) = path.answer(cx, &longer) else { continue };
        if !answer.location.as_ref().is_some_and(|location| path.is_own(location)) {
            continue;
        }
        let message = format!(
            "use-regex or rewrite-target{} turns Exact {} into a regex: {} {} too",
            of_other(cx, &source.meta.key),
            Quoted(text),
            Request(&longer),
            result(cx, &answer)
        );
        of_host(cx, out.add(path.field(), path.at.subject(), message)).help("use a separate host");
    }
}
