//! IG312: an annotation uses a `$name` that is not an nginx variable.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kind, Kinds, NGINX_PREFIX};
use crate::routing::{Certainty, Condition, Unknown, VariableFault, When, unknown_variables, variable_names};

pub(crate) static REWRITE_VARIABLE_UNKNOWN: Check = Check {
    code: "IG312",
    name: "rewrite-variable-unknown",
    summary: "`rewrite-target` uses an unknown nginx variable: nginx cannot reload",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("rewrite_variable_unknown.md"),
    run,
};

/// At most this number of variables are reported; one prevents the reload.
const MAX_FINDINGS: usize = 8;

fn run(cx: &Context<'_>, out: &mut Findings) {
    let values = VariableFault::ANNOTATIONS.into_iter().filter_map(|name| cx.nginx().accepted(name));
    let mut unknown = values.flat_map(|value| unknown_variables(value, |_| false)).peekable();
    if unknown.peek().is_none() {
        return;
    }
    // Another Ingress may define a variable. Unless all are known, the check is not evaluated.
    if unknown.any(|unknown| unknown != Unknown::Stray) {
        let _ = [Kind::Ingress, Kind::IngressClass].map(|kind| cx.view.knows(kind));
    }
    let faults = cx.weighed(cx.routes().variable_faults(cx.ingress, When::After, &|_| None));
    for fault in faults.unwrap_or_default().into_iter().take(MAX_FINDINGS) {
        report(cx, &fault, out);
    }
}

fn report(cx: &Context<'_>, fault: &VariableFault<'_>, out: &mut Findings) {
    let VariableFault { annotation, value, unknown, certainty, until } = fault;
    let condition = if let Unknown::Variable(variable) = unknown { Condition::of(variable) } else { None };
    let (variable, wrong, help) = match (unknown, condition) {
        (Unknown::Variable(variable), Some(condition)) => {
            let wrong = format!("${variable} needs {condition}");
            (*variable, wrong, "use another variable".to_owned())
        }
        (Unknown::Variable(variable), None) => {
            let near = cx.nearest(variable, variable_names());
            let captures = if *annotation == "rewrite-target" { "use $1 to $9 or " } else { "" };
            let known = format!("{captures}add it to extraVariables");
            let wrong = format!("unknown variable ${variable} in {}", Quoted(value));
            (*variable, wrong, near.map_or(known, did_you_mean))
        }
        (Unknown::Stray, _) => ("", format!("a $ without a name in {}", Quoted(value)), "remove the $".to_owned()),
    };
    let otherwise = if condition.is_some() { "without it " } else { "" };
    let key = format!("{NGINX_PREFIX}{annotation}");
    let message = format!("{wrong}: {otherwise}{}", effects::reload_fails(*until));
    let finding = out.add(FieldPath::annotation(&key), format!("{key} ${variable}"), message);
    finding.help(help);
    if let Unknown::Variable(_) = unknown {
        finding.rests_on_index("variables");
        if let Some(config_map) = cx.dialect().observed_from() {
            finding.rests_on(Kind::ConfigMap, config_map.clone());
        }
    }
    if *certainty < Certainty::Certain {
        finding.at_most(WARN);
    }
}

fn did_you_mean(variable: &str) -> String {
    format!("did you mean ${variable}?")
}
