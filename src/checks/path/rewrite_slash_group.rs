//! IG318: a rewrite that uses the group of the slash instead of the one behind it.

use super::rewrite_advice::captures;
use crate::checks::request::Request;
use crate::checks::routed_paths::{ROUTES, Routed, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{Rewritten, SLASH_GROUPS, matches_only_root};

pub(crate) static REWRITE_SLASH_GROUP: Check = Check {
    code: "IG318",
    name: "rewrite-slash-group",
    summary: "`rewrite-target` uses the group of the slash, not that of the rest of the path",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_slash_group.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(target) = super::target(cx) else { return };
    let Some(last) = captures(target).max() else { return };
    for path in routed(cx).iter().filter(|path| path.server.is_regex && !matches_only_root(path.text())) {
        let text = path.text();
        let Some(slash) = slash_group(cx, text).filter(|slash| slash.number == last) else { continue };
        let Some((request, received)) = rewritten(cx, path) else { continue };
        let message = format!(
            "${last} is the group {} of {}, not the rest of the path: {} is {}",
            slash.group,
            Quoted(text),
            Request(&request),
            effects::rewritten_to(&received)
        );
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
        let finding = of_host(cx, out.add(field, format!("{} target={target}", path.at.subject()), message));
        // The target applies to every path of the Ingress.
        let is_common =
            cx.ingress.paths().all(|at| slash_group(cx, at.path.routed()).is_some_and(|it| it.number == last));
        if is_common {
            let next = target.replace(&format!("${last}"), &format!("${}", last + 1));
            finding.help(format!("use target {}", Quoted(&next)));
        } else {
            finding.help(format!("use path {}", Quoted(&text.replacen(slash.group, "(?:/|$)", 1))));
        }
    }
}

/// The group of a slash before the group of the rest.
struct SlashGroup {
    group: &'static str,
    number: usize,
}

fn slash_group(cx: &Context<'_>, path: &str) -> Option<SlashGroup> {
    SLASH_GROUPS.into_iter().find_map(|group| {
        let (before, rest) = path.split_once(group)?;
        let has_rest = rest.starts_with("(.*)") || rest.starts_with("(.+)");
        let number = if before.contains('(') { cx.pattern(before)?.groups() + 1 } else { 1 };
        (has_rest && number < 9).then_some(SlashGroup { group, number })
    })
}

/// Returns a request below the path, and what the backend receives.
fn rewritten<'a>(cx: &Context<'a>, path: &Routed<'a>) -> Option<(String, String)> {
    let below = path.samples(cx)?.into_iter().nth(1)?;
    let location = path.locate(cx, &below)?.at().filter(|location| path.is_own(location))?;
    match cx.weighed(location.rewritten(below.as_bytes(), cx.routes().budget()))? {
        Rewritten::To(received) => Some((below, String::from_utf8_lossy(&received).into_owned())),
        _ => None,
    }
}
