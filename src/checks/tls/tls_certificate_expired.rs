//! IG404: the certificate is expired or not valid yet.

use super::{Used, secret_field, secrets};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};

pub(crate) static TLS_CERTIFICATE_EXPIRED: Check = Check {
    code: "IG404",
    name: "tls-certificate-expired",
    summary: "the certificate has expired or is not valid yet",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_certificate_expired.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, may_be_decided_elsewhere } in secrets(cx) {
        if matches!(secret, Lookup::Unknown) {
            expired_by_status(cx, entry, name, out);
        }
        let Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) = secret else { continue };
        let now = cx.view.now();
        let (what, help) = if now > certificate.not_after {
            (format!("expired on {}", certificate.not_after.strftime("%F")), "renew it")
        } else if now < certificate.not_before {
            let what = format!("is not valid before {}", certificate.not_before.strftime("%F"));
            (what, "use the previous certificate until then")
        } else {
            continue;
        };
        let message = format!("certificate in Secret {} {what}: {}", Quoted(name), effects::CERTIFICATE_REJECTED);
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help(help);
        if may_be_decided_elsewhere {
            finding.at_most(WARN);
        }
    }
}

/// Reports an expired certificate of a Secret that cannot be read. cert-manager writes the end of its validity into the status of the
/// Certificate.
fn expired_by_status(cx: &Context<'_>, entry: usize, name: &str, out: &mut Findings) {
    let Some(issued) = cx.view.certificate_for(cx.namespace(), name).found() else { return };
    let Some(end) = issued.not_after.filter(|end| cx.view.now() > *end) else { return };
    let message = format!(
        "certificate in Secret {} expired on {} (status of Certificate {:?}): {}",
        Quoted(name),
        end.strftime("%F"),
        issued.key.name,
        effects::CERTIFICATE_REJECTED
    );
    out.add(secret_field(entry), format!("secret={name}"), message).help("renew it").at_most(WARN);
}
