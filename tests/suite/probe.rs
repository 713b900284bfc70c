//! Which requests a probe plans, where it sends them, and which answers count when the cluster changes meanwhile.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::probe::{ClusterAddresses, NoAnswer, Observation, Plan, Response, Safety, Selection, compare};
use ingress_guard::prober::{AddressSource, Addresses, Pace, Prober};

use crate::pages::{self, known, now};

const CLASS: &str = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
";

/// A Service outside the cluster, which needs no endpoints.
fn service(namespace: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: {namespace}}}\n\
         spec: {{type: ExternalName, externalName: web.example.net, ports: [{{port: 80}}]}}\n"
    )
}

/// An Ingress with this number of paths on a host.
fn ingress(namespace: &str, host: &str, paths: usize) -> String {
    let mut text = format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: {namespace}}}\n\
         spec:\n  ingressClassName: nginx\n  rules:\n    - host: {host}\n      http:\n        paths:\n"
    );
    for at in 0..paths {
        let _ = writeln!(
            text,
            "          - {{path: /{namespace}{at}, pathType: Exact, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}"
        );
    }
    text
}

fn inventory(objects: &[String]) -> Inventory {
    pages::inventory(&Config::default(), &(CLASS.to_owned() + &objects.concat()))
}

fn plan(inventory: &Inventory, selection: &Selection) -> Plan {
    Plan::of(known(inventory), &Config::default().settings, selection)
}

/// The URLs of the requests.
fn urls(plan: &Plan) -> Vec<String> {
    plan.requests.iter().map(|planned| planned.request.url()).collect()
}

fn answer(status: u16) -> Observation {
    Observation { address: None, certificate: None, answer: Ok(Response { status, ..Response::default() }) }
}

#[test]
fn namespaces_take_turns_under_the_limits() {
    let objects =
        [ingress("many", "a.example.com", 5), ingress("few", "a.example.com", 1), ingress("last", "z.example.com", 1)];
    let inventory = inventory(&objects);
    let limited = |limit, limit_of_host| plan(&inventory, &Selection { limit, limit_of_host, ..Selection::default() });
    let all = limited(100, 100);
    assert_eq!((all.requests.len(), &*all.left_out), (7, &[][..]));
    let some = limited(4, 100);
    assert_eq!(
        urls(&some),
        [
            "http://a.example.com/many0",
            "http://a.example.com/many1",
            "http://a.example.com/few0",
            "http://z.example.com/last0"
        ]
    );
    assert_eq!(some.left_out, ["3 of 7 requests: more than the limit"]);
    let of_host = limited(100, 2);
    assert_eq!(
        urls(&of_host),
        ["http://a.example.com/many0", "http://a.example.com/few0", "http://z.example.com/last0"]
    );
    assert_eq!(of_host.left_out, ["4 of 7 requests: more than the limit"]);
}

#[test]
fn an_answer_counts_if_its_prediction_is_still_the_same() {
    let both = [ingress("shop", "a.example.com", 2), ingress("team", "b.example.com", 1)];
    let services = [service("shop"), service("team")];
    let plan_of = |objects: &[&[String]]| plan(&inventory(&objects.concat()), &Selection::default());
    let kept = |later: &Plan| {
        let observations = [201, 202, 203].map(answer).to_vec();
        let (requests, observations) = plan_of(&[&services, &both]).still_in(later, observations);
        let statuses = observations.iter().map(|seen| seen.answer.as_ref().unwrap().status);
        requests.iter().map(|planned| planned.request.path.clone()).zip(statuses).collect::<Vec<_>>()
    };
    let all = [("/shop0", 201), ("/shop1", 202), ("/team0", 203)].map(|(path, status)| (path.to_owned(), status));
    assert_eq!(kept(&plan_of(&[&services, &both])), all);
    assert_eq!(kept(&plan_of(&[&services, &both[1..]])), all[2..], "an Ingress is deleted");
    assert_eq!(kept(&plan_of(&[&services[..1], &both])), all[..2], "a Service is deleted");
}

#[test]
fn a_name_in_a_status_is_refused_for_the_address_that_it_has() {
    let status = "status: {loadBalancer: {ingress: [{hostname: localhost}]}}\n";
    let inventory = inventory(&[ingress("shop", "a.example.com", 1) + status]);
    let addresses = Addresses::new(AddressSource::Ingress(ClusterAddresses::of(&inventory)), None);
    let prober = Prober::new(Duration::from_secs(1), Pace::new(1000.0, 1000.0));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = plan(&inventory, &Selection::default());
    let (seen, _) = runtime.block_on(prober.run(&plan, &addresses, || {}));
    let [Observation { address: None, answer: Err(NoAnswer::NotSent(reason)), .. }] = &*seen else {
        panic!("{seen:?}");
    };
    assert!(reason.starts_with("localhost is ") && reason.contains("a loopback address"), "{reason}");
}

#[test]
fn long_headers_with_the_same_beginning_are_not_taken_for_the_same() {
    let inventory = inventory(&[ingress("shop", "a.example.com", 1)]);
    let plan = plan(&inventory, &Selection::default());
    let result = |location: &str| {
        let mut seen = answer(302);
        seen.answer.as_mut().unwrap().location = Some(location.to_owned());
        let observations = [[seen.clone(), seen.clone(), seen]];
        compare(("a", "b"), &plan.requests, &observations, now()).hosts[0].result
    };
    assert_eq!((result("/login"), result("/login?…")), (Safety::Safe, Safety::Unknown));
}

#[test]
fn a_controller_that_was_not_requested_is_unknown() {
    let inventory = inventory(&[ingress("shop", "a.example.com", 1)]);
    let plan = plan(&inventory, &Selection::default());
    let result = |other: NoAnswer| {
        let other = Observation { address: None, certificate: None, answer: Err(other) };
        let observations = [[answer(200), other, answer(200)]];
        compare(("a", "b"), &plan.requests, &observations, now()).hosts[0].result
    };
    assert_eq!(result(NoAnswer::NotSent("no address".to_owned())), Safety::Unknown);
    assert_eq!(result(NoAnswer::Refused), Safety::Differs);
}

#[test]
fn the_config_map_of_the_controller_sets_the_proxy_protocol() {
    let config =
        "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, configMap: ingress/controller}]";
    let config = Config::parse_at("test", config, now()).unwrap();
    let planned = |value: &str| {
        let map = format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: controller, namespace: ingress}}\ndata: {{use-proxy-protocol: '{value}'}}\n"
        );
        let objects = [CLASS.to_owned(), ingress("shop", "a.example.com", 1), map].concat();
        let inventory = pages::inventory(&config, &objects);
        Plan::of(known(&inventory), &config.settings, &Selection::default()).requests[0].has_proxy_protocol
    };
    assert_eq!(["true", "false"].map(planned), [true, false]);
}

#[test]
fn a_class_that_does_not_exist_is_compared_only_at_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.yaml");
    fs::write(&file, CLASS.to_owned() + &ingress("shop", "a.example.com", 1)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    let output = command.args(["probe", "--compare", "nginx", "traefik", "--manifests"]).arg(&file).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(
        error,
        "error: there is no IngressClass \"traefik\", and no Ingress names it: give the address of its controller with --via-b\n"
    );
}
