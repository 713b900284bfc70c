//! IG405: the certificate expires soon.

use jiff::SignedDuration;

use super::{Used, limit_while_pending, secret_field, secrets};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};
use crate::routing::Issuer;

pub(crate) static TLS_CERTIFICATE_EXPIRING: Check = Check {
    code: "IG405",
    name: "tls-certificate-expiring",
    summary: "the certificate expires soon and has no known issuer",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_certificate_expiring.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let early = SignedDuration::from_hours(24 * i64::from(cx.settings.expiry_warning_days));
    for Used { entry, name, secret, .. } in secrets(cx) {
        let Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) = secret else { continue };
        let left = certificate.not_after.duration_since(cx.view.now());
        // IG404 reports expired certificates.
        if left < SignedDuration::ZERO || left >= early {
            continue;
        }
        let issuer = Issuer::of(cx.ingress, cx.view, name);
        if issuer == Issuer::Known {
            continue;
        }
        let end = certificate.not_after.strftime("%F");
        let message = format!(
            "certificate in Secret {} expires on {end} and has no known issuer: {} after this date",
            Quoted(name),
            effects::CERTIFICATE_REJECTED
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help(format!("renew it before {end}"));
        limit_while_pending(finding, issuer);
    }
}
