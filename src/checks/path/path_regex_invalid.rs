//! IG302: a path that PCRE2 or nginx rejects.

use super::switch_field;
use crate::checks::findings::WARN;
use crate::checks::routed_paths::{ROUTES, of_host, of_other};
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{ConfigError, Location, When};

pub(crate) static PATH_REGEX_INVALID: Check = Check {
    code: "IG302",
    name: "path-regex-invalid",
    summary: "a path is not a valid regex on a host with regex matching: nginx cannot reload",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_invalid.md"),
    run,
};

/// Reports a path of this Ingress that is too long for nginx, on any host.
fn too_long(cx: &Context<'_>, location: &Location<'_>, out: &mut Findings) {
    let Some(at) = location.at.filter(|_| is_own(cx, location) && !location.is_exact_companion) else { return };
    let bytes = at.path.routed().len();
    let message = format!("path of {bytes} bytes is too long: {}", effects::RELOAD_FAILS);
    let finding = of_host(cx, out.add(at.field().field("path"), at.subject(), message));
    finding.help("use a path of less than 4,000 bytes");
}

fn is_own(cx: &Context<'_>, location: &Location<'_>) -> bool {
    location.ingress.is_some_and(|ingress| ingress.meta.key == cx.ingress.meta.key)
}

/// Reports a rewrite target that is too long for nginx.
fn target_too_long(cx: &Context<'_>, target: &str, out: &mut Findings) {
    let bytes = target.len();
    let message = format!("target of {bytes} bytes is too long: {}", effects::RELOAD_FAILS_SHORT);
    let field = FieldPath::annotation(&format!("{NGINX_PREFIX}rewrite-target"));
    let finding = of_host(cx, out.add(field, "rewrite-target too long", message));
    finding.help("use a target of less than 4,000 bytes");
}

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut too_long_target = None;
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let budget = cx.routes().budget();
        // Its own paths first: the others may be many.
        let own = cx.weighed(budget.for_own(|| server.invalid_locations(|location| is_own(cx, location), budget)));
        let others = cx.weighed(server.invalid_locations(|location| !is_own(cx, location), budget));
        // A host that is broken without this Ingress only warns.
        let was_regex = cx.server(host, When::Before).found().is_some_and(|before| before.is_regex);
        let mut of_others = Vec::new();
        for fault in own.iter().chain(&others).flatten() {
            let (location, reason) = match fault {
                ConfigError::Pattern(location, reason) => (location, reason),
                ConfigError::PathTooLong(location) => {
                    too_long(cx, location, out);
                    continue;
                }
                ConfigError::TargetTooLong(location) => {
                    too_long_target = too_long_target.or(location.target.filter(|_| is_own(cx, location)));
                    continue;
                }
                ConfigError::Duplicate(..) => continue,
            };
            // A Prefix path can have two locations.
            let Some((at, ingress)) = location.at.zip(location.ingress).filter(|_| !location.is_exact_companion) else {
                continue;
            };
            if ingress.meta.key != cx.ingress.meta.key {
                of_others.push((at, ingress, reason));
                continue;
            }
            let message = invalid(&Quoted(at.path.routed()).to_string(), reason);
            let finding = of_host(cx, out.add(at.field().field("path"), at.subject(), message));
            finding.help("complete it, or escape literal characters with \\");
        }
        // One finding per host is enough.
        let Some((at, ingress, reason)) = of_others.first() else { continue };
        let path = format!("{}{}", Quoted(at.path.routed()), of_other(cx, &ingress.meta.key));
        if was_regex {
            let message = invalid(&format!("path {path}"), reason);
            let finding = of_host(cx, out.add(FieldPath::spec().field("rules"), format!("{host} broken"), message));
            finding.at_most(WARN).help("fix that path first");
        } else {
            let message = format!("turns path {path} into an invalid regex: {}", effects::RELOAD_FAILS_SHORT);
            let finding = of_host(cx, out.add(switch_field(cx), format!("{host} switched"), message));
            finding.help("use a separate host");
        }
    }
    if let Some(target) = too_long_target {
        target_too_long(cx, target, out);
    }
}

fn invalid(path: &str, reason: &str) -> String {
    format!("{path} is an invalid regex ({reason}): {}", effects::RELOAD_FAILS_SHORT)
}
