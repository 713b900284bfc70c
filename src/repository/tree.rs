//! The roots below one directory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::deployment::Deployment;
use super::deployments::in_text;
use super::excluded::up_to_repository;
use super::helm::Chart;
use super::kustomize::{Kustomizations, file_in, is_kustomization};
use super::root::{Content, Release, Root};
use super::values_files::ValuesFiles;
use crate::cluster::{Listed, ManifestError, ManifestFile, ManifestSource};

/// The directories of a chart that its templates use. If a whole repository is a chart, others contain plain manifests.
const OF_CHART: [&str; 6] = ["templates", "charts", "crds", "ci", "files", "tests"];

/// A given directory and the files below it.
pub(super) struct Tree {
    /// The directory as it is shown.
    path: PathBuf,
    /// The directory without symbolic links.
    real: PathBuf,
    files: Vec<Listed>,
    /// The indexes of the files, by their paths without symbolic links.
    index: HashMap<PathBuf, usize>,
    /// The directories of charts that no other chart contains.
    charts: BTreeSet<PathBuf>,
}

/// What a directory contains.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) plain: Vec<Result<ManifestFile, ManifestError>>,
    pub(super) roots: Vec<Root>,
    pub(super) unnamed: Vec<PathBuf>,
}

/// What Flux and Argo CD apply by directory, each with the name of the file that says so.
type Deployments = BTreeMap<PathBuf, Vec<(String, Deployment)>>;

impl Tree {
    pub(super) fn new(path: PathBuf, real: PathBuf, files: Vec<Listed>) -> Self {
        let index = files.iter().enumerate().map(|(at, file)| (real_of(file).to_owned(), at)).collect();
        let mut tree = Self { path, real, files, index, charts: BTreeSet::new() };
        let metadata = tree.files.iter().map(real_of).filter(|real| real.ends_with("Chart.yaml"));
        let folders: BTreeSet<PathBuf> = metadata.filter_map(|real| Some(real.parent()?.to_owned())).collect();
        // Outer directories come first.
        for folder in folders {
            if !tree.is_in_chart(&folder) {
                tree.charts.insert(folder);
            }
        }
        tree
    }

    pub(super) fn contents(&self, values: &ValuesFiles<'_>, largest: u64) -> Contents {
        // The files of charts are read by helm.
        let is_read = |file: &&Listed| !self.is_in_chart(real_of(file));
        let files: Vec<&Listed> = self.files.iter().filter(is_read).collect();
        let outcomes = Listed::read_all(&files, largest);
        let texts: Vec<(&Listed, Result<ManifestFile, ManifestError>)> = files.into_iter().zip(outcomes).collect();
        let kustomized: BTreeSet<PathBuf> = self
            .outside_charts()
            .filter(|real| is_kustomization(real))
            .map(|real| folder_of(real).to_owned())
            .collect();
        let kustomizations = Kustomizations::read(kustomized.iter().cloned());
        let named = kustomizations.files();
        let deployments = self.deployments(&texts, &kustomizations);
        let deployed = |real: &Path| deployments.get(real).map_or(&[][..], Vec::as_slice);
        let pointed = deployments.keys().map(PathBuf::as_path).filter(|folder| kustomized.contains(*folder));
        let roots: BTreeSet<&Path> = kustomizations.roots().into_iter().chain(pointed).collect();
        let mut found = Contents::default();
        found.roots.extend(roots.into_iter().map(|real| self.kustomization(real, &kustomizations, deployed(real))));
        for real in &self.charts {
            let chart = Chart::read(real);
            if !chart.is_library {
                found.roots.extend(self.releases(real, &chart, deployed(real), values));
            }
        }
        let mut applied: BTreeMap<&Path, Vec<Listed>> = BTreeMap::new();
        let is_applied = |folder: &&Path| {
            deployments.contains_key(*folder) && !kustomized.contains(*folder) && !self.charts.contains(*folder)
        };
        let is_flat = |folder: &Path| deployed(folder).iter().all(|(_, deployment)| deployment.is_flat);
        let reaches = |folder: &Path, real: &Path| folder == folder_of(real) || !is_flat(folder);
        for (file, text) in texts {
            let real = real_of(file);
            if named.contains(real) || is_kustomization(real) {
                continue;
            }
            if kustomized.contains(folder_of(real)) {
                found.unnamed.extend(text.is_ok_and(|file| contains_ingress(&file.text)).then(|| file.path.clone()));
            } else if let Some(folder) =
                folder_of(real).ancestors().find(|folder| is_applied(folder) && reaches(folder, real))
            {
                applied.entry(folder).or_default().push(file.clone());
            } else {
                found.plain.push(text);
            }
        }
        let applied = applied.into_iter().map(|(real, files)| self.root(real, Content::Files(files), deployed(real)));
        found.roots.extend(applied);
        found
    }

    /// What Flux and Argo CD apply, by directory.
    fn deployments(
        &self,
        texts: &[(&Listed, Result<ManifestFile, ManifestError>)],
        kustomizations: &Kustomizations,
    ) -> Deployments {
        let changed = kustomizations.changed_files();
        let mut of = Deployments::new();
        for (file, text) in texts {
            let (file, text) = (real_of(file), text.as_ref().map_or("", |file| &file.text));
            for mut deployment in in_text(text) {
                deployment.is_changed |= changed.contains(file);
                if let Some(folder) = self.in_repository(&deployment.path) {
                    of.entry(folder).or_default().push((self.name(file), deployment));
                }
            }
        }
        of
    }

    fn outside_charts(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(real_of).filter(|real| !self.is_in_chart(real))
    }

    fn is_in_chart(&self, real: &Path) -> bool {
        real.ancestors().filter(|folder| self.charts.contains(*folder)).any(|chart| self.is_part_of(chart, real))
    }

    /// Whether a file or directory below a chart belongs to it.
    fn is_part_of(&self, chart: &Path, real: &Path) -> bool {
        let Ok(below) = real.strip_prefix(chart) else { return false };
        let first = below.iter().next().map(|first| first.to_string_lossy()).unwrap_or_default();
        chart != self.real
            || OF_CHART.contains(&&*first)
            || ["Chart.", "values", "requirements."].iter().any(|start| first.starts_with(start))
    }

    /// The name of a file or directory: its path below the given directory.
    fn name(&self, real: &Path) -> String {
        let below = real.strip_prefix(&self.real).unwrap_or(real);
        if below.as_os_str().is_empty() { ".".to_owned() } else { below.to_string_lossy().into_owned() }
    }

    /// A directory as it is shown.
    fn shown(&self, real: &Path) -> PathBuf {
        let shown = self.path.join(real.strip_prefix(&self.real).unwrap_or(real));
        if shown.as_os_str().is_empty() { PathBuf::from(".") } else { shown }
    }

    /// The directory of a path that counts from the root of the repository, if it is below the given one.
    fn in_repository(&self, path: &str) -> Option<PathBuf> {
        let root = *up_to_repository(&self.real).last()?;
        let path = path.trim_start_matches("./").trim_matches('/');
        let real = fs::canonicalize(root.join(path)).ok()?;
        (real.is_dir() && real.starts_with(&self.real) && !path.is_empty()).then_some(real)
    }

    fn kustomization(&self, real: &Path, all: &Kustomizations, deployed: &[(String, Deployment)]) -> Root {
        let content = match (all.refusal(real), all.unchanged_files(real)) {
            (Some(reason), _) => Content::Refused(reason),
            (None, Some(files)) => Content::Files(files.into_iter().map(|file| self.listed(file)).collect()),
            (None, None) => Content::Kustomization(self.shown(&file_in(real).unwrap_or_else(|| real.to_owned()))),
        };
        self.root(real, content, deployed)
    }

    fn root(&self, real: &Path, content: Content, deployed: &[(String, Deployment)]) -> Root {
        let mut namespaces = deployed.iter().map(|(_, deployment)| &deployment.namespace);
        let first = namespaces.next().cloned().flatten();
        let is_certain = namespaces.all(|namespace| *namespace == first);
        let refusal = deployed.iter().find_map(|(_, deployment)| deployment.refusal.clone());
        Root {
            name: self.name(real),
            folder: self.shown(real),
            real: real.to_owned(),
            content: refusal.map_or(content, Content::Refused),
            namespace: first.filter(|_| is_certain),
            is_sample: deployed.iter().any(|(_, deployment)| deployment.is_changed),
        }
    }

    /// The renderings of a chart: those of its releases, or one for each values file, or one with its own values alone.
    fn releases(
        &self,
        real: &Path,
        chart: &Chart,
        deployed: &[(String, Deployment)],
        values: &ValuesFiles<'_>,
    ) -> Vec<Root> {
        let root = |suffix: Option<&str>, release: Release, namespace: Option<String>, is_sample| Root {
            name: suffix.map_or_else(|| self.name(real), |suffix| format!("{} ({suffix})", self.name(real))),
            folder: self.shown(real),
            real: real.to_owned(),
            content: chart.refusal.clone().map_or(Content::Chart(release), Content::Refused),
            namespace,
            is_sample,
        };
        let with = |files: Vec<PathBuf>| Release { name: chart.name.clone(), files, inline: None };
        let mut roots = Vec::new();
        for (file, deployment) in deployed {
            let files: Vec<Option<PathBuf>> =
                deployment.values_files.iter().map(|file| self.values_file(file)).collect();
            let missing = deployment.values_files.iter().zip(&files).find(|(_, found)| found.is_none());
            let missing = missing.filter(|_| !deployment.may_lack_values);
            let missing = missing.map(|(name, _)| format!("the repository has no values file {name:?}"));
            let is_sample = deployment.is_changed;
            let release = Release {
                name: deployment.release.clone(),
                files: files.into_iter().flatten().collect(),
                inline: deployment.inline.clone(),
            };
            let mut root = root(Some(file), release, deployment.namespace.clone(), is_sample);
            if let Some(reason) = deployment.refusal.clone().or(missing) {
                root.content = Content::Refused(reason);
            }
            roots.push(root);
        }
        for (name, file) in values.of_chart(real, self.files.iter().map(real_of)) {
            roots.push(root(Some(&name), with(vec![file]), None, false));
        }
        if roots.is_empty() {
            let files = values.of_every_chart();
            let is_sample = files.is_empty();
            roots.push(root(None, with(files), None, is_sample));
        }
        roots
    }

    fn values_file(&self, path: &str) -> Option<PathBuf> {
        let root = *up_to_repository(&self.real).last()?;
        let real = fs::canonicalize(root.join(path)).ok()?;
        (real.is_file() && real.starts_with(root)).then_some(real)
    }

    /// A file of a kustomization, as it was listed, or as a file outside the given directory.
    fn listed(&self, real: PathBuf) -> Listed {
        match self.index.get(&real) {
            Some(at) => self.files[*at].clone(),
            None => Listed { path: real.clone(), source: ManifestSource::Outside(real), is_given: false },
        }
    }
}

/// The path without symbolic links. Below directories, there are no other files.
fn real_of(listed: &Listed) -> &Path {
    match &listed.source {
        ManifestSource::Within(real) | ManifestSource::Outside(real) => real,
        ManifestSource::Stream | ManifestSource::Rendered => &listed.path,
    }
}

fn folder_of(real: &Path) -> &Path {
    real.parent().unwrap_or(real)
}

/// Whether a text appears to contain an Ingress.
fn contains_ingress(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "kind: Ingress")
}
