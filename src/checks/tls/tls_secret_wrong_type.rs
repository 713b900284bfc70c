//! IG410: a certificate in a Secret of another type.

use super::{Used, secret_field, secrets};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, Secret, TlsFacts};
use crate::routing::ControllerFamily;

pub(crate) static TLS_SECRET_WRONG_TYPE: Check = Check {
    code: "IG410",
    name: "tls-secret-wrong-type",
    summary: "the Secret is not of type `kubernetes.io/tls`, which some controllers require",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_secret_wrong_type.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, .. } in secrets(cx) {
        let Lookup::Found(Secret { tls: TlsFacts::Pair { .. }, is_of_tls_type: false, .. }) = secret else { continue };
        let message = format!(
            "Secret {} is not of type kubernetes.io/tls: controllers that require it serve their default certificate",
            Quoted(name)
        );
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name));
        finding.help("recreate the Secret with this type");
        // ingress-nginx ignores the type (section 5.2).
        if cx.dialect().family == ControllerFamily::Nginx {
            finding.at_most(AUDIT);
        }
    }
}
