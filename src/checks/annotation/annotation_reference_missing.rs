//! IG604: an annotation references an object that does not exist, lacks data, or is in another namespace.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Finding, Level, Levels, Quoted};
use crate::model::{FieldPath, Key, Kind, Kinds, NGINX_PREFIX, Secret, TlsFacts};
use crate::routing::annotations::{Annotation, Effect, reference};

pub(crate) static ANNOTATION_REFERENCE_MISSING: Check = Check {
    code: "IG604",
    name: "annotation-reference-missing",
    summary: "an annotation references a Secret, Service or ConfigMap that does not exist or lacks required data",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::ConfigMap, Kind::Secret, Kind::Service]),
    hints: Kinds::NONE,
    page: include_str!("annotation_reference_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // ingress-nginx ignores these annotations of a canary (section 7.1).
    if cx.nginx().is_canary() {
        return;
    }
    if cx.nginx().is_on("auth-type") && cx.ingress.meta.annotations.nginx("auth-secret").is_none() {
        let message = format!("auth-secret is not set: {}", super::effect_on_requests(Effect::Unavailable));
        let finding = out.add(field("auth-type"), "auth-type", message);
        finding.help(format!("add {NGINX_PREFIX}auth-secret or remove auth-type"));
    }
    for (row, value) in cx.nginx().in_force(cx.dialect().version) {
        // IG603 reports values that are not a name.
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
        let wrong = format!("Service {} does not exist in namespace {:?}", Quoted(name), cx.namespace());
        let finding = report(row, name, &wrong, Effect::Ignored, out).help("create the Service first");
        finding.rests_on(Kind::Service, Key::new(cx.namespace(), name));
    }
}

/// Checks that a ConfigMap exists; its contents are not read. A ConfigMap in another namespace is reported only for the
/// annotation that refuses it (section 7.2).
fn config_map(cx: &Context<'_>, row: &Annotation, value: &str, out: &mut Findings) {
    let (namespace, name) = reference(value);
    if namespace.is_some_and(|namespace| namespace != cx.namespace()) {
        if row.name == "auth-proxy-set-headers" {
            in_other_namespace(cx, row, value, Effect::Unavailable, out);
        }
        return;
    }
    if namespace.is_none() && row.name == "custom-headers" {
        // The controller uses the value as `namespace/name` without adding a namespace.
        let wrong = format!("ConfigMap {} has no namespace", Quoted(name));
        let finding = report(row, name, &wrong, Effect::Unavailable, out);
        finding.help(format!("write {}", Quoted(&format!("{}/{name}", cx.namespace()))));
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
    let finding = report(row, name, &wrong, Effect::Unavailable, out).help("create the ConfigMap first");
    finding.rests_on(Kind::ConfigMap, key);
    // A version without the annotation ignores it.
    if row.since.is_some() && cx.dialect().version.is_none() {
        finding.at_most(WARN);
    }
}

fn secret(cx: &Context<'_>, row: &Annotation, value: &str, out: &mut Findings) {
    let effect = if row.name == "auth-tls-secret" { Effect::Forbidden } else { Effect::Unavailable };
    let (namespace, name) = reference(value);
    if namespace.is_some_and(|namespace| namespace != cx.namespace()) {
        in_other_namespace(cx, row, value, effect, out);
        return;
    }
    let (wrong, help) = match cx.view.secret(cx.namespace(), name) {
        Lookup::Unknown => return,
        Lookup::Absent => (format!("does not exist in namespace {:?}", cx.namespace()), "create the Secret first"),
        Lookup::Found(secret) => match missing_data(cx, row, secret) {
            Some((missing, help)) => (format!("has no {missing}"), help),
            None => return,
        },
    };
    let finding = report(row, name, &format!("Secret {} {wrong}", Quoted(name)), effect, out).help(help);
    finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
}

/// Returns the data that the annotation requires and the Secret lacks, and the fix (section 5.7, `dumpSecretAuthFile`,
/// `getPemCertificate`).
fn missing_data(cx: &Context<'_>, row: &Annotation, secret: &Secret) -> Option<(&'static str, &'static str)> {
    const AUTHORITY: &str = "add the CA certificate under key ca.crt";
    match row.name {
        // The keys of a map are the names of the users.
        "auth-secret" if cx.nginx().value("auth-secret-type").is_some_and(|form| form.contains("auth-map")) => None,
        "auth-secret" => (!secret.has_auth).then_some(("key auth", "add the htpasswd file under key auth")),
        _ => match secret.tls {
            TlsFacts::Pair { ca_readable: true, .. } => None,
            TlsFacts::Pair { .. } => Some(("valid certificate in ca.crt", AUTHORITY)),
            TlsFacts::Unusable(_) => (!secret.has_ca).then_some(("ca.crt and no certificate with its key", AUTHORITY)),
        },
    }
}

/// Reports an object of another namespace, unless the settings of the controller allow it.
fn in_other_namespace(cx: &Context<'_>, row: &Annotation, value: &str, effect: Effect, out: &mut Findings) {
    let allowed = cx.dialect().crosses_namespaces();
    if allowed == Some(true) || (allowed.is_none() && cx.dialect().settings_unknown()) {
        return;
    }
    let since = if allowed.is_none() { super::SINCE_VALIDATION } else { "" };
    let kind = row.names.map_or("object", Kind::name);
    let effect = super::effect_on_requests(effect);
    let message = format!("{kind} {} is in another namespace: {since}{effect}", Quoted(value));
    let finding = cx.rests_on_settings(out.add(field(row.name), format!("{}={value}", row.name), message));
    finding.help(format!("use a {kind} in namespace {:?}", cx.namespace()));
    if allowed.is_none() {
        finding.at_most(WARN);
    }
}

fn report<'o>(row: &Annotation, name: &str, wrong: &str, effect: Effect, out: &'o mut Findings) -> &'o mut Finding {
    out.add(field(row.name), format!("{}={name}", row.name), format!("{wrong}: {}", super::effect_on_requests(effect)))
}

fn field(name: &str) -> FieldPath {
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
