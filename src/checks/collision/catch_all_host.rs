//! IG505: an Ingress for every host that nobody else has.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Host, Kinds};

pub(crate) static CATCH_ALL_HOST: Check = Check {
    code: "IG505",
    name: "catch-all-host",
    summary: "policy: a rule without a host, or a default backend without rules, takes every host that nobody has",
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
    let (field, what) = match hostless {
        Some((at, _)) => (FieldPath::spec().field("rules").index(at), "a rule without a host"),
        None if cx.ingress.rules.is_empty() && cx.ingress.default_backend.is_some() => {
            (FieldPath::spec().field("defaultBackend"), "a default backend without rules")
        }
        None => return,
    };
    let message = format!("{what}: visitors of every host that no other Ingress has end up here");
    out.add(field, what, message).help("name the host that this Ingress is for");
}
