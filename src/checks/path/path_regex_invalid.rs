//! IG302: a path that PCRE2 refuses.

use super::{ROUTES, of_host, of_other, switch_field};
use crate::checks::context::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::Kinds;
use crate::routing::{Fault, When};

pub(crate) static PATH_REGEX_INVALID: Check = Check {
    code: "IG302",
    name: "path-regex-invalid",
    summary: "a path of a host that matches patterns is none: the controller stops loading any change",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_invalid.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let Some(faults) = cx.weighed(server.faults(cx.routes().effort())) else { return };
        if faults.is_empty() {
            continue;
        }
        let already = cx.server(host, When::Before).found().and_then(|before| {
            cx.weighed(before.faults(cx.routes().effort()).map(|faults| faults.iter().any(is_pattern)))
        });
        for fault in &faults {
            let Fault::Pattern(location, reason) = fault else { continue };
            let Some((at, ingress)) = location.at.zip(location.ingress) else { continue };
            let is_own = ingress.meta.key == cx.ingress.meta.key;
            let field = if is_own { at.field().field("path") } else { switch_field(cx) };
            let whose = of_other(cx, &ingress.meta.key);
            let message = format!(
                "path {}{whose} is no regex ({reason}): nginx cannot load it, and no change of any Ingress takes effect",
                Quoted(at.path.routed())
            );
            let subject = if is_own { at.subject() } else { format!("{host} switched") };
            let finding = of_host(cx, out.add(field, subject, message));
            finding.help(if is_own {
                "mend the pattern; \\ before a character takes it literally"
            } else {
                "give this Ingress a host of its own, or do without use-regex and rewrite-target"
            });
            if already == Some(true) {
                finding.at_most(WARN);
            }
        }
    }
}

fn is_pattern(fault: &Fault<'_, '_>) -> bool {
    matches!(fault, Fault::Pattern(..))
}
