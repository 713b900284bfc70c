//! IG612: a canary with a rule without `http`, which crashes the controller.

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::Kinds;

pub(crate) static CANARY_CRASHES_CONTROLLER: Check = Check {
    code: "IG612",
    name: "canary-crashes-controller",
    summary: "a canary has a rule without `http`: the controller crashes",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("canary_crashes_controller.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.routes().crashes_controller(cx.ingress) {
        return;
    }
    if let Some(rule) = cx.ingress.rules().find(|rule| rule.rule.paths.is_empty()) {
        let message = format!("rule of a canary without http: {}", effects::CONTROLLER_CRASHES);
        let finding = out.add(rule.field(), format!("{} without http", rule.rule.host), message);
        finding.help("add http.paths to the rule, or remove it");
    }
}
