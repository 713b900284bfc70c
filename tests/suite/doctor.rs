//! The links of `ingress-guard doctor` from facts. The end-to-end tests break each link in a real API server.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ingress_guard::cluster::{Coverage, Inventory, Object, Right, Verb, registration_fault, registration_limits};
use ingress_guard::doctor::{
    Answer, Connection, DryRuns, Endpoint, Facts, Outcome, Registration, Replica, Wanted, diagnose, find,
};
use ingress_guard::explain::{Step, Style};
use ingress_guard::model::{Distrust, Key, Kind, TrustBundle};
use ingress_guard::telemetry::Metrics;
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// An authority that is valid between two years.
fn authority(years: (i32, i32)) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str, years: (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    params
}

fn leaf(name: &str, years: (i32, i32), issuer: &CertifiedIssuer<'static, KeyPair>) -> Certificate {
    params(name, years).signed_by(&KeyPair::generate().unwrap(), issuer).unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn configuration(service: &Value) -> ValidatingWebhookConfiguration {
    let mut object: Value = serde_saphyr::from_str(include_str!("../../deploy/webhook.yaml")).unwrap();
    object["webhooks"][0]["clientConfig"]["service"] = service.clone();
    read(object)
}

fn registration() -> Registration {
    let service = json!({"name": "ingress-guard", "namespace": "ingress-guard", "path": "/validate", "port": 443});
    find(&[configuration(&service)], &Wanted::default()).pop().unwrap()
}

fn answer(status: u16, message: &str, warnings: &[&str]) -> Answer {
    Answer { status, message: message.to_owned(), warnings: warnings.iter().map(|text| (*text).to_owned()).collect() }
}

/// An installation in which every link holds, seen from inside the cluster.
fn whole() -> Facts {
    let issuer = authority((2026, 2027));
    let certificate = leaf("ingress-guard.ingress-guard.svc", (2026, 2027), &issuer);
    let mut registration = registration();
    registration.webhook.client_config.ca_bundle = Some(k8s_openapi::ByteString(issuer.pem().into_bytes()));
    let labels = json!({"app": "ingress-guard"});
    let ours = format!("ingress-guard.io/doctor: {TOKEN}");
    let metrics = Metrics::new().encode(&[], &[])
        + "ingress_guard_watch_failing{kind=\"Service\"} 0\n"
        + "ingress_guard_controller_info{class=\"nginx\",controller=\"k8s.io/ingress-nginx\",version=\"1.15.1\"} 1\n";
    Facts {
        now: now(),
        endpoint: registration.endpoint(),
        registration: Ok(Some(registration)),
        namespaces: Ok(read(json!([
            {"metadata": {"name": "shop", "labels": {"kubernetes.io/metadata.name": "shop"}}},
            {"metadata": {"name": "kube-system", "labels": {"kubernetes.io/metadata.name": "kube-system"}}},
        ]))),
        service: Ok(Some(read(json!({
            "metadata": {"name": "ingress-guard", "namespace": "ingress-guard", "annotations": {
                "meta.helm.sh/release-name": "guard", "meta.helm.sh/release-namespace": "ingress-guard"}},
            "spec": {"selector": labels, "clusterIP": "10.96.0.7", "ports": [
                {"name": "https", "port": 443, "targetPort": "webhook"}]},
        })))),
        slices: Ok(read(json!([{
            "addressType": "IPv4", "metadata": {"name": "a"}, "ports": [{"name": "https", "port": 8443}],
            "endpoints": [{"addresses": ["10.1.0.1"]}, {"addresses": ["10.1.0.2"], "conditions": {"ready": false}}],
        }]))),
        pods: Ok(read(json!([{
            "metadata": {"name": "a", "labels": labels},
            "spec": {"containers": [{"name": "c", "ports": [{"name": "webhook", "containerPort": 8443}]}]},
        }]))),
        policies: Ok(Vec::new()),
        api_server: Ok(read(json!([{
            "addressType": "IPv4", "metadata": {"name": "kubernetes"}, "ports": [{"name": "https", "port": 6443}],
            "endpoints": [{"addresses": ["192.0.2.7"]}],
        }]))),
        connection: Connection::Tls { address: "10.96.0.7:443".to_owned(), chain: vec![certificate.der().to_vec()] },
        dry_runs: Ok(DryRuns {
            namespace: "shop".to_owned(),
            token: TOKEN.to_owned(),
            good: Ok(answer(201, "", &[&ours])),
            bad: Ok(answer(201, "", &[&ours, "shop/bad IG201 spec: no Service"])),
        }),
        rights: Ok(Vec::new()),
        declined: Vec::new(),
        account: "system:serviceaccount:ingress-guard:ingress-guard".to_owned(),
        replicas: Ok(vec![Replica {
            name: "a".to_owned(),
            readiness: Ok((200, "ready\n".to_owned())),
            metrics: Ok(metrics),
        }]),
        mutating: Ok(Vec::new()),
    }
}

/// The link of this name.
#[track_caller]
fn link(facts: &Facts, what: &str) -> Step {
    let links = diagnose(facts).links;
    links.iter().find(|link| link.what == what).unwrap_or_else(|| panic!("no link {what}: {links:#?}")).clone()
}

#[track_caller]
fn assert_link(facts: &Facts, what: &str, ok: Option<bool>, words: &str) {
    let link = link(facts, what);
    assert!(link.ok == ok && link.detail.contains(words), "{link:#?}");
}

#[test]
fn every_link_of_a_whole_installation_holds() {
    let diagnosis = diagnose(&whole());
    assert!(diagnosis.links.iter().all(|link| link.ok == Some(true)), "{diagnosis:#?}");
    assert_eq!((diagnosis.outcome, diagnosis.exit_code()), (Outcome::Reviewed, 0));
    let text = diagnosis.text(Style::Plain);
    assert!(
        text.contains(
            "\n  ✓ tls          the serving certificate is valid for ingress-guard.ingress-guard.svc until 2027"
        ),
        "{text}"
    );
    assert!(
        text.contains("\n  ✓ namespaces   Ingresses in 1 of 2 namespaces are reviewed, not in kube-system\n"),
        "{text}"
    );
    assert!(text.contains("\n  ✓ controllers  IngressClass nginx (k8s.io/ingress-nginx, 1.15.1); "), "{text}");
    assert!(text.ends_with("\n\nIngresses are reviewed\n"), "{text}");
}

#[test]
fn only_an_answered_dry_run_shows_that_ingresses_are_reviewed() {
    let mut facts = whole();
    facts.policies = Err("you have no permission to list networkpolicies".to_owned());
    facts.rights = Err("you have no permission to create subjectaccessreviews".to_owned());
    let diagnosis = diagnose(&facts);
    assert_eq!((diagnosis.outcome, diagnosis.exit_code()), (Outcome::Reviewed, 0));
    assert!(diagnosis.text(Style::Plain).ends_with("\n\nIngresses are reviewed; unknown: network, rights\n"));

    // An answered dry run proves the way to the webhook.
    facts.connection = Connection::NotTried("the Service has no address".to_owned());
    facts.slices = Err("you have no permission to list endpointslices".to_owned());
    assert_eq!(diagnose(&facts).outcome, Outcome::Reviewed);
    facts.dry_runs = Err("not tried: --no-write".to_owned());
    let diagnosis = diagnose(&facts);
    assert_eq!((diagnosis.outcome, diagnosis.exit_code()), (Outcome::Unknown, 2));
    let result = "\n\nno broken link found; without an answered dry run it is unknown whether the API server reaches the webhook; unknown: ";
    let end = format!("{result}endpoints, network, tcp, tls, caBundle, dry run, rights\n");
    assert!(diagnosis.text(Style::Plain).ends_with(&end), "{}", diagnosis.text(Style::Plain));

    // This process reaches the webhook, and a firewall may nevertheless block the API server.
    let mut facts = whole();
    facts.dry_runs = Err("not tried: --no-write".to_owned());
    let diagnosis = diagnose(&facts);
    assert_eq!((diagnosis.outcome, diagnosis.exit_code()), (Outcome::Unknown, 2));
    assert!(diagnosis.text(Style::Plain).ends_with(&format!("{result}dry run\n")), "{}", diagnosis.text(Style::Plain));
}

#[test]
fn a_broken_link_has_the_command_that_fixes_it() {
    let mut facts = whole();
    facts.registration = Ok(None);
    facts.connection = Connection::NotTried("unknown".to_owned());
    let helm = "helm upgrade guard chart --reset-then-reuse-values --namespace ingress-guard";
    let broken = link(&facts, "registration");
    assert_eq!((broken.ok, broken.command.as_deref()), (Some(false), Some(helm)));
    assert_eq!(diagnose(&facts).exit_code(), 1);
    facts.service = Ok(None);
    assert_eq!(
        link(&facts, "registration").command.as_deref(),
        Some("kubectl apply --filename deploy/ingress-guard.yaml --filename deploy/webhook.yaml")
    );
    // A name from the cluster that a shell would interpret is in no command.
    let mut facts = whole();
    let service = facts.service.as_mut().unwrap().as_mut().unwrap();
    let annotations = service.metadata.annotations.as_mut().unwrap();
    annotations.insert("meta.helm.sh/release-name".to_owned(), "$(reboot)".to_owned());
    facts.registration = Ok(None);
    assert_eq!(link(&facts, "registration").command, None);
}

#[test]
fn registrations_are_found_by_label_name_and_service() {
    let service = |namespace: &str| json!({"name": "guard", "namespace": namespace, "port": 443});
    let mut own = configuration(&service("one"));
    let names = |configurations: &[ValidatingWebhookConfiguration], wanted: &Wanted<'_>| {
        find(configurations, wanted).into_iter().map(|found| found.name).collect::<Vec<_>>()
    };
    let mut other = configuration(&service("two"));
    other.metadata.name = Some("other".to_owned());
    let both = [own.clone(), other];
    assert_eq!(names(&both, &Wanted::default()), ["ingress-guard", "other"]);
    assert_eq!(names(&both, &Wanted { namespace: Some("two"), ..Wanted::default() }), ["other"]);
    assert_eq!(names(&both, &Wanted { name: Some("other"), ..Wanted::default() }), ["other"]);
    assert_eq!(names(&both, &Wanted { name: Some("absent"), ..Wanted::default() }), [""; 0]);

    own.metadata.labels = None;
    own.webhooks.as_mut().unwrap()[0].name = "other.example.com".to_owned();
    assert_eq!(names(std::slice::from_ref(&own), &Wanted::default()), [""; 0]);
    let services = [Key::new("one", "guard")];
    assert_eq!(names(&[own], &Wanted { services: &services, ..Wanted::default() }), ["ingress-guard"]);
}

#[test]
fn network_policies_block_the_api_server_only_where_no_rule_can_admit_it() {
    let with = |specs: &[Value]| {
        let mut facts = whole();
        let policies = specs.iter().map(|spec| {
            let mut spec = spec.clone();
            if spec["podSelector"].is_null() {
                spec["podSelector"] = json!({"matchLabels": {"app": "ingress-guard"}});
            }
            read(json!({"metadata": {"name": "p"}, "spec": spec}))
        });
        facts.policies = Ok(policies.collect());
        let contradicted = link(&facts, "network").ok;
        // Otherwise an answer or a watch shows that the policy is not enforced.
        facts.dry_runs = Err("not tried".to_owned());
        facts.replicas = Err("you have no permission to get pods/proxy".to_owned());
        let ok = link(&facts, "network").ok;
        assert_eq!(contradicted, ok.filter(|ok| *ok), "{specs:?}");
        ok
    };
    let ingress = |rules: Value| json!({"policyTypes": ["Ingress"], "ingress": rules});
    let egress = |rules: Value| json!({"policyTypes": ["Egress"], "egress": rules});
    for open in [
        ingress(json!([{}])),
        ingress(json!([{"ports": [{"port": "webhook"}]}])),
        ingress(json!([{"ports": [{"port": 8443, "protocol": "TCP"}]}])),
        ingress(json!([{"ports": [{"port": 8000, "endPort": 9000}]}])),
        ingress(json!([{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])),
        json!({"podSelector": {"matchLabels": {"app": "other"}}, "policyTypes": ["Ingress"]}),
        egress(json!([{"ports": [{"port": 6443}]}])),
        egress(json!([{"ports": [{"port": 443}]}])),
    ] {
        assert_eq!(with(std::slice::from_ref(&open)), Some(true), "{open}");
    }
    for closed in [
        ingress(json!([])),
        json!({"policyTypes": ["Ingress"]}),
        // Without types, a policy is one for ingress.
        json!({}),
        ingress(json!([{"ports": [{"port": "health"}]}])),
        ingress(json!([{"ports": [{"port": 8443, "protocol": "UDP"}]}])),
        ingress(json!([{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}])),
        egress(json!([])),
        egress(json!([{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}])),
        egress(json!([{"to": [{"namespaceSelector": {}}]}])),
    ] {
        assert_eq!(with(std::slice::from_ref(&closed)), Some(false), "{closed}");
        assert_eq!(with(&[closed.clone(), ingress(json!([{}])), egress(json!([{}]))]), Some(true), "{closed}");
    }
    // The address from which the API server calls is not certain.
    assert_eq!(with(&[ingress(json!([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]))]), None);
    assert_eq!(with(&[egress(json!([{"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}]}]))]), None);
}

#[test]
fn a_bundle_rejects_a_chain_for_the_reason_that_applies() {
    let (issuer, other) = (authority((2026, 2027)), authority((2026, 2027)));
    let name = "guard.ns.svc";
    let good = leaf(name, (2026, 2027), &issuer);
    let pem = |parts: &[String]| TrustBundle::from_pem(parts.concat().as_bytes());
    let rejection = |bundle: &TrustBundle, leaf: &Certificate, name: &str| bundle.rejection(&[leaf.der()], name, now());
    assert_eq!(rejection(&pem(&[issuer.pem()]), &good, name), None);
    assert_eq!(rejection(&pem(&[other.pem(), issuer.pem()]), &good, name), None);
    assert_eq!(rejection(&pem(&[other.pem()]), &good, name), Some(Distrust::UnknownIssuer));
    assert_eq!(rejection(&pem(&[]), &good, name), Some(Distrust::NoAuthority));
    assert_eq!(rejection(&pem(&["not PEM".to_owned()]), &good, name), Some(Distrust::NoAuthority));
    assert_eq!(rejection(&pem(&[authority((2020, 2021)).pem()]), &good, name), Some(Distrust::AuthorityExpired));
    let named = rejection(&pem(&[issuer.pem()]), &good, "guard.other.svc");
    assert_eq!(named, Some(Distrust::OtherName("guard.other.svc".to_owned())));
    let old = leaf(name, (2020, 2021), &issuer);
    assert_eq!(rejection(&pem(&[issuer.pem()]), &old, name), Some(Distrust::Expired));
    let early = leaf(name, (2030, 2031), &issuer);
    assert_eq!(rejection(&pem(&[issuer.pem()]), &early, name), Some(Distrust::NotYetValid));
    // Go trusts a certificate that the bundle contains, whether it is a CA or not.
    let key = KeyPair::generate().unwrap();
    let own = params(name, (2026, 2027)).self_signed(&key).unwrap();
    assert_eq!(rejection(&pem(&[own.pem()]), &own, name), None);
    assert!(
        pem(&[issuer.pem()]).rejection(&[b"no certificate"], name, now()).is_some_and(|reason| !reason.is_certain())
    );
}

#[test]
fn certificates_are_compared_with_the_name_the_dates_and_the_bundle() {
    let issuer = authority((2026, 2027));
    let mut facts = whole();
    facts.dry_runs = Err("not tried: --no-write".to_owned());
    let mut served = |leaf: &Certificate| {
        facts.connection = Connection::Tls { address: "a".to_owned(), chain: vec![leaf.der().to_vec()] };
        facts.clone()
    };
    let name = "ingress-guard.ingress-guard.svc";
    let foreign = served(&leaf(name, (2026, 2027), &issuer));
    assert_link(&foreign, "tls", Some(true), "valid for ingress-guard.ingress-guard.svc");
    assert_link(&foreign, "caBundle", Some(false), "no CA of the bundle has signed the certificate");
    assert_link(&served(&leaf(name, (2020, 2021), &issuer)), "tls", Some(false), "expired at 2021-01-01");
    assert_link(&served(&leaf(name, (2030, 2031), &issuer)), "tls", Some(false), "not valid before 2030-01-01");
    assert_link(&served(&leaf("other.svc", (2026, 2027), &issuer)), "tls", Some(false), "not valid for ingress-guard.");

    let mut facts = whole();
    facts.connection =
        Connection::Refused { address: "10.96.0.7:443".to_owned(), reason: "timeout".to_owned(), is_inside: true };
    assert_link(&facts, "tcp", Some(true), "in the dry run");
    facts.dry_runs = Err("not tried".to_owned());
    assert_link(&facts, "tcp", Some(false), "10.96.0.7:443 cannot be reached: timeout");
    if let Connection::Refused { is_inside, .. } = &mut facts.connection {
        *is_inside = false;
    }
    assert_link(&facts, "tcp", None, "cannot be reached from here");
    assert_link(&facts, "caBundle", None, "1 CA; the serving certificate is not known");
    facts.connection = Connection::Plain { address: "a".to_owned(), reason: "closed".to_owned() };
    assert_link(&facts, "tls", Some(false), "does not answer with TLS");
    // The CAs of the API server's machine may have signed the certificate of a URL, and never that of a Service.
    if let Ok(Some(registration)) = &mut facts.registration {
        registration.webhook.client_config.ca_bundle = None;
    }
    assert_link(&facts, "caBundle", Some(false), "the bundle contains no certificate");
    facts.endpoint = Some(Endpoint::Url("https://guard.example.com/validate".to_owned()));
    assert_link(&facts, "caBundle", None, "the CAs of its machine");
}

#[test]
fn only_an_answer_with_the_token_is_one_of_ingress_guard() {
    let ours = format!("ingress-guard.io/doctor: {TOKEN}");
    let with = |good: Answer, bad: Answer| {
        let mut facts = whole();
        let dry_runs = facts.dry_runs.as_mut().unwrap();
        (dry_runs.good, dry_runs.bad) = (Ok(good), Ok(bad));
        facts
    };
    let silent = answer(201, "", &["ingress-guard.io/doctor: 00000000000000000000000000000000"]);
    let facts = with(silent.clone(), silent);
    assert_link(&facts, "good", Some(false), "stored in namespace shop without an answer of ingress-guard");
    assert!(link(&facts, "good").command.is_some());
    let failed = "Internal error occurred: failed calling webhook \"validate.ingress-guard.io\": connection refused";
    let facts = with(answer(500, failed, &[]), answer(500, failed, &[]));
    assert_link(&facts, "good", Some(false), "connection refused");
    let other = "Internal error occurred: failed calling webhook \"other.example.com\": connection refused";
    assert_link(&with(answer(500, other, &[]), answer(500, other, &[])), "good", None, "refuses the dry run");
    let quota = answer(403, "ingresses.networking.k8s.io \"x\" is forbidden: exceeded quota: q", &[]);
    assert_link(&with(quota.clone(), quota), "good", None, "exceeded quota");

    let denied = answer(
        403,
        "admission webhook \"v\" denied the request: 1 finding\nno Service [IG201 service-not-found]",
        &[&ours],
    );
    assert_link(&with(denied.clone(), denied.clone()), "bad", Some(true), "IG201");
    assert_link(&with(denied.clone(), denied), "good", None, "the dry run is denied");
    let blind = answer(201, "", &[&ours, "shop/x IG902 spec: IG201 to IG204 not evaluated: no Service"]);
    assert_link(&with(blind.clone(), blind), "bad", Some(false), "cannot evaluate");
    let off = answer(201, "", &[&ours]);
    assert_link(&with(off.clone(), off), "bad", None, "may be off");
}

#[test]
fn replicas_that_are_unready_blind_or_of_another_version_are_reported() {
    let mut facts = whole();
    let replica = facts.replicas.clone().unwrap().remove(0);
    let mut with = |others: Vec<Replica>| {
        facts.replicas = Ok([vec![replica.clone()], others].concat());
        facts.clone()
    };
    let unready = Replica { readiness: Ok((503, "not ready\nService: no list\n".to_owned())), ..replica.clone() };
    assert_link(&with(vec![unready]), "replicas", Some(false), "a is not ready: Service: no list");
    let mut noting =
        |note: &str| with(vec![Replica { readiness: Ok((200, format!("ready\n{note}\n"))), ..replica.clone() }]);
    assert_link(&noting("an override is in force"), "replicas", None, "ready; a: an override is in force");
    let broken = noting("configuration not loaded, the last valid one applies: x");
    assert_link(&broken, "replicas", Some(false), "a: configuration not loaded");
    let noted = Replica { readiness: Ok((200, "ready\ncertificate expires soon\n".to_owned())), ..replica.clone() };
    assert_link(&with(vec![noted]), "replicas", None, "2 of 2 ready; a: certificate expires soon");
    let stale = Replica {
        metrics: replica.metrics.clone().map(|text| text.replace("{kind=\"Service\"} 0", "{kind=\"Service\"} 1")),
        ..replica.clone()
    };
    assert_link(&with(vec![stale]), "watches", Some(false), "a receives no changes of Service");
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let old = Replica {
        metrics: replica.metrics.clone().map(|text| text.replace(&version, "version=\"0.0.1\"")),
        ..replica.clone()
    };
    assert_link(&with(vec![old]), "versions", Some(false), "different versions: 0.0.1, ");
    let closed = Replica {
        readiness: Err("you have no permission to get pods/proxy".to_owned()),
        metrics: Err("you have no permission to get pods/proxy".to_owned()),
        ..replica.clone()
    };
    for what in ["replicas", "watches", "versions"] {
        assert_eq!(link(&with(vec![closed.clone()]), what).ok, None, "{what}");
    }
}

#[test]
fn a_changed_condition_of_the_chart_is_not_trusted() {
    let mut facts = whole();
    assert_eq!(link(&facts, "conditions").ok, Some(true));
    let registration = facts.registration.as_mut().unwrap().as_mut().unwrap();
    registration.webhook.match_conditions.as_mut().unwrap()[1].expression = "false".to_owned();
    assert_link(&facts, "conditions", None, "exclude are not reviewed: created-or-changed");
}

#[test]
fn other_webhooks_that_change_ingresses_are_listed() {
    let mut facts = whole();
    let rule = |resource: &str| json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [resource]}]);
    let webhook = |name: &str, resource: &str| {
        json!({"name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {},
               "rules": rule(resource)})
    };
    let webhooks =
        json!([webhook("a.example.com", "*"), webhook("b.example.com", "pods"), webhook("c.example.com", "ingresses")]);
    facts.mutating = Ok(read(json!([{"metadata": {"name": "m"}, "webhooks": webhooks}])));
    assert_link(&facts, "others", Some(true), "before the review: a.example.com, c.example.com");
}

#[test]
fn a_process_knows_whether_its_own_registration_reaches_it() {
    let issuer = authority((2026, 2027));
    let chain = [leaf("guard.ns.svc", (2026, 2027), &issuer).der().to_vec()];
    let bundle = |pem: &str| BASE64_STANDARD.encode(pem);
    let calling = |config: Value, [version, operation, resources]: [&str; 3], label: &str| -> Object {
        let rules = json!([{"apiGroups": ["networking.k8s.io"], "apiVersions": [version],
                            "operations": ["CREATE", operation], "resources": [resources]}]);
        let caller = read(json!({
            "metadata": {"name": format!("{config}"), "labels": {"app.kubernetes.io/name": label}},
            "webhooks": [{"clientConfig": config, "rules": rules}],
        }));
        Object::ApiCaller(Kind::ValidatingWebhookConfiguration, caller)
    };
    let caller = |config: Value, resources: &str, label: &str| calling(config, ["v1", "UPDATE", resources], label);
    let at = |pem: &str, path: &str, port: u16| json!({"service": {"namespace": "ns", "name": "guard", "path": path, "port": port}, "caBundle": bundle(pem)});
    let service = |pem: &str| at(pem, "/validate", 443);
    let fault = |objects: Vec<Object>| {
        let mut inventory = Inventory::default();
        let key = Key::new("ns", "guard");
        assert_eq!(registration_fault(&inventory, &key, &chain, now()), None, "registrations are not known");
        for kind in [Kind::ValidatingWebhookConfiguration, Kind::Service] {
            inventory.cover(kind, Coverage::Complete);
        }
        for object in objects {
            inventory.apply(object);
        }
        registration_fault(&inventory, &key, &chain, now()).unwrap().map_err(|fault| fault.reason())
    };
    let ports = json!({"ports": [{"port": 443}]});
    let own = || Object::Service(read(json!({"metadata": {"namespace": "ns", "name": "guard"}, "spec": ports})));
    let (good, foreign) = (issuer.pem(), authority((2026, 2027)).pem());
    assert_eq!(fault(vec![own(), caller(service(&good), "ingresses", "")]), Ok(()));
    assert_eq!(fault(vec![own()]), Err("not_registered"));
    assert_eq!(fault(vec![own(), caller(service(&good), "pods", "")]), Err("not_registered"));
    for rule in [["v1", "DELETE", "ingresses"], ["v1beta1", "UPDATE", "ingresses"]] {
        assert_eq!(fault(vec![own(), calling(service(&good), rule, "")]), Err("not_registered"), "{rule:?}");
    }
    let of_cluster = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "Cluster"}]);
    let of_cluster = read(json!({"webhooks": [{"clientConfig": service(&good), "rules": of_cluster}]}));
    let of_cluster = Object::ApiCaller(Kind::ValidatingWebhookConfiguration, of_cluster);
    assert_eq!(fault(vec![own(), of_cluster]), Err("not_registered"), "Ingresses belong to namespaces");
    assert_eq!(fault(vec![caller(service(&good), "*", "")]), Err("service_missing"));
    assert_eq!(fault(vec![own(), caller(at(&good, "/validat", 443), "ingresses", "")]), Err("other_path"));
    assert_eq!(fault(vec![own(), caller(at(&good, "", 443), "ingresses", "")]), Err("other_path"));
    assert_eq!(fault(vec![own(), caller(at(&good, "/validate", 8080), "ingresses", "")]), Err("port_missing"));
    assert_eq!(fault(vec![own(), caller(service(&foreign), "ingresses", "")]), Err("untrusted"));
    assert_eq!(fault(vec![own(), caller(service(""), "ingresses", "")]), Err("untrusted"));
    let both = vec![own(), caller(service(&foreign), "ingresses", ""), caller(service(&good), "ingresses", "")];
    assert_eq!(fault(both), Ok(()), "reviews arrive through the second one");
    // A webhook for writes of other objects does not review Ingresses.
    for resources in ["services", "ingressclasses", "configmaps"] {
        assert_eq!(fault(vec![own(), caller(service(&good), resources, "")]), Err("not_registered"), "{resources}");
        let beside = vec![own(), caller(service(&good), resources, ""), caller(service(&foreign), "ingresses", "")];
        assert_eq!(fault(beside), Err("untrusted"), "{resources}");
    }
    // A URL names no Service: only the label shows whose it is.
    let url = json!({"url": "https://guard.example.com"});
    assert_eq!(fault(vec![own(), caller(url.clone(), "ingresses", "ingress-guard")]), Ok(()));
    assert_eq!(fault(vec![own(), caller(url, "ingresses", "other")]), Err("not_registered"));
}

#[test]
fn a_process_knows_what_its_own_registration_excludes() {
    let file = include_str!("../../deploy/webhook.yaml");
    let shop = Object::Namespace(read(json!({"metadata": {"name": "shop", "labels": {"team": "edge"}}})));
    let known = |change: &dyn Fn(&mut Value)| {
        let mut object: Value = serde_saphyr::from_str(file).unwrap();
        change(&mut object["webhooks"][0]);
        let mut inventory = Inventory::default();
        for kind in [Kind::ValidatingWebhookConfiguration, Kind::Namespace] {
            inventory.cover(kind, Coverage::Complete);
        }
        inventory.apply(Object::ApiCaller(Kind::ValidatingWebhookConfiguration, read(object)));
        inventory.apply(shop.clone());
        let key = Key::new("ingress-guard", "ingress-guard");
        let fault = registration_fault(&inventory, &key, &[], now()).unwrap();
        let limits = registration_limits(&inventory, &key).iter().map(ToString::to_string).collect::<Vec<_>>();
        (fault.map_err(|fault| fault.reason()), limits)
    };
    // The CA is not there yet; nothing else is wrong with the file of deploy/.
    assert_eq!(known(&|_| ()), (Err("untrusted"), vec![]));
    let selecting = |labels: Value| {
        known(&|webhook: &mut Value| webhook["namespaceSelector"] = json!({"matchLabels": labels})).0.unwrap_err()
    };
    assert_eq!(selecting(json!({"team": "none"})), "nothing_selected");
    assert_eq!(selecting(json!({"team": "edge"})), "untrusted");
    let (_, limits) = known(&|webhook| webhook["objectSelector"] = json!({"matchLabels": {"a": "b"}}));
    assert!(limits.len() == 1 && limits[0].contains("objectSelector"), "{limits:?}");
    let (_, limits) = known(&|webhook| {
        webhook["matchConditions"].as_array_mut().unwrap().push(json!({"name": "off", "expression": "false"}));
        webhook["matchConditions"][0]["expression"] = json!("false");
    });
    assert!(limits.len() == 1 && limits[0].ends_with("are not reviewed: not-removed, off"), "{limits:?}");
}

#[test]
fn a_pod_that_is_not_ready_beside_a_ready_one_is_reported() {
    let mut facts = whole();
    assert_eq!(link(&facts, "endpoints").ok, Some(true));
    let pod = json!({"metadata": {"name": "b"}, "status": {"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}});
    facts.pods.as_mut().unwrap().push(read(pod));
    assert_link(&facts, "endpoints", None, "; pod b is Pending (Unschedulable)");
}

#[test]
fn optional_rights_that_are_not_granted_are_listed() {
    let mut facts = whole();
    let right = |verb| Right { kind: Kind::Deployment, only: Some(Key::new("ingress-nginx", "")), verb };
    facts.declined = [Verb::Get, Verb::List].map(right).to_vec();
    let expected = "required permissions; optional and not granted: get, list deployments in namespace ingress-nginx";
    assert_link(&facts, "rights", Some(true), expected);
}

/// The second webhook is optional. It must never delay or refuse a write.
#[test]
fn the_webhook_for_other_writes_only_warns() {
    let exclude = "!(request.userInfo.username in ['system:serviceaccount:kube-system:namespace-controller'])";
    let links = |change: &dyn Fn(&mut Value)| {
        let mut facts = whole();
        let Ok(Some(registration)) = &mut facts.registration else { panic!("no registration") };
        let mut impact = json!({
            "name": "impact.ingress-guard.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Ignore", "matchConditions": [{"name": "a", "expression": exclude}],
            "clientConfig": {"service": {"name": "ingress-guard", "namespace": "ingress-guard", "path": "/impact"}},
        });
        impact["clientConfig"]["caBundle"] = json!(registration.webhook.client_config.ca_bundle);
        change(&mut impact);
        registration.impact = Some((1, read(impact)));
        let found = diagnose(&facts).links.into_iter().find(|link| link.what == "impact").unwrap();
        (found.ok, found.detail, found.command.unwrap_or_default())
    };
    assert!(diagnose(&whole()).links.iter().all(|link| link.what != "impact"), "it is not installed");
    assert_eq!(links(&|_| {}).0, Some(true));
    let (ok, _, command) = links(&|impact| impact["failurePolicy"] = json!("Fail"));
    assert_eq!(ok, Some(false));
    assert!(command.contains(r#"{"op":"add","path":"/webhooks/1/failurePolicy","value":"Ignore"}"#), "{command}");
    let (ok, detail, _) = links(&|impact| impact["matchConditions"] = json!([]));
    assert!(ok == Some(false) && detail.contains("namespace controller"), "{detail}");
    let (ok, detail, _) = links(&|impact| impact["clientConfig"]["caBundle"] = json!("QQ=="));
    assert!(ok == Some(false) && detail.contains("caBundle"), "{detail}");
}

#[test]
fn both_webhooks_of_a_registration_are_found() {
    let mut object: Value = serde_saphyr::from_str(include_str!("../../deploy/webhook.yaml")).unwrap();
    let mut impact = object["webhooks"][0].clone();
    impact["name"] = json!("impact.ingress-guard.io");
    impact["clientConfig"]["service"]["path"] = json!("/impact");
    impact["rules"] =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["services"]}]);
    // Whatever their order.
    let webhooks = object["webhooks"].as_array_mut().unwrap();
    webhooks.insert(0, impact);
    let found = find(&[read(object)], &Wanted::default()).pop().unwrap();
    assert_eq!((found.position, found.webhook.name.as_str()), (1, "validate.ingress-guard.io"));
    let (position, webhook) = found.impact.unwrap();
    assert_eq!((position, webhook.name.as_str()), (0, "impact.ingress-guard.io"));
}
