//! IG602: an annotation of another controller.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{ControllerFamily, ControllerId};

pub(crate) static ANNOTATION_FOR_OTHER_CONTROLLER: Check = Check {
    code: "IG602",
    name: "annotation-for-other-controller",
    summary: "the annotation belongs to another controller",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_for_other_controller.md"),
    run,
};

/// A controller and the prefix of its annotations.
struct Reader {
    prefix: &'static str,
    /// The name of the product.
    name: &'static str,
    /// The `spec.controller` values of its classes.
    controllers: &'static [&'static str],
}

const F5: &[&str] = &["nginx.org/ingress-controller"];
const TRAEFIK: &[&str] = &["traefik.io/ingress-controller"];

const READERS: [Reader; 5] = [
    Reader { prefix: NGINX_PREFIX, name: "ingress-nginx", controllers: &["k8s.io/ingress-nginx"] },
    Reader { prefix: "nginx.org/", name: "F5 NGINX Ingress Controller", controllers: F5 },
    Reader { prefix: "nginx.com/", name: "F5 NGINX Ingress Controller", controllers: F5 },
    Reader { prefix: "traefik.ingress.kubernetes.io/", name: "Traefik", controllers: TRAEFIK },
    Reader { prefix: "ingress.kubernetes.io/", name: "ingress-nginx before 0.9", controllers: &[] },
];

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
    let known = READERS.iter().find(|reader| reader.controllers.contains(&controller));
    // A fork of ingress-nginx reads the annotations of ingress-nginx.
    let fork = || (cx.dialect().family == ControllerFamily::Nginx).then_some(&READERS[0]);
    let Some(own) = known.or_else(fork) else { return };
    let has_own = cx.ingress.meta.annotations.iter().any(|(key, _)| reads(own, cx, key));
    for (key, _) in cx.ingress.meta.annotations.iter() {
        let Some(foreign) = READERS.iter().find(|prefix| key.starts_with(prefix.prefix)) else { continue };
        if reads(own, cx, key) || is_written_by_controllers(key) {
            continue;
        }
        let message = format!("read by {}, not by {controller}: {}", foreign.name, effects::NO_EFFECT);
        let finding = out.add(FieldPath::annotation_name(key), key, message);
        if has_own {
            finding.at_most(AUDIT);
        }
        // ingress-nginx 0.9 changed the prefix and kept most names.
        let is_renamed = own.prefix == NGINX_PREFIX && foreign.prefix == "ingress.kubernetes.io/";
        if is_renamed {
            finding.help(format!("change the prefix to {NGINX_PREFIX}"));
        } else {
            finding.help(format!("use {} annotations or remove it", own.prefix));
        }
    }
}

/// Returns true if the controller of the Ingress reads the annotation.
fn reads(own: &Reader, cx: &Context<'_>, key: &str) -> bool {
    let own_prefix =
        READERS.iter().any(|prefix| prefix.controllers == own.controllers && key.starts_with(prefix.prefix));
    own_prefix || (cx.dialect().family.reads_nginx_annotations() && key.starts_with(NGINX_PREFIX))
}

fn is_written_by_controllers(key: &str) -> bool {
    key.strip_prefix("ingress.kubernetes.io/").is_some_and(|name| WRITTEN_BY_CONTROLLERS.contains(&name))
}
