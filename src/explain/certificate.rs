//! The certificate that HTTPS clients get.

use super::trail::{Explanation, ServedCertificate, kubectl};
use crate::checks::effects;
use crate::cluster::ClusterView;
use crate::model::{Host, Ingress};
use crate::routing::{
    CertificateState, ControllerFamily, HostCertificate, LinkStatus, Routes, SecretSource, Server, When,
};

/// Adds the step for the certificate of a host, whose requests this server gets.
pub(super) fn certificate<'a>(
    explanation: &mut Explanation,
    host: &Host,
    server: &Server<'a>,
    routes: &Routes<'a>,
    view: &ClusterView<'a>,
) {
    let found = HostCertificate::of(host, routes, view);
    let secret = found.ingress.zip(found.secret).map(|(ingress, name)| (&*ingress.meta.key.namespace, name));
    let named = secret.map(|(namespace, name)| format!("{namespace}/{name}"));
    let mut detail = words(&found, host, routes, named.as_deref().unwrap_or_default());
    if found.state == CertificateState::Plain {
        detail.push_str(&unused(server, routes));
    }
    let state = state(found.state);
    explanation.certificate = Some(ServedCertificate { secret: named, state });
    match found.status() {
        LinkStatus::Ok if found.state != CertificateState::Plain => explanation.holds("certificate", detail),
        // A load balancer may terminate TLS before the controller.
        LinkStatus::Ok | LinkStatus::Unknown => explanation.unknown("certificate", detail),
        LinkStatus::Broken => {
            let get = secret.map(|(namespace, name)| kubectl(&["get", "secret", name, "--namespace", namespace]));
            explanation.breaks("certificate", detail, get.or_else(|| found.ingress.map(ingress_yaml)).flatten());
        }
    }
}

fn words(found: &HostCertificate<'_>, host: &Host, routes: &Routes<'_>, secret: &str) -> String {
    use CertificateState as State;
    let dialect = routes.controller().dialect;
    let instead = effects::without_certificate(dialect);
    let ingress = found.ingress.map(|ingress| ingress.meta.key.to_string()).unwrap_or_default();
    match found.state {
        State::Plain => {
            let own = match dialect.family {
                ControllerFamily::Nginx if !dialect.default_certificate => "its default (self-signed) certificate",
                ControllerFamily::Nginx | ControllerFamily::Traefik | ControllerFamily::Neutral => {
                    "its default certificate"
                }
            };
            format!("no entry of spec.tls applies to {host}: the TLS endpoint sends {own}")
        }
        State::Default => format!(
            "spec.tls of Ingress {ingress} has no Secret for {host}: clients get the controller's default certificate"
        ),
        State::Uncovered => format!("no entry of spec.tls of Ingress {ingress} contains {host}: {instead}"),
        State::Valid(_) => format!("Secret {secret}, {}", found.state),
        State::Expired(_) => format!("the certificate of Secret {secret} {}", found.state),
        State::Early(_) => format!("the certificate of Secret {secret} is {}", found.state),
        State::CommonNameOnly | State::IssuerExpired(_) => {
            format!("the certificate of Secret {secret} {}: {}", found.state, effects::CERTIFICATE_REJECTED)
        }
        State::Mismatch => format!("the certificate of Secret {secret} is not valid for {host}: {instead}"),
        State::CommonNameIgnored => format!(
            "the certificate of Secret {secret} has no SAN, and its common name counts only if spec.tls names {host}: {instead}"
        ),
        State::Missing => format!("Secret {secret} does not exist: {instead}"),
        State::Unusable(fault) => format!("Secret {secret} {fault}: {instead}"),
        State::BadCa => {
            format!("the ca.crt of Secret {secret} cannot be read, so its certificate is not used: {instead}")
        }
        State::Pending => format!("the certificate of Secret {secret} is not issued yet: {instead}"),
        State::Unseen if routes.controller().secrets() == SecretSource::Gateway => {
            "this controller reads the Secret in the namespace of its gateway, which is not visible".to_owned()
        }
        State::Unseen if !routes.controller().reads_secrets() => {
            "this controller does not read certificates from Secrets".to_owned()
        }
        State::Unseen if secret.is_empty() => format!("the Secrets of Ingress {ingress} are unknown"),
        State::Unseen => format!("Secret {secret} is unknown"),
    }
}

/// Names an Ingress of a server whose `spec.tls` does not apply, with the reason.
fn unused(server: &Server<'_>, routes: &Routes<'_>) -> String {
    let claims = routes.claims(&server.host, When::After).found().unwrap_or_default();
    let Some(claim) = claims.iter().find(|claim| !claim.ingress.tls.is_empty()) else { return String::new() };
    let why = match server.host {
        Host::Any => "a rule without a host has no certificate of its own",
        Host::Exact(_) | Host::Wildcard(_) => "this name is an alias that matches as a pattern",
    };
    format!("; spec.tls of Ingress {} does not count: {why}", claim.ingress.meta.key)
}

/// The state for [`ServedCertificate`].
const fn state(state: CertificateState) -> &'static str {
    use CertificateState as State;
    match state {
        State::Plain | State::Default | State::Uncovered => "default",
        State::Valid(_) => "ok",
        State::Expired(_) => "expired",
        State::Early(_) => "not-yet-valid",
        State::IssuerExpired(_) => "issuer-expired",
        State::CommonNameOnly => "common-name-only",
        State::Mismatch | State::CommonNameIgnored => "mismatch",
        State::Missing => "missing",
        State::Unusable(_) | State::BadCa => "unusable",
        State::Pending => "pending",
        State::Unseen => "unknown",
    }
}

fn ingress_yaml(ingress: &Ingress) -> Option<String> {
    let key = &ingress.meta.key;
    kubectl(&["get", "ingress", &key.name, "--namespace", &key.namespace, "--output=yaml"])
}
