//! The files of a run: their objects as one or more worlds, and the problems of reading them.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{bail, ensure};
use jiff::Timestamp;

use super::alternatives::{self, Part};
use super::duplicates::Duplicates;
use super::options::{Arguments, Assumed, is_stdin};
use super::places::Places;
use super::render::{Renderer, Rendering};
use super::world::{Material, Scope, World};
use crate::cli::cluster_source::Listed;
use crate::cluster::{
    ClusterState, Elsewhere, LiveReads, Manifest, ManifestError, ManifestFile, Manifests, Object, ReadOptions,
    RepeatedKey, Snapshot, Variables,
};
use crate::config::Config;
use crate::document::Lines;
use crate::finding::Quoted;
use crate::model::{Key, Kind};
use crate::report::{Diagnostic, RootEntry, Severity, Unsubstituted};
use crate::repository::{Content, Repository, Root, SearchOptions};

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

/// A root with the indexes of its files, or the reason why there are none.
struct Loaded {
    root: Root,
    files: Result<Vec<usize>, String>,
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
        let mut diagnostics = diagnostics(&manifests, &repository.unnamed);
        let is_whole = arguments.complete
            && loaded.iter().all(|loaded| loaded.files.is_ok())
            && diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning);
        let mut materials = materials(&parts, &loaded, &objects, &manifests.elsewhere, &arguments.paths);
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
        for Named { material, not_rendered, .. } in materials {
            diagnostics.extend(Duplicates::of(&material.own).diagnostics(&manifests.files));
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
        if is_whole && !is_only {
            assume_elsewhere(&mut worlds);
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
        Some(Places::new(file.path.display().to_string(), texts, &lines[origin.file], origin, last))
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
        let message = "no Ingress found (only .yaml, .yml and .json files are read)".to_owned();
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
        let begin = manifests.files.len();
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
        loaded.push(Loaded { root, files: files.map(|()| (begin..manifests.files.len()).collect()) });
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

/// The plain files, split where folders are alternatives.
fn parts(files: &[ManifestFile], objects: &[Vec<Manifest>]) -> Vec<Part> {
    let objects: Vec<Vec<&Object>> =
        objects.iter().map(|objects| objects.iter().map(|manifest| &manifest.object).collect()).collect();
    let files = files.iter().zip(&objects).enumerate().map(|(index, (file, objects))| alternatives::File {
        index,
        path: &file.path,
        is_given: file.is_given,
        objects,
    });
    alternatives::split(&files.collect::<Vec<_>>())
}

/// A world before it is made, with what the report says about it.
struct Named<'a> {
    material: Material<'a>,
    not_rendered: Option<String>,
    /// Whether it is all given files as they are.
    is_whole_plain: bool,
}

impl Named<'_> {
    fn name(&self) -> &str {
        self.material.name.as_deref().unwrap_or(".")
    }
}

fn materials<'a>(
    parts: &[Part],
    loaded: &'a [Loaded],
    objects: &'a [Vec<Manifest>],
    elsewhere: &'a [Elsewhere],
    given: &[PathBuf],
) -> Vec<Named<'a>> {
    let of = |files: &[usize]| files.iter().flat_map(|file| &objects[*file]).collect::<Vec<&Manifest>>();
    let elsewhere = |files: &[usize]| files.iter().map(|file| &elsewhere[*file]).collect::<Vec<_>>();
    let mut all = Vec::new();
    for part in parts {
        let (own, context) = (of(&part.own), of(&part.context));
        // Beside roots, files without objects are no root.
        if own.is_empty() && (!loaded.is_empty() || parts.len() > 1) {
            continue;
        }
        let name = part.folder.as_ref().map(|folder| below_given(folder, given).into());
        let elsewhere = elsewhere(&[&*part.own, &*part.context].concat());
        let is_whole_plain = name.is_none() && loaded.is_empty() && parts.len() == 1;
        all.push(Named {
            material: Material { name, root: None, own, context, elsewhere },
            not_rendered: None,
            is_whole_plain,
        });
    }
    for Loaded { root, files } in loaded {
        let own = files.as_ref().map_or_else(|_| Vec::new(), |files| of(files));
        let elsewhere = files.as_ref().map_or_else(|_| Vec::new(), |files| elsewhere(files));
        let name = Some(root.name.clone().into());
        let material = Material { name, root: Some(root), own, context: Vec::new(), elsewhere };
        all.push(Named { material, not_rendered: files.as_ref().err().cloned(), is_whole_plain: false });
    }
    all
}

/// The name of a folder: its path below the given directory.
fn below_given(folder: &Path, given: &[PathBuf]) -> String {
    let below = given.iter().filter_map(|given| folder.strip_prefix(given.strip_prefix(".").unwrap_or(given)).ok());
    let name = below.into_iter().find(|below| !below.as_os_str().is_empty()).unwrap_or(folder);
    name.display().to_string()
}

fn is_named(name: &str, wanted: &str) -> bool {
    let wanted = wanted.strip_prefix("./").unwrap_or(wanted).trim_end_matches('/');
    name == wanted
}

/// Keeps the root that `--root` names.
fn select(materials: &mut Vec<Named<'_>>, wanted: &str) -> anyhow::Result<()> {
    let names = materials.iter().map(|named| named.name().to_owned()).collect::<Vec<_>>().join(", ");
    materials.retain(|named| is_named(named.name(), wanted));
    ensure!(!materials.is_empty(), "--root {wanted}: no such root: {names}");
    Ok(())
}

/// Makes objects of other worlds exist where those may be applied to the same cluster. Worlds that define the same object are
/// alternatives: they are not.
fn assume_elsewhere(worlds: &mut [World]) {
    let mut of: HashMap<(Kind, Key), BTreeSet<usize>> = HashMap::new();
    for (number, world) in worlds.iter().enumerate() {
        for object in world.defined() {
            of.entry(object).or_default().insert(number);
        }
    }
    let mut are_alternatives: BTreeSet<(usize, usize)> = BTreeSet::new();
    // Every cluster has its IngressClasses.
    let shared = of.iter().filter(|((kind, _), worlds)| kind.is_namespaced() && worlds.len() > 1);
    let shared: BTreeSet<&BTreeSet<usize>> = shared.map(|(_, worlds)| worlds).collect();
    for worlds in shared {
        are_alternatives.extend(worlds.iter().flat_map(|one| worlds.iter().map(move |other| (*one, *other))));
    }
    let mut objects: Vec<(&(Kind, Key), &BTreeSet<usize>)> =
        of.iter().filter(|((kind, _), _)| *kind != Kind::Ingress).collect();
    objects.sort();
    for (number, world) in worlds.iter_mut().enumerate().filter(|(_, world)| world.ingresses().next().is_some()) {
        let is_elsewhere =
            |defined: &BTreeSet<usize>| defined.iter().any(|other| !are_alternatives.contains(&(number, *other)));
        let elsewhere = objects.iter().filter(|(_, defined)| !defined.contains(&number) && is_elsewhere(defined));
        world.assume(elsewhere.map(|((kind, key), _)| Assumed { kind: *kind, key: key.clone() }));
    }
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

fn diagnostics(manifests: &Manifests, unnamed: &[PathBuf]) -> Vec<Diagnostic> {
    let unnamed = unnamed.iter().map(|path| Diagnostic {
        severity: Severity::Warning,
        message: "not evaluated: the kustomization beside it does not name it".to_owned(),
        file: path.display().to_string(),
        line: None,
        column: None,
    });
    let repeated = manifests.repeated.iter().map(|key| repeated(key, &manifests.files));
    manifests.faults.iter().map(diagnostic).chain(repeated).chain(unnamed).collect()
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
