//! IG417: an issuer for a TLS entry without a Secret.

use super::without_certificate;
use crate::checks::findings::{AUDIT, list};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds};
use crate::routing::Issuer;

pub(crate) static ISSUER_WITHOUT_SECRET_NAME: Check = Check {
    code: "IG417",
    name: "issuer-without-secret-name",
    summary: "cert-manager issues no certificate for a TLS entry without `secretName`",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("issuer_without_secret_name.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let Some(annotation) = Issuer::annotation(cx.ingress) else { return };
    let entries = cx.ingress.tls.iter().enumerate();
    for (index, entry) in entries.filter(|(_, entry)| entry.secret_name.is_none()) {
        let message = format!("no secretName, {annotation} ignores this entry: {}", without_certificate(cx));
        let field = FieldPath::spec().field("tls").index(index);
        let finding = out.add(field, format!("hosts={} without secretName", list(&entry.hosts)), message);
        finding.help("set secretName, the name of the Secret to create");
        // The annotation of kube-lego needs a default issuer, and a default certificate may be intended.
        if annotation == "kubernetes.io/tls-acme" || cx.dialect().default_certificate {
            finding.at_most(AUDIT);
        }
    }
}
