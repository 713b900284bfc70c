//! IG301: a regex that nginx takes literally.

use super::{ROUTES, gets, of_host, routed};
use crate::checks::context::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Kinds};
use crate::routing::{Outcome, is_plainly_regex, pattern_samples};

pub(crate) static PATH_REGEX_LITERAL: Check = Check {
    code: "IG301",
    name: "path-regex-literal",
    summary: "the path is a regex and its host matches paths as they are written",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_literal.md"),
    run,
};

/// Turns a host's paths into patterns.
const USE_REGEX: &str = "nginx.ingress.kubernetes.io/use-regex";

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A snippet may answer, a redirect does: then it matters to nobody what the path matches.
    if cx.nginx().may_answer_by_snippet() {
        return;
    }
    for path in routed(cx).iter().filter(|path| !path.server.is_regex) {
        let text = path.at.path.routed();
        let is_certain = is_plainly_regex(text);
        if !is_certain && !may_be_regex(text) {
            continue;
        }
        let Some(samples) = cx.weighed(pattern_samples(text, cx.routes().effort())) else { return };
        let answers = samples.iter().filter_map(|sample| Some((sample, path.answer(cx, sample)?)));
        let missed =
            answers.into_iter().find(|(_, answer)| !answer.location.as_ref().is_some_and(|it| path.is_own(it)));
        let Some((sample, answer)) = missed else { continue };
        let message = format!(
            "{} is matched as it is written, since no Ingress of this host has use-regex or rewrite-target: {sample} gets {}",
            Quoted(text),
            gets(cx, &answer)
        );
        let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
        finding.help("set the annotation nginx.ingress.kubernetes.io/use-regex: \"true\"");
        // The annotations that are not kept are not known: only beside one that is there can another be put.
        if let Some((key, value)) = cx.ingress.meta.annotations.iter().find(|(key, _)| *key != USE_REGEX) {
            let there = FieldPath::annotation(key);
            finding.fix(Patch::on(&there, value).add(&FieldPath::annotation(USE_REGEX), "true"));
        }
        // Where the request is answered all the same, by this Ingress or by another, that may be what is meant.
        if !is_certain || answer.outcome != Outcome::DefaultBackend {
            finding.at_most(WARN);
        }
    }
}

/// A pattern as likely as not: `/api/*`, `/a|b`, `/x$`. `/odata/$metadata`, `/c++/docs`, `/v1.2` and `/wiki/Foo_(bar)` are none.
fn may_be_regex(path: &str) -> bool {
    path.ends_with('*') || path.ends_with('$') || path.contains(['|', '^']) || path.contains(")?")
}
