//! IG408: TLS in an Ingress with a rule without a host.

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Kinds};

pub(crate) static TLS_ON_HOSTLESS_RULE: Check = Check {
    code: "IG408",
    name: "tls-on-hostless-rule",
    summary: "`spec.tls` is ignored for rules without a host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("tls_on_hostless_rule.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // Entries without a Secret request the default certificate.
    let asks_for_own = cx.ingress.tls.iter().any(|entry| entry.secret_name.is_some());
    if !asks_for_own || cx.dialect().default_certificate || cx.nginx().is_canary() {
        return;
    }
    let hostless = cx.ingress.hosts().into_iter().find(|(_, host)| **host == Host::Any);
    let Some((at, _)) = hostless else { return };
    let message =
        format!("spec.tls is ignored for rules without a host: {}", effects::without_certificate(cx.dialect()));
    let finding = out.add(FieldPath::spec().field("rules").index(at), "rule without host", message);
    finding.help("set a host, or --default-ssl-certificate of the controller");
}
