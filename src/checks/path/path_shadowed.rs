//! IG306: a path that never answers.

use crate::checks::routed_paths::{ROUTES, Request, Routed, gets, of_host, of_other, routed, stands_in};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kinds, PathType};
use crate::routing::normalized;

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
        let text = path.text();
        // IG304 and IG309 have words of their own for these.
        let is_exact_root = text == "/" && path.at.path.path_type == PathType::Exact;
        if path.server.is_regex && (is_exact_root || !enables_regex(cx, &path)) {
            continue;
        }
        let Some(samples) = path.samples(cx) else { return };
        let mut elsewhere = None;
        for sample in &samples {
            let Some(answer) = path.answer(cx, sample) else { return };
            if answer.location.as_ref().is_none_or(|location| stands_in(location, cx.ingress, path.at)) {
                elsewhere = None;
                break;
            }
            elsewhere = elsewhere.or(Some((sample, answer)));
        }
        let Some((sample, answer)) = elsewhere else { continue };
        let is_same_as_sent = normalized(text).as_deref() == Some(text.as_bytes());
        let (why, help) = match answer.location.as_ref().and_then(|it| it.at.zip(it.ingress).map(|of| (it, of))) {
            Some((location, (at, ingress))) if path.server.is_regex || is_same_as_sent => {
                // The same text as another type.
                let path_type =
                    if location.path == text { format!("{} ", at.path.path_type.name()) } else { String::new() };
                let first = format!("{path_type}{}{}", Quoted(&location.path), of_other(cx, &ingress.meta.key));
                (format!("{first} comes first"), "make it longer than that one, or remove it")
            }
            _ if is_same_as_sent => continue,
            _ => ("paths are compared decoded and without the query".to_owned(), "write it decoded, without % and ?"),
        };
        let message =
            format!("{} is never reached, {why}: {} gets {}", Quoted(text), Request(sample), gets(cx, &answer));
        of_host(cx, out.add(path.field(), path.at.subject(), message)).help(help);
    }
}

/// Whether the path's own Ingress makes it a regex.
fn enables_regex(cx: &Context<'_>, path: &Routed<'_>) -> bool {
    cx.nginx().use_regex() || cx.rewrite_target().is_some_and(|target| target != path.text())
}
