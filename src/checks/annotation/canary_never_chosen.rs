//! IG606: a canary that takes no requests from a main Ingress, or canary annotations without `canary: "true"`.

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static CANARY_NEVER_CHOSEN: Check = Check {
    code: "IG606",
    name: "canary-never-chosen",
    summary: "a canary without weight, header or cookie, or canary annotations without `canary: \"true\"`",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("canary_never_chosen.md"),
    run,
};

/// The annotations that select requests for a canary.
const SELECTORS: [&str; 3] = ["canary-by-cookie", "canary-by-header", "canary-weight"];

fn run(cx: &Context<'_>, out: &mut Findings) {
    let annotations = &cx.ingress.meta.annotations;
    let selectors = || SELECTORS.into_iter().filter(|name| annotations.nginx(name).is_some());
    if cx.nginx().is_canary() {
        // Rollout tools set the weight to 0 between rollouts.
        if selectors().next().is_none() {
            let message = format!("no weight, header or cookie is set: {}", effects::CANARY_UNSELECTED);
            out.add(field("canary"), "canary", message).help(format!("add {NGINX_PREFIX}canary-weight"));
        }
    } else if annotations.nginx("canary").is_none()
        // A weight of 0 is left over from a rollout.
        && let Some(name) = selectors().find(|name| cx.nginx().value(name).is_some_and(|value| value != "0"))
    {
        let message = "ignored because canary is not \"true\": this Ingress competes with the main Ingress";
        out.add(field(name), "no-canary", message).help(format!("add {NGINX_PREFIX}canary: \"true\""));
    }
}

fn field(name: &str) -> FieldPath {
    FieldPath::annotation(&format!("{NGINX_PREFIX}{name}"))
}
