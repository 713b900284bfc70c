//! `ingress-guard audit`: the command, the route map, and the page in a browser.

mod browser;
mod command;
mod map;
mod page;

use std::path::Path;
use std::sync::LazyLock;

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{ClusterView, Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::Ingress;
use ingress_guard::report::{Page, Provenance, Report, html};
use ingress_guard::routing::{Controllers, RouteMap};

use crate::pages::{fixtures, known};

/// The cluster that most of these tests look at, with certificates in the place of their notation.
static WORLD: LazyLock<String> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audit/world.yaml");
    fixtures::expand(&std::fs::read_to_string(path).unwrap())
});

/// The report about a cluster, and the route map as `show` renders it.
fn audited<T>(yaml: &str, show: impl FnOnce(&Report, &RouteMap<'_>) -> T) -> T {
    let inventory: Inventory = load_text("cluster", yaml).unwrap();
    let config = Config::default();
    let engine = config.engine();
    let mut ingresses: Vec<&Ingress> = inventory.ingresses().collect();
    ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    let mut report = Report::default();
    for ingress in ingresses {
        report.add(analyze(ingress, known(&inventory), &engine, &config.policy), Provenance::default(), |_| None);
    }
    let view = ClusterView::unrestricted(known(&inventory));
    let map = RouteMap::of(Controllers::new(&view, &config.settings.classes, &config.settings.dialects));
    show(&report, &map)
}

/// The page about a cluster.
fn page_of(yaml: &str) -> String {
    refreshed_page_of(yaml, None)
}

/// The page about a cluster, which is loaded again after this number of seconds.
fn refreshed_page_of(yaml: &str, refresh: Option<u64>) -> String {
    audited(yaml, |report, map| {
        let made = crate::pages::now();
        html(report, &Page { map, made, source: "tests/data", what_if: None, expiry_warning_days: 14, refresh })
    })
}
