//! IG304: Exact `/` that never matches.

use crate::checks::findings::WARN;
use crate::checks::request::result;
use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Patch};
use crate::model::{Kinds, PathType};
use crate::routing::Outcome;

pub(crate) static PATH_EXACT_ROOT_UNREACHABLE: Check = Check {
    code: "IG304",
    name: "path-exact-root-unreachable",
    summary: "Exact `/` never matches on a host with regex matching",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_exact_root_unreachable.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        if !path.at.is_exact_root() {
            continue;
        }
        let Some(answer) = path.answer(cx, "/") else { continue };
        // Another path with the same backend answers in the same way.
        let Some(first) = answer.location.as_ref().filter(|it| !it.is_equivalent(cx.ingress, path.at)) else {
            continue;
        };
        let message = format!("Exact \"/\" never matches on a host with regex matching: / {}", result(cx, &answer));
        let field = path.at.field().field("pathType");
        let finding = of_host(cx, out.add(field.clone(), path.at.subject(), message));
        if answer.outcome != Outcome::DefaultBackend {
            finding.at_most(WARN);
        }
        if first.at.is_some() {
            finding.help("keep only one path that matches /");
            continue;
        }
        // Prefix replaces the implicit `/`, Exact is placed after it. With a rewrite, Prefix would rewrite the whole site to
        // one page.
        if cx.rewrite_target().is_some() {
            finding.help("use path \"/$\" with pathType: ImplementationSpecific");
        } else {
            finding.help("set pathType: Prefix");
            finding.fix(Patch::on(&field, PathType::Exact.name()).replace(&field, PathType::Prefix.name()));
        }
    }
}
