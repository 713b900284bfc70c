//! IG505: the Ingress receives requests for every host that no other Ingress defines.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Kinds};

pub(crate) static CATCH_ALL_HOST: Check = Check {
    code: "IG505",
    name: "catch-all-host",
    summary: "policy: the Ingress receives requests for every host that no other Ingress defines",
    levels: Levels::both(Level::Off),
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("catch_all_host.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let hostless = cx.ingress.hosts().into_iter().find(|(_, host)| **host == Host::Any);
    let (field, what, host) = match hostless {
        Some((at, _)) => {
            let rule = FieldPath::spec().field("rules").index(at);
            (rule, "catch-all rule (no host)", format!("spec.rules[{at}].host"))
        }
        None if cx.ingress.rules.is_empty() && cx.ingress.default_backend.is_some() => {
            (FieldPath::spec().field("defaultBackend"), "catch-all Ingress (no rules)", "spec.rules[].host".to_owned())
        }
        None => return,
    };
    let message = format!("{what}: receives requests for every host that no other Ingress defines");
    out.add(field, what, message).help(format!("set {host}"));
}
