//! The notes after an installation: what is evaluated now, and the next step.

use std::process::Command;

use serde_json::{Value, json};

use super::{CHART, Helm};

/// A template that renders the notes as an object.
const NOTES: &str = "kind: Notes\nmetadata: {name: notes}\n\
                     text: {{ include (print $.Template.BasePath \"/NOTES.txt\") . | toJson }}\n";
/// The beginning of the template that asks the cluster for the number of ready pods.
const READY: &str = "{{- define \"ingress-guard.readyPods\" -}}\n";

/// Returns the notes of an installation with these values.
fn notes(helm: &Helm, values: &Value, ready: u32) -> String {
    let copy = tempfile::tempdir().unwrap();
    let chart = copy.path().join("chart");
    assert!(Command::new("cp").arg("-r").arg(CHART).arg(&chart).status().unwrap().success());
    std::fs::write(chart.join("templates/notes.yaml"), NOTES).unwrap();
    let helpers = chart.join("templates/_helpers.tpl");
    let text = std::fs::read_to_string(&helpers).unwrap();
    assert!(text.contains(READY));
    // The rest of the template becomes another one.
    let fixed = text.replace(READY, &format!("{READY}{ready}{{{{- end }}}}\n{{{{- define \"unused\" }}}}\n"));
    std::fs::write(helpers, fixed).unwrap();
    let objects = helm.template_chart(chart.to_str().unwrap(), values);
    objects.one("Notes")["text"].as_str().unwrap().to_owned()
}

#[test]
fn the_notes_say_that_nothing_is_evaluated_yet() {
    let Some(helm) = Helm::find() else { return };
    let notes = notes(&helm, &json!({"config": {"profile": "observe"}}), 0);
    let expected = "ingress-guard 0.1.0 in namespace ingress-guard, profile observe.\n\n\
        NOW\n  Nothing is evaluated yet, because no pod is ready. Until then, Ingresses are stored without evaluation \
        (failurePolicy Ignore).\n  The pods need the image ingress-guard:0.1.0 and have no registry to pull it from: set \
        image.registry, or load it on each node.\n\n\
        EFFECT AS SOON AS A POD IS READY\n  Findings are warnings. Nothing is denied.\n  Not evaluated: namespaces kube-system, \
        ingress-guard.\n  Version and settings of controllers are known in namespaces kube-system. For ingress-nginx, install its namespace \
        first and upgrade this\n  release, or set rbac.controllerNamespaces.\n  While no pod answers, Ingresses are stored without evaluation.\n\n\
        NEXT\n  kubectl --namespace ingress-guard rollout status deployment/ingress-guard\n  helm --namespace \
        ingress-guard test ingress-guard\n  ingress-guard audit --what-if guard     (the Ingresses that the profile guard \
        would deny)\n";
    assert_eq!(notes, expected);
}

#[test]
fn the_notes_follow_the_values() {
    let Some(helm) = Helm::find() else { return };
    for (values, present, absent) in [
        (json!({"webhook": {"enabled": false}}), "webhook.enabled is false", "EFFECT"),
        (
            json!({"webhook": {"failurePolicy": "Fail"}}),
            "no Ingress can be created or changed (failurePolicy Fail)",
            "stored without",
        ),
        (
            json!({"webhook": {"failurePolicy": "Fail"}}),
            "kubectl delete validatingwebhookconfiguration ingress-guard",
            "--what-if",
        ),
        (json!({}), "Findings that certainly break requests are denied.", "Nothing is denied"),
        (json!({"rbac": {"controllerNamespaces": ["ingress-nginx"]}}), "NEXT", "rbac.controllerNamespaces"),
        (json!({"config": {"discovery": {"mode": "classes"}}}), "NEXT", "rbac.controllerNamespaces"),
        (json!({"prometheusRule": {"enabled": true}}), "The alert IngressGuardDown fires until", "evaluates"),
        (
            json!({"prometheusRule": {"enabled": true}, "podMonitor": {"enabled": true}}),
            "NEXT",
            "The alert IngressGuardDown",
        ),
        (json!({"image": {"registry": "registry.example.com"}}), "no pod is ready", "The pods need the image"),
        (
            json!({"webhook": {"objectSelector": {"matchLabels": {"a": "b"}}}}),
            "webhook.objectSelector does not select",
            "namespaceSelector",
        ),
    ] {
        let notes = notes(&helm, &values, 0);
        assert!(notes.contains(present), "{present} is not in {notes}");
        assert!(!notes.contains(absent), "{absent} is in {notes}");
    }
}

#[test]
fn the_notes_of_an_upgrade_count_the_pods_that_answer() {
    let Some(helm) = Helm::find() else { return };
    let notes = notes(&helm, &json!({}), 2);
    assert!(notes.contains("NOW\n  2 pods evaluate every new or changed Ingress.\n"), "{notes}");
}
