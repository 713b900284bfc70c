//! What other webhooks, linters and policies fell into, by their own issue trackers: 22 traps and the tests that hold us
//! out of each.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::admission::{GOOD, ask, reviewer, spec, update};
use crate::registry::files_below;

/// The trap; who fell into it, for example; the file below `tests` and the test in it.
type Trap = (u8, &'static str, &'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const TRAPS: [Trap; 22] = [
    (1, "a Service port without a name, and an Ingress port by number", "Popeye, kube-score", &[
        ("suite/valid_configurations/mod.rs", "a_port_without_a_name_is_found_by_its_number_only")]),
    (2, "a resource in the place of a Service", "Popeye, kube-score, AWS", &[
        ("suite/valid_configurations/mod.rs", "a_resource_backend_names_no_service"),
        ("suite/routing/documented.rs", "a_backend_that_is_no_service_has_no_location")]),
    (3, "an action of the AWS controller, which has no Service", "kube-linter#410", &[
        ("suite/valid_configurations/mod.rs", "an_action_of_the_aws_controller_has_no_service")]),
    (4, "a TLS entry without a Secret", "k8sgpt#1075", &[
        ("suite/valid_configurations/mod.rs", "a_tls_entry_without_a_secret_asks_for_the_default_certificate")]),
    (5, "classes of clouds, which have no IngressClass", "k8sgpt#849", &[
        ("suite/valid_configurations/mod.rs", "classes_that_controllers_match_by_name_need_no_object")]),
    (6, "an error of the API server taken for not found", "k8sgpt#1668", &[
        ("suite/live/confirm.rs", "a_service_that_cannot_be_read_is_not_missing"),
        ("suite/live/confirm.rs", "what_cannot_be_confirmed_only_warns"),
        ("suite/valid_configurations/mod.rs", "what_is_unknown_is_never_held_against_an_ingress"),
        ("suite/properties.rs", "to_know_less_accuses_nobody")]),
    (7, "an object taken for a duplicate of itself", "kyverno/policies#833", &[
        ("suite/regressions.rs", "an_update_is_no_duplicate_of_what_is_stored"),
        ("suite/engine.rs", "the_judged_ingress_and_those_being_deleted_are_no_others")]),
    (8, "one host in two Ingresses, and solvers of HTTP-01", "capsule#358", &[
        ("suite/valid_configurations/mod.rs", "two_ingresses_may_share_a_host"),
        ("suite/valid_configurations/mod.rs", "cert_managers_solver_is_nobodys_to_judge")]),
    (9, "canaries, and what rollouts leave behind", "ingress-nginx#6825", &[
        ("suite/valid_configurations/mod.rs", "a_canary_pair_shares_host_and_path_on_purpose"),
        ("suite/valid_configurations/annotations.rs", "rollouts_leave_no_trace_that_is_accused"),
        ("suite/valid_configurations/paths.rs", "canaries_of_flagger_and_argo_have_the_paths_of_the_main_ingress")]),
    (10, "an object on its way out", "ingress-nginx#7216", &[
        ("suite/admission/pass.rs", "an_object_on_its_way_out_passes_however_it_changes"),
        ("e2e/passing.rs", "an_ingress_on_its_way_out_is_left_alone")]),
    (11, "a label or a status of something that was bad before", "kyverno#8815", &[
        ("suite/admission/pass.rs", "an_update_that_changes_no_meaning_passes"),
        ("suite/admission/ceilings.rs", "a_path_above_the_old_bad_one_does_not_make_it_new"),
        ("e2e/passing.rs", "status_labels_finalizers_and_deletion_reach_no_verdict")]),
    (12, "Ingresses of another controller", "ingress-nginx#8857", &[
        ("suite/valid_configurations/mod.rs", "the_rules_of_nginx_are_not_put_on_other_controllers"),
        ("suite/valid_configurations/paths.rs", "what_is_not_of_nginx_has_its_own_paths"),
        ("suite/valid_configurations/annotations.rs", "another_controller_may_call_its_annotations_as_it_likes")]),
    (13, "what the same batch is about to create", "helm#10643, kustomize-controller#1194", &[
        ("suite/valid_configurations/mod.rs", "a_dry_run_does_not_deny_for_what_the_same_batch_may_bring"),
        ("suite/properties.rs", "a_dry_run_never_denies_what_other_objects_may_mend"),
        ("e2e/freshness.rs", "a_service_and_its_ingress_in_one_file_are_accepted_however_often"),
        ("e2e/clients.rs", "a_dry_run_and_a_diff_deny_only_what_is_the_objects_own")]),
    (14, "side effects, which forbid dry runs", "argo-cd#23752", &[
        ("suite/regressions.rs", "the_registration_stands_in_nobodys_way")]),
    (15, "Services whose endpoints nobody makes, or a hand", "popeye#17, kube-score#53", &[
        ("suite/valid_configurations/mod.rs", "services_without_pods_of_their_own_are_services"),
        ("suite/valid_configurations/endpoints.rs", "slices_made_by_hand_need_not_name_their_port")]),
    (16, "a wildcard covers one label", "Kyverno, Kubewarden", &[
        ("suite/valid_configurations/mod.rs", "a_wildcard_tls_host_stands_over_exact_rule_hosts_of_one_label"),
        ("suite/routing/found.rs", "a_wildcard_stands_for_one_label_of_letters_digits_underscores_and_hyphens")]),
    (17, "an audit annotation with a slash in its key", "ingress-nginx#5738", &[
        ("suite/admission/words.rs", "audit_annotations_have_keys_that_the_api_server_takes")]),
    (18, "pods that end while they are asked", "openshift/addon-operator#717", &[
        ("suite/server/drain.rs", "a_drain_under_load_loses_no_request"),
        ("suite/server/drain.rs", "readiness_goes_at_once_while_requests_are_still_taken"),
        ("e2e/rollout.rs", "a_rolling_restart_loses_no_review")]),
    (19, "a timeout of 30 s, which blocks upgrades", "clusterlint#167", &[
        ("suite/regressions.rs", "the_registration_stands_in_nobodys_way")]),
    // `check` and `audit` judge by the functions that the webhook judges by.
    (20, "exemptions that a second copy of the rules forgets", "kyverno#17473", &[
        ("suite/admission/ceilings.rs", "a_waiver_that_is_late_without_reason_or_not_allowed_waives_nothing_and_says_so"),
        ("suite/check/fixing.rs", "waived_findings_are_not_fixed"),
        ("suite/audit/command.rs", "what_a_profile_would_deny_is_listed_by_namespace")]),
    (21, "kinds of reports that others define too", "policy-reporter#1471", &[
        ("suite/regressions.rs", "no_kind_is_defined")]),
    (22, "every Secret of the cluster read", "ingress-nginx#816, ingress-gce#1188", &[
        ("suite/registry.rs", "the_cluster_role_grants_what_is_read_and_nothing_else"),
        ("suite/live/confirm.rs", "secrets_are_read_one_by_one_as_they_are_named"),
        ("e2e/live.rs", "secrets_are_read_one_by_one")]),
];

#[test]
fn every_trap_has_its_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (number, (trap, what, who, held_by)) in (1..).zip(TRAPS) {
        assert_eq!((trap, held_by.is_empty()), (number, false), "{what} ({who})");
        for (file, test) in held_by {
            let text = fs::read_to_string(tests.join(file)).unwrap_or_else(|error| panic!("{trap}: {file}: {error}"));
            let lines: Vec<&str> = text.lines().collect();
            let is_it = |line: &str| line.trim_start_matches("async ").starts_with(&format!("fn {test}("));
            let at = lines.iter().position(|line| is_it(line));
            let at = at.unwrap_or_else(|| panic!("{trap}, {what}: there is no {test} in {file}"));
            assert!(lines[at - 1].contains("test"), "{trap}: {test} of {file} is not run");
        }
    }
}

#[test]
fn an_update_is_no_duplicate_of_what_is_stored() {
    let (old, new) = (spec(&[("/", "web", 80)]), spec(&[("/", "web", 80), ("/api", "web", 80)]));
    let review = update((json!({}), old), (json!({}), new));
    let mut stored = review["request"]["oldObject"].clone();
    let reviewer = |stored: &Value| reviewer("profile: strict", &format!("{GOOD}\n---\n{stored}\n"));
    ask(&reviewer(&stored), &review).assert(&[], &[]);
    // Whereas another one with the same path is.
    stored["metadata"]["name"] = json!("another");
    ask(&reviewer(&stored), &review).assert(&["IG501"], &[]);
}

/// Every object of the deployed manifests, which are what the chart renders.
fn deployed() -> Vec<Value> {
    let texts = files_below("deploy", "yaml").into_iter().map(|path| fs::read_to_string(path).unwrap());
    let objects = texts.flat_map(|text| {
        let documents = text.split("\n---").map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
        documents.flatten().collect::<Vec<_>>()
    });
    objects.collect()
}

#[test]
fn the_registration_stands_in_nobodys_way() {
    let mut looked_at = 0;
    for object in deployed().iter().filter(|object| object["kind"] == "ValidatingWebhookConfiguration") {
        for webhook in object["webhooks"].as_array().unwrap() {
            looked_at += 1;
            assert_eq!(webhook["sideEffects"], "None", "a dry run asks us as well");
            assert_eq!(webhook["failurePolicy"], "Ignore", "while nobody answers everything is stored");
            // Longer than a review may take, and far from the 30 that managed clusters refuse.
            let seconds = webhook["timeoutSeconds"].as_u64().unwrap();
            assert!((2..=10).contains(&seconds), "{seconds}");
        }
    }
    assert!(looked_at > 0);
}

#[test]
fn no_kind_is_defined() {
    let kinds: Vec<Value> = deployed().into_iter().map(|object| object["kind"].clone()).collect();
    assert!(kinds.len() > 5 && !kinds.contains(&json!("CustomResourceDefinition")), "{kinds:?}");
    for file in files_below("chart", "yaml") {
        assert!(!fs::read_to_string(&file).unwrap().contains("kind: CustomResourceDefinition"), "{}", file.display());
    }
}
