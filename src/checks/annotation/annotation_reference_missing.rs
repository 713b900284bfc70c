//! IG604: an annotation references an object that does not exist, lacks data, or is in another namespace.

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kind, Kinds, NGINX_PREFIX};
use crate::routing::annotations::reference;
use crate::routing::{AnnotationFault, FaultReason};

pub(crate) static ANNOTATION_REFERENCE_MISSING: Check = Check {
    code: "IG604",
    name: "annotation-reference-missing",
    summary: "an annotation references a Secret, Service or ConfigMap that does not exist or lacks required data",
    levels: Levels::new(Level::Warn, Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::ConfigMap, Kind::Secret, Kind::Service]),
    hints: ROUTES,
    page: include_str!("annotation_reference_missing.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for fault in cx.reference_faults() {
        if let Some(highest) = super::highest(cx, fault.row, fault.effect) {
            report(cx, &fault, highest, out);
        }
    }
}

fn report(cx: &Context<'_>, fault: &AnnotationFault<'_>, highest: Levels, out: &mut Findings) {
    let AnnotationFault { row, value, effect, ref reason, certain, .. } = *fault;
    let name = if row.names == Some(Kind::Service) { value } else { reference(value).1 };
    let mut subject = format!("{}={name}", row.name);
    let named = Quoted(name);
    let (wrong, help) = match reason {
        FaultReason::SecretNotSet => {
            row.name.clone_into(&mut subject);
            ("auth-secret is not set".to_owned(), format!("add {NGINX_PREFIX}auth-secret or remove auth-type"))
        }
        FaultReason::Absent(kind) => (
            format!("{} {named} does not exist in namespace {:?}", kind.name(), cx.namespace()),
            format!("create the {} first", kind.name()),
        ),
        FaultReason::Lacks(kind, missing, help) => {
            (format!("{} {named} has no {missing}", kind.name()), (*help).to_owned())
        }
        FaultReason::InOtherNamespace(kind) => {
            subject = format!("{}={value}", row.name);
            let kind = kind.name();
            let help = format!("use a {kind} in namespace {:?}", cx.namespace());
            (format!("{kind} {} is in another namespace", Quoted(value)), help)
        }
        FaultReason::WithoutNamespace(kind) => {
            let whole = format!("{}/{name}", cx.namespace());
            (format!("{} {named} has no namespace", kind.name()), format!("write {}", Quoted(&whole)))
        }
        FaultReason::HeadersNotAllowed => (
            "no header is in global-allowed-response-headers".to_owned(),
            "allow them in the ConfigMap of the controller".to_owned(),
        ),
        FaultReason::Value(_) | FaultReason::Risk(_) | FaultReason::SnippetsDisabled | FaultReason::BlockedWord(_) => {
            return;
        }
    };
    let depends = matches!(reason, FaultReason::InOtherNamespace(_)) && !certain;
    let since = if depends { super::SINCE_VALIDATION } else { "" };
    let field = FieldPath::annotation(&format!("{NGINX_PREFIX}{}", row.name));
    let finding = out.add(field, subject, format!("{wrong}: {since}{}", super::effect_on_requests(effect)));
    finding.help(help).at_most(highest);
    if let Some((kind, key)) = &fault.rests_on {
        finding.rests_on(*kind, key.clone());
    }
    if matches!(reason, FaultReason::InOtherNamespace(_) | FaultReason::HeadersNotAllowed) {
        cx.rests_on_settings(finding);
    }
    if !certain {
        finding.at_most(WARN);
    }
}
