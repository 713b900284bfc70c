//! IG413: `ssl-passthrough` that the controller ignores, or that other paths do not survive.

use crate::checks::findings::AUDIT;
use crate::checks::routed_paths::{ROUTES, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kind, Kinds, NGINX_PREFIX};

pub(crate) static PASSTHROUGH_INEFFECTIVE: Check = Check {
    code: "IG413",
    name: "passthrough-ineffective",
    summary: "`ssl-passthrough` needs a controller flag and path `/`, and HTTPS ignores other paths",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("passthrough_ineffective.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.nginx().passes_tls_through() || cx.nginx().is_canary() {
        return;
    }
    let enabled = cx.dialect().passes_tls_through();
    if enabled != Some(true) {
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}ssl-passthrough"));
        let message = match enabled {
            Some(_) => "the controller runs without --enable-ssl-passthrough: nginx terminates TLS itself",
            None => {
                "needs the controller flag --enable-ssl-passthrough, off by default: without it nginx terminates TLS"
            }
        };
        let finding = out.add(field, "ssl-passthrough", message);
        finding.help("set the flag or backend-protocol: HTTPS");
        if enabled.is_none() {
            finding.at_most(AUDIT);
        }
    }
    if enabled != Some(false) {
        other_paths(cx, enabled == Some(true), out);
    }
}

/// Reports paths that HTTPS requests do not reach: a TLS connection has no path (section 5.6).
fn other_paths(cx: &Context<'_>, is_certain: bool, out: &mut Findings) {
    for path in routed(cx).iter().filter(|path| path.text() != "/") {
        let root = path.server.locations.iter().find(|location| location.path == "/");
        let root = root.and_then(|location| location.backend);
        if root == Some(&*path.at.path.backend) || (root.is_none() && !cx.view.knows(Kind::Ingress)) {
            continue;
        }
        let effect = match root {
            Some(_) => "HTTPS requests go to the backend of path \"/\"",
            None => "the host has no path \"/\", the controller ignores ssl-passthrough",
        };
        let message = format!("ssl-passthrough applies to path \"/\" only, not to {}: {effect}", Quoted(path.text()));
        let finding = out.add(path.field(), format!("{} ssl-passthrough", path.at.subject()), message);
        finding.rests_on_index("hosts").help("use a separate host for ssl-passthrough");
        if !is_certain {
            finding.at_most(AUDIT);
        }
    }
}
