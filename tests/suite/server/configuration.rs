//! The configuration file changes while the process runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ingress_guard::admission::{Rules, SharedRules};
use ingress_guard::checks;
use ingress_guard::cluster::{ConfigMapText, Rights};
use ingress_guard::config::{Config, Fixed};
use ingress_guard::finding::Level;
use ingress_guard::model::Key;
use ingress_guard::policy::Profile;
use ingress_guard::server::FollowedConfiguration;
use ingress_guard::telemetry::Metrics;
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::task::AbortOnDropHandle;

use super::client::eventually;
use crate::live::api::Api;

/// A mounted ConfigMap that a process follows.
struct Mounted {
    folder: TempDir,
    followed: Arc<FollowedConfiguration>,
    rules: SharedRules,
    metrics: Arc<Metrics>,
    rights: Rights,
    _following: AbortOnDropHandle<()>,
}

impl Mounted {
    fn start(text: &str) -> Self {
        Self::with_config_map(text, None)
    }

    fn with_config_map(text: &str, config_map: Option<ConfigMapText>) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("config.yaml");
        symlink("..data/config.yaml", &file).unwrap();
        mount(&folder, text);
        let config = Config::read(&file).unwrap();
        let engine = config.engine();
        let fixed = Fixed::of(&config, &engine);
        let rules = SharedRules::new(Rules { engine, policy: config.policy, text: "".into() });
        let metrics = Arc::new(Metrics::new());
        let text = Config::text(&file).unwrap();
        let followed = FollowedConfiguration::new(Some(file), text, fixed, rules.clone(), Arc::clone(&metrics));
        let rights = Rights::default();
        let followed = Arc::new(followed.with_config_map(config_map).with_rights(rights.clone()));
        let following = tokio::spawn(Arc::clone(&followed).follow(Duration::from_millis(20)));
        Self { folder, followed, rules, metrics, rights, _following: AbortOnDropHandle::new(following) }
    }

    fn write(&self, text: &str) {
        mount(&self.folder, text);
    }

    async fn has(&self, line: &str) {
        eventually(line, async || self.metrics.encode(&[], &[]).contains(&format!("ingress_guard_{line}\n"))).await;
    }

    fn level(&self, code: &str) -> Level {
        self.rules.load().policy.level(checks::find(code).unwrap())
    }

    fn hash(&self) -> String {
        let text = self.metrics.encode(&[], &[]);
        text.lines().find(|line| line.starts_with("ingress_guard_config_hash ")).unwrap().to_owned()
    }
}

/// Replaces the file as the kubelet does: a new folder, and `..data` renamed onto it.
fn mount(folder: &TempDir, text: &str) {
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let new = format!("..{}", Timestamp::now().as_nanosecond());
    fs::create_dir(path(&new)).unwrap();
    fs::write(path(&new).join("config.yaml"), text).unwrap();
    symlink(&new, path("..data_tmp")).unwrap();
    fs::rename(path("..data_tmp"), path("..data")).unwrap();
}

#[tokio::test]
async fn a_changed_file_applies_without_a_restart() {
    let mounted = Mounted::start("profile: guard");
    mounted.has("config_last_reload_successful 1").await;
    let hash = mounted.hash();
    assert_eq!(mounted.level("IG201"), Level::Deny);
    mounted.write("checks: {IG201: warn}");
    eventually("the new level", async || mounted.level("IG201") == Level::Warn).await;
    assert_eq!(mounted.followed.notes(), Vec::<String>::new());
    eventually("a new hash", async || mounted.hash() != hash).await;
    mounted.write("profile: guard");
    eventually("the old level", async || mounted.level("IG201") == Level::Deny).await;
    eventually("the old hash", async || mounted.hash() == hash).await;
}

#[tokio::test]
async fn a_bad_file_keeps_the_last_good_configuration() {
    let mounted = Mounted::start("checks: {IG201: warn}");
    let hash = mounted.hash();
    for (text, error) in [
        ("profile: gaurd", r#"config.yaml:1:10: unknown value "gaurd"; did you mean "guard"?"#),
        ("override: {until: 2026-01-01T00:00:00Z, profile: observe}", "reason"),
    ] {
        mounted.write(text);
        mounted.has("config_last_reload_successful 0").await;
        eventually(error, async || {
            let notes = mounted.followed.notes();
            notes.len() == 1
                && notes[0].starts_with("configuration not loaded, the last valid one applies: ")
                && notes[0].contains(error)
        })
        .await;
        assert_eq!((mounted.level("IG201"), mounted.hash()), (Level::Warn, hash.clone()));
    }
    fs::remove_file(mounted.folder.path().join("config.yaml")).unwrap();
    eventually("a missing file", async || mounted.followed.notes()[0].contains("No such file")).await;
    assert_eq!(mounted.level("IG201"), Level::Warn);
    symlink("..data/config.yaml", mounted.folder.path().join("config.yaml")).unwrap();
    mounted.write("checks: {IG201: audit}");
    mounted.has("config_last_reload_successful 1").await;
    assert_eq!((mounted.level("IG201"), mounted.followed.notes()), (Level::Audit, Vec::new()));
}

#[tokio::test]
async fn keys_that_decide_on_watches_keep_their_values_until_a_restart() {
    let mounted = Mounted::start("checks: {IG201: warn}");
    mounted.write(
        "{secrets: off, secretNamespaces: [shop], discovery: {mode: off}, checks: {IG201: audit}, dialects: [\
         {match: {class: x}, engine: nginx, configMap: ingress-nginx/controller}]}",
    );
    mounted.has("config_restart_required 1").await;
    let note = "restart to apply these parts of the configuration: secrets, secretNamespaces, discovery, dialects[].configMap \
                ingress-nginx/controller";
    assert_eq!(mounted.followed.notes(), [note]);
    assert_eq!(mounted.level("IG201"), Level::Audit, "the rest applies");
    mounted.write("checks: {IG201: audit}");
    mounted.has("config_restart_required 0").await;
    assert_eq!(mounted.followed.notes(), Vec::<String>::new());
}

#[tokio::test]
async fn kinds_that_a_check_needs_and_nothing_watches_are_named() {
    let checks = "checks: {IG201: off, IG202: off, IG203: off, IG204: off, IG205: off, IG206: off, IG208: off, \
                  IG210: off, IG211: off, IG212: off, IG213: off, IG215: off, IG604: off, IG615: off}";
    let mounted = Mounted::start(checks);
    mounted.write("");
    mounted.has("config_restart_required 1").await;
    assert!(mounted.followed.notes()[0].contains("watches of Service objects"), "{:?}", mounted.followed.notes());
}

#[tokio::test]
async fn an_override_applies_at_once_and_ends_by_itself() {
    let mounted = Mounted::start("profile: guard");
    mounted.has("override_active 0").await;
    let until = Timestamp::now().checked_add(3.seconds()).unwrap();
    let text = format!("override: {{until: '{until}', profile: observe, reason: INC-7}}");
    mounted.write(&text);
    mounted.has("override_active 1").await;
    assert!(mounted.rules.load().policy.override_at(Timestamp::now()).is_some());
    assert_eq!(mounted.rules.load().policy.profile, Profile::Guard);
    let note = format!("an override is in force: profile observe until {until} (INC-7)");
    assert_eq!(mounted.followed.notes(), [note]);
    mounted.has(&format!("override_end_timestamp_seconds {}", until.as_second())).await;
    mounted.has("override_active 0").await;
    assert!(mounted.rules.load().policy.override_at(Timestamp::now()).is_none());
    assert_eq!(mounted.followed.notes(), [format!("the override ended at {until}: remove it from the configuration")]);
}

#[tokio::test]
async fn the_checks_that_need_rights_are_those_of_the_loaded_configuration() {
    let mounted = Mounted::start("checks: {IG201: off}");
    let is_shown = || mounted.rights.blind().iter().any(|(code, _)| *code == "IG201");
    mounted.write("checks: {IG202: off}");
    eventually("the check", async || is_shown()).await;
    assert!(mounted.rights.blind().iter().all(|(code, _)| *code != "IG202"));
}

#[tokio::test]
async fn the_config_map_is_followed_before_its_volume_is_updated() {
    let api = Api::start().await;
    let put = |text: &str| {
        let metadata = json!({"namespace": "guard", "name": "config"});
        api.put("configmaps", json!({"metadata": metadata, "data": {"config.yaml": text}}));
    };
    put("profile: guard");
    let config_map = ConfigMapText::new(api.client(), Key::new("guard", "config"), "config.yaml".to_owned());
    let mounted = Mounted::with_config_map("profile: guard", Some(config_map));
    put("checks: {IG201: warn}");
    eventually("the new level", async || mounted.level("IG201") == Level::Warn).await;
    // The volume follows late: with an older text, while the ConfigMap has the same or a newer one.
    mounted.write("profile: strict");
    put("checks: {IG201: audit}");
    eventually("the newest level", async || mounted.level("IG201") == Level::Audit).await;
    mounted.write("checks: {IG201: audit}");
    api.break_gets("configmaps", 500);
    let note = "the ConfigMap of the configuration cannot be read, changes apply when its volume is updated: ";
    eventually(note, async || mounted.followed.notes().iter().any(|line| line.starts_with(note))).await;
    assert_eq!(mounted.level("IG201"), Level::Audit);
    mounted.write("checks: {IG201: off}");
    eventually("the level of the file", async || mounted.level("IG201") == Level::Off).await;
    assert_eq!(mounted.rules.load().policy.profile, Profile::Guard);
}
