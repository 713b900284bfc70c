//! The files of a run: their objects as cluster state, and the way back from an Ingress to its place in a file.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use super::options::{Arguments, Assumed, is_stdin};
use super::places::Places;
use crate::cli::cluster_source::{Listed, Loaded};
use crate::cluster::{
    ClusterState, Coverage, Inventory, LiveRead, LiveReads, Manifest, ManifestError, ManifestFile, Manifests, Object,
    Origin, ReadFailure, ReadOptions, Snapshot,
};
use crate::config::Config;
use crate::document::Lines;
use crate::model::{Ingress, Key, Kind};
use crate::report::{Diagnostic, Severity};

/// The most bytes of one file: a rendered chart has a few MB.
pub(super) const LARGEST: u64 = 64 << 20;

/// The files, evaluated together.
pub(super) struct Input {
    /// The objects of the files, overlaid on the base if there is one.
    snapshot: Snapshot,
    /// The base without the files.
    pub(super) before: Option<Loaded>,
    pub(super) manifests: Manifests,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The position of each Ingress; its last definition counts, as with `kubectl apply`.
    origins: HashMap<Key, Origin>,
    /// The Ingresses in the order of the files.
    order: Vec<Key>,
}

impl Input {
    /// Reads the files and overlays them on `base`.
    pub(super) fn load(arguments: &Arguments, config: &Config, base: Option<Listed>) -> anyhow::Result<Self> {
        let now = Timestamp::now();
        let mut manifests = read(arguments);
        let mut diagnostics: Vec<Diagnostic> = manifests.faults.iter().map(diagnostic).collect();
        let mut origins: HashMap<Key, Origin> = HashMap::new();
        let (mut order, mut objects) = (Vec::new(), Vec::new());
        let mut duplicates = Duplicates::default();
        for Manifest { object, origin } in std::mem::take(&mut manifests.objects) {
            if object.kind() == Kind::Ingress && origins.insert(object.key(), origin.clone()).is_none() {
                order.push(object.key());
            }
            duplicates.add(&object, origin);
            objects.push(object);
        }
        diagnostics.extend(duplicates.diagnostics(&manifests.files));
        let (mut snapshot, before) = match base {
            Some(base) => overlaid(base, objects, now)?,
            None => (alone(objects, now, arguments.complete), None),
        };
        assume(&mut snapshot, &arguments.assume_exists);
        config.restrict(&mut snapshot.inventory);
        if order.is_empty() && diagnostics.is_empty() {
            diagnostics.push(no_ingress(&arguments.paths));
        }
        Ok(Self { snapshot, before, manifests, diagnostics, origins, order })
    }

    /// The cluster state with the files.
    pub(super) fn state(&self) -> ClusterState<'_> {
        self.snapshot.state()
    }

    pub(super) fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.order.iter().filter_map(|key| self.snapshot.inventory.ingress(&key.namespace, &key.name))
    }

    pub(super) fn origin(&self, key: &Key) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// The places of an Ingress; `last` are those of the previous one.
    pub(super) fn places<'a>(
        &'a self,
        key: &Key,
        lines: &'a [Lines<'a>],
        last: Option<&Places<'a>>,
    ) -> Option<Places<'a>> {
        let origin = self.origins.get(key)?;
        let file = &self.manifests.files[origin.file];
        Some(Places::new(file.path.display().to_string(), &file.text, &lines[origin.file], origin, last))
    }

    /// The lines of each file.
    pub(super) fn lines(&self) -> Vec<Lines<'_>> {
        lines(&self.manifests.files)
    }
}

fn read(arguments: &Arguments) -> Manifests {
    let options = ReadOptions { namespace: &arguments.namespace, largest: LARGEST };
    let (stdin, paths): (Vec<_>, Vec<_>) = arguments.paths.iter().cloned().partition(|path| is_stdin(path));
    let mut manifests = Manifests::read(&paths, options);
    if !stdin.is_empty() {
        manifests.read_stream("-", io::stdin().lock(), options);
    }
    manifests
}

fn lines(files: &[ManifestFile]) -> Vec<Lines<'_>> {
    files.iter().map(|file| Lines::of(&file.text)).collect()
}

/// The files overlaid on a cluster, and the cluster without them.
fn overlaid(mut base: Listed, objects: Vec<Object>, now: Timestamp) -> anyhow::Result<(Snapshot, Option<Loaded>)> {
    let before = base.inventory().clone();
    base.overlay(objects.iter().cloned(), now);
    let Loaded { snapshot, source, namespace } = base.fetch_referenced()?;
    let Snapshot { inventory, mut live_reads, taken } = snapshot;
    let before = Snapshot { inventory: before, live_reads: live_reads.clone(), taken };
    let is_off = |object: &Object| inventory.coverage(object.kind()) == Coverage::Disabled;
    live_reads.overlay(objects.into_iter().filter(|object| !is_off(object)));
    Ok((Snapshot { inventory, live_reads, taken }, Some(Loaded { snapshot: before, source, namespace })))
}

/// The files without a cluster. Objects outside them are unknown, unless they are `complete`.
fn alone(objects: Vec<Object>, now: Timestamp, complete: bool) -> Snapshot {
    let mut inventory = Inventory::default();
    for object in objects {
        inventory.apply(object);
    }
    let has_workload = Kind::WORKLOADS.iter().any(|kind| inventory.count(*kind) > 0);
    for kind in Kind::ALL {
        let is_complete = complete
            && match kind {
                Kind::Service | Kind::Ingress => true,
                Kind::IngressClass | Kind::Secret => inventory.count(kind) > 0,
                // Pods that no workload creates are in files as well.
                kind if Kind::WORKLOADS.contains(&kind) || kind == Kind::Pod => has_workload,
                _ => false,
            };
        inventory.cover(kind, if is_complete { Coverage::Complete } else { Coverage::Partial });
    }
    Snapshot { inventory, live_reads: LiveReads::default(), taken: now }
}

/// Makes objects exist whose contents are unknown.
fn assume(Snapshot { inventory, live_reads, .. }: &mut Snapshot, assumed: &[Assumed]) {
    for Assumed { kind, key } in assumed {
        // Live reads take precedence over the inventory.
        match live_reads.get(*kind, &key.namespace, &key.name) {
            Some(LiveRead::Found(_)) => continue,
            Some(_) => live_reads.insert(*kind, key.clone(), LiveRead::Failed(ReadFailure::Error)),
            None => {}
        }
        if !contains(inventory, *kind, key) {
            inventory.apply_unreadable(*kind, key.clone());
        }
    }
}

fn contains(inventory: &Inventory, kind: Kind, key: &Key) -> bool {
    let Key { namespace, name } = key;
    match kind {
        Kind::ConfigMap => inventory.config_map(key).is_some(),
        Kind::Service => inventory.service(namespace, name).is_some(),
        Kind::Secret => inventory.secret(namespace, name).is_some(),
        _ => inventory.class(name).is_some(),
    }
}

/// Objects that the files define more than once.
#[derive(Default)]
struct Duplicates {
    last: HashMap<(Kind, Key), Origin>,
    /// Each with its previous and its repeated definition.
    found: Vec<(Kind, Key, [Origin; 2])>,
}

impl Duplicates {
    fn add(&mut self, object: &Object, origin: Origin) {
        let (kind, key) = (object.kind(), object.key());
        if let Some(previous) = self.last.insert((kind, key.clone()), origin.clone()) {
            self.found.push((kind, key, [previous, origin]));
        }
    }

    fn diagnostics(&self, files: &[ManifestFile]) -> Vec<Diagnostic> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let lines = lines(files);
        let place = |origin: &Origin| {
            let file = &files[origin.file];
            let start = file.text[origin.document.clone()].find(|c: char| !c.is_whitespace() && c != '-').unwrap_or(0);
            (file.path.display().to_string(), lines[origin.file].position(origin.document.start + start))
        };
        let diagnostic = |(kind, key, origins): &(Kind, Key, [Origin; 2])| {
            let [(first, (first_line, _)), (file, (line, column))] = origins.each_ref().map(place);
            let message = format!(
                "duplicate {kind} {key}, also defined in {first}:{first_line}: the last definition is used, as with kubectl apply"
            );
            Diagnostic { severity: Severity::Warning, message, file, line: Some(line), column: Some(column) }
        };
        self.found.iter().map(diagnostic).collect()
    }
}

/// A pipeline with a wrong path must not pass silently.
fn no_ingress(paths: &[PathBuf]) -> Diagnostic {
    let message = "no Ingress found (only .yaml, .yml and .json files are read)".to_owned();
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Diagnostic { severity: Severity::Warning, message, file: names.join(", "), line: None, column: None }
}

fn diagnostic(fault: &ManifestError) -> Diagnostic {
    let at = |line: u64| usize::try_from(line).ok();
    let (path, line, column) = match fault {
        ManifestError::Broken { path, line, column, .. } | ManifestError::Template { path, line, column } => {
            (path, at(*line), at(*column))
        }
        ManifestError::Io { path, .. }
        | ManifestError::Empty { path }
        | ManifestError::TooLarge { path, .. }
        | ManifestError::TooDeep { path, .. }
        | ManifestError::NotText { path, .. } => (path, None, None),
    };
    Diagnostic { severity: Severity::Error, message: fault.reason(), file: path.display().to_string(), line, column }
}
