//! IG405: a certificate near its end.

use jiff::SignedDuration;

use super::{Used, limit, secret_field, secrets};
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};
use crate::routing::Issuer;

pub(crate) static TLS_CERTIFICATE_EXPIRING: Check = Check {
    code: "IG405",
    name: "tls-certificate-expiring",
    summary: "the certificate expires soon and nobody renews it",
    levels: Levels::new(Level::Audit, Level::Warn),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress]),
    page: include_str!("tls_certificate_expiring.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let early = SignedDuration::from_hours(24 * i64::from(cx.settings.expiry_warning_days));
    for Used { entry, name, secret, .. } in secrets(cx) {
        let Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) = secret else { continue };
        let left = certificate.not_after.duration_since(cx.view.now());
        // IG404 speaks of those that have expired.
        if left < SignedDuration::ZERO || left >= early {
            continue;
        }
        let issuer = Issuer::of(cx.ingress, cx.view, name);
        if issuer == Issuer::Somebody {
            continue;
        }
        let message = format!(
            "the certificate in secret {} expires on {} and no issuer is known to renew it: browsers refuse it from then on",
            Quoted(name),
            certificate.not_after.strftime("%F")
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help("renew it in time");
        limit(finding, issuer);
    }
}
