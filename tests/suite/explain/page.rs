//! `docs/explain.md`: after each cluster, commands and their exact output. `UPDATE_PAGES=1` rewrites the outputs.

use std::fmt::Write as _;
use std::path::Path;

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{LiveReads, Snapshot};
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestUrl, Style, explain_ingress, explain_url};

use crate::pages::{self, Part};

/// The output of a command over a cluster, with its exit code.
fn output(command: &str, snapshot: &Snapshot) -> String {
    let words: Vec<&str> = command.split_whitespace().skip(3).collect();
    let settings = Config::default().settings;
    let (text, code) = match *words {
        [url, "--class", class] => {
            let explanation =
                explain_url(&RequestUrl::read(url).unwrap(), snapshot.state(), &settings, Some(class)).unwrap();
            (explanation.text(Style::Plain), explanation.exit_code())
        }
        [key] if !key.contains('.') => {
            let (namespace, name) = key.split_once('/').unwrap();
            let ingress = snapshot.inventory.ingress(namespace, name).unwrap();
            let config = Config::default();
            let analysis = analyze(ingress, snapshot.state(), &config.engine(), &config.policy);
            let explanation = explain_ingress(&analysis, snapshot.state(), &settings);
            (explanation.text(Style::Plain), explanation.exit_code())
        }
        [url] => {
            let explanation = explain_url(&RequestUrl::read(url).unwrap(), snapshot.state(), &settings, None).unwrap();
            (explanation.text(Style::Plain), explanation.exit_code())
        }
        _ => panic!("what is this? {command}"),
    };
    let mut all = format!("{command}\n{text}");
    if code != 0 {
        let _ = writeln!(all, "(exit code {code})");
    }
    all
}

#[test]
fn the_page_shows_the_output_of_explain() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/explain.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut parts = pages::parse(&page);
    let mut snapshot = None;
    let mut commands = 0;
    for part in &mut parts {
        let Part::Fence(block) = part else { continue };
        match block.info.as_str() {
            "yaml" => {
                let inventory = pages::inventory(&Config::default(), &pages::fixtures::expand(&block.text));
                snapshot = Some(Snapshot { inventory, live_reads: LiveReads::default(), taken: pages::now() });
            }
            "text" => {
                let command = block.text.lines().next().unwrap();
                block.text = output(command, snapshot.as_ref().unwrap());
                commands += 1;
            }
            other => panic!("a block of {other:?}"),
        }
    }
    assert!(commands > 20, "{commands} commands are too few");
    let written = pages::write(&parts);
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, written).unwrap();
    } else {
        assert_eq!(page, written, "docs/explain.md is not what explain prints: make bless");
    }
}
