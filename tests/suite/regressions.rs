//! Regressions of other webhooks, linters and policies, from their issue trackers: 22 problems, each with the tests
//! that prevent it here.

use std::fs;
use std::path::Path;

use ingress_guard::cluster::load_text;
use ingress_guard::config::Config;
use serde_json::{Value, json};

use crate::admission::{GOOD, ask, reviewer, spec, update};
use crate::explain::findings::assert_agrees;
use crate::registry::files_below;

/// Number; problem; affected projects, for example; the file below `tests` and the test in it.
type Regression = (u8, &'static str, &'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const REGRESSIONS: [Regression; 22] = [
    (1, "a Service port without a name, and an Ingress port by number", "Popeye, kube-score", &[
        ("suite/valid_configurations/mod.rs", "a_port_without_a_name_is_found_by_its_number_only")]),
    (2, "a resource backend instead of a Service", "Popeye, kube-score, AWS", &[
        ("suite/valid_configurations/mod.rs", "a_resource_backend_names_no_service"),
        ("suite/routing/documented.rs", "a_resource_backend_has_no_location")]),
    (3, "an action of the AWS controller, which is not a Service", "kube-linter#410", &[
        ("suite/valid_configurations/mod.rs", "an_action_of_the_aws_controller_has_no_service")]),
    (4, "a TLS entry without a Secret", "k8sgpt#1075", &[
        ("suite/valid_configurations/mod.rs", "a_tls_entry_without_a_secret_uses_the_default_certificate")]),
    (5, "classes of cloud controllers without an IngressClass", "k8sgpt#849", &[
        ("suite/valid_configurations/mod.rs", "classes_that_controllers_match_by_name_need_no_object")]),
    (6, "an error of the API server treated as not found", "k8sgpt#1668", &[
        ("suite/live/confirm.rs", "an_unreadable_service_is_not_missing"),
        ("suite/live/confirm.rs", "unconfirmed_denials_become_warnings_with_the_reason"),
        ("suite/valid_configurations/mod.rs", "unknown_objects_never_cause_findings"),
        ("suite/properties.rs", "less_knowledge_adds_no_finding")]),
    (7, "an object reported as a duplicate of itself", "kyverno/policies#833", &[
        ("suite/regressions.rs", "an_update_does_not_duplicate_the_stored_object"),
        ("suite/engine.rs", "the_reviewed_ingress_and_those_being_deleted_are_not_others")]),
    (8, "one host in two Ingresses, and HTTP-01 solvers", "capsule#358", &[
        ("suite/valid_configurations/mod.rs", "two_ingresses_may_share_a_host"),
        ("suite/valid_configurations/challenges.rs", "cert_manager_solver_ingresses_are_not_reported")]),
    (9, "canaries, and Ingresses that rollouts leave behind", "ingress-nginx#6825", &[
        ("suite/valid_configurations/mod.rs", "a_canary_shares_host_and_path_with_its_main_ingress"),
        ("suite/valid_configurations/annotations.rs", "progressive_rollouts_are_not_reported"),
        ("suite/valid_configurations/paths.rs", "canaries_of_flagger_and_argo_have_the_paths_of_the_main_ingress")]),
    (10, "an object that is being deleted", "ingress-nginx#7216", &[
        ("suite/admission/pass.rs", "an_update_of_an_object_that_is_being_deleted_passes_if_it_removes_the_object"),
        ("e2e/passing.rs", "the_removal_of_the_last_finalizer_is_not_reviewed")]),
    (11, "a change of labels or status of an invalid object", "kyverno#8815", &[
        ("suite/admission/pass.rs", "an_update_that_changes_neither_spec_nor_relevant_annotations_passes"),
        ("suite/admission/ceilings.rs", "a_path_inserted_before_a_broken_one_does_not_make_its_finding_new"),
        ("e2e/passing.rs", "status_labels_finalizers_and_deletion_are_not_reviewed")]),
    (12, "Ingresses of another controller", "ingress-nginx#8857", &[
        ("suite/valid_configurations/mod.rs", "nginx_rules_do_not_apply_to_other_controllers"),
        ("suite/valid_configurations/paths.rs", "other_controllers_have_their_own_path_rules"),
        ("suite/valid_configurations/annotations.rs", "annotations_of_other_controllers_are_not_reported")]),
    (13, "objects that the same batch creates", "helm#10643, kustomize-controller#1194", &[
        ("suite/valid_configurations/mod.rs", "a_dry_run_does_not_deny_for_objects_of_the_same_batch"),
        ("suite/properties.rs", "a_dry_run_never_denies_problems_that_other_objects_may_fix"),
        ("e2e/freshness.rs", "a_service_and_its_ingress_in_one_file_are_accepted_however_often"),
        ("e2e/clients.rs", "dry_run_and_diff_deny_only_problems_of_the_object_itself")]),
    (14, "declared side effects, which prevent dry runs", "argo-cd#23752", &[
        ("suite/regressions.rs", "the_registration_blocks_no_unrelated_write")]),
    (15, "Services without endpoints, or with manual ones", "popeye#17, kube-score#53", &[
        ("suite/valid_configurations/mod.rs", "services_without_own_pods_are_valid"),
        ("suite/valid_configurations/endpoints.rs", "slices_made_by_hand_need_not_name_their_port")]),
    (16, "a wildcard that covers more than one label", "Kyverno, Kubewarden", &[
        ("suite/valid_configurations/mod.rs", "a_wildcard_tls_host_covers_exact_rule_hosts_of_one_label"),
        ("suite/routing/found.rs", "a_wildcard_stands_for_one_label_of_letters_digits_underscores_and_hyphens")]),
    (17, "an audit annotation with a slash in its key", "ingress-nginx#5738", &[
        ("suite/admission/words.rs", "the_keys_of_audit_annotations_are_valid")]),
    (18, "pods that end during requests", "openshift/addon-operator#717", &[
        ("suite/server/drain.rs", "a_drain_under_load_loses_no_request"),
        ("suite/server/drain.rs", "readiness_fails_at_once_while_requests_are_still_accepted"),
        ("e2e/rollout.rs", "a_rolling_restart_loses_no_review")]),
    (19, "a timeout of 30 s, which blocks upgrades", "clusterlint#167", &[
        ("suite/regressions.rs", "the_registration_blocks_no_unrelated_write")]),
    // `check` and `audit` use the same evaluation as the webhook.
    (20, "exemptions missing in a second copy of the rules", "kyverno#17473", &[
        ("suite/admission/ceilings.rs", "an_expired_incomplete_or_refused_waiver_waives_nothing_and_is_reported"),
        ("suite/check/fixing.rs", "waived_findings_are_not_fixed"),
        ("suite/audit/command.rs", "denials_of_a_profile_are_listed_by_namespace")]),
    (21, "report kinds that other projects define too", "policy-reporter#1471", &[
        ("suite/regressions.rs", "no_custom_resource_is_defined")]),
    (22, "all Secrets of the cluster read", "ingress-nginx#816, ingress-gce#1188", &[
        ("suite/registry.rs", "the_cluster_role_grants_exactly_what_is_read"),
        ("suite/live/confirm.rs", "referenced_secrets_are_read_by_name"),
        ("e2e/live.rs", "secrets_are_read_one_by_one")]),
];

#[test]
fn every_regression_has_its_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (number, (id, problem, projects, prevented_by)) in (1..).zip(REGRESSIONS) {
        assert_eq!((id, prevented_by.is_empty()), (number, false), "{problem} ({projects})");
        for (file, test) in prevented_by {
            let text = fs::read_to_string(tests.join(file)).unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            let lines: Vec<&str> = text.lines().collect();
            let is_it = |line: &str| line.trim_start_matches("async ").starts_with(&format!("fn {test}("));
            let at = lines.iter().position(|line| is_it(line));
            let at = at.unwrap_or_else(|| panic!("{id}, {problem}: {test} not found in {file}"));
            assert!(lines[at - 1].contains("test"), "{id}: {test} of {file} is not a test");
        }
    }
}

#[test]
fn an_update_does_not_duplicate_the_stored_object() {
    let (old, new) = (spec(&[("/", "web", 80)]), spec(&[("/", "web", 80), ("/api", "web", 80)]));
    let review = update((json!({}), old), (json!({}), new));
    let mut stored = review["request"]["oldObject"].clone();
    let reviewer = |stored: &Value| reviewer("profile: strict", &format!("{GOOD}\n---\n{stored}\n"));
    ask(&reviewer(&stored), &review).assert(&[], &[]);
    // Another object with the same path is a duplicate.
    stored["metadata"]["name"] = json!("another");
    ask(&reviewer(&stored), &review).assert(&["IG501"], &[]);
    let both = format!("{GOOD}\n---\n{stored}\n---\n{}\n", review["request"]["object"]);
    assert_agrees(&Config::default(), &load_text("cluster", &both).unwrap());
}

/// Returns every object of the deployed manifests, which are the rendered chart.
fn deployed() -> Vec<Value> {
    let texts = files_below("deploy", "yaml").into_iter().map(|path| fs::read_to_string(path).unwrap());
    let objects = texts.flat_map(|text| {
        let documents = text.split("\n---").map(|text| serde_saphyr::from_str::<Option<Value>>(text).unwrap());
        documents.flatten().collect::<Vec<_>>()
    });
    objects.collect()
}

#[test]
fn the_registration_blocks_no_unrelated_write() {
    let mut webhooks = 0;
    for object in deployed().iter().filter(|object| object["kind"] == "ValidatingWebhookConfiguration") {
        for webhook in object["webhooks"].as_array().unwrap() {
            webhooks += 1;
            assert_eq!(webhook["sideEffects"], "None", "dry runs call the webhook too");
            assert_eq!(webhook["failurePolicy"], "Ignore", "without a response every write is accepted");
            // Longer than the time limit of a review, and far below the 30 s that managed clusters reject.
            let seconds = webhook["timeoutSeconds"].as_u64().unwrap();
            assert!((2..=10).contains(&seconds), "{seconds}");
        }
    }
    assert!(webhooks > 0);
}

#[test]
fn no_custom_resource_is_defined() {
    let kinds: Vec<Value> = deployed().into_iter().map(|object| object["kind"].clone()).collect();
    assert!(kinds.len() > 5 && !kinds.contains(&json!("CustomResourceDefinition")), "{kinds:?}");
    for file in files_below("chart", "yaml") {
        assert!(!fs::read_to_string(&file).unwrap().contains("kind: CustomResourceDefinition"), "{}", file.display());
    }
}
