//! IG404: the certificate is expired or not valid yet.

use super::{Used, secret_field, secrets};
use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};

pub(crate) static TLS_CERTIFICATE_EXPIRED: Check = Check {
    code: "IG404",
    name: "tls-certificate-expired",
    summary: "the certificate has expired or is not valid yet",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_certificate_expired.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, may_be_decided_elsewhere } in secrets(cx) {
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
