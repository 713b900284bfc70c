//! The files of a run: their objects as one or more worlds, and the problems of reading them.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::bail;
use jiff::Timestamp;

use super::beside::Worlds;
use super::duplicates::Duplicates;
use super::materials::{Loaded, Named, is_named, materials, of_alternatives, parts, select};
use super::options::{Arguments, is_stdin};
use super::places::Places;
use super::render::{Renderer, Rendering};
use super::world::{Scope, World};
use crate::cli::cluster_source::Listed;
use crate::cluster::{
    ClusterState, Encoding, LiveReads, Manifest, ManifestError, ManifestFile, ManifestSource, Manifests, ReadOptions,
    RepeatedKey, Snapshot, Variables,
};
use crate::config::Config;
use crate::document::Lines;
use crate::finding::Quoted;
use crate::model::Key;
use crate::report::{Diagnostic, RootEntry, Severity, Unsubstituted};
use crate::repository::{Content, Repository, Root, SOURCE, SearchOptions};

/// The most bytes of one file: a rendered chart has a few MB.
pub(super) const LARGEST: u64 = 64 << 20;

/// The files, by the worlds that are evaluated.
pub(super) struct Input {
    pub(super) worlds: Vec<World>,
    pub(super) manifests: Manifests,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The roots for the report; none if the files are one world as they are.
    pub(super) roots: Vec<RootEntry>,
    /// No objects, for outputs that need the state of one world.
    nothing: Snapshot,
    /// The text of each file in which placeholders have no braces, where only this can be parsed.
    without_braces: Vec<OnceLock<String>>,
}

impl Input {
    /// Reads the files and overlays them on `base`.
    pub(super) fn load(arguments: &Arguments, config: &Config, base: Option<Listed>) -> anyhow::Result<Self> {
        let now = Timestamp::now();
        let mut manifests = Manifests::default();
        let (mut repository, stdin) = found(arguments)?;
        let variables = arguments.variables()?;
        manifests.add_files(std::mem::take(&mut repository.plain), options(arguments, &variables, None));
        if stdin {
            manifests.read_stream("-", io::stdin().lock(), options(arguments, &variables, None));
        }
        let plain = manifests.files.len();
        let loaded = load(repository.roots, arguments, &variables, &mut manifests)?;
        let objects = by_file(&mut manifests);
        let parts = parts(&manifests.files[..plain], &objects);
        let mut diagnostics = diagnostics(&manifests, &loaded, &repository.unnamed);
        let is_whole = arguments.complete
            && loaded.iter().all(|loaded| loaded.files.is_ok())
            && diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning);
        diagnostics.extend(of_alternatives(&parts, &objects, &manifests.files));
        let mut materials = materials(&parts, &loaded, &objects, &manifests, &arguments.paths);
        if let Some(wanted) = &arguments.repository.root {
            select(&mut materials, wanted)?;
        }
        if !manifests.faults.is_empty() && base.is_some() {
            diagnostics.push(missing_is_unknown(&arguments.paths));
        }
        let is_only = materials.len() == 1;
        if base.is_some() && !is_only {
            let names: Vec<&str> = materials.iter().map(Named::name).collect();
            bail!("more than one root: select one with --root: {}", names.join(", "));
        }
        let is_plain = materials.iter().all(|named| named.is_whole_plain);
        let mut roots = Vec::new();
        let mut worlds = Vec::new();
        let mut base = base;
        let others = (is_whole && !is_only).then(|| Worlds::of(materials.iter().map(|named| &named.material.own)));
        for (number, Named { mut material, not_rendered, .. }) in materials.into_iter().enumerate() {
            if let Some(others) = &others {
                material.beside = material.beside.followed_by(others.beside(number));
            }
            let duplicates = Duplicates::of(&material.own.objects, &manifests.files);
            let of = loaded.iter().find(|loaded| material.root == Some(&loaded.root));
            let of_world = duplicates.diagnostics(&manifests.files).into_iter();
            diagnostics.extend(of_world.map(|diagnostic| in_template(diagnostic, of, &manifests.files)));
            material.unclear.extend(duplicates.unclear());
            let name = material.name.as_deref().unwrap_or(".").to_owned();
            let assumed_namespace = arguments.is_namespace_assumed().then(|| arguments.namespace());
            let scope = Scope { assumed_namespace, is_complete: is_whole, is_only };
            let mut world = World::new(material, base.take(), scope, now)?;
            if !manifests.faults.is_empty() {
                world.make_partial();
            }
            world.assume(arguments.assume_exists.iter().cloned());
            config.restrict(&mut world.snapshot.inventory);
            let ingresses = world.ingresses().count();
            roots.push(RootEntry { name, ingresses, not_rendered });
            worlds.push(world);
        }
        deduplicate(&mut diagnostics);
        let without_braces = manifests.files.iter().map(|_| OnceLock::new()).collect();
        let mut input = Self { worlds, manifests, diagnostics, roots, nothing: nothing(now), without_braces };
        if is_plain {
            input.roots.clear();
        }
        input.diagnostics.extend(input.no_ingress(arguments));
        Ok(input)
    }

    /// The cluster state, if there is one world; else one that contains nothing.
    pub(super) fn state(&self) -> ClusterState<'_> {
        match &*self.worlds {
            [world] => world.state(),
            _ => self.nothing.state(),
        }
    }

    /// The world of a root.
    pub(super) fn world(&self, root: Option<&str>) -> Option<&World> {
        self.worlds.iter().find(|world| world.name.as_deref() == root)
    }

    /// The places of an Ingress; `last` are those of the previous one.
    pub(super) fn places<'a>(
        &'a self,
        world: &'a World,
        key: &Key,
        lines: &'a [Lines<'a>],
        last: Option<&Places<'a>>,
    ) -> Option<Places<'a>> {
        let origin = world.origin(key)?;
        let file = &self.manifests.files[origin.file];
        let texts = (&*file.text, &self.without_braces[origin.file]);
        let is_fixable =
            world.is_fixable && matches!(file.source, ManifestSource::Within(_)) && file.encoding != Encoding::Utf16;
        Some(Places::new(file.path.display().to_string(), texts, &lines[origin.file], (origin, is_fixable), last))
    }

    /// The values that contain placeholders.
    pub(super) fn unsubstituted(&self) -> Option<Unsubstituted> {
        let mut counted = Unsubstituted::default();
        self.worlds.iter().for_each(|world| world.count_unsubstituted(&self.manifests.files, &mut counted));
        (counted.values > 0).then_some(counted)
    }

    /// The lines of each file.
    pub(super) fn lines(&self) -> Vec<Lines<'_>> {
        self.manifests.files.iter().map(|file| Lines::of(&file.text)).collect()
    }

    /// A pipeline with a wrong path must not pass silently.
    fn no_ingress(&self, arguments: &Arguments) -> Option<Diagnostic> {
        let is_explained = !self.diagnostics.is_empty() || self.roots.iter().any(|root| root.not_rendered.is_some());
        let is_required = arguments.repository.fail_on_empty;
        if self.worlds.iter().any(|world| world.ingresses().next().is_some()) || (is_explained && !is_required) {
            return None;
        }
        let severity = if is_required { Severity::Error } else { Severity::Warning };
        let hint = match &*arguments.paths {
            [path] if is_stdin(path) && !is_required => "; --fail-on-empty makes this an error",
            paths if paths.iter().any(|path| path.is_dir()) => " (only .yaml, .yml and .json files are read)",
            _ => "",
        };
        let message = format!("no Ingress found{hint}");
        let names: Vec<String> = arguments.paths.iter().map(|path| path.display().to_string()).collect();
        Some(Diagnostic { severity, message, file: names.join(", "), line: None, column: None })
    }
}

/// The roots and files of the arguments, and whether standard input is one of them.
fn found(arguments: &Arguments) -> anyhow::Result<(Repository, bool)> {
    let (stdin, paths): (Vec<_>, Vec<_>) = arguments.paths.iter().cloned().partition(|path| is_stdin(path));
    let (exclude, values) = (&*arguments.repository.exclude, &*arguments.repository.values);
    Ok((Repository::find(&paths, SearchOptions { exclude, values, largest: LARGEST })?, !stdin.is_empty()))
}

fn options<'a>(arguments: &'a Arguments, variables: &'a Variables, namespace: Option<&'a str>) -> ReadOptions<'a> {
    ReadOptions { namespace: namespace.unwrap_or(arguments.namespace()), variables, largest: LARGEST }
}

/// Reads or renders the roots. One that is not selected is not rendered.
fn load(
    roots: Vec<Root>,
    arguments: &Arguments,
    variables: &Variables,
    manifests: &mut Manifests,
) -> anyhow::Result<Vec<Loaded>> {
    let wanted = arguments.repository.root.as_deref();
    let is_wanted = |root: &Root| wanted.is_none_or(|wanted| is_named(&root.name, wanted));
    let roots: Vec<Root> =
        if roots.iter().any(is_wanted) { roots.into_iter().filter(is_wanted).collect() } else { roots };
    let renderer = Renderer::new(arguments);
    let outcomes = renderer.render_all(&roots)?;
    let mut loaded = Vec::new();
    for (root, rendering) in roots.into_iter().zip(outcomes) {
        let (begin, first_fault) = (manifests.files.len(), manifests.faults.len());
        let options = options(arguments, variables, root.namespace.as_deref());
        let files = match rendering {
            Rendering::NotNeeded => {
                let files = if let Content::Files(files) = &root.content { &**files } else { &[] };
                manifests.add_listed(files, options);
                Ok(())
            }
            Rendering::Done(text) => {
                manifests.add_rendered(root.folder.clone(), text, options);
                Ok(())
            }
            Rendering::Failed(reason) => Err(reason),
        };
        let files = files.map(|()| (begin..manifests.files.len()).collect());
        loaded.push(Loaded { root, files, faults: first_fault..manifests.faults.len() });
    }
    Ok(loaded)
}

/// The objects of each file.
fn by_file(manifests: &mut Manifests) -> Vec<Vec<Manifest>> {
    let mut objects: Vec<Vec<Manifest>> = manifests.files.iter().map(|_| Vec::new()).collect();
    for manifest in std::mem::take(&mut manifests.objects) {
        objects[manifest.origin.file].push(manifest);
    }
    objects
}

fn nothing(now: Timestamp) -> Snapshot {
    Snapshot { inventory: crate::cluster::Inventory::default(), live_reads: LiveReads::default(), taken: now }
}

fn repeated(RepeatedKey { file, key, before, place, others }: &RepeatedKey, files: &[ManifestFile]) -> Diagnostic {
    let others = match others {
        0 => String::new(),
        1 => "; 1 more key of this document is duplicate".to_owned(),
        more => format!("; {more} more keys of this document are duplicate"),
    };
    let message = format!(
        "duplicate key {}, also on line {before}: the last value is used, as with kubectl apply{others}",
        Quoted(key)
    );
    let file = files[*file].path.display().to_string();
    Diagnostic { severity: Severity::Warning, message, file, line: Some(place.0), column: Some(place.1) }
}

/// Without an error, the cluster with these files would count as complete. `--complete` has an advice of its own.
fn missing_is_unknown(paths: &[PathBuf]) -> Diagnostic {
    let message = "a part could not be read: an object that no other part defines is unknown, not missing".to_owned();
    let file = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    Diagnostic { severity: Severity::Warning, message, file, line: None, column: None }
}

fn diagnostics(manifests: &Manifests, loaded: &[Loaded], unnamed: &[PathBuf]) -> Vec<Diagnostic> {
    let Manifests { files, faults, repeated: keys, .. } = manifests;
    let unnamed = unnamed.iter().map(|path| Diagnostic {
        severity: Severity::Warning,
        message: "not evaluated: the kustomization beside it does not name it".to_owned(),
        file: path.display().to_string(),
        line: None,
        column: None,
    });
    let faults = faults.iter().enumerate().map(|(number, fault)| {
        let of = loaded.iter().find(|loaded| loaded.faults.contains(&number));
        in_template(diagnostic(fault), of, files)
    });
    let keys = keys.iter().map(|key| {
        let of = loaded.iter().find(|loaded| loaded.files.as_ref().is_ok_and(|files| files.contains(&key.file)));
        in_template(repeated(key, files), of, files)
    });
    faults.chain(keys).chain(unnamed).collect()
}

/// A diagnostic of a rendered text names the file from which its part is rendered. The line is not one of that file.
fn in_template(diagnostic: Diagnostic, of: Option<&Loaded>, files: &[ManifestFile]) -> Diagnostic {
    let Some((root, text)) = of.and_then(|of| Some((&of.root, of.rendered(files)?))) else { return diagnostic };
    let line = diagnostic.line.unwrap_or_default();
    let above = text.lines().take(line).collect::<Vec<_>>();
    let source = above.iter().rev().find(|line| line.starts_with(SOURCE));
    Diagnostic {
        message: format!("rendered by root {}, line {line}: {}", root.name, diagnostic.message),
        file: root.made_from(source.copied().unwrap_or_default()).display().to_string(),
        line: None,
        column: None,
        ..diagnostic
    }
}

/// Keeps one of several equal diagnostics: a file can be part of several roots.
fn deduplicate(diagnostics: &mut Vec<Diagnostic>) {
    let mut seen = BTreeSet::new();
    diagnostics.retain(|diagnostic| {
        let Diagnostic { file, line, column, message, .. } = diagnostic;
        seen.insert((file.clone(), *line, *column, message.clone()))
    });
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
