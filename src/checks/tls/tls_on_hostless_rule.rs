//! IG408: TLS beside a rule without a host.

use crate::checks::{Applies, Check, Context, Findings, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Kinds};

pub(crate) static TLS_ON_HOSTLESS_RULE: Check = Check {
    code: "IG408",
    name: "tls-on-hostless-rule",
    summary: "TLS of an Ingress does not count for its rules without a host",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("tls_on_hostless_rule.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // Without a Secret the controller's own certificate is what is asked for.
    let asks_for_own = cx.ingress.tls.iter().any(|entry| entry.secret_name.is_some());
    if !asks_for_own || cx.dialect().default_certificate || cx.nginx().is_canary() {
        return;
    }
    let hostless = cx.ingress.hosts().into_iter().find(|(_, host)| **host == Host::Any);
    let Some((at, _)) = hostless else { return };
    let message = format!(
        "spec.tls does not count for a rule without a host: {} there",
        effects::without_certificate(cx.dialect())
    );
    let finding = out.add(FieldPath::spec().field("rules").index(at), "rule without host", message);
    finding.help("name the host, or give the controller a default certificate");
}
