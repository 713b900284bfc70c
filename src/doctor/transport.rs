//! From the API server to the webhook: TCP, TLS, and the CA that the API server trusts.

use super::command::{breaks, holds, reinstall, unknown};
use super::facts::{Connection, Endpoint, Facts, Registration};
use crate::explain::{Step, kubectl};
use crate::model::{Certificate, Distrust, TrustBundle};

/// What an answered dry run proves.
const PROVED: &str = "the API server has reached the webhook in the dry run";

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let Some(endpoint) = &facts.endpoint else { return Vec::new() };
    let mut links = vec![tcp(facts, endpoint), tls(facts, endpoint)];
    if let Ok(Some(registration)) = &facts.registration {
        links.push(ca_bundle(facts, registration, endpoint));
    }
    links
}

fn tcp(facts: &Facts, endpoint: &Endpoint) -> Step {
    const WHAT: &str = "tcp";
    match &facts.connection {
        Connection::Tls { address, .. } | Connection::Plain { address, .. } => {
            holds(WHAT, format!("{address} accepts connections"))
        }
        _ if facts.is_answered() => holds(WHAT, PROVED),
        Connection::NotTried(reason) => unknown(WHAT, reason),
        Connection::Refused { address, reason, is_inside: true } => {
            breaks(WHAT, format!("{address} cannot be reached: {reason}"), pods(endpoint))
        }
        Connection::Refused { address, reason, is_inside: false } => {
            unknown(WHAT, format!("{address} cannot be reached from here, outside the cluster: {reason}"))
        }
    }
}

fn pods(endpoint: &Endpoint) -> Option<String> {
    kubectl(&["get", "pods", "--output", "wide", "--namespace", &endpoint.service()?.namespace])
}

fn tls(facts: &Facts, endpoint: &Endpoint) -> Step {
    const WHAT: &str = "tls";
    let name = endpoint.server_name();
    match &facts.connection {
        Connection::Tls { chain, .. } => {
            let Some(certificate) = Certificate::from_chain(chain) else {
                return unknown(WHAT, "the serving certificate cannot be read");
            };
            // Only the leaf: whether the API server trusts its issuer is the next link.
            let own = TrustBundle::of_leaf(chain);
            match own.rejection(chain, &name, facts.now) {
                Some(Distrust::OtherName(name)) => breaks(
                    WHAT,
                    format!("the serving certificate is not valid for {name}: the API server rejects it"),
                    renew(facts, endpoint),
                ),
                _ if facts.now > certificate.not_after => {
                    let detail = format!(
                        "the serving certificate expired at {}: the API server rejects it",
                        certificate.not_after
                    );
                    breaks(WHAT, detail, renew(facts, endpoint))
                }
                _ if facts.now < certificate.not_before => {
                    let detail = format!(
                        "the serving certificate is not valid before {}: compare the clocks",
                        certificate.not_before
                    );
                    breaks(WHAT, detail, pods(endpoint))
                }
                _ => {
                    holds(WHAT, format!("the serving certificate is valid for {name} until {}", certificate.not_after))
                }
            }
        }
        _ if facts.is_answered() => holds(WHAT, PROVED),
        Connection::Plain { address, reason } => {
            breaks(WHAT, format!("{address} does not answer with TLS: {reason}"), logs(endpoint))
        }
        Connection::NotTried(_) | Connection::Refused { .. } => unknown(WHAT, "no connection from here"),
    }
}

/// The command that shows why a certificate is not renewed.
fn renew(facts: &Facts, endpoint: &Endpoint) -> Option<String> {
    let is_injected = matches!(&facts.registration, Ok(Some(registration)) if registration.has_injected_ca);
    let namespace = &endpoint.service()?.namespace;
    if is_injected { kubectl(&["describe", "certificates", "--namespace", namespace]) } else { logs(endpoint) }
}

fn logs(endpoint: &Endpoint) -> Option<String> {
    let service = endpoint.service()?;
    kubectl(&["logs", "--namespace", &service.namespace, &format!("service/{}", service.name)])
}

/// Whether the pods manage their certificate themselves.
fn is_self_managed(facts: &Facts) -> bool {
    let pods = facts.pods.as_ref().ok().into_iter().flatten();
    let mut containers = pods.filter_map(|pod| pod.spec.as_ref()).flat_map(|spec| &spec.containers);
    containers.any(|container| container.args.iter().flatten().any(|argument| argument.starts_with("--ca-secret")))
}

fn ca_bundle(facts: &Facts, registration: &Registration, endpoint: &Endpoint) -> Step {
    const WHAT: &str = "caBundle";
    let pem =
        registration.webhook.client_config.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice()).unwrap_or_default();
    let bundle = TrustBundle::from_pem(pem);
    let fix = || {
        if registration.has_injected_ca {
            return kubectl(&["describe", "certificates", "--namespace", &endpoint.service()?.namespace]);
        }
        // The pods write it themselves, and log why they cannot.
        if is_self_managed(facts) {
            return logs(endpoint);
        }
        reinstall(facts.service.as_ref().ok().and_then(Option::as_ref))
    };
    let rejects = |reason: &Distrust| format!("the API server rejects the webhook: {reason}");
    // Without a bundle, the API server trusts the CAs of its own machine.
    if pem.is_empty() && endpoint.service().is_none() {
        return if facts.is_answered() {
            holds(WHAT, PROVED)
        } else {
            unknown(WHAT, "empty: the API server trusts the CAs of its machine")
        };
    }
    if let Some(fault) = bundle.fault(facts.now) {
        return breaks(WHAT, rejects(&fault), fix());
    }
    match &facts.connection {
        Connection::Tls { chain, .. } => match bundle.rejection(chain, &endpoint.server_name(), facts.now) {
            None => holds(WHAT, "the API server trusts the serving certificate"),
            Some(_) if facts.is_answered() => holds(WHAT, PROVED),
            // The link before this one.
            Some(Distrust::OtherName(_) | Distrust::Expired | Distrust::NotYetValid) => {
                unknown(WHAT, "unknown while the serving certificate is not valid")
            }
            Some(reason) if reason.is_certain() => breaks(WHAT, rejects(&reason), fix()),
            Some(reason) => unknown(WHAT, format!("the API server may reject the webhook: {reason}")),
        },
        _ if facts.is_answered() => holds(WHAT, PROVED),
        _ => {
            let plural = if bundle.len() == 1 { "" } else { "s" };
            unknown(WHAT, format!("{} CA{plural}; the serving certificate is not known", bundle.len()))
        }
    }
}
