//! IG602: an annotation of another controller.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{ControllerFamily, ControllerId, KnownController};

pub(crate) static ANNOTATION_FOR_OTHER_CONTROLLER: Check = Check {
    code: "IG602",
    name: "annotation-for-other-controller",
    summary: "the annotation belongs to another controller",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_for_other_controller.md"),
    run,
};

/// The prefix of ingress-nginx before version 0.9, which other controllers still read.
const OLD_PREFIX: &str = "ingress.kubernetes.io/";

/// The annotations below `ingress.kubernetes.io/` that controllers write themselves (kubernetes/ingress-gce, status
/// annotations).
const WRITTEN_BY_CONTROLLERS: [&str; 8] = [
    "backends",
    "forwarding-rule",
    "https-forwarding-rule",
    "https-target-proxy",
    "ssl-cert",
    "static-ip",
    "target-proxy",
    "url-map",
];

fn run(cx: &Context<'_>, out: &mut Findings) {
    // The annotations of other controllers are not known.
    let ControllerId::Named(controller) = cx.controller.id else { return };
    // A fork of ingress-nginx reads the annotations of ingress-nginx.
    let is_nginx = cx.dialect().family == ControllerFamily::Nginx;
    let own = if is_nginx { Some(KnownController::ingress_nginx()) } else { cx.controller.known };
    let Some(own) = own.filter(|own| !own.prefixes.is_empty()) else { return };
    let reads =
        |key: &str| own.reads(key) || (cx.dialect().family.reads_nginx_annotations() && key.starts_with(NGINX_PREFIX));
    let has_own = cx.ingress.meta.annotations.iter().any(|(key, _)| reads(key));
    for (key, _) in cx.ingress.meta.annotations.iter() {
        let Some(foreign) = KnownController::reading(key) else { continue };
        let foreign = if key.starts_with(OLD_PREFIX) { "ingress-nginx before 0.9" } else { foreign.product };
        if reads(key) || is_written_by_controllers(key) {
            continue;
        }
        let message = format!("read by {foreign}, not by {controller}: {}", effects::NO_EFFECT);
        let finding = out.add(FieldPath::annotation_name(key), key, message);
        if has_own {
            finding.at_most(AUDIT);
        }
        // ingress-nginx 0.9 changed the prefix and kept most names.
        let prefix = own.prefixes[0];
        let is_renamed = prefix == NGINX_PREFIX && key.starts_with(OLD_PREFIX);
        if is_renamed {
            finding.help(format!("change the prefix to {NGINX_PREFIX}"));
        } else {
            finding.help(format!("use {prefix} annotations or remove it"));
        }
    }
}

fn is_written_by_controllers(key: &str) -> bool {
    key.strip_prefix(OLD_PREFIX).is_some_and(|name| WRITTEN_BY_CONTROLLERS.contains(&name))
}
