//! References of annotations to Secrets, ConfigMaps and Services: an object that does not exist, lacks data, or is in another
//! namespace. Sections 5.7 and 7.2.

use super::fault::{AnnotationFault, FaultReason};
use crate::cluster::{ClusterView, Lookup};
use crate::model::{Ingress, Key, Kind, Secret, TlsFacts};
use crate::routing::annotations::{Annotation, Effect, NginxAnnotations, reference};
use crate::routing::controller::Dialect;

/// Returns the fault of a reference whose value is a name.
pub(super) fn fault<'a>(
    row: &'static Annotation,
    value: &'a str,
    ingress: &Ingress,
    dialect: &Dialect,
    view: &ClusterView<'_>,
) -> Option<AnnotationFault<'a>> {
    let kind = row.names?;
    let own = &*ingress.meta.key.namespace;
    let of = |effect, reason, rests_on: Option<&str>| {
        let rests_on = rests_on.map(|name| (kind, Key::new(own, name)));
        AnnotationFault { row, value, effect, reason, certain: true, rests_on }
    };
    if kind == Kind::Service {
        let is_absent = view.service(own, value).is_absent();
        return is_absent.then(|| of(Effect::Ignored, FaultReason::Absent(kind), Some(value)));
    }
    let (namespace, name) = reference(value);
    let effect = if row.name == "auth-tls-secret" { Effect::Forbidden } else { Effect::Unavailable };
    if namespace.is_some_and(|namespace| namespace != own) {
        // Of the annotations with a ConfigMap only this one refuses that of another namespace.
        let is_refused = kind == Kind::Secret || row.name == "auth-proxy-set-headers";
        let certain = is_refused.then(|| refuses_other_namespaces(dialect)).flatten()?;
        let fault = of(effect, FaultReason::InOtherNamespace(kind), None);
        return Some(AnnotationFault { certain, ..fault });
    }
    if namespace.is_none() && row.name == "custom-headers" {
        return Some(of(effect, FaultReason::WithoutNamespace(kind), None));
    }
    if kind == Kind::ConfigMap {
        if view.config_map(&Key::new(own, name)).is_absent() {
            return Some(of(effect, FaultReason::Absent(kind), Some(name)));
        }
        let allows = if row.name == "custom-headers" { dialect.allows_response_headers() } else { None };
        // Where the ConfigMap of the controller is not read, it may allow them.
        let fault = || AnnotationFault { certain: dialect.observed.is_some(), ..of(effect, HEADERS, Some(name)) };
        return (allows == Some(false)).then(fault);
    }
    let reason = match view.secret(own, name) {
        Lookup::Unknown => return None,
        Lookup::Absent => FaultReason::Absent(kind),
        Lookup::Found(secret) => {
            let (missing, help) = missing_data(row, ingress, secret)?;
            FaultReason::Lacks(kind, missing, help)
        }
    };
    Some(of(effect, reason, Some(name)))
}

const HEADERS: FaultReason = FaultReason::HeadersNotAllowed;

/// Returns whether the controller certainly refuses objects of other namespaces; `None`: it does not, or that is not known.
fn refuses_other_namespaces(dialect: &Dialect) -> Option<bool> {
    match dialect.crosses_namespaces() {
        Some(allowed) => (!allowed).then_some(true),
        None => (!dialect.settings_unknown()).then_some(false),
    }
}

/// Returns the data that the annotation requires and the Secret lacks, and the fix (section 5.7, `dumpSecretAuthFile`,
/// `getPemCertificate`).
fn missing_data(row: &Annotation, ingress: &Ingress, secret: &Secret) -> Option<(&'static str, &'static str)> {
    const AUTHORITY: &str = "add the CA certificate under key ca.crt";
    let form = NginxAnnotations::of(ingress).value("auth-secret-type");
    match row.name {
        // The keys of a map are the names of the users.
        "auth-secret" if form.is_some_and(|form| form.contains("auth-map")) => None,
        "auth-secret" => (!secret.has_auth).then_some(("key auth", "add the htpasswd file under key auth")),
        _ => match secret.tls {
            TlsFacts::Pair { ca_readable: true, .. } => None,
            TlsFacts::Pair { .. } => Some(("valid certificate in ca.crt", AUTHORITY)),
            TlsFacts::Unusable(_) => (!secret.has_ca).then_some(("ca.crt and no certificate with its key", AUTHORITY)),
        },
    }
}
