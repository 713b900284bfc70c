//! The page is the test: every YAML block of every check's page runs through that one check, and the `text` block after
//! it is the exact output. No `text` block: nothing is found. `UPDATE_PAGES=1` (`make bless`) writes the outputs anew.
//!
//! A `yaml config` block configures what follows it. In a Secret, `certificate(HOST, HOST; FROM..UNTIL; NAME)` and
//! `key(NAME)` stand for PEM text, so that pages stay readable; `chain(…)` is a certificate with another one after it.

pub(crate) mod fixtures;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use ingress_guard::checks::{self, Check, Context};
use ingress_guard::cluster::{ClusterState, ClusterView, Inventory, LiveReads, Lookup, load_text};
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::model::{Ingress, Kinds};
use ingress_guard::policy::Circumstances;
use ingress_guard::routing::{Controller, Routes};
use jiff::Timestamp;

/// The day on which every page is judged.
pub(crate) const NOW: &str = "2026-11-22T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// An inventory on that day, with nothing read live beside it.
pub(crate) fn known(store: &Inventory) -> ClusterState<'_> {
    static NOTHING: LazyLock<LiveReads> = LazyLock::new(LiveReads::default);
    ClusterState { store, live_reads: &NOTHING, now: now() }
}

/// A write on that day by nobody in particular.
pub(crate) fn circumstances(ingress: &Ingress, dry_run: bool) -> Circumstances<'_> {
    Circumstances {
        ingress,
        namespace_labels: Lookup::Absent,
        dry_run,
        user: "",
        groups: &[],
        held: None,
        confirmed: None,
        out_of_time: false,
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

/// The manifests of each world of a page with the configuration that holds for it.
pub(crate) fn sources(page: &str) -> Vec<(Config, String)> {
    let mut config = String::new();
    let mut sources = Vec::new();
    for part in parse(page) {
        let Part::Fence(block) = part else { continue };
        match block.info.as_str() {
            "yaml config" => config = block.text,
            "yaml" => {
                let parsed = Config::parse("page", &config).unwrap_or_else(|error| panic!("{error}"));
                sources.push((parsed, fixtures::expand(&block.text)));
            }
            _ => {}
        }
    }
    sources
}

/// What these manifests hold, as far as the configuration lets us look.
pub(crate) fn inventory(config: &Config, manifests: &str) -> Inventory {
    let mut inventory = load_text("page", manifests).unwrap_or_else(|error| panic!("{error}\n{manifests}"));
    config.restrict(&mut inventory);
    inventory
}

/// The worlds of a page, each with the configuration that holds for it.
pub(crate) fn worlds(page: &str) -> Vec<(Config, Inventory, Vec<Ingress>)> {
    let view = |(config, manifests): (Config, String)| {
        let inventory = inventory(&config, &manifests);
        let mut ingresses: Vec<Ingress> = inventory.ingresses().cloned().collect();
        ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
        (config, inventory, ingresses)
    };
    sources(page).into_iter().map(view).collect()
}

/// What one check says of a world, a line for each finding. What the engine and the policy say of themselves needs all
/// the checks.
fn judge(check: &'static Check, config: &Config, inventory: &Inventory, ingresses: &[Ingress]) -> String {
    let engine = match check.code {
        "IG901" | "IG902" | "IG903" => config.engine(),
        _ => Engine::new(vec![check], config.settings.clone()),
    };
    let mut output = String::new();
    for ingress in ingresses {
        let namespace = inventory.namespace(&ingress.meta.key.namespace);
        let namespace_labels = namespace.map_or(Lookup::Absent, |namespace| Lookup::Found(&namespace.labels));
        let circumstances = Circumstances { namespace_labels, ..circumstances(ingress, false) };
        let verdict = config.policy.judge(engine.run(ingress, known(inventory), None).findings, &circumstances);
        for ruling in verdict.rulings.iter().filter(|ruling| ruling.finding.code == check.code) {
            let _ = writeln!(output, "{}[{}] {} {}", ruling.level, check.code, ingress.meta.key, ruling.finding);
        }
    }
    output
}

fn page_path(check: &Check) -> PathBuf {
    let name = format!("{}.md", check.name.replace('-', "_"));
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/checks")).unwrap();
    let found = folders.map(|folder| folder.unwrap().path().join(&name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is in no folder of src/checks"))
}

#[test]
fn every_page_says_what_its_check_says() {
    let mut stale = Vec::new();
    for check in checks::ALL {
        let path = page_path(check);
        let page = std::fs::read_to_string(&path).unwrap();
        let mut worlds = worlds(&page).into_iter();
        let mut blessed = Vec::new();
        let mut parts = parse(&page).into_iter().peekable();
        while let Some(part) = parts.next() {
            let is_world = matches!(&part, Part::Fence(block) if block.info == "yaml");
            blessed.push(part);
            if !is_world {
                continue;
            }
            let (config, inventory, ingresses) = worlds.next().unwrap();
            assert!(!ingresses.is_empty(), "{}: a block without an Ingress", path.display());
            let text = judge(check, &config, &inventory, &ingresses);
            // The output stands right after its world, a blank line between them.
            let gap = parts.next_if(|part| matches!(part, Part::Prose(prose) if prose.trim().is_empty()));
            let had = parts.next_if(|part| matches!(part, Part::Fence(block) if block.info == "text"));
            if !text.is_empty() {
                blessed.push(Part::Prose("\n".to_owned()));
                blessed.push(Part::Fence(Block { info: "text".to_owned(), text }));
            } else if had.is_none() {
                blessed.extend(gap);
            }
        }
        let blessed = write(&blessed);
        if blessed != page {
            if std::env::var_os("UPDATE_PAGES").is_some() {
                std::fs::write(&path, blessed).unwrap();
            } else {
                stale.push(format!("--- {}\n{blessed}", path.display()));
            }
        }
    }
    assert!(stale.is_empty(), "pages that differ from what their checks say (make bless):\n{}", stale.join("\n"));
}

#[test]
fn checks_read_what_they_declare_and_nothing_else() {
    for check in checks::ALL {
        let mut asked = Kinds::NONE;
        for (config, inventory, ingresses) in worlds(check.page) {
            for ingress in &ingresses {
                let every_kind = Kinds::of(&ingress_guard::model::Kind::ALL);
                let free = ClusterView::new(known(&inventory), &ingress.meta.key, every_kind, Kinds::NONE);
                let controller = Controller::of(ingress, &free, &config.settings.classes, &config.settings.dialects);
                let view = ClusterView::new(known(&inventory), &ingress.meta.key, check.needs, check.hints);
                let mut found = checks::Findings::new(check.code);
                let routes =
                    Routes::of(Some(ingress), &free, &config.settings.classes, &config.settings.dialects, controller);
                (check.run)(&Context::new(ingress, &view, &config.settings, controller, &routes), &mut found);
                asked = asked | view.asked();
            }
        }
        let declared = check.needs | check.hints;
        assert_eq!(
            asked, declared,
            "{}: either it declares the wrong kinds, or its page does not make it ask for all of them",
            check.code
        );
    }
}
