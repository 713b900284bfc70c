//! IG301: a regex that nginx matches literally.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::findings::WARN;
use crate::checks::request::{Request, result};
use crate::checks::routed_paths::{ROUTES, may_match_otherwise, of_host, owners, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Kind, Kinds};
use crate::routing::{NginxAnnotations, Outcome, Server, is_plainly_regex, pattern_samples};

pub(crate) static PATH_REGEX_LITERAL: Check = Check {
    code: "IG301",
    name: "path-regex-literal",
    summary: "the path is a regex, but its host matches paths literally: no request reaches it",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_literal.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut uncertain = HashMap::new();
    for path in routed(cx).iter().filter(|path| !path.server.is_regex) {
        let text = path.text();
        let is_certain = is_plainly_regex(text);
        if !is_certain && !may_be_regex(text) {
            continue;
        }
        let Some(samples) = samples(cx, text) else { continue };
        let answers = samples.iter().filter_map(|sample| Some((sample, path.answer(cx, sample)?)));
        let is_lost = |answer: &crate::routing::Answer<'_>| {
            answer.location.as_ref().is_none_or(|location| !location.is_equivalent(cx.ingress, path.at))
        };
        let Some((sample, answer)) = answers.into_iter().find(|(_, answer)| is_lost(answer)) else { continue };
        if !cx.view.knows(Kind::Ingress) {
            return;
        }
        let message = format!(
            "{} is matched literally on this host, not as a regex: {} {}",
            Quoted(text),
            Request(sample),
            result(cx, &answer)
        );
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        match text.strip_suffix("/*") {
            Some(stem) if !is_certain => {
                finding.help(format!("use path {} with pathType: Prefix", Quoted(or_root(stem))))
            }
            _ if is_glob(text) && !is_certain => {
                let regex = text.replace('.', "\\.").replace('*', "[^/]*");
                finding.help(format!("use path {} and annotation use-regex", Quoted(&regex)))
            }
            _ => finding.help("set nginx.ingress.kubernetes.io/use-regex: \"true\""),
        };
        // If another path answers the request, that may be intended.
        let is_uncertain = *uncertain.entry(&path.server.host).or_insert_with(|| is_uncertain(cx, &path.server));
        if !is_certain || answer.outcome != Outcome::DefaultBackend || is_uncertain {
            finding.at_most(WARN);
        }
    }
}

/// Whether a path may be intended as a regex: `/api/*`, `/api/*.css`, `/a|b`, `/x$`, but not `/odata/$metadata`, `/c++/docs`, `/v1.2` or
/// `/wiki/Foo_(bar)`.
fn may_be_regex(path: &str) -> bool {
    path.ends_with(['*', '$'])
        || is_glob(path)
        || path.contains(['|', '^'])
        || (path.contains('?') && path.contains(")?"))
}

/// Returns requests that the path is intended to match. Other controllers read `/api/*` as everything below `/api`.
fn samples(cx: &Context<'_>, path: &str) -> Option<Vec<String>> {
    match path.strip_suffix('*') {
        Some(stem) if stem.ends_with('/') && !is_plainly_regex(path) => Some(vec![format!("{stem}x")]),
        // Here the asterisk stands for the name of a file.
        None if is_glob(path) && !is_plainly_regex(path) => Some(vec![path.replace('*', "x")]),
        _ => cx.weighed(pattern_samples(path, cx.routes().budget())),
    }
}

/// Whether an asterisk stands for the name of a file, as in shells.
fn is_glob(path: &str) -> bool {
    path.contains("/*.")
}

fn or_root(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// Whether the result is uncertain: a snippet of any Ingress of the host can answer before nginx selects a location, or
/// define a location.
fn is_uncertain(cx: &Context<'_>, server: &Server<'_>) -> bool {
    let may_answer = || owners(server).any(|ingress| NginxAnnotations::of(ingress).may_answer_by_snippet());
    // A ConfigMap can change at any time.
    let may_be_allowed = cx.dialect().allows_snippets() != Some(false) || cx.dialect().observed_from().is_some();
    may_match_otherwise(cx, server) || (may_be_allowed && may_answer())
}
