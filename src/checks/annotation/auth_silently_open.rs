//! IG608: a mistake in annotations disables authentication.

use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Finding, Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Key, Kind, Kinds, NGINX_PREFIX, Secret, TlsFacts};
use crate::routing::annotations::{Effect, reference};
use crate::routing::{AnnotationFault, FaultReason};

pub(crate) static AUTH_SILENTLY_OPEN: Check = Check {
    code: "IG608",
    name: "auth-silently-open",
    summary: "a mistake in annotations disables authentication: requests are not authenticated",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::NONE,
    page: include_str!("auth_silently_open.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A canary has the authentication of the main Ingress (section 7.1).
    if cx.nginx().is_canary() {
        return;
    }
    basic(cx, out);
    external(cx, out);
    client_certificate(cx, out);
}

/// Reports an `auth-secret` that is ignored because `auth-type` is not set.
fn basic(cx: &Context<'_>, out: &mut Findings) {
    let nginx = cx.nginx();
    if nginx.value("auth-type").is_none() && nginx.value("auth-secret").is_some() {
        let key = format!("{NGINX_PREFIX}auth-type");
        let secret = format!("{NGINX_PREFIX}auth-secret");
        let message = format!("ignored without auth-type: {}", open(cx));
        let finding = out.add(FieldPath::annotation(&secret), "auth-secret", message);
        finding.help(format!("add {key}: basic"));
        limit(cx, finding);
        // Without a usable Secret the fix would make requests return 503.
        if let Some(value) = nginx.value("auth-secret")
            && let Lookup::Found(Secret { has_auth: true, .. }) = cx.view.secret(cx.namespace(), value)
        {
            let (field, added) = (FieldPath::annotation(&secret), FieldPath::annotation(&key));
            finding.fix(Patch::on(&field, value).add(&added, "basic"));
        }
    }
}

/// Reports invalid values that disable the whole external authentication (section 7.2).
fn external(cx: &Context<'_>, out: &mut Findings) {
    for &AnnotationFault { row, value, effect, ref reason, certain, .. } in cx.value_faults() {
        let FaultReason::Value(flaw) = reason else { continue };
        if effect != Effect::Open {
            continue;
        }
        let flaw = flaw.map(|flaw| flaw.to_string()).unwrap_or_default();
        let since = if certain { "" } else { super::SINCE_VALIDATION };
        let message = format!("{} {flaw}: {since}auth-url is ignored too, {}", Quoted(value), open(cx));
        let key = format!("{NGINX_PREFIX}{}", row.name);
        let finding = out.add(FieldPath::annotation(&key), key, message);
        finding.help(row.form.wanted());
        cx.rests_on_validation(finding, row, value);
        limit(cx, finding);
        if !certain {
            finding.at_most(WARN);
        }
    }
    let annotations = &cx.ingress.meta.annotations;
    if annotations.nginx("auth-url") == Some("") {
        let key = format!("{NGINX_PREFIX}auth-url");
        let message = format!("the value is empty: {}", open(cx));
        let finding = out.add(FieldPath::annotation(&key), "auth-url", message);
        finding.help("set the URL of the authentication service or remove it");
        // Charts write an empty value to disable authentication.
        let meant = ["auth-response-headers", "auth-signin"].into_iter().any(|name| cx.nginx().is_on(name));
        finding.at_most(if meant { Levels::new(Level::Warn, Level::Deny) } else { AUDIT });
    }
}

/// What happens to requests without the authentication of the Ingress: that of the controller's ConfigMap applies, if it has one
/// (section 7.4).
fn open(cx: &Context<'_>) -> &'static str {
    if is_authenticated_globally(cx) { effects::GLOBALLY_AUTHENTICATED } else { effects::UNAUTHENTICATED }
}

/// Limits a finding to a warning if the controller authenticates requests all the same.
fn limit(cx: &Context<'_>, finding: &mut Finding) {
    if is_authenticated_globally(cx) {
        finding.at_most(WARN);
    }
}

fn is_authenticated_globally(cx: &Context<'_>) -> bool {
    cx.dialect().global_authentication(cx.nginx()).is_some()
}

/// Reports a Secret without CA certificates, with which nginx verifies no client certificate (section 5.7).
fn client_certificate(cx: &Context<'_>, out: &mut Findings) {
    let Some(value) = cx.nginx().value("auth-tls-secret") else { return };
    let (Some(namespace), name) = reference(value) else { return };
    if namespace != cx.namespace() {
        return;
    }
    let Lookup::Found(secret) = cx.view.secret(namespace, name) else { return };
    if matches!(secret.tls, TlsFacts::Pair { ca_readable: true, .. }) && !secret.has_ca {
        let key = format!("{NGINX_PREFIX}auth-tls-secret");
        let message = format!("Secret {} has no ca.crt: client certificates are not verified", Quoted(name));
        let finding = out.add(FieldPath::annotation(&key), format!("auth-tls-secret={name}"), message);
        finding.help("add the CA certificate under key ca.crt");
        finding.rests_on(Kind::Secret, Key::new(namespace, name));
    }
}
