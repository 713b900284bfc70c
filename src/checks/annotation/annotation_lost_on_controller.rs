//! IG614: an annotation that Traefik's ingress-nginx provider does not support.

use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::ControllerFamily;
use crate::routing::annotations::TraefikSupport;

pub(crate) static ANNOTATION_LOST_ON_CONTROLLER: Check = Check {
    code: "IG614",
    name: "annotation-lost-on-controller",
    summary: "Traefik's ingress-nginx provider does not support the annotation: access control may be lost",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_lost_on_controller.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.dialect().family != ControllerFamily::Traefik {
        return;
    }
    let version = cx.dialect().version;
    let in_force = cx.nginx().in_force(None).filter(|(row, _)| cx.nginx().is_on(row.name));
    let lost = in_force.filter_map(|(row, _)| Some((row.name, TraefikSupport::of(row.name)?)));
    for (name, support) in lost.filter(|(_, support)| support.is_missing(version)) {
        let (effect, most) = lost_with(name);
        let key = format!("{NGINX_PREFIX}{name}");
        let message = format!("lost on this controller: {effect}");
        let finding = out.add(FieldPath::annotation_name(&key), &*key, message);
        finding.at_most(most);
        finding.help(match support {
            TraefikSupport::Since(since) => format!("upgrade Traefik to {since} or use a middleware"),
            TraefikSupport::Hub => "use Traefik Hub or a filter before Traefik".to_owned(),
            TraefikSupport::Unsupported => "use a Traefik middleware or remove it".to_owned(),
        });
    }
}

/// Returns the effect of a missing annotation on requests, and the highest level of its finding. Access control comes
/// first, then limits and filters.
fn lost_with(name: &str) -> (&'static str, Levels) {
    const UP_TO_DENY: Levels = Levels::both(Level::Deny);
    match name {
        "allowlist-source-range" | "whitelist-source-range" => ("clients of every address have access", UP_TO_DENY),
        "denylist-source-range" => ("denied addresses have access", UP_TO_DENY),
        "auth-type" | "auth-secret" | "auth-url" => (effects::UNAUTHENTICATED, UP_TO_DENY),
        "auth-tls-secret" | "auth-tls-verify-client" => ("client certificates are not verified", UP_TO_DENY),
        "auth-tls-match-cn" => ("every client certificate of the CA has access", UP_TO_DENY),
        "enable-modsecurity" | "enable-owasp-core-rules" | "modsecurity-snippet" => {
            ("requests are not filtered by ModSecurity", WARN)
        }
        "limit-connections" | "limit-rpm" | "limit-rps" => ("requests are not limited", WARN),
        _ => (effects::NO_EFFECT, AUDIT),
    }
}
