//! IG611: an annotation value that the controller accepts and nginx refuses.

use foldhash::{HashSet, HashSetExt as _};

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::find;
use crate::routing::{Certainty, ReloadFault, When};

pub(crate) static ANNOTATION_BREAKS_RELOAD: Check = Check {
    code: "IG611",
    name: "annotation-breaks-reload",
    summary: "nginx refuses the value of an annotation: it cannot reload",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("annotation_breaks_reload.md"),
    run,
};

/// The most values that are reported; one prevents the reload.
const MAX_FINDINGS: usize = 8;

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.sees_routes() {
        return;
    }
    let faults = cx.weighed(cx.routes().annotation_faults(cx.ingress, When::After)).unwrap_or_default();
    let mut seen = HashSet::new();
    for fault in faults.into_iter().filter(|fault| seen.insert((fault.annotation, fault.value))).take(MAX_FINDINGS) {
        let ReloadFault { annotation, value, reason, help, certainty, until } = fault;
        let key = format!("{NGINX_PREFIX}{annotation}");
        let message = format!("{} {reason}: {}", Quoted(value), effects::reload_fails(until));
        let subject = if annotation == "server-alias" { format!("{key} {value}") } else { key.clone() };
        let finding = out.add(FieldPath::annotation(&key), subject, message);
        finding.rests_on_index("hosts").help(help);
        if certainty < Certainty::Certain {
            finding.at_most(WARN);
        } else if find(annotation).is_some_and(|row| row.since.is_some()) {
            // Older versions do not have the annotation.
            cx.rests_on_settings(finding);
        }
    }
}
