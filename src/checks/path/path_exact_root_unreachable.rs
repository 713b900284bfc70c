//! IG304: Exact `/` that never answers.

use super::{ROUTES, gets, of_host, routed};
use crate::checks::context::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{Kinds, PathType};
use crate::routing::Outcome;

pub(crate) static PATH_EXACT_ROOT_UNREACHABLE: Check = Check {
    code: "IG304",
    name: "path-exact-root-unreachable",
    summary: "Exact `/` on a host that matches patterns: another location always comes first",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_exact_root_unreachable.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        if path.at.path.path_type != PathType::Exact || path.at.path.routed() != "/" {
            continue;
        }
        let Some(answer) = path.answer(cx, "/") else { return };
        let Some(location) = answer.location.as_ref().filter(|location| !path.is_own(location)) else { continue };
        // Another path with the same backend serves it just as well.
        if location.backend == Some(&path.at.path.backend) {
            continue;
        }
        let message = format!(
            "Exact {} never matches, since this host matches patterns and its implicit {} comes first: / gets {}",
            Quoted("/"),
            Quoted("/"),
            gets(cx, &answer)
        );
        let finding = of_host(cx, out.add(path.at.field().field("pathType"), path.at.subject(), message));
        finding.help("set pathType: Prefix, which takes the place of the implicit one");
        if answer.outcome != Outcome::DefaultBackend {
            finding.at_most(WARN);
        }
        let field = path.at.field().field("pathType");
        finding.fix(Patch::on(&field, PathType::Exact.name()).replace(&field, PathType::Prefix.name()));
    }
}
