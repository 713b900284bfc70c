//! IG309: a path on a host that somebody else made match patterns.

use super::{ROUTES, gets, of_host, of_other, routed};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{Kinds, PathType};
use crate::routing::{is_plainly_regex, plain_samples};

pub(crate) static REGEX_HOST_INHERITED: Check = Check {
    code: "IG309",
    name: "regex-host-inherited",
    summary: "another Ingress makes the host match patterns, and this path no longer answers what it is meant for",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_host_inherited.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().use_regex() {
        return;
    }
    let target = cx.nginx().rewrite_target();
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let (text, path_type) = (path.at.path.routed(), path.at.path.path_type);
        // IG304 has words of its own for Exact `/`.
        let is_exact_root = text == "/" && path_type == PathType::Exact;
        if target.is_some_and(|target| target != text) || is_plainly_regex(text) || is_exact_root {
            continue;
        }
        let Some(switch) = path.server.locations.iter().find(|location| location.switches) else { continue };
        let Some(whose) = switch.ingress.filter(|ingress| ingress.meta.key != cx.ingress.meta.key) else { continue };
        for sample in plain_samples(text, path_type) {
            let Some(answer) = path.answer(cx, &sample) else { return };
            if answer.location.as_ref().is_some_and(|location| path.is_own(location)) {
                continue;
            }
            let message = format!(
                "use-regex or rewrite-target{} makes every path of this host a pattern: {sample} gets {}",
                of_other(cx, &whose.meta.key),
                gets(cx, &answer)
            );
            let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
            finding.help(if text.ends_with('/') && text != "/" {
                "write the path without the slash at its end"
            } else {
                "make the path longer than the pattern that wins, or use another host"
            });
            break;
        }
    }
}
