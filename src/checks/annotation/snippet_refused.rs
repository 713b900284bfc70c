//! IG609: a snippet or another annotation that the controller does not allow.

use crate::checks::findings::{AUDIT, WARN};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Finding, Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::{Annotation, Effect, Risk};
use crate::routing::{AnnotationFault, FaultReason};

pub(crate) static SNIPPET_REFUSED: Check = Check {
    code: "IG609",
    name: "snippet-refused",
    summary: "snippets are disabled, or the annotation exceeds the `annotations-risk-level` of the controller",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("snippet_refused.md"),
    run,
};

const HELP: &str = "remove it or enable allow-snippet-annotations";

fn run(cx: &Context<'_>, out: &mut Findings) {
    for AnnotationFault { row, effect, reason, .. } in cx.value_faults() {
        let (wrong, help) = match reason {
            FaultReason::BlockedWord(word) => {
                let effect = super::effect_on_requests(*effect);
                (format!("{} is in annotation-value-word-blocklist: {effect}", Quoted(word)), "remove the text")
            }
            FaultReason::Risk(highest) => {
                let effect = super::effect_on_requests(*effect);
                let risk = row.risk;
                (
                    format!("risk {risk} exceeds annotations-risk-level {highest}: {effect}"),
                    "remove it or raise the level",
                )
            }
            FaultReason::SnippetsDisabled => {
                ("snippets are disabled: the controller rejects the Ingress or ignores the snippet".to_owned(), HELP)
            }
            _ => continue,
        };
        let finding = cx.rests_on_settings(report(row, wrong, out)).help(help);
        if *effect != Effect::NotLoaded {
            finding.by_default(super::LOADED);
        } else if matches!(reason, FaultReason::BlockedWord(_)) {
            // It was not run on a controller.
            finding.at_most(WARN);
        }
    }
    let is_known = cx.dialect().allows_snippets().is_some() && cx.dialect().risk_level().is_some();
    if is_known || cx.dialect().settings_unknown() {
        return;
    }
    // Newer versions disable snippets by default; the version of this controller is not known.
    for (row, value) in cx.nginx().known() {
        if row.is_snippet() && row.risk == Risk::Critical && !value.is_empty() {
            let message =
                "snippets are disabled by default from version 1.9.1 on: the snippet has no effect".to_owned();
            cx.rests_on_settings(report(row, message, out)).help(HELP).at_most(AUDIT);
        }
    }
}

fn report<'o>(row: &Annotation, message: String, out: &'o mut Findings) -> &'o mut Finding {
    let key = format!("{NGINX_PREFIX}{}", row.name);
    out.add(FieldPath::annotation(&key), key, message)
}
