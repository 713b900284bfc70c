//! What the files hold, as an inventory, and the way back from an object to its place in a file.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

use jiff::Timestamp;

use crate::cli::check::options::{Arguments, Assumed, is_stdin};
use crate::cluster::{
    ClusterState, Coverage, Inventory, LiveRead, LiveReads, Manifest, ManifestError, Manifests, Object, Origin,
    ReadOptions, Snapshot,
};
use crate::config::Config;
use crate::document::{Document, Lines};
use crate::finding::Patch;
use crate::model::{FieldPath, Ingress, Key, Kind};
use crate::report::{Change, Diagnostic, Place, Severity};

/// The most bytes of one file: a rendered chart has a few MB.
const LARGEST: u64 = 64 << 20;

/// The files as one world.
pub(super) struct Input {
    pub(super) inventory: Inventory,
    pub(super) live_reads: LiveReads,
    /// The time at which it is judged.
    pub(super) now: Timestamp,
    /// The cluster without the files, where they are laid over one.
    pub(super) before: Option<Snapshot>,
    pub(super) manifests: Manifests,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Where each Ingress stands: where it stands last, as `kubectl apply` would have it.
    origins: HashMap<Key, Origin>,
    /// The Ingresses in the order of the files.
    order: Vec<Key>,
}

impl Input {
    /// Read the files, and what they are laid over: `known`, where that was read before.
    pub(super) fn read(arguments: &Arguments, config: &Config, known: Option<Snapshot>) -> anyhow::Result<Self> {
        let options = ReadOptions { namespace: &arguments.namespace, largest: LARGEST };
        let (stdin, paths): (Vec<_>, Vec<_>) = arguments.paths.iter().cloned().partition(|path| is_stdin(path));
        let mut manifests = Manifests::read(&paths, options);
        if !stdin.is_empty() {
            manifests.read_stream("-", io::stdin().lock(), options);
        }
        let mut input = Self {
            inventory: Inventory::default(),
            live_reads: LiveReads::default(),
            now: Timestamp::now(),
            before: None,
            diagnostics: manifests.faults.iter().map(diagnostic).collect(),
            origins: HashMap::new(),
            order: Vec::new(),
            manifests,
        };
        let objects = input.fill();
        match known {
            Some(known) => input.lay_over_known(objects, known),
            None => input.lay_over(objects, arguments, config)?,
        }
        input.cover(arguments);
        if input.order.is_empty() && input.diagnostics.is_empty() {
            input.diagnostics.push(nothing_in(&arguments.paths));
        }
        config.restrict(&mut input.inventory);
        Ok(input)
    }

    /// Find out where everything stands; what it is.
    fn fill(&mut self) -> Vec<Object> {
        let mut objects = Vec::new();
        let mut seen: HashMap<(Kind, Key), Origin> = HashMap::new();
        let mut repeated = Vec::new();
        for Manifest { object, origin } in std::mem::take(&mut self.manifests.objects) {
            let (kind, key) = (object.kind(), object.key());
            if kind == Kind::Ingress {
                if !self.origins.contains_key(&key) {
                    self.order.push(key.clone());
                }
                self.origins.insert(key.clone(), origin.clone());
            }
            objects.push(object);
            if let Some(first) = seen.insert((kind, key.clone()), origin.clone()) {
                repeated.push((kind, key, first, origin));
            }
        }
        let lines = self.lines();
        let repeated: Vec<Diagnostic> = repeated
            .iter()
            .map(|(kind, key, first, again)| self.repeated(&lines, *kind, key, [first, again]))
            .collect();
        self.diagnostics.extend(repeated);
        objects
    }

    /// Lay the files over the cluster that was asked for, else over nothing.
    fn lay_over(&mut self, objects: Vec<Object>, arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
        let mut beneath = Inventory::default();
        let snapshot = arguments.beneath.load(config, |inventory| {
            beneath = inventory.clone();
            inventory.overlay(objects.iter().cloned(), self.now);
        })?;
        let Some(Snapshot { inventory, live_reads, taken }) = snapshot else {
            for object in objects {
                self.inventory.apply(object);
            }
            return Ok(());
        };
        self.before = Some(Snapshot { inventory: beneath, live_reads: live_reads.clone(), taken });
        self.have(objects, inventory, live_reads, taken);
        Ok(())
    }

    /// As before, with what was listed then.
    fn lay_over_known(&mut self, objects: Vec<Object>, known: Snapshot) {
        let (mut inventory, live_reads, taken) = (known.inventory.clone(), known.live_reads.clone(), known.taken);
        inventory.overlay(objects.iter().cloned(), self.now);
        self.before = Some(known);
        self.have(objects, inventory, live_reads, taken);
    }

    fn have(&mut self, objects: Vec<Object>, inventory: Inventory, live_reads: LiveReads, taken: Timestamp) {
        (self.inventory, self.live_reads, self.now) = (inventory, live_reads, taken);
        let is_off = |object: &Object| self.inventory.coverage(object.kind()) == Coverage::Disabled;
        self.live_reads.overlay(objects.into_iter().filter(|object| !is_off(object)));
    }

    /// What is known with the files.
    pub(super) fn state(&self) -> ClusterState<'_> {
        ClusterState { store: &self.inventory, live_reads: &self.live_reads, now: self.now }
    }

    fn repeated(&self, lines: &[Lines<'_>], kind: Kind, key: &Key, origins: [&Origin; 2]) -> Diagnostic {
        let [first, again] = origins.map(|origin| {
            let file = &self.manifests.files[origin.file];
            let start = file.text[origin.document.clone()].find(|c: char| !c.is_whitespace() && c != '-').unwrap_or(0);
            (file.path.display().to_string(), lines[origin.file].position(origin.document.start + start))
        });
        let message =
            format!("{kind} {key} is in {}:{} too: the last one counts, as with kubectl apply", first.0, first.1.0);
        let (file, (line, column)) = again;
        Diagnostic { severity: Severity::Warning, message, file, line: Some(line), column: Some(column) }
    }

    /// What the files are silent about is not known, unless somebody says that they are all there is.
    fn cover(&mut self, arguments: &Arguments) {
        let has_workload = Kind::WORKLOADS.iter().any(|kind| self.inventory.count(*kind) > 0);
        for kind in Kind::ALL.into_iter().filter(|_| self.before.is_none()) {
            let is_all = arguments.complete
                && match kind {
                    Kind::Service | Kind::Ingress => true,
                    Kind::IngressClass | Kind::Secret => self.inventory.count(kind) > 0,
                    kind if Kind::WORKLOADS.contains(&kind) => has_workload,
                    _ => false,
                };
            self.inventory.cover(kind, if is_all { Coverage::Complete } else { Coverage::Partial });
        }
        for Assumed { kind, key } in &arguments.assume_exists {
            // What was read of it goes before the inventory.
            match self.live_reads.get(*kind, &key.namespace, &key.name) {
                Some(LiveRead::Found(_)) => continue,
                Some(_) => self.live_reads.insert(*kind, key.clone(), LiveRead::Failed),
                None => {}
            }
            if !self.holds(*kind, key) {
                self.inventory.apply_unreadable(*kind, key.clone());
            }
        }
    }

    fn holds(&self, kind: Kind, key: &Key) -> bool {
        let Key { namespace, name } = key;
        match kind {
            Kind::ConfigMap => self.inventory.config_map(key).is_some(),
            Kind::Service => self.inventory.service(namespace, name).is_some(),
            Kind::Secret => self.inventory.secret(namespace, name).is_some(),
            _ => self.inventory.class(name).is_some(),
        }
    }

    pub(super) fn ingresses(&self) -> impl Iterator<Item = &Ingress> {
        self.order.iter().filter_map(|key| self.inventory.ingress(&key.namespace, &key.name))
    }

    pub(super) fn origin(&self, key: &Key) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// The places of an Ingress. Its document is parsed when they are asked for, once for all that stand in it one after the
    /// other; `last` are the places of the Ingress before.
    pub(super) fn places<'a>(
        &'a self,
        key: &Key,
        lines: &'a [Lines<'a>],
        last: Option<&Places<'a>>,
    ) -> Option<Places<'a>> {
        let origin = self.origins.get(key)?;
        let file = &self.manifests.files[origin.file];
        let same = |last: &&Places<'_>| last.origin.file == origin.file && last.origin.document == origin.document;
        Some(Places {
            name: file.path.display().to_string(),
            text: &file.text,
            lines: &lines[origin.file],
            origin,
            document: last.filter(same).map(|last| Rc::clone(&last.document)).unwrap_or_default(),
        })
    }

    /// The lines of each file.
    pub(super) fn lines(&self) -> Vec<Lines<'_>> {
        self.manifests.files.iter().map(|file| Lines::of(&file.text)).collect()
    }
}

/// The way from the fields of one Ingress to lines and columns.
pub(super) struct Places<'a> {
    name: String,
    text: &'a str,
    lines: &'a Lines<'a>,
    origin: &'a Origin,
    document: Rc<OnceCell<Option<Document>>>,
}

impl Places<'_> {
    /// The file.
    pub(super) fn file(&self) -> &str {
        &self.name
    }

    fn document(&self) -> Option<&Document> {
        self.document.get_or_init(|| Document::parse(self.text, self.origin.document.clone())).as_ref()
    }

    /// Where a field is; the document where it cannot be told.
    pub(super) fn place(&self, field: &FieldPath) -> Place {
        let start = self.origin.document.start;
        let bytes = self.document().map_or(start..start, |document| document.locate(&self.origin.items, field));
        self.of(&bytes)
    }

    /// A fix as changes of the file; none where it cannot be done so.
    pub(super) fn changes(&self, fix: &Patch) -> Vec<Change> {
        let object = self.document().and_then(|document| document.object(self.text, &self.origin.items).ok());
        let Some(mut object) = object else { return Vec::new() };
        let start = object.bytes().start;
        let change = |edit: crate::document::Edit| {
            let bytes = start + edit.bytes.start..start + edit.bytes.end;
            Change { place: self.of(&bytes), text: edit.text }
        };
        object.fix(fix).unwrap_or_default().into_iter().map(change).collect()
    }

    fn of(&self, bytes: &Range<usize>) -> Place {
        let [(line, column), (end_line, end_column)] = [bytes.start, bytes.end].map(|byte| self.lines.position(byte));
        Place { file: self.name.clone(), line, column, end_line, end_column }
    }
}

/// A pipeline that looks into the wrong folder must not be green in silence.
fn nothing_in(paths: &[PathBuf]) -> Diagnostic {
    let message = "there is no Ingress in it (looked into .yaml, .yml and .json files)".to_owned();
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
        | ManifestError::NotText { path, .. } => (path, None, None),
    };
    Diagnostic { severity: Severity::Error, message: fault.reason(), file: path.display().to_string(), line, column }
}
