//! IG415: a certificate with a common name and no subject alternative name.

use super::{Used, secret_field, secrets};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};

pub(crate) static CERTIFICATE_WITHOUT_SAN: Check = Check {
    code: "IG415",
    name: "certificate-without-san",
    summary: "the certificate has no subject alternative name, only a common name",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("certificate_without_san.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, .. } in secrets(cx) {
        let Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) = secret else { continue };
        // IG403 reports hosts that it does not cover.
        if !certificate.by_common_name || !cx.ingress.rules.iter().any(|rule| certificate.covers(&rule.host)) {
            continue;
        }
        let message = format!(
            "certificate in Secret {} has a common name, but no subject alternative name (SAN): {}",
            Quoted(name),
            effects::CERTIFICATE_REJECTED
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        finding.help("reissue it with the hosts as SANs");
    }
}
