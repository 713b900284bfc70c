//! The certificate that a visitor is shown over HTTPS.

use super::controllers::Controller;
use super::trail::{Explanation, ServedCertificate, kubectl};
use crate::cluster::{Lookup, World};
use crate::model::{Host, Ingress, Secret, TlsFacts};
use crate::routing::{CertificateOf, Engine, Server, TlsEntries, When};

/// Follow the host to its certificate.
pub(super) fn certificate<'a>(
    explanation: &mut Explanation,
    host: &Host,
    controller: &Controller<'a>,
    server: &Server<'a>,
    world: &World<'a>,
) {
    let source = match controller.taker.dialect.engine {
        Engine::Nginx => controller.routes.certificate(&server.host, world, When::After),
        Engine::Traefik | Engine::Neutral => by_entry(host, controller, server),
    };
    let (ingress, name) = match source {
        CertificateOf::Ingress { ingress, secret: Some(name) } => (ingress, name),
        CertificateOf::Ingress { ingress, secret: None } => {
            let why = format!("no entry of spec.tls of Ingress {} is for {host}", ingress.meta.key);
            return default(explanation, controller, &why, ingress_yaml(ingress));
        }
        CertificateOf::Nobody => {
            // TLS may end before it.
            let detail =
                format!("no Ingress of the host has spec.tls: whoever ends TLS here shows {}", own(controller));
            return says(explanation, None, "default", |explanation| explanation.unknown("certificate", detail));
        }
        CertificateOf::Unknown(ingress) => {
            let detail = format!("the Secrets of Ingress {} are not known", ingress.meta.key);
            return says(explanation, None, "unknown", |explanation| explanation.unknown("certificate", detail));
        }
    };
    let namespace = &*ingress.meta.key.namespace;
    let secret = format!("{namespace}/{name}");
    let get = kubectl(&["get", "secret", name, "--namespace", namespace]);
    let (state, detail) = match world.secret(namespace, name) {
        Lookup::Unknown => {
            let detail = format!("nothing is known of Secret {secret}");
            return says(explanation, Some(secret), "unknown", |explanation| {
                explanation.unknown("certificate", detail);
            });
        }
        Lookup::Absent => ("missing", format!("Secret {secret} does not exist")),
        Lookup::Found(found) => judged(found, &secret, host, &server.host, world),
    };
    if state == "ok" {
        return says(explanation, Some(secret), state, |explanation| explanation.holds("certificate", detail));
    }
    // What is only out of date is served all the same (section 5.2).
    let is_served = matches!(state, "expired" | "not-yet-valid");
    let shown = if is_served { String::new() } else { format!(": {}", controller.taker.dialect.without_certificate()) };
    let detail = format!("{detail}{shown}");
    says(explanation, Some(secret), state, |explanation| explanation.breaks("certificate", detail, get));
}

/// What a Secret is worth for a host.
fn judged(secret: &Secret, name: &str, visited: &Host, served: &Host, world: &World<'_>) -> (&'static str, String) {
    let certificate = match &secret.tls {
        TlsFacts::Unusable(fault) => return ("unusable", format!("Secret {name} {fault}")),
        TlsFacts::Pair { ca_readable: false, .. } => {
            return ("unusable", format!("Secret {name} has a ca.crt that cannot be read"));
        }
        TlsFacts::Pair { certificate, .. } => certificate,
    };
    let day = |time: jiff::Timestamp| time.to_string().chars().take(10).collect::<String>();
    match () {
        () if !certificate.covers(visited) && !certificate.covers(served) => {
            ("mismatch", format!("the certificate of Secret {name} is not for {visited}"))
        }
        () if certificate.not_after < world.now() => {
            ("expired", format!("the certificate of Secret {name} has expired on {}", day(certificate.not_after)))
        }
        () if certificate.not_before > world.now() => {
            let from = day(certificate.not_before);
            ("not-yet-valid", format!("the certificate of Secret {name} is not valid before {from}"))
        }
        () => ("ok", format!("Secret {name}, valid until {}", day(certificate.not_after))),
    }
}

/// Where controllers other than ingress-nginx look: the entry for the host of an Ingress that has it.
fn by_entry<'a>(host: &Host, controller: &Controller<'a>, server: &Server<'a>) -> CertificateOf<'a> {
    let claims = controller.routes.claims(&server.host, When::After).found().unwrap_or_default();
    let with_entry = claims.iter().find_map(|claim| {
        let meant = TlsEntries::of(&claim.ingress.tls).meant_for(host)?;
        Some((claim.ingress, meant.entry.secret_name.as_deref()))
    });
    with_entry.map_or(CertificateOf::Nobody, |(ingress, secret)| CertificateOf::Ingress { ingress, secret })
}

/// What a controller shows that has no certificate for a host.
fn own(controller: &Controller<'_>) -> &'static str {
    match controller.taker.dialect.engine {
        Engine::Nginx if !controller.taker.dialect.default_certificate => "its fake certificate",
        Engine::Nginx | Engine::Traefik | Engine::Neutral => "its own certificate",
    }
}

fn default(explanation: &mut Explanation, controller: &Controller<'_>, why: &str, command: Option<String>) {
    let dialect = controller.taker.dialect;
    let detail = format!("{why}: {}", dialect.without_certificate());
    says(explanation, None, "default", |explanation| match dialect.engine {
        Engine::Nginx if dialect.default_certificate => explanation.unknown("certificate", detail),
        Engine::Nginx => explanation.breaks("certificate", detail, command),
        // It may have certificates of its own.
        Engine::Traefik | Engine::Neutral => explanation.unknown("certificate", why),
    });
}

fn says(
    explanation: &mut Explanation,
    secret: Option<String>,
    state: &'static str,
    say: impl FnOnce(&mut Explanation),
) {
    explanation.certificate = Some(ServedCertificate { secret, state });
    say(explanation);
}

fn ingress_yaml(ingress: &Ingress) -> Option<String> {
    let key = &ingress.meta.key;
    kubectl(&["get", "ingress", &key.name, "--namespace", &key.namespace, "--output=yaml"])
}
