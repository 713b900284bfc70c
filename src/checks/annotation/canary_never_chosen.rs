//! IG606: a canary that no request can reach, or canary annotations without a canary.

use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static CANARY_NEVER_CHOSEN: Check = Check {
    code: "IG606",
    name: "canary-never-chosen",
    summary: "a canary without weight, header or cookie, or their annotations without `canary`",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("canary_never_chosen.md"),
    run,
};

/// What chooses a canary.
const CHOICES: [&str; 3] = ["canary-by-cookie", "canary-by-header", "canary-weight"];

fn run(cx: &Context<'_>, out: &mut Findings) {
    let annotations = &cx.ingress.meta.annotations;
    let chosen = || CHOICES.into_iter().filter(|name| annotations.nginx(name).is_some());
    if cx.nginx().is_canary() {
        // A weight of 0 is a rollout at rest.
        if chosen().next().is_none() {
            let message = "no weight, header or cookie chooses this canary: it never gets a request";
            out.add(field("canary"), "canary", message).help("add canary-weight");
        }
    } else if annotations.nginx("canary").is_none()
        // What tools leave behind after a rollout is without effect in any case.
        && let Some(name) = chosen().find(|name| cx.nginx().value(name).is_some_and(|value| value != "0"))
    {
        let message = "without canary: \"true\" this is no canary: it competes with the main Ingress";
        out.add(field(name), "no-canary", message).help("add the annotation canary: \"true\"");
    }
}

fn field(name: &str) -> FieldPath {
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
