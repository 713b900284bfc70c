//! IG306: a path that never answers.

use super::{ROUTES, Routed, gets, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kinds, PathType};

pub(crate) static PATH_SHADOWED: Check = Check {
    code: "IG306",
    name: "path-shadowed",
    summary: "another location always wins: no request that the path is meant for reaches it",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_shadowed.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx) {
        let text = path.at.path.routed();
        // IG304 and IG309 have words of their own for these.
        let is_exact_root = text == "/" && path.at.path.path_type == PathType::Exact;
        if path.server.is_regex && (is_exact_root || !switches(cx, &path)) {
            continue;
        }
        let Some(samples) = path.samples(cx) else { return };
        let mut elsewhere = None;
        for sample in &samples {
            let Some(answer) = path.answer(cx, sample) else { return };
            if answer.location.as_ref().is_none_or(|location| path.is_own(location)) {
                elsewhere = None;
                break;
            }
            elsewhere = Some((sample, answer));
        }
        let Some((sample, answer)) = elsewhere else { continue };
        let winner = answer.location.as_ref().map(|location| location.path.clone().into_owned()).unwrap_or_default();
        let message = format!(
            "{} is never reached, since {} comes first on this host: {sample} gets {}",
            Quoted(text),
            Quoted(&winner),
            gets(cx, &answer)
        );
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        finding.help("make one of the two paths more exact, or remove this one");
    }
}

/// Whether the path's own Ingress makes it a pattern.
fn switches(cx: &Context<'_>, path: &Routed<'_>) -> bool {
    cx.nginx().use_regex() || cx.nginx().rewrite_target().is_some_and(|target| target != path.at.path.routed())
}
