//! The real binary as a process: what it prints, how it ends, and the main job over TLS.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::admission::{create, recorded, spec};
use crate::live::confirm::{cluster, in_shop};
use crate::live::list::kubeconfig;
use crate::server::client::{Client, eventually, plain_get};
use crate::server::pki::{Authority, Mount};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ingress-guard"));
    // The machine's own settings are none of the test's.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INGRESS_GUARD_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(ROOT)
        .env_remove("RUST_LOG")
        .env("KUBECONFIG", "/no/such/kubeconfig")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// `serve` over a file of manifests, on ports of its own.
pub(crate) struct Serving {
    child: Child,
    pem: String,
    pub(crate) webhook: SocketAddr,
    health: SocketAddr,
    log: BufReader<std::process::ChildStderr>,
}

impl Serving {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::filtered(arguments, "")
    }

    /// The same with this value of `RUST_LOG`.
    fn filtered(arguments: &[&str], filter: &str) -> Self {
        let local = ["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
        let mut command = command(&[&local[..], arguments].concat());
        command.env("RUST_LOG", filter).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let serving = line_of(&mut log, "serving");
        let address = |name: &str| serving[name].as_str().unwrap().parse().unwrap();
        let (webhook, health) = (address("webhook"), address("health"));
        let mut pem = String::new();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        while !arguments.contains(&"--tls-cert") && !pem.contains("END CERTIFICATE") {
            assert_ne!(stdout.read_line(&mut pem).unwrap(), 0, "no certificate was printed: {pem}");
        }
        Self { child, pem, webhook, health, log }
    }

    fn client(&self) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        Client::new(self.webhook, roots)
    }

    async fn send(&self, body: Vec<u8>) -> (u16, Value) {
        let request = Request::post("/validate?timeout=3s")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let answer = self.client().send(request).await;
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
    }

    /// Ask it to end, and wait for that.
    fn end(mut self) -> (i32, String) {
        let asked = Command::new("sh").args(["-c", &format!("kill {}", self.child.id())]).status().unwrap();
        assert!(asked.success());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (status.code().unwrap_or(-1), rest)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// The first log line with this message.
fn line_of(log: &mut impl std::io::BufRead, message: &str) -> Value {
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended without saying {message:?}");
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if value["message"] == message {
            return value;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_reviews_sent_over_tls_get_the_expected_answers() {
    for (cluster, denied) in [("good", 0), ("bad", 4)] {
        let mut serving = Serving::start(&["--manifests", &format!("tests/reviews/{cluster}.yaml")]);
        let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
        for entry in std::fs::read_dir(format!("{ROOT}/tests/reviews/recorded")).unwrap() {
            let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
            let (status, answer) = serving.send(recorded(&name).to_string().into_bytes()).await;
            let expected = format!("{ROOT}/tests/reviews/expected/{name}.{cluster}.json");
            let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
            assert_eq!((status, &answer), (200, &expected), "{name} in the {cluster} cluster");
            let line = line_of(&mut serving.log, "reviewed");
            assert_eq!(line["uid"], recorded(&name)["request"]["uid"]);
            *verdicts.entry(line["verdict"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(verdicts.get("deny").copied().unwrap_or_default(), denied, "{verdicts:?}");
        assert_eq!(verdicts["pass"], 6);

        let metrics = plain_get(serving.health, "/metrics").await.1;
        assert!(metrics.contains("ingress_guard_objects{kind=\"Service\"} 1"), "{metrics}");
        assert!(metrics.contains("ingress_guard_reviews_total{operation=\"DELETE\",verdict=\"pass\"} 4"), "{metrics}");
        if denied > 0 {
            assert!(metrics.contains("ingress_guard_findings_total{code=\"IG201\",level=\"deny\"} 4"), "{metrics}");
            assert!(metrics.contains("ingress_guard_would_deny_total{code=\"IG201\"} 3"), "{metrics}");
        }
        assert_eq!(plain_get(serving.health, "/readyz").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_review_is_logged_with_user_operation_and_object() {
    let mut serving = Serving::start(&["--manifests", "tests/reviews/bad.yaml"]);
    serving.send(recorded("ssa-update-dryrun").to_string().into_bytes()).await;
    let line = line_of(&mut serving.log, "reviewed");
    for (field, value) in [
        ("uid", "afd1c0be-cb76-4ffe-9b55-b141028de3a0"),
        ("namespace", "default"),
        ("name", "web"),
        ("operation", "UPDATE"),
        ("user", "admin"),
        ("fieldManager", "kubectl"),
        ("verdict", "warn"),
        ("codes", "IG201"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["dryRun"], true);
    assert!(line["duration_us"].as_u64().is_some(), "{line}");
}

/// The log of `serve` over this API server until it has tried for a few seconds, and the last response of `/readyz`.
async fn log_without_api_server(server: &str, filter: &str) -> (Vec<Value>, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}], "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let local = ["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--kubeconfig"];
    let mut command = command(&[&local[..], &[kubeconfig.to_str().unwrap()]].concat());
    let mut child = command.env("RUST_LOG", filter).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    // A refused connection is logged before the ports are bound.
    let mut lines: Vec<Value> = Vec::new();
    while lines.last().is_none_or(|line| line["message"] != "serving") {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "{lines:?}");
        lines.push(serde_json::from_str(&line).unwrap());
    }
    let health: SocketAddr = lines.last().unwrap()["health"].as_str().unwrap().parse().unwrap();
    let started = Instant::now();
    let readiness = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let metrics = plain_get(health, "/metrics").await.1;
        let restarts = |kind| {
            let line = format!("ingress_guard_watch_restarts_total{{kind=\"{kind}\"}} ");
            metrics.lines().find_map(|found| found.strip_prefix(&line)?.parse::<u64>().ok()).unwrap_or_default()
        };
        // Each watch has tried more than once.
        if ["Service", "Ingress", "Certificate"].iter().all(|kind| restarts(kind) >= 2) {
            break plain_get(health, "/readyz").await.1;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "{metrics}");
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    lines.extend(rest.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    (lines, readiness)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_not_reached_is_logged_once_with_its_causes() {
    let other = Serving::start(&["--manifests", "tests/reviews/good.yaml"]);
    let untrusted = format!("https://{}", other.webhook);
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (server, cause, filter) in [
        (untrusted, "invalid peer certificate: UnknownIssuer", "info"),
        (format!("https://{free}"), "Connection refused", ""),
        ("https://api-server.invalid:6443".to_owned(), "dns error", "info"),
    ] {
        let (log, readiness) = log_without_api_server(&server, filter).await;
        assert!(readiness.contains(cause), "{cause}: {readiness}");
        let lines: Vec<&Value> = log.iter().filter(|line| line["level"] != "INFO").collect();
        let [line] = lines[..] else { panic!("{cause}: {lines:#?}") };
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"API server not reached; retrying".into()));
        assert!(line["error"].as_str().unwrap().contains(cause), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_that_are_not_confirmed_are_logged_and_counted() {
    let api = cluster().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = kubeconfig(folder.path(), &format!("http://{}", api.addr), "{}");
    let mut serving = Serving::start(&["--kubeconfig", kubeconfig.to_str().unwrap()]);
    eventually("ready", async || plain_get(serving.health, "/readyz").await.0 == 200).await;
    api.break_gets("services", 0);
    let review = in_shop(create(json!({}), spec(&[("/", "wbe", 80)])));
    let (_, answer) = serving.send(review.to_string().into_bytes()).await;
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    let line = line_of(&mut serving.log, "denial not confirmed: the findings only warn");
    for (field, value) in [
        ("level", "WARN"),
        ("namespace", "shop"),
        ("name", "web"),
        ("codes", "IG201"),
        ("reason", "the API server did not answer within 300 ms"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    let metrics = plain_get(serving.health, "/metrics").await.1;
    assert!(metrics.contains("ingress_guard_live_reads_total{kind=\"Service\",result=\"timeout\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_of_a_review_has_the_form_of_other_lines_and_escapes_names() {
    let mut serving = Serving::start(&["--manifests", "tests/reviews/good.yaml"]);
    let mut review = recorded("update");
    let user = "a \"quoted\"\nname\u{1b}[31m \\ \u{e9}";
    review["request"]["userInfo"]["username"] = user.into();
    serving.send(review.to_string().into_bytes()).await;
    let line = line_of(&mut serving.log, "reviewed");
    assert_eq!(line["user"], user);
    assert_eq!((&line["level"], &line["target"]), (&Value::from("INFO"), &Value::from("review")));
    let time = line["timestamp"].as_str().unwrap();
    assert_eq!((time.len(), time.find('.')), ("2026-11-26T03:54:01.615543Z".len(), Some(19)), "{time}");
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_reviews_have_a_filter_of_their_own() {
    for filter in ["info,review=warn", "info,review=off"] {
        let serving = Serving::filtered(&["--manifests", "tests/reviews/good.yaml"], filter);
        assert_eq!(serving.send(recorded("update").to_string().into_bytes()).await.0, 200);
        let (code, log) = tokio::task::spawn_blocking(|| serving.end()).await.unwrap();
        assert_eq!(code, 0, "{log}");
        assert!(log.contains("drained") && !log.contains("reviewed"), "{filter}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_reviews_are_answered_and_counted() {
    let serving = Serving::start(&["--manifests", "tests/reviews/good.yaml"]);
    let whole = recorded("update").to_string().into_bytes();
    for end in (0..whole.len()).step_by(97) {
        let (status, answer) = serving.send(whole[..end].to_vec()).await;
        assert_eq!((status, &answer["reason"]), (400, &Value::from("MalformedReview")), "cut at {end}");
    }
    let (status, answer) = serving.send(vec![b' '; 9 << 20]).await;
    assert_eq!((status, &answer["reason"]), (413, &Value::from("RequestEntityTooLarge")));
    let metrics = plain_get(serving.health, "/metrics").await.1;
    assert!(metrics.contains("ingress_guard_rejected_requests_total{reason=\"RequestEntityTooLarge\"} 1"), "{metrics}");
    assert!(metrics.contains("ingress_guard_panics_total 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_it_drains_and_exits_with_zero() {
    let serving = Serving::start(&["--manifests", "examples/cluster"]);
    assert_eq!(serving.send(recorded("delete").to_string().into_bytes()).await.0, 200);
    let (code, log) = tokio::task::spawn_blocking(|| serving.end()).await.unwrap();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("\"message\":\"drained\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_fail_because_the_certificate_has_expired_are_explained_once() {
    let authority = Authority::new();
    let mount = Mount::new(&authority.issue_until(SystemTime::now() - Duration::from_hours(1)));
    let path = |name| mount.path(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let files = ["--tls-cert", &certificate, "--tls-key", &key, "--service", "guard.platform"];
    let arguments = [&["--manifests", "tests/reviews/good.yaml"][..], &files].concat();
    let serving = Serving::start(&arguments);
    let client = Client::new(serving.webhook, authority.roots());
    for _ in 0..5 {
        assert!(client.tls("h2").await.is_err());
    }
    let failures = r#"ingress_guard_tls_handshake_failures_total{reason="refused"} 5"#;
    eventually("five failures", async || plain_get(serving.health, "/metrics").await.1.contains(failures)).await;
    let (_, log) = tokio::task::spawn_blocking(|| serving.end()).await.unwrap();
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines(r#""message":"TLS handshakes fail: certificate expired at "#), 1, "{log}");
    assert_eq!(lines("TLS handshake"), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_may_contain_the_chain_and_the_key() {
    let authority = Authority::new();
    let pair = authority.issue();
    let mount = Mount::new(&pair);
    // The order of Kubernetes' PodCertificates: the key first.
    mount.swap(&(pair.key.clone() + &pair.certificate), "");
    let bundle = mount.path("tls.crt").to_str().unwrap().to_owned();
    let serving = Serving::start(&["--manifests", "tests/reviews/good.yaml", "--tls-cert", &bundle]);
    Client::new(serving.webhook, authority.roots()).tls("h2").await.unwrap();
    let (code, log) = tokio::task::spawn_blocking(|| serving.end()).await.unwrap();
    assert_eq!(code, 0, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_of_the_certificate_are_logged_when_it_is_loaded() {
    let mount = Mount::new(&Authority::new().issue_until(SystemTime::now() + Duration::from_hours(24)));
    let path = |name| mount.path(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("tls.crt"), path("tls.key"));
    let files = ["--tls-cert", &certificate, "--tls-key", &key, "--service", "guard.platform"];
    let mut child = command(
        &[
            &["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"][..],
            &files,
            &["--manifests", "tests/reviews/good.yaml"],
        ]
        .concat(),
    )
    .stdout(Stdio::null())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut warnings = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0);
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["level"] == "WARN" {
            warnings.push(line["message"].as_str().unwrap().to_owned());
        }
        if line["message"] == "serving" {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(warnings[0], "certificate not valid for guard.platform.svc: the API server rejects it");
    assert!(warnings[1].starts_with("certificate expires at "), "{warnings:?}");
}

#[test]
fn the_version_has_the_commit_and_the_target() {
    let version = env!("CARGO_PKG_VERSION");
    let (code, output, _) = run(&["-V"]);
    assert_eq!((code, output), (0, format!("ingress-guard {version}\n")));
    let (code, output, _) = run(&["--version"]);
    // Builds without the variable INGRESS_GUARD_COMMIT, as those of tests, do not know the commit.
    let target = ingress_guard::version::TARGET;
    assert_eq!((code, output), (0, format!("ingress-guard {version} (commit unknown, {target})\n")));
}

#[test]
fn unreadable_input_ends_the_start_with_code_two_and_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yaml");
    std::fs::write(&broken, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: x}]}\n")
        .unwrap();
    let broken = broken.to_str().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, "profile: guard\nchekcs: {IG201: warn}\n").unwrap();
    let config = config.to_str().unwrap();
    for (arguments, said) in [
        (vec!["--manifests", "no/such/folder"], "no/such/folder: No such file or directory".to_owned()),
        (vec!["--manifests", empty.to_str().unwrap()], "no Kubernetes object found".to_owned()),
        (vec!["--manifests", broken], format!("{broken}:4:23: ")),
        (
            vec!["--manifests", "tests/reviews/good.yaml", "--config", config],
            format!("{config}:2:1: unknown key \"chekcs\"; did you mean \"checks\"?"),
        ),
        (vec![], "no cluster found: no usable kubeconfig, and not in a cluster; use --kubeconfig".to_owned()),
        (
            vec!["--manifests", "tests/reviews/good.yaml", "--tls-cert", "nowhere.pem", "--tls-key", "nowhere.key"],
            "nowhere".to_owned(),
        ),
        (
            vec!["--manifests", "tests/reviews/good.yaml", "--listen", "192.0.2.1:1"],
            "cannot listen on 192.0.2.1:1".to_owned(),
        ),
    ] {
        let (code, _, stderr) = run(&[&["serve", "--health-listen", "127.0.0.1:0"][..], &arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        let error =
            stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("no error: {stderr}"));
        assert!(error.contains(&said), "{error}\n  does not say {said}");
    }
    assert_eq!(run(&["serve", "--manifest", "x"]).0, 2, "an unknown flag is a mistake, too");
}

#[test]
fn explain_prints_the_page_and_checks_the_catalogue() {
    let (code, page, _) = run(&["explain", "ig202"]);
    assert_eq!(code, 0);
    assert!(page.starts_with("IG202 service-port-not-found\n\n"), "{page}");
    assert_eq!(run(&["explain", "service-port-not-found"]).1, page);
    let (code, _, stderr) = run(&["explain", "IG000"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("unknown check \"IG000\""), "{stderr}");

    let (code, catalogue, _) = run(&["checks"]);
    assert_eq!(code, 0);
    assert!(catalogue.contains("IG201  deny   service-not-found"), "{catalogue}");
    assert_eq!(catalogue.lines().count(), ingress_guard::checks::ALL.len());

    let (code, json, _) = run(&["checks", "-o", "json"]);
    assert_eq!(code, 0);
    let entries: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(entries.len(), ingress_guard::checks::ALL.len());
    let entry = entries.iter().find(|entry| entry["code"] == "IG201").unwrap();
    assert_eq!((&entry["name"], &entry["level"]), (&Value::from("service-not-found"), &Value::from("deny")));
    assert_eq!((&entry["waivable"], entry["summary"].is_string()), (&Value::from(true), true));
}

#[test]
fn flags_can_be_set_in_the_environment() {
    let complete = |value: &str| {
        let files = ["tests/data/check/shop/1-cluster.yaml", "tests/data/check/shop/2-web.yaml"];
        let mut command = command(&["check", files[0], files[1]]);
        let output = command.env("INGRESS_GUARD_COMPLETE", value).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let [on, off] = ["true", "false"].map(complete);
    assert_ne!(on, off);
    for value in ["1", "yes", "on"] {
        assert_eq!(complete(value), on, "{value}");
    }
    for value in ["0", "no", "off"] {
        assert_eq!(complete(value), off, "{value}");
    }
    assert_eq!(complete("perhaps"), (2, String::new()));
}
