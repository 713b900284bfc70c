//! IG604: an annotation names an object that is not there, or that is none of the Ingress'.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Finding, Level, Levels, Quoted};
use crate::model::{FieldPath, Key, Kind, Kinds, NGINX_PREFIX, Secret, TlsFacts};
use crate::routing::annotations::{Annotation, Effect, reference};

pub(crate) static ANNOTATION_REFERENCE_MISSING: Check = Check {
    code: "IG604",
    name: "annotation-reference-missing",
    summary: "an nginx annotation names a Secret, Service or ConfigMap that does not exist, or misses what it needs",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::ConfigMap, Kind::Secret, Kind::Service]),
    hints: Kinds::NONE,
    page: include_str!("annotation_reference_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // Of a canary none of these is in force (section 7.1).
    if cx.nginx().is_canary() {
        return;
    }
    if cx.nginx().is_on("auth-type") && cx.ingress.meta.annotations.nginx("auth-secret").is_none() {
        let message = format!("there is no auth-secret beside it: {}", super::consequence(Effect::Unavailable));
        out.add(field("auth-type"), "auth-type", message).help("add auth-secret, or remove it");
    }
    for (row, value) in cx.nginx().in_force(cx.dialect().version) {
        // IG603 speaks of what is no name at all.
        let is_name = !value.is_empty() && row.value_error(value, cx.dialect().validates_annotations()).is_none();
        match row.names.filter(|_| is_name) {
            Some(Kind::Service) => service(cx, row, value, out),
            Some(Kind::Secret) => secret(cx, row, value, out),
            Some(Kind::ConfigMap) => config_map(cx, row, value, out),
            _ => {}
        }
    }
}

fn service(cx: &Context<'_>, row: &Annotation, name: &str, out: &mut Findings) {
    if cx.service(name).is_absent() {
        let wrong = format!("service {} does not exist in namespace {:?}", Quoted(name), cx.namespace());
        let finding = report(row, name, &wrong, Effect::Ignored, out).help("apply the Service first");
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), name));
    }
}

/// A ConfigMap; what is in it is not looked at. One of another namespace only counts where that is refused for certain
/// (section 7.2).
fn config_map(cx: &Context<'_>, row: &Annotation, value: &str, out: &mut Findings) {
    let (namespace, name) = reference(value);
    if namespace.is_some_and(|namespace| namespace != cx.namespace()) {
        if row.name == "auth-proxy-set-headers" {
            foreign(cx, row, value, Effect::Unavailable, out);
        }
        return;
    }
    if namespace.is_none() && row.name == "custom-headers" {
        // It is looked up as it stands, by `namespace/name`.
        let wrong = format!("ConfigMap {} has no namespace before its name", Quoted(name));
        let finding = report(row, name, &wrong, Effect::Unavailable, out);
        finding.help(format!("write {} and a slash before it", cx.namespace()));
        if cx.dialect().version.is_none() {
            finding.at_most(WARN);
        }
        return;
    }
    let key = Key::new(cx.namespace(), name);
    if !cx.view.config_map(&key).is_absent() {
        return;
    }
    let wrong = format!("ConfigMap {} does not exist in namespace {:?}", Quoted(name), cx.namespace());
    let finding = report(row, name, &wrong, Effect::Unavailable, out).help("apply it first");
    finding.rests_on(Kind::ConfigMap, key);
    // A version that does not know the annotation passes over it.
    if row.since.is_some() && cx.dialect().version.is_none() {
        finding.at_most(WARN);
    }
}

fn secret(cx: &Context<'_>, row: &Annotation, value: &str, out: &mut Findings) {
    let effect = if row.name == "auth-tls-secret" { Effect::Forbidden } else { Effect::Unavailable };
    let (namespace, name) = reference(value);
    if namespace.is_some_and(|namespace| namespace != cx.namespace()) {
        foreign(cx, row, value, effect, out);
        return;
    }
    let (wrong, help) = match cx.view.secret(cx.namespace(), name) {
        Lookup::Unknown => return,
        Lookup::Absent => (format!("does not exist in namespace {:?}", cx.namespace()), "apply it first"),
        Lookup::Found(secret) => match lack(cx, row, secret) {
            Some((lack, help)) => (format!("has no {lack}"), help),
            None => return,
        },
    };
    let finding = report(row, name, &format!("secret {} {wrong}", Quoted(name)), effect, out).help(help);
    finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
}

/// What a Secret would have to hold for this annotation, and what to do (section 5.7, `dumpSecretAuthFile`, `getPemCertificate`).
fn lack(cx: &Context<'_>, row: &Annotation, secret: &Secret) -> Option<(&'static str, &'static str)> {
    const AUTHORITY: &str = "put the authority's certificate in its ca.crt";
    match row.name {
        // A map of users may have any keys.
        "auth-secret" if cx.nginx().value("auth-secret-type").is_some_and(|form| form.contains("auth-map")) => None,
        "auth-secret" => (!secret.has_auth).then_some(("data key auth", "put the file of passwords there")),
        _ => match secret.tls {
            TlsFacts::Pair { ca_readable: true, .. } => None,
            TlsFacts::Pair { .. } => Some(("ca.crt that can be read", AUTHORITY)),
            TlsFacts::Unusable(_) => (!secret.has_ca).then_some(("ca.crt, nor a certificate with its key", AUTHORITY)),
        },
    }
}

/// An object of another namespace: whether the controller may read it is its ConfigMap's to say.
fn foreign(cx: &Context<'_>, row: &Annotation, value: &str, effect: Effect, out: &mut Findings) {
    let allowed = cx.dialect().crosses_namespaces();
    if allowed == Some(true) || (allowed.is_none() && cx.dialect().settings_unknown()) {
        return;
    }
    let since = if allowed.is_none() { super::SINCE_VALIDATION } else { "" };
    let message = format!("{} is of another namespace: {since}{}", Quoted(value), super::consequence(effect));
    let finding = cx.rests_on_settings(out.add(field(row.name), format!("{}={value}", row.name), message));
    let kind = row.names.map_or("object", Kind::name);
    finding.help(format!("use a {kind} of namespace {}", cx.namespace()));
    if allowed.is_none() {
        finding.at_most(WARN);
    }
}

fn report<'o>(row: &Annotation, name: &str, wrong: &str, effect: Effect, out: &'o mut Findings) -> &'o mut Finding {
    out.add(field(row.name), format!("{}={name}", row.name), format!("{wrong}: {}", super::consequence(effect)))
}

fn field(name: &str) -> FieldPath {
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
