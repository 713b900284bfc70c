//! Two Ingresses that are created as dry runs, and the answers to them.

use serde_json::{Value, json};

use super::command::{breaks, holds, unknown};
use super::facts::{Answer, DryRuns, Fact, Facts};
use crate::explain::{Step, kubectl};
use crate::model::DOCTOR_ANNOTATION;

/// The check that finds the problem of the bad Ingress.
const CODE: &str = "IG201";
/// The check that reports that others were not evaluated.
const NOT_EVALUATED: &str = "IG902";

/// The command that shows whether the API server has stored objects without an answer of the webhook.
const UNANSWERED: &str = "kubectl get --raw /metrics | grep apiserver_admission_webhook_fail_open_count";

/// Returns an Ingress without a known problem: it sends the requests of a host that does not exist to a Service of its namespace.
#[must_use]
pub fn good_ingress(namespace: &str, class: Option<&str>, service: Option<(&str, i32)>, token: &str) -> Value {
    let (name, port) = service.unwrap_or(("ingress-guard-doctor", 80));
    ingress("good", namespace, class, (name, port), token)
}

/// Returns an Ingress whose Service does not exist.
#[must_use]
pub fn bad_ingress(namespace: &str, class: Option<&str>, token: &str) -> Value {
    let service = format!("missing-{token}");
    ingress("bad", namespace, class, (&service, 80), token)
}

fn ingress(kind: &str, namespace: &str, class: Option<&str>, (service, port): (&str, i32), token: &str) -> Value {
    let mut ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {
            "name": format!("ingress-guard-doctor-{kind}"), "namespace": namespace,
            "annotations": {DOCTOR_ANNOTATION: token},
        },
        "spec": {"rules": [{
            "host": format!("{kind}-{token}.ingress-guard.invalid"),
            "http": {"paths": [{
                "path": "/", "pathType": "Prefix",
                "backend": {"service": {"name": service, "port": {"number": port}}},
            }]},
        }]},
    });
    if let Some(class) = class {
        ingress["spec"]["ingressClassName"] = json!(class);
    }
    ingress
}

impl Answer {
    /// Whether this webhook has answered: it repeats the token.
    pub(super) fn is_ours(&self, token: &str) -> bool {
        let warning = format!("{DOCTOR_ANNOTATION}: {token}");
        self.warnings.contains(&warning)
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it contains a finding of this check: `namespace/name CODE …` as a warning, `… [CODE name]` in a denial.
    fn reports(&self, code: &str) -> bool {
        let is_warning = |text: &String| text.split(' ').take(2).any(|word| word == code);
        self.warnings.iter().any(is_warning) || self.message.contains(&format!("[{code} "))
    }

    /// The first line of the message of a denial.
    fn reason(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    match &facts.dry_runs {
        Err(reason) => vec![unknown("dry run", reason)],
        Ok(dry_runs) => {
            let registration = facts.registration.as_ref().ok().and_then(Option::as_ref);
            let webhook = registration.map(|registration| &*registration.webhook.name);
            let mut links = vec![good(dry_runs, webhook), bad(dry_runs, webhook)];
            // What the registration selects and where it leads.
            let show = registration.and_then(|registration| {
                kubectl(&["get", "validatingwebhookconfiguration", &registration.name, "--output", "yaml"])
            });
            for link in links.iter_mut().filter(|link| link.ok == Some(false) && link.command.is_none()) {
                link.command.clone_from(&show);
            }
            links
        }
    }
}

/// The answer of the webhook of this name to a dry run, or the link if there is none.
fn answered<'a>(
    what: &'static str,
    answer: &'a Fact<Answer>,
    dry_runs: &DryRuns,
    webhook: Option<&str>,
) -> Result<&'a Answer, Step> {
    let DryRuns { namespace, token, .. } = dry_runs;
    let answer = answer.as_ref().map_err(|reason| unknown(what, reason))?;
    let command = || Some(UNANSWERED.to_owned());
    let failed = webhook.map(|name| format!("failed calling webhook {name:?}"));
    if answer.is_ours(token) {
        Ok(answer)
    } else if answer.is_success() {
        let detail =
            format!("stored in namespace {namespace} without an answer of ingress-guard: Ingresses are not reviewed");
        Err(breaks(what, detail, command()))
    } else if failed.is_some_and(|failed| answer.message.contains(&failed)) {
        Err(breaks(what, format!("the API server cannot call the webhook: {}", answer.reason()), None))
    } else {
        // Another webhook, a quota, or a right that the user lacks.
        Err(unknown(what, format!("the API server refuses the dry run: {}", answer.reason())))
    }
}

fn good(dry_runs: &DryRuns, webhook: Option<&str>) -> Step {
    const WHAT: &str = "good";
    match answered(WHAT, &dry_runs.good, dry_runs, webhook) {
        Err(link) => link,
        Ok(answer) if answer.is_success() => {
            holds(WHAT, format!("a dry run in namespace {} is allowed by ingress-guard", dry_runs.namespace))
        }
        Ok(answer) => unknown(WHAT, format!("ingress-guard answers, and the dry run is denied: {}", answer.reason())),
    }
}

fn bad(dry_runs: &DryRuns, webhook: Option<&str>) -> Step {
    const WHAT: &str = "bad";
    let answer = match answered(WHAT, &dry_runs.bad, dry_runs, webhook) {
        Err(link) => return link,
        Ok(answer) => answer,
    };
    if answer.reports(CODE) {
        holds(WHAT, format!("a dry run with a missing Service is reported by ingress-guard ({CODE})"))
    } else if answer.reports(NOT_EVALUATED) {
        let reason = answer.warnings.iter().find(|text| text.contains(NOT_EVALUATED)).map_or("", String::as_str);
        breaks(WHAT, format!("ingress-guard cannot evaluate a missing Service: {reason}"), None)
    } else {
        unknown(
            WHAT,
            format!("ingress-guard answers and does not report a missing Service; the level of {CODE} may be off"),
        )
    }
}
