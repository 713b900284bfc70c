//! The controllers of a cluster: each IngressClass with its controller, version and settings, and the source of each value.

use std::fmt::Write as _;

use serde::Serialize;

use crate::cluster::ClusterView;
use crate::finding::one_line;
use crate::model::IngressClass;
use crate::routing::{ClassRules, ControllerFamily, Controllers, DescribedSetting, Dialect, Dialects};

/// The version of the JSON format.
const SCHEMA_VERSION: u32 = 1;

/// The controllers of a cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControllersReport {
    /// The version of this format.
    pub schema_version: u32,
    /// The IngressClasses in the order of their names.
    pub classes: Vec<ClassEntry>,
    /// The workloads outside the namespaces of discovery, which look like controllers and do not count.
    pub ignored: Vec<String>,
}

/// One IngressClass.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassEntry {
    /// The name.
    pub class: String,
    /// `spec.controller`
    pub controller: String,
    /// The rules that apply: `nginx`, `traefik` or `neutral`; `None`: unknown.
    pub engine: Option<&'static str>,
    /// The version of the controller; `None`: unknown.
    pub version: Option<String>,
    /// The settings, each with its source; empty where the rules of ingress-nginx do not apply.
    pub settings: Vec<SettingEntry>,
    /// Contradictions, and the line to configure where the controller is not known.
    pub notes: Vec<String>,
}

/// One setting.
#[derive(Debug, Serialize)]
pub struct SettingEntry {
    /// The name of the flag or key.
    pub name: &'static str,
    /// The value; `None`: unknown.
    pub value: Option<String>,
    /// The source.
    pub source: String,
}

impl ControllersReport {
    /// Describes the controllers of a cluster.
    #[must_use]
    pub fn of(view: &ClusterView<'_>, classes: &ClassRules, dialects: &Dialects) -> Self {
        let observed = dialects.with_observed_settings(view);
        let controllers = Controllers::new(view, classes, &observed);
        let entry = |class: &IngressClass| {
            let (name, controller) = (&*class.meta.key.name, &*class.controller);
            // No namespace in particular: the first controller of the class.
            let dialect = observed.of_class(name, controller, "");
            let unsettled = controllers.unsettled_class(class);
            let mut notes: Vec<String> = unsettled.map(|unsettled| unsettled.help()).into_iter().collect();
            notes.extend(contradictions(class, dialect));
            let settings = if dialect.family.reads_nginx_annotations() {
                dialect.described(dialects.of_class(name, controller, ""))
            } else {
                Vec::new()
            };
            let version = settings.iter().find(|row| row.name == "version").and_then(|row| row.value.clone());
            let engine = match dialect.family {
                ControllerFamily::Nginx => Some("nginx"),
                ControllerFamily::Traefik => Some("traefik"),
                ControllerFamily::Neutral => unsettled.is_none().then_some("neutral"),
            };
            let settings = settings.into_iter().map(SettingEntry::from).collect();
            ClassEntry { class: name.to_owned(), controller: controller.to_owned(), engine, version, settings, notes }
        };
        let mut classes: Vec<ClassEntry> = view.classes().map(entry).collect();
        classes.sort_by(|a, b| a.class.cmp(&b.class));
        let ignored = dialects.discovery.find(view).ignored;
        let ignored = ignored.into_iter().map(|(kind, key)| format!("{kind} {key}")).collect();
        Self { schema_version: SCHEMA_VERSION, classes, ignored }
    }

    /// Returns the report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for entry in &self.classes {
            let ClassEntry { class, controller, engine, version, settings, notes } = entry;
            let version = version.as_deref().unwrap_or("version unknown");
            let of = match engine {
                Some("neutral") => "rules of Kubernetes".to_owned(),
                Some(engine) => format!("{engine}, {version}"),
                None => "unknown controller".to_owned(),
            };
            let _ = writeln!(text, "IngressClass {}: {} ({of})", one_line(class), one_line(controller));
            let shown = |entry: &SettingEntry| one_line(entry.value.as_deref().unwrap_or("unknown"));
            let names = settings.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
            let values = settings.iter().map(|entry| shown(entry).chars().count()).max().unwrap_or_default();
            for entry in settings {
                let (name, value, source) = (entry.name, shown(entry), one_line(&entry.source));
                let _ = writeln!(text, "  {name:<names$}  {value:<values$}  {source}");
            }
            for note in notes {
                let _ = writeln!(text, "  note: {}", one_line(note));
            }
        }
        if self.classes.is_empty() {
            text.push_str("no IngressClass found\n");
        }
        for ignored in &self.ignored {
            let _ = writeln!(text, "ignored: {} is not in a namespace of discovery", one_line(ignored));
        }
        text
    }
}

/// Returns what contradicts itself between the class and the running controllers.
fn contradictions(class: &IngressClass, dialect: &Dialect) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(label), Some(version)) = (&class.version_label, dialect.version)
        && label.trim_start_matches('v') != version.to_string()
    {
        notes.push(format!(
            "label app.kubernetes.io/version of the IngressClass is {label}, the controller has version {version}: the label is not used"
        ));
    }
    if dialect.settings_disagree {
        notes.push("the running controllers differ in a setting, or a flag cannot be read: it is unknown".to_owned());
    }
    notes
}

impl From<DescribedSetting> for SettingEntry {
    fn from(DescribedSetting { name, value, source }: DescribedSetting) -> Self {
        Self { name, value, source }
    }
}
