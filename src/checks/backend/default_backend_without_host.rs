//! IG214: a default backend beside rules without a host.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels};
use crate::model::{Backend, FieldPath, Host, Kinds, PathRef, PathType};

pub(crate) static DEFAULT_BACKEND_WITHOUT_HOST: Check = Check {
    code: "IG214",
    name: "default-backend-without-host",
    summary: "the default backend is ignored beside rules without a host",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("default_backend_without_host.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let has_default = matches!(cx.ingress.default_backend, Some(Backend::Service { .. }));
    let mut hostless = cx.ingress.rules().filter(|rule| rule.rule.host == Host::Any).peekable();
    if !has_default || cx.nginx().is_canary() || hostless.peek().is_none() {
        return;
    }
    if hostless.any(|rule| rule.paths().any(takes_everything)) {
        return;
    }
    let message = "ignored for the rules without a host: requests that match none of their paths do not reach it";
    let finding = out.add(FieldPath::spec().field("defaultBackend"), "defaultBackend without host", message);
    finding.help("add path \"/\" with pathType: Prefix to the rule");
}

/// Whether a path takes every request of its host.
fn takes_everything(at: PathRef<'_>) -> bool {
    at.path.path_type != PathType::Exact && ["/", "/.*", "/(.*)"].contains(&at.path.routed())
}
