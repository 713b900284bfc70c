//! IG302: a path that PCRE2 or nginx rejects.

use super::switch_field;
use crate::checks::findings::WARN;
use crate::checks::routed_paths::{ROUTES, of_host, of_other, reload_fails};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Finding, Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX, PathRef};
use crate::routing::{ConfigError, Location, Server, When};

pub(crate) static PATH_REGEX_INVALID: Check = Check {
    code: "IG302",
    name: "path-regex-invalid",
    summary: "a path is not a valid regex on a host with regex matching: nginx cannot reload",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("path_regex_invalid.md"),
    run,
};

/// Reports a path of this Ingress that is too long for nginx, on any host.
fn too_long<'a>(cx: &Context<'a>, server: &Server<'a>, location: &Location<'a>, out: &mut Findings) {
    let Some(at) = location.at.filter(|_| is_own(cx, location) && !location.is_exact_companion) else { return };
    let bytes = at.path.routed().len();
    let effect = if server.forbidden.is_some() { reload_fails(server) } else { effects::RELOAD_FAILS.to_owned() };
    let message = format!("path of {bytes} bytes is too long: {effect}");
    let finding = in_server(cx, server, location, out.add(at.field().field("path"), at.subject(), message));
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

/// Reports an error of a location of this Ingress. Returns the rewrite target if that is the error.
fn report<'a>(
    cx: &Context<'a>,
    server: &Server<'a>,
    fault: &ConfigError<'_, 'a>,
    out: &mut Findings,
) -> Option<&'a str> {
    match fault {
        ConfigError::PathTooLong(location) => too_long(cx, server, location, out),
        ConfigError::TargetTooLong(location) => return location.target.filter(|_| server.forbidden.is_none()),
        ConfigError::Pattern { location, reason, is_certain } => {
            let at = location.at?;
            let message = invalid(server, &Quoted(at.path.routed()).to_string(), reason);
            let finding = in_server(cx, server, location, out.add(at.field().field("path"), at.subject(), message));
            finding.help("complete it, or escape literal characters with \\");
            if !is_certain {
                finding.at_most(WARN);
            }
        }
        ConfigError::Duplicate(..) => {}
    }
    None
}

fn run(cx: &Context<'_>, out: &mut Findings) {
    let budget = cx.routes().budget();
    let mut too_long_target = None;
    // Its own paths on all hosts are reported first: the others may be too many for the budget.
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let own = cx.weighed(budget.for_own(|| server.invalid_locations(|location| is_own(cx, location), budget)));
        let mut last = None;
        for fault in own.iter().flatten() {
            // A Prefix path can have two locations, one after the other.
            let path = path_of(fault).map(|at| std::ptr::from_ref(at.path));
            if path.is_none() || last.replace(path) != Some(path) {
                too_long_target = report(cx, &server, fault, out).or(too_long_target);
            }
        }
    }
    if let Some(target) = too_long_target {
        target_too_long(cx, target, out);
    }
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let others = cx.weighed(server.invalid_locations(|location| !is_own(cx, location), budget));
        let of_other_ingress = others.iter().flatten().find_map(|fault| match fault {
            ConfigError::Pattern { location, reason, is_certain } => {
                Some((location.at?, location.ingress?, location, reason, *is_certain))
            }
            _ => None,
        });
        // One finding per host is enough.
        let Some((at, ingress, location, reason, is_certain)) = of_other_ingress else { continue };
        let path = format!("{}{}", Quoted(at.path.routed()), of_other(cx, &ingress.meta.key));
        // A host that is broken without this Ingress only warns.
        let was_regex = cx.server(host, When::Before).found().is_some_and(|before| before.is_regex);
        if was_regex {
            let message = invalid(&server, &format!("path {path}"), reason);
            let finding = of_host(cx, out.add(FieldPath::spec().field("rules"), format!("{host} broken"), message));
            finding.at_most(WARN).help("fix that path first");
        } else {
            let effect = reload_fails(&server);
            let message = format!("turns path {path} into an invalid regex: {effect}");
            let finding = out.add(switch_field(cx), format!("{host} switched"), message);
            let finding = in_server(cx, &server, location, finding);
            finding.help("use a separate host");
            if !is_certain {
                finding.at_most(WARN);
            }
        }
    }
}

/// Returns the path of a regex that nginx rejects.
fn path_of<'a>(fault: &ConfigError<'_, 'a>) -> Option<PathRef<'a>> {
    if let ConfigError::Pattern { location, .. } = fault { location.at } else { None }
}

fn invalid(server: &Server<'_>, path: &str, reason: &str) -> String {
    format!("{path} is an invalid regex ({reason}): {}", reload_fails(server))
}

/// Makes a finding depend on the host. One on a host that returns 403 warns, and one on a location that nginx may not have.
fn in_server<'f, 'a>(
    cx: &Context<'a>,
    server: &Server<'a>,
    location: &Location<'a>,
    finding: &'f mut Finding,
) -> &'f mut Finding {
    // Not every version reads such a path as the same regex.
    let may_differ = location.path.contains("\\\\") && cx.dialect().escapes_paths() != Some(true);
    if server.forbidden.is_some() || may_differ || cx.routes().may_lack(server, &[location], cx.ingress, When::After) {
        finding.at_most(WARN);
    }
    of_host(cx, finding)
}
