//! The cluster and the configuration that targets evaluate against.

use std::sync::LazyLock;

use ingress_guard::checks::CHECK_FAILED;
use ingress_guard::cluster::{ClusterState, Coverage, Inventory, LiveReads, load_text};
use ingress_guard::config::Config;
use ingress_guard::finding::is_invisible;
use ingress_guard::model::Kind;
use jiff::Timestamp;

const MANIFESTS: [&str; 4] = [
    include_str!("../../examples/cluster/0-namespaces.yaml"),
    include_str!("../../examples/cluster/1-class.yaml"),
    include_str!("../../examples/cluster/blog.yaml"),
    include_str!("../../examples/audit.yaml"),
];

const CONFIG: &str = "profile: strict
dialects:
- match: {class: nginx}
  engine: nginx
hostOwnership:
- {hosts: ['*.example.com'], namespaces: [shop, default]}
";

static LIVE_READS: LazyLock<LiveReads> = LazyLock::new(LiveReads::default);

/// Every check, as strict as possible.
pub(super) static STRICT: LazyLock<Config> =
    LazyLock::new(|| Config::parse("config", CONFIG).unwrap_or_else(|error| panic!("{error}")));

/// A small cluster, of which everything is known.
pub(super) static CLUSTER: LazyLock<Inventory> = LazyLock::new(|| {
    let mut cluster = load_text("cluster", &MANIFESTS.join("\n---\n")).unwrap_or_else(|error| panic!("{error}"));
    known(&mut cluster);
    cluster
});

/// Declares that an inventory has every object.
pub(super) fn known(inventory: &mut Inventory) {
    for kind in Kind::ALL {
        inventory.cover(kind, Coverage::Complete);
    }
}

/// The date of every evaluation.
pub(super) fn now() -> Timestamp {
    Timestamp::constant(1_795_348_800, 0)
}

pub(super) fn state(store: &Inventory) -> ClusterState<'_> {
    ClusterState { store, live_reads: &LIVE_READS, now: now() }
}

/// Asserts that no check has panicked: the engine turns a panic into IG901.
pub(super) fn assert_evaluated(codes: impl IntoIterator<Item = &'static str>) {
    assert!(codes.into_iter().all(|code| code != CHECK_FAILED.code), "a check has panicked");
}

/// Asserts that a text is safe on a terminal: its lines are the only thing that is not visible.
pub(super) fn assert_visible(text: &str) {
    let unseen = text.lines().find(|line| line.contains(is_invisible));
    assert!(unseen.is_none(), "a character is not visible: {unseen:?}");
}
