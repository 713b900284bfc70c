//! IG402: the TLS Secret exists, but cannot be served.

use super::{Used, limit_while_pending, secret_field, secrets, without_certificate};
use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, TlsFacts, TlsFault};
use crate::routing::{ControllerFamily, Issuer};

pub(crate) static TLS_SECRET_UNUSABLE: Check = Check {
    code: "IG402",
    name: "tls-secret-unusable",
    summary: "the TLS Secret has no usable certificate and key",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress, Kind::IngressClass]),
    page: include_str!("tls_secret_unusable.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, may_be_decided_elsewhere } in secrets(cx) {
        let Lookup::Found(secret) = secret else { continue };
        let Some(Fault { what, consequence, help, is_note, issuer }) = fault(cx, name, &secret.tls) else { continue };
        let message = format!("Secret {} {what}: {consequence}", Quoted(name));
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help(help);
        if let Some(issuer) = issuer {
            limit_while_pending(finding, issuer);
        }
        if is_note {
            finding.at_most(AUDIT);
        }
        if may_be_decided_elsewhere {
            finding.at_most(WARN);
        }
    }
}

struct Fault {
    what: String,
    consequence: String,
    help: &'static str,
    /// Reported at audit level at most.
    is_note: bool,
    /// The issuer that may still fill the Secret.
    issuer: Option<Issuer>,
}

fn fault(cx: &Context<'_>, name: &str, facts: &TlsFacts) -> Option<Fault> {
    let consequence = without_certificate(cx);
    match facts {
        TlsFacts::Unusable(fault) => {
            let issuer = matches!(fault, TlsFault::Empty(_)).then(|| Issuer::of(cx.ingress, cx.view, name));
            let help = match fault {
                TlsFault::Empty(_) if issuer == Some(Issuer::Known) => "wait for the issuer to fill the Secret",
                TlsFault::KeysMissing(_) | TlsFault::Empty(_) => {
                    "store the certificate in tls.crt and its key in tls.key"
                }
                TlsFault::BadCertificate | TlsFault::BadKey => "store PEM text, base64-encoded once",
                TlsFault::KeyMismatch => "store the key of this certificate",
                TlsFault::LeafNotFirst => "put the server certificate first, then its intermediates",
            };
            Some(Fault { what: fault.to_string(), consequence, help, is_note: false, issuer })
        }
        // ingress-nginx then rejects the whole Secret (section 5.2); other controllers ignore ca.crt.
        TlsFacts::Pair { ca_readable: false, .. } if cx.dialect().family == ControllerFamily::Nginx => Some(Fault {
            what: "has an unreadable ca.crt, ingress-nginx rejects the whole Secret".to_owned(),
            consequence,
            help: "fix or remove ca.crt",
            is_note: false,
            issuer: None,
        }),
        TlsFacts::Pair { certificate, .. } if !certificate.chain_in_order => Some(Fault {
            what: "has its intermediate certificates out of order in tls.crt".to_owned(),
            consequence: format!("some {}", effects::CERTIFICATE_REJECTED),
            help: "put each certificate directly before its issuer",
            is_note: true,
            issuer: None,
        }),
        TlsFacts::Pair { .. } => None,
    }
}
