//! IG402: the TLS Secret is there, but cannot be served.

use super::{Used, limit, secret_field, secrets, without_certificate};
use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings};
use crate::cluster::Lookup;
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Key, Kind, Kinds, TlsFacts, TlsFault};
use crate::routing::{ControllerFamily, Issuer};

pub(crate) static TLS_SECRET_UNUSABLE: Check = Check {
    code: "IG402",
    name: "tls-secret-unusable",
    summary: "the TLS Secret holds no pair that a controller can serve",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::of(&[Kind::Secret]),
    hints: Kinds::of(&[Kind::Certificate, Kind::Ingress]),
    page: include_str!("tls_secret_unusable.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for Used { entry, name, secret, may_be_decided_elsewhere } in secrets(cx) {
        let Lookup::Found(secret) = secret else { continue };
        let Some(Fault { what, consequence, help, is_note, issuer }) = fault(cx, name, &secret.tls) else { continue };
        let message = format!("secret {} {what}: {consequence}", Quoted(name));
        let finding = out.add(secret_field(entry), format!("secret={name}"), message);
        finding.rests_on(Kind::Secret, Key::new(cx.namespace(), name)).help(help);
        if let Some(issuer) = issuer {
            limit(finding, issuer);
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
    /// Worth knowing, not worth a warning.
    is_note: bool,
    /// Who may be about to mend it.
    issuer: Option<Issuer>,
}

fn fault(cx: &Context<'_>, name: &str, live_reads: &TlsFacts) -> Option<Fault> {
    let consequence = without_certificate(cx);
    match live_reads {
        TlsFacts::Unusable(fault) => {
            let issuer = matches!(fault, TlsFault::Empty(_)).then(|| Issuer::of(cx.ingress, cx.view, name));
            let help = match fault {
                TlsFault::Empty(_) if issuer == Some(Issuer::Somebody) => "the issuer is still at work",
                TlsFault::KeysMissing(_) | TlsFault::Empty(_) => "put certificate and key into tls.crt and tls.key",
                TlsFault::BadCertificate | TlsFault::BadKey => "put PEM text there, encoded once",
                TlsFault::KeyMismatch => "use the key of that certificate",
                TlsFault::LeafNotFirst => "put the server's certificate first, then its intermediates",
            };
            Some(Fault { what: fault.to_string(), consequence, help, is_note: false, issuer })
        }
        // ingress-nginx rejects the whole Secret then (section 5.2); others do not look at it.
        TlsFacts::Pair { ca_readable: false, .. } if cx.dialect().family == ControllerFamily::Nginx => Some(Fault {
            what: "has an unreadable ca.crt, and the good pair is dropped with it".to_owned(),
            consequence,
            help: "mend or remove ca.crt",
            is_note: false,
            issuer: None,
        }),
        TlsFacts::Pair { certificate, .. } if !certificate.chain_in_order => Some(Fault {
            what: "has its intermediate certificates out of order in tls.crt".to_owned(),
            consequence: "some clients refuse it".to_owned(),
            help: "order them so that each is issued by the next",
            is_note: true,
            issuer: None,
        }),
        TlsFacts::Pair { .. } => None,
    }
}
