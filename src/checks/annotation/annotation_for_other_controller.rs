//! IG602: annotations that another controller reads.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::{ControllerFamily, ControllerId};

pub(crate) static ANNOTATION_FOR_OTHER_CONTROLLER: Check = Check {
    code: "IG602",
    name: "annotation-for-other-controller",
    summary: "annotations of a controller other than the one that takes this Ingress",
    levels: Levels::both(Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_for_other_controller.md"),
    run,
};

/// Who reads annotations with a prefix.
struct Reader {
    prefix: &'static str,
    /// How people call the controller.
    name: &'static str,
    /// The `spec.controller` values of the classes that it takes.
    controllers: &'static [&'static str],
}

const F5: &[&str] = &["nginx.org/ingress-controller"];
const TRAEFIK: &[&str] = &["traefik.io/ingress-controller"];

const READERS: [Reader; 5] = [
    Reader { prefix: NGINX_PREFIX, name: "ingress-nginx", controllers: &["k8s.io/ingress-nginx"] },
    Reader { prefix: "nginx.org/", name: "F5's NGINX Ingress Controller", controllers: F5 },
    Reader { prefix: "nginx.com/", name: "F5's NGINX Ingress Controller", controllers: F5 },
    Reader { prefix: "traefik.ingress.kubernetes.io/", name: "Traefik", controllers: TRAEFIK },
    Reader { prefix: "ingress.kubernetes.io/", name: "ingress-nginx before 0.9", controllers: &[] },
];

/// What controllers write under `ingress.kubernetes.io/` themselves (kubernetes/ingress-gce, status annotations).
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
    // Only of the controllers above is it known which annotations they read.
    let ControllerId::Named(controller) = cx.controller.id else { return };
    let known = READERS.iter().find(|reader| reader.controllers.contains(&controller));
    // A fork of ingress-nginx reads what ingress-nginx reads.
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
        // ingress-nginx changed its prefix and kept most names behind it.
        let is_renamed = own.prefix == NGINX_PREFIX && foreign.prefix == "ingress.kubernetes.io/";
        if is_renamed {
            finding.help(format!("ingress-nginx's prefix is {NGINX_PREFIX} now"));
        } else {
            finding.help("use this controller's own, or remove it");
        }
    }
}

fn reads(own: &Reader, cx: &Context<'_>, key: &str) -> bool {
    let own_prefix =
        READERS.iter().any(|prefix| prefix.controllers == own.controllers && key.starts_with(prefix.prefix));
    own_prefix || (cx.dialect().family.reads_nginx_annotations() && key.starts_with(NGINX_PREFIX))
}

fn is_written_by_controllers(key: &str) -> bool {
    key.strip_prefix("ingress.kubernetes.io/").is_some_and(|name| WRITTEN_BY_CONTROLLERS.contains(&name))
}
