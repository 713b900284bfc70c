//! Kustomizations: which files and directories they include, which ones nothing includes, and why one cannot be rendered.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::values::{self, items, text};

/// The names of a kustomization file, in kustomize's order.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Fields that include directories or files with objects. kustomize does not distinguish capital letters in field names, so that
/// all names here are in lower case.
const INCLUDES: [&str; 3] = ["resources", "bases", "components"];

/// Fields that configure plugins.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// The fields of a kustomization that changes no object.
const PLAIN: [&str; 5] = ["apiversion", "kind", "metadata", "resources", "bases"];

/// The plugins of kustomize whose configuration names no files.
const TRANSFORMERS: [&str; 8] = [
    "AnnotationsTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplicaCountTransformer",
    "SuffixTransformer",
];

/// The annotation by which a plugin is a program or a container.
const FUNCTION: &str = "config.kubernetes.io/function";

/// Whether this is the name of a kustomization file.
pub(super) fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known))
}

/// The kustomization file of a directory.
pub(super) fn file_in(folder: &Path) -> Option<PathBuf> {
    NAMES.iter().map(|name| folder.join(name)).find(|file| file.is_file())
}

/// One kustomization, by its files and directories without symbolic links.
#[derive(Default)]
struct Kustomization {
    is_component: bool,
    directories: Vec<PathBuf>,
    /// Every file that it names: resources, patches, sources of generators.
    files: Vec<PathBuf>,
    /// Files and directories with objects, in order.
    resources: Vec<PathBuf>,
    /// Whether it changes no object.
    is_plain: bool,
    refusal: Option<String>,
}

/// The kustomizations of some directories and all that they include.
#[derive(Default)]
pub(super) struct Kustomizations {
    of: BTreeMap<PathBuf, Kustomization>,
}

impl Kustomizations {
    /// Reads the kustomization of each directory, and those that it includes.
    pub(super) fn read(folders: impl Iterator<Item = PathBuf>) -> Self {
        let mut read = Self::default();
        let mut waiting: Vec<PathBuf> = folders.collect();
        while let Some(folder) = waiting.pop() {
            if let Entry::Vacant(entry) = read.of.entry(folder) {
                let kustomization = Kustomization::read(entry.key());
                waiting.extend(kustomization.directories.iter().cloned());
                entry.insert(kustomization);
            }
        }
        read
    }

    /// Returns the directories that no other kustomization includes. If some include each other in a circle, the first of them.
    pub(super) fn roots(&self) -> BTreeSet<&Path> {
        let included: BTreeSet<&Path> =
            self.of.values().flat_map(|kustomization| kustomization.directories.iter().map(PathBuf::as_path)).collect();
        let candidates = || self.of.iter().filter(|(_, kustomization)| !kustomization.is_component);
        let mut roots: BTreeSet<&Path> =
            candidates().map(|(folder, _)| folder.as_path()).filter(|folder| !included.contains(folder)).collect();
        let mut reached: BTreeSet<&Path> = roots.iter().flat_map(|root| self.included_by(root)).collect();
        for (folder, _) in candidates() {
            if !reached.contains(folder.as_path()) {
                roots.insert(folder);
                reached.extend(self.included_by(folder));
            }
        }
        roots
    }

    /// The files that kustomizations name.
    pub(super) fn files(&self) -> BTreeSet<&Path> {
        self.of.values().flat_map(|kustomization| kustomization.files.iter().map(PathBuf::as_path)).collect()
    }

    /// Returns why a kustomization is not rendered.
    pub(super) fn refusal(&self, folder: &Path) -> Option<String> {
        let included = self.included_by(folder);
        included.iter().find_map(|folder| self.of.get(*folder)?.refusal.clone())
    }

    /// The files with the objects of a kustomization, if neither it nor one that it includes changes an object.
    pub(super) fn unchanged_files(&self, folder: &Path) -> Option<Vec<PathBuf>> {
        let mut files = Vec::new();
        for included in self.included_by(folder) {
            let kustomization = self.of.get(included).filter(|kustomization| kustomization.is_plain)?;
            files.extend(kustomization.resources.iter().filter(|resource| !resource.is_dir()).cloned());
        }
        Some(files)
    }

    /// The files that a kustomization names whose root changes objects.
    pub(super) fn changed_files(&self) -> BTreeSet<&Path> {
        let changing = self.roots().into_iter().filter(|root| self.unchanged_files(root).is_none());
        let included: BTreeSet<&Path> = changing.flat_map(|root| self.included_by(root)).collect();
        included
            .into_iter()
            .filter_map(|folder| self.of.get(folder))
            .flat_map(|of| of.files.iter().map(PathBuf::as_path))
            .collect()
    }

    /// A directory and those that its kustomization includes, at any depth; each once.
    fn included_by<'a>(&'a self, folder: &'a Path) -> Vec<&'a Path> {
        let mut all = vec![folder];
        let mut seen: BTreeSet<&Path> = all.iter().copied().collect();
        let mut next = 0;
        while let Some(folder) = all.get(next).copied() {
            next += 1;
            let included = self.of.get(folder).into_iter().flat_map(|kustomization| &kustomization.directories);
            all.extend(included.map(PathBuf::as_path).filter(|folder| seen.insert(folder)));
        }
        all
    }
}

impl Kustomization {
    fn read(folder: &Path) -> Self {
        let Some(file) = file_in(folder) else {
            let refusal = format!("{} has no kustomization.yaml", name_of(folder));
            return Self { refusal: Some(refusal), ..Self::default() };
        };
        let document = match values::read(&file) {
            Ok(documents) => values::with_lower_case_keys(documents.into_iter().next().unwrap_or_default()),
            Err(error) => Err(error),
        };
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                let refusal = format!("{}: {error}", name_of(&file));
                return Self { refusal: Some(refusal), ..Self::default() };
            }
        };
        let mut read = Self {
            is_component: text(&document, &["kind"]) == Some("Component"),
            is_plain: document.as_object().is_some_and(|fields| fields.keys().all(|key| PLAIN.contains(&&**key))),
            ..Self::default()
        };
        if ["helmcharts", "helmchartinflationgenerator"].iter().any(|field| document.get(field).is_some()) {
            read.refuse("helmCharts can load charts from the network".to_owned());
        }
        for name in INCLUDES.iter().flat_map(|field| items(&document, &[field])).filter_map(Value::as_str) {
            read.include(folder, name);
        }
        for entry in PLUGINS.iter().flat_map(|field| items(&document, &[field])).filter_map(Value::as_str) {
            read.plugin(folder, entry);
        }
        for name in named_files(&document) {
            read.name(folder, name);
        }
        read
    }

    fn refuse(&mut self, reason: String) {
        self.refusal.get_or_insert(reason);
    }

    /// Adds an entry of a field that includes objects.
    fn include(&mut self, folder: &Path, name: &str) {
        match local(folder, name) {
            Ok(real) if real.is_dir() => {
                self.directories.push(real.clone());
                self.resources.push(real);
            }
            // kustomize loads files below the kustomization only.
            Ok(real) if fs::canonicalize(folder).is_ok_and(|folder| real.starts_with(folder)) => {
                self.files.push(real.clone());
                self.resources.push(real);
            }
            Ok(_) => self.refuse(format!("{name:?} is not below its directory")),
            Err(reason) => self.refuse(reason),
        }
    }

    /// Adds a file that is not a resource: a patch or the source of a generator.
    fn name(&mut self, folder: &Path, name: &str) {
        match local(folder, name) {
            Ok(real) => self.files.push(real),
            Err(reason) => self.refuse(reason),
        }
    }

    /// Adds the configuration of a plugin. Only those that kustomize contains are allowed: others are programs or containers. Of these
    /// only transformers that name no files: kustomize loads such files from the network as well.
    fn plugin(&mut self, folder: &Path, entry: &str) {
        let documents = if entry.contains('\n') {
            values::of(entry)
        } else {
            self.name(folder, entry);
            values::read(&folder.join(entry))
        };
        let is_builtin = |document: &Value| {
            text(document, &["apiVersion"]) == Some("builtin")
                && text(document, &["metadata", "annotations", FUNCTION]).is_none()
                && text(document, &["kind"]).is_some_and(|kind| TRANSFORMERS.contains(&kind))
        };
        if !documents.is_ok_and(|documents| documents.iter().all(is_builtin)) {
            self.refuse("it uses a plugin that can be a program or load files".to_owned());
        }
    }
}

/// The files that a kustomization names besides resources and plugins.
fn named_files(document: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for field in ["crds", "configurations", "patchesstrategicmerge"] {
        names.extend(items(document, &[field]).iter().filter_map(Value::as_str));
    }
    for field in ["patches", "patchesjson6902", "replacements"] {
        names.extend(items(document, &[field]).iter().filter_map(|entry| text(entry, &["path"])));
    }
    names.extend(text(document, &["openapi", "path"]));
    for field in ["configmapgenerator", "secretgenerator"] {
        for generator in items(document, &[field]) {
            names.extend(text(generator, &["env"]));
            for list in ["files", "envs"] {
                let entries = items(generator, &[list]).iter().filter_map(Value::as_str);
                names.extend(entries.map(|entry| entry.split_once('=').map_or(entry, |(_, file)| file)));
            }
        }
    }
    // A patch may stand in the file itself.
    names.retain(|name| !name.contains('\n'));
    names
}

/// Returns the path of a local file or directory without symbolic links, or why there is none.
///
/// kustomize first asks whether a name is a URL or the address of a repository, and only then whether it exists. A directory of
/// that name therefore does not make it local.
fn local(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let lower = name.to_lowercase();
    let first = lower.split('/').next().unwrap_or_default();
    let is_address = lower.contains("://")
        || lower.contains('?')
        || first.contains(['@', ':'])
        || first == "github.com"
        || lower.split('/').any(|part| part.strip_suffix(".git").is_some() || part == "_git");
    if is_address {
        return Err(format!("{name:?} is remote"));
    }
    fs::canonicalize(folder.join(name)).map_err(|_| format!("{name:?} does not exist"))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
