//! IG309: a path on a host for which another Ingress enables regex matching.

use foldhash::{HashMap, HashMapExt as _};

use super::is_regex;
use crate::checks::request::{Request, result};
use crate::checks::routed_paths::{ROUTES, is_more_specific, of_host, of_other, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::plain_samples;

pub(crate) static REGEX_HOST_INHERITED: Check = Check {
    code: "IG309",
    name: "regex-host-inherited",
    summary: "another Ingress enables regex matching for the host, and the path loses intended requests",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_host_inherited.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut enables_regex = HashMap::new();
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let (text, path_type) = (path.text(), path.at.path.path_type);
        // IG304 reports Exact `/`. A regex here relies on the other Ingress.
        if is_regex(text) || path.at.is_exact_root() {
            continue;
        }
        let cause = enables_regex.entry(&path.server.host).or_insert_with(|| path.server.regex_source(cx.ingress));
        let Some(source) = cause.filter(|of| of.meta.key != cx.ingress.meta.key) else { continue };
        for sample in plain_samples(text, path_type) {
            let Some(answer) = path.answer(cx, &sample) else { continue };
            // Without a location something else answers, for example `app-root`.
            let Some(location) = &answer.location else { continue };
            if location.is_equivalent(cx.ingress, path.at) || is_more_specific(location, &sample, text) {
                continue;
            }
            let message = format!(
                "use-regex or rewrite-target{} turns {} into a regex: {} {}",
                of_other(cx, &source.meta.key),
                Quoted(text),
                Request(&sample),
                result(cx, &answer)
            );
            let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
            finding.help("use a separate host");
            break;
        }
    }
}
