//! IG416: a certificate whose chain clients reject.

use super::{Used, secret_field, secrets};
use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Certificate, Key, Kind, Kinds, Secret, TlsFacts};

pub(crate) static CERTIFICATE_CHAIN_INVALID: Check = Check {
    code: "IG416",
    name: "certificate-chain-invalid",
    summary: "the issuer in the chain has expired or is missing, or the certificate is that of an authority",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Ingress, Kind::IngressClass]),
    page: include_str!("certificate_chain_invalid.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, .. } in secrets(cx) {
        let Lookup::Found(Secret { tls: TlsFacts::Pair { certificate, .. }, .. }) = secret else { continue };
        // IG403 and IG404 report the others.
        let is_good = cx.ingress.rules.iter().any(|rule| certificate.covers(&rule.host));
        let Some(fault) = fault(cx, certificate).filter(|_| is_good && cx.view.now() <= certificate.not_after) else {
            continue;
        };
        let message = format!("certificate in Secret {} {}: {}", Quoted(name), fault.what, fault.effect);
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help(fault.help);
        if !fault.is_certain {
            finding.at_most(AUDIT);
        }
    }
}

struct Fault {
    what: String,
    effect: &'static str,
    help: &'static str,
    is_certain: bool,
}

fn fault(cx: &Context<'_>, certificate: &Certificate) -> Option<Fault> {
    if let Some(end) = certificate.issuer_not_after.filter(|end| cx.view.now() > *end) {
        return Some(Fault {
            what: format!("has an issuer in tls.crt that expired on {}", end.strftime("%F")),
            effect: effects::CERTIFICATE_REJECTED,
            help: "replace the chain in tls.crt",
            is_certain: true,
        });
    }
    if certificate.is_authority {
        return Some(Fault {
            what: "is that of a certificate authority".to_owned(),
            effect: "some browsers reject it as a server certificate",
            help: "issue a certificate for the hosts",
            is_certain: false,
        });
    }
    // An issuer without an intermediate is one that clients know.
    certificate.lacks_issuer.then(|| Fault {
        what: "has no intermediate certificate in tls.crt".to_owned(),
        effect: "some clients reject it",
        help: "append the intermediates, unless clients trust its issuer",
        is_certain: false,
    })
}
