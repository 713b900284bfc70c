//! IG401: the TLS Secret does not exist in the namespace of the Ingress.

use super::{Used, limit_while_pending, secret_field, secrets, without_certificate};
use crate::checks::findings::{WARN, list};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds};
use crate::routing::Issuer;

pub(crate) static TLS_SECRET_NOT_FOUND: Check = Check {
    code: "IG401",
    name: "tls-secret-not-found",
    summary: "the TLS Secret does not exist in the namespace of the Ingress",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress]),
    page: include_str!("tls_secret_not_found.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, may_be_decided_elsewhere, .. } in
        secrets(cx).into_iter().filter(|used| used.secret.is_absent())
    {
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

fn help(cx: &Context<'_>, name: &str) -> String {
    if let Some((outdated, present)) = Issuer::outdated_annotation(cx.ingress) {
        return format!("rename annotation {outdated}, which cert-manager ignores, to {present}");
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
