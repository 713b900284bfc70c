//! IG301: a regex that nginx takes literally.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::findings::WARN;
use crate::checks::routed_paths::{ROUTES, Request, gets, may_match_otherwise, of_host, owners, routed, stands_in};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kind, Kinds};
use crate::routing::{NginxAnnotations, Outcome, Server, is_plainly_regex, pattern_samples};

pub(crate) static PATH_REGEX_LITERAL: Check = Check {
    code: "IG301",
    name: "path-regex-literal",
    summary: "the path is a regex on a host that matches paths literally: no request reaches it",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_literal.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut doubts = HashMap::new();
    for path in routed(cx).iter().filter(|path| !path.server.is_regex) {
        let text = path.text();
        let is_certain = is_plainly_regex(text);
        if !is_certain && !may_be_regex(text) {
            continue;
        }
        let Some(samples) = samples(cx, text) else { return };
        let answers = samples.iter().filter_map(|sample| Some((sample, path.answer(cx, sample)?)));
        let is_lost = |answer: &crate::routing::Answer<'_>| {
            answer.location.as_ref().is_none_or(|location| !stands_in(location, cx.ingress, path.at))
        };
        let Some((sample, answer)) = answers.into_iter().find(|(_, answer)| is_lost(answer)) else { continue };
        if !cx.view.knows(Kind::Ingress) {
            return;
        }
        let message = format!(
            "{} is plain text on this host, not a regex: {} gets {}",
            Quoted(text),
            Request(sample),
            gets(cx, &answer)
        );
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        match text.strip_suffix("/*") {
            Some(stem) if !is_certain => finding.help(format!("write {} with pathType: Prefix", Quoted(or_root(stem)))),
            _ => finding.help("set nginx.ingress.kubernetes.io/use-regex: \"true\""),
        };
        // Where the request is answered all the same, by this Ingress or by another, that may be what is meant.
        let is_doubtful = *doubts.entry(&path.server.host).or_insert_with(|| is_doubtful(cx, &path.server));
        if !is_certain || answer.outcome != Outcome::DefaultBackend || is_doubtful {
            finding.at_most(WARN);
        }
    }
}

/// A pattern as likely as not: `/api/*`, `/a|b`, `/x$`. `/odata/$metadata`, `/c++/docs`, `/v1.2` and `/wiki/Foo_(bar)` are none.
fn may_be_regex(path: &str) -> bool {
    path.ends_with('*') || path.ends_with('$') || path.contains(['|', '^']) || path.contains(")?")
}

/// Requests that the path is meant for. Other controllers read `/api/*` as everything below `/api`.
fn samples(cx: &Context<'_>, path: &str) -> Option<Vec<String>> {
    match path.strip_suffix('*') {
        Some(stem) if stem.ends_with('/') && !is_plainly_regex(path) => Some(vec![format!("{stem}x")]),
        _ => cx.weighed(pattern_samples(path, cx.routes().budget())),
    }
}

fn or_root(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// A snippet of any Ingress of the host may answer before a location is looked for, or be a location itself.
fn is_doubtful(cx: &Context<'_>, server: &Server<'_>) -> bool {
    let may_answer = || owners(server).any(|ingress| NginxAnnotations::of(ingress).may_answer_by_snippet());
    // What a ConfigMap says may be otherwise in a moment.
    let may_be_taken = cx.dialect().allows_snippets() != Some(false) || cx.dialect().observed_from().is_some();
    may_match_otherwise(cx, server) || (may_be_taken && may_answer())
}
