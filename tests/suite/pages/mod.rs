//! Check pages are tests. Every `yaml` block from `## Reported` on is an example: it runs through the check of its page, and
//! the `text` block after it is the exact output. Without a `text` block the check reports nothing. `UPDATE_PAGES=1`
//! (`make bless`) writes the outputs and the facts line.
//!
//! A `yaml shared` block holds objects that every example of the page gets, unless the example defines the object itself or
//! is marked `yaml alone`. On the pages of `IG8xx`, a `yaml update` or `yaml delete` block after an example holds the object that is
//! written, and the example holds what is stored. A `yaml config` block configures the examples after it. In a Secret,
//! `certificate(HOST, HOST; FROM..UNTIL; NAME)` and `key(NAME)` are replaced by PEM text; `chain(…)` is a certificate followed
//! by another one.

pub(crate) mod fixtures;
mod form;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use ingress_guard::budget::Allowance;
use ingress_guard::checks::{self, Check, Context};
use ingress_guard::cluster::{ClusterState, ClusterView, Inventory, LiveReads, Lookup, load_text};
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::impact::{Impact, Write};
use ingress_guard::model::{Ingress, Kinds};
use ingress_guard::policy::Circumstances;
use ingress_guard::routing::{Controllers, Routes};
use jiff::Timestamp;
use serde_json::Value;

/// The date at which every page is evaluated.
pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// Returns the inventory with that date, without live reads.
pub(crate) fn known(store: &Inventory) -> ClusterState<'_> {
    static NOTHING: LazyLock<LiveReads> = LazyLock::new(LiveReads::default);
    ClusterState { store, live_reads: &NOTHING, now: now() }
}

/// Returns a write at that date by an ordinary user.
pub(crate) fn circumstances(ingress: &Ingress, dry_run: bool) -> Circumstances<'_> {
    Circumstances {
        is_sample: false,
        ingress,
        namespace_labels: Lookup::Absent,
        creates: false,
        dry_run,
        field_manager: "",
        user: "",
        groups: &[],
        preexisting: None,
        confirmed: None,
        now: now(),
    }
}

/// One fenced block.
pub(crate) struct Block {
    pub(crate) info: String,
    pub(crate) text: String,
}

/// A page as alternating prose and blocks.
pub(crate) enum Part {
    Prose(String),
    Fence(Block),
}

pub(crate) fn parse(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut prose = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        match line.strip_prefix("```") {
            None => {
                prose.push_str(line);
                prose.push('\n');
            }
            Some(info) => {
                parts.push(Part::Prose(std::mem::take(&mut prose)));
                let text =
                    lines.by_ref().take_while(|line| *line != "```").fold(String::new(), |all, line| all + line + "\n");
                parts.push(Part::Fence(Block { info: info.to_owned(), text }));
            }
        }
    }
    parts.push(Part::Prose(prose));
    parts
}

pub(crate) fn write(parts: &[Part]) -> String {
    let mut page = String::new();
    for part in parts {
        match part {
            Part::Prose(prose) => page.push_str(prose),
            Part::Fence(block) => {
                let _ = write!(page, "```{}\n{}```\n", block.info, block.text);
            }
        }
    }
    page
}

/// Returns the documents of a block.
fn documents(block: &str) -> Vec<&str> {
    block.split("---\n").collect()
}

/// Identifies an object by kind, namespace and name.
fn identity(document: &str) -> [Value; 3] {
    let object: Value = serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{error}\n{document}"));
    [&object["kind"], &object["metadata"]["namespace"], &object["metadata"]["name"]].map(Value::clone)
}

/// Puts the shared objects before an example, except those that the example defines itself.
fn with_shared(shared: &[&str], example: &str) -> String {
    let own: Vec<_> = documents(example).into_iter().map(identity).collect();
    let shared = shared.iter().copied().filter(|document| !own.contains(&identity(document)));
    shared.chain([example]).collect::<Vec<_>>().join("---\n")
}

/// The part of a page from `## Reported` on, which holds the examples; the whole page if it has no such heading.
fn reported(page: &str) -> &str {
    page.find("\n## Reported\n").map_or(page, |start| &page[start..])
}

/// Returns the manifests of each example of a page with the configuration for it.
pub(crate) fn sources(page: &str) -> Vec<(Config, String)> {
    let parsed = |config: &str| Config::parse("page", config).unwrap_or_else(|error| panic!("{error}"));
    texts(page).into_iter().map(|(config, manifests)| (parsed(&config), manifests)).collect()
}

/// Returns the manifests of each example of a page with the text of the configuration for it.
pub(crate) fn texts(page: &str) -> Vec<(String, String)> {
    let (mut config, mut shared) = (String::new(), String::new());
    let mut sources = Vec::new();
    for part in parse(reported(page)) {
        let Part::Fence(block) = part else { continue };
        let manifests = match block.info.as_str() {
            "yaml config" => {
                config = block.text;
                continue;
            }
            "yaml shared" => {
                shared = block.text;
                continue;
            }
            "yaml" if !shared.is_empty() => with_shared(&documents(&shared), &block.text),
            "yaml" | "yaml alone" => block.text,
            _ => continue,
        };
        sources.push((config.clone(), fixtures::expand(&manifests)));
    }
    sources
}

/// Returns an inventory of these manifests, as far as the configuration allows it to be read.
pub(crate) fn inventory(config: &Config, manifests: &str) -> Inventory {
    let mut inventory = load_text("page", manifests).unwrap_or_else(|error| panic!("{error}\n{manifests}"));
    config.restrict(&mut inventory);
    inventory
}

/// Returns the examples of a page, each with its configuration.
pub(crate) fn examples(page: &str) -> Vec<(Config, Inventory, Vec<Ingress>)> {
    let view = |(config, manifests): (Config, String)| {
        let inventory = inventory(&config, &manifests);
        let mut ingresses: Vec<Ingress> = inventory.ingresses().cloned().collect();
        ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        (config, inventory, ingresses)
    };
    sources(page).into_iter().map(view).collect()
}

/// Returns the findings of one check in an example, one per line, and whether one of them has a fix. The checks of IG9xx
/// report on other checks and therefore run with all of them.
fn run_check(check: &'static Check, config: &Config, inventory: &Inventory, ingresses: &[Ingress]) -> (String, bool) {
    let engine = match check.code {
        "IG901" | "IG902" | "IG903" | "IG904" => config.engine(),
        _ => Engine::new(vec![check], config.settings.clone(), &config.policy),
    };
    let (mut output, mut has_fix) = (String::new(), false);
    for ingress in ingresses {
        let namespace = inventory.namespace(&ingress.meta.key.namespace);
        let namespace_labels = namespace.map_or(Lookup::Absent, |namespace| Lookup::Found(&namespace.labels));
        let circumstances = Circumstances { namespace_labels, ..circumstances(ingress, false) };
        let verdict =
            config.policy.decide(engine.run(ingress, known(inventory), &Allowance::full()).findings, &circumstances);
        for decision in verdict.distinct().filter(|decision| decision.finding.code == check.code) {
            let _ = writeln!(output, "{}[{}] {} {}", decision.level, check.code, ingress.meta.key, decision.finding);
            has_fix |= decision.finding.fix.is_some();
        }
    }
    (output, has_fix)
}

/// The blocks with a write of another object.
const WRITES: [&str; 2] = ["yaml delete", "yaml update"];

/// Returns the write of a block. The stored object is in the inventory.
fn write_of(block: &Block, inventory: &Inventory) -> Write {
    let object: Value = serde_saphyr::from_str(&block.text).unwrap();
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let is_update = block.info == "yaml update";
    match &*text("/kind") {
        "Service" => {
            let stored = inventory.service(&namespace, &name).expect("a stored Service").clone();
            Write::Service { stored, replacement: is_update.then(|| serde_json::from_value(object).unwrap()) }
        }
        "IngressClass" if !is_update => Write::ClassDeletion(serde_json::from_value(object).unwrap()),
        "ConfigMap" if is_update => Write::ConfigMap(serde_json::from_value(object).unwrap()),
        kind => panic!("{}: no write of {kind}", block.info),
    }
}

/// Returns what stored Ingresses lose by a write, as the API server prints it.
fn impact(config: &Config, inventory: &Inventory, block: &Block) -> String {
    let impact = Impact::of(&write_of(block, inventory), &config.engine(), known(inventory), &Allowance::full());
    impact.findings.iter().fold(String::new(), |mut output, finding| {
        let check = checks::find(finding.code).unwrap();
        let level = config.policy.level(check);
        let _ = writeln!(output, "{level}[{}] {}", finding.code, finding.shared_warning.as_deref().unwrap_or_default());
        output
    })
}

fn page_path(check: &Check) -> PathBuf {
    let name = format!("{}.md", check.name.replace('-', "_"));
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks")).unwrap();
    let found = folders.map(|folder| folder.unwrap().path().join(&name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is in no folder of src/checks"))
}

/// Returns the page with the facts and outputs of its check.
fn blessed(check: &'static Check, page: &str) -> String {
    let mut examples = examples(page).into_iter();
    let mut blessed = Vec::new();
    let mut any_fix = false;
    let front = page.len() - reported(page).len();
    let mut parts = parse(&page[front..]).into_iter().peekable();
    while let Some(part) = parts.next() {
        let is_example = matches!(&part, Part::Fence(block) if matches!(block.info.as_str(), "yaml" | "yaml alone"));
        blessed.push(part);
        if !is_example {
            continue;
        }
        let (config, inventory, ingresses) = examples.next().unwrap();
        assert!(!ingresses.is_empty(), "{}: an example without an Ingress", check.code);
        let (text, has_fix) = if check.is_of_other_writes() {
            blessed.push(parts.next().unwrap());
            let Some(Part::Fence(block)) = parts.next() else { panic!("{}: no write after an example", check.code) };
            assert!(WRITES.contains(&&*block.info), "{}: no write after an example", check.code);
            let text = impact(&config, &inventory, &block);
            blessed.push(Part::Fence(block));
            (text, false)
        } else {
            run_check(check, &config, &inventory, &ingresses)
        };
        any_fix |= has_fix;
        // The output follows its example after a blank line.
        let gap = parts.next_if(|part| matches!(part, Part::Prose(prose) if prose.trim().is_empty()));
        let had = parts.next_if(|part| matches!(part, Part::Fence(block) if block.info == "text"));
        if !text.is_empty() {
            blessed.push(Part::Prose("\n".to_owned()));
            blessed.push(Part::Fence(Block { info: "text".to_owned(), text }));
        } else if had.is_none() {
            blessed.extend(gap);
        }
    }
    form::with_facts(&page[..front], &check.facts(any_fix)) + &write(&blessed)
}

#[test]
fn every_page_shows_the_output_of_its_check() {
    let mut stale = Vec::new();
    for check in checks::ALL {
        let path = page_path(check);
        let page = std::fs::read_to_string(&path).unwrap();
        let blessed = blessed(check, &page);
        if blessed != page {
            if std::env::var_os("UPDATE_PAGES").is_some() {
                std::fs::write(&path, blessed).unwrap();
            } else {
                stale.push(format!("--- {}\n{blessed}", path.display()));
            }
        }
    }
    assert!(stale.is_empty(), "pages with outdated output (make bless):\n{}", stale.join("\n"));
}

#[test]
fn an_example_gets_the_shared_objects_that_it_does_not_define() {
    let [class, service] = ["kind: IngressClass\nmetadata: {name: nginx}\n", "kind: Service\nmetadata: {name: web}\n"];
    let own = "kind: Service\nmetadata: {name: web}\nspec: {}\n";
    assert_eq!(with_shared(&[class, service], own), format!("{class}---\n{own}"));
    let other = "kind: Service\nmetadata: {name: web, namespace: shop}\n";
    assert_eq!(with_shared(&[class, service], other), format!("{class}---\n{service}---\n{other}"));
}

#[test]
fn checks_read_only_what_they_declare() {
    for check in checks::ALL {
        let mut read = Kinds::NONE;
        for (config, inventory, ingresses) in examples(check.page) {
            for ingress in &ingresses {
                let every_kind = Kinds::of(&ingress_guard::model::Kind::ALL);
                let free = ClusterView::new(known(&inventory), &ingress.meta.key, every_kind, Kinds::NONE);
                let controllers = Controllers::new(&free, &config.settings.classes, &config.settings.dialects);
                let view = ClusterView::new(known(&inventory), &ingress.meta.key, check.needs, check.hints);
                let routes = Routes::of(controllers, controllers.of(ingress), Some(ingress));
                let mut found = checks::Findings::new(check.code, routes.budget());
                (check.run)(
                    &Context::new(ingress, &view, &config.settings, &routes, &checks::Memo::default()),
                    &mut found,
                );
                read = read | view.asked();
            }
        }
        let declared = check.needs | check.hints;
        assert_eq!(
            read, declared,
            "{}: either it declares the wrong kinds, or its page does not make it ask for all of them",
            check.code
        );
    }
}
