//! IG401: the TLS Secret does not exist in the namespace of the Ingress.

use super::{Used, effects, limit_while_pending, secret_field, secrets, without_certificate};
use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds};
use crate::routing::{Issuer, SecretSource};

pub(crate) static TLS_SECRET_NOT_FOUND: Check = Check {
    code: "IG401",
    name: "tls-secret-not-found",
    summary: "the TLS Secret does not exist in the namespace of the Ingress",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_secret_not_found.md"),
    run,
};

/// The namespaces in which Istio's documentation installs a gateway.
const GATEWAYS: [&str; 2] = ["istio-system", "istio-ingress"];

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.controller.secrets() == SecretSource::Gateway {
        return beside_gateway(cx, out);
    }
    for Used { entry, name, secret, may_be_decided_elsewhere } in secrets(cx) {
        if matches!(secret, Lookup::Unknown) {
            not_issued_by_status(cx, entry, name, out);
        }
        if !secret.is_absent() {
            continue;
        }
        let issuer = Issuer::of(cx.ingress, cx.view, name);
        let pending = if issuer == Issuer::Known { ", issuance is pending" } else { "" };
        let message = format!(
            "Secret {} does not exist in namespace {:?}{pending}: {}",
            Quoted(name),
            cx.namespace(),
            without_certificate(cx)
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        if issuer != Issuer::Known {
            finding.help(help(cx, name));
        }
        limit_while_pending(finding, issuer);
        if may_be_decided_elsewhere {
            finding.at_most(WARN);
        }
    }
}

/// Reports a Secret that cannot be read and that cert-manager has not created yet, by the status of the Certificate.
fn not_issued_by_status(cx: &Context<'_>, entry: usize, name: &str, out: &mut Findings) {
    let Some(certificate) = cx.view.certificate_for(cx.namespace(), name).found() else { return };
    if certificate.ready != Some(false) || certificate.not_after.is_some() {
        return;
    }
    let message = format!(
        "Secret {} is not issued yet (status of Certificate {:?}): {}",
        Quoted(name),
        certificate.key.name,
        without_certificate(cx)
    );
    let finding = out.add(secret_field(entry), format!("secret={name}"), message);
    limit_while_pending(finding, Issuer::Known);
}

fn help(cx: &Context<'_>, name: &str) -> String {
    if Issuer::has_outdated_annotation(cx.ingress) {
        return "change the prefix of the annotation to cert-manager.io/".to_owned();
    }
    if let Some(near) = cx.nearest(name, cx.view.certificate_names(cx.namespace())) {
        return format!("did you mean {near:?}?");
    }
    let mut elsewhere: Vec<&str> = cx.view.secret_namespaces(name).collect();
    elsewhere.sort_unstable();
    if cx.settings.reveal_other_namespaces && !elsewhere.is_empty() {
        return format!("copy it from another namespace: {}", list(elsewhere));
    }
    "create the Secret, or set an issuer".to_owned()
}

/// Reports Secrets in the namespace of the Ingress, where a controller with a gateway does not look. The gateway may run in
/// any namespace, so that the finding warns at most.
fn beside_gateway(cx: &Context<'_>, out: &mut Findings) {
    // Referenced Secrets alone say nothing about other namespaces.
    if GATEWAYS.contains(&cx.namespace()) || !cx.view.lists(Kind::Secret) {
        return;
    }
    let named = cx.ingress.tls.iter().enumerate();
    for (entry, name) in named.filter_map(|(entry, it)| Some((entry, it.secret_name.as_deref()?))) {
        let is_beside = cx.view.secret(cx.namespace(), name).found().is_some();
        if !is_beside || !GATEWAYS.iter().all(|namespace| cx.view.secret(namespace, name).is_absent()) {
            continue;
        }
        let message = format!(
            "Secret {} in {:?} is not read, Istio reads it in the namespace of its gateway: {}",
            Quoted(name),
            cx.namespace(),
            effects::without_certificate(cx.dialect())
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        for namespace in GATEWAYS {
            finding.rests_on(Kind::Secret, Key::new(namespace, name));
        }
        finding.help("create it there, such as in istio-system").at_most(WARN);
    }
}
