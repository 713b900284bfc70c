//! Charts: their metadata, and why one cannot be rendered.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::values::{self, items, text};

/// A chart, as far as its rendering needs it.
pub(super) struct Chart {
    /// The name in `Chart.yaml`, which the comments of the output begin with.
    pub(super) name: String,
    /// Whether it only contains templates for other charts.
    pub(super) is_library: bool,
    /// Why it is not rendered.
    pub(super) refusal: Option<String>,
}

impl Chart {
    /// Reads the metadata in a directory.
    pub(super) fn read(folder: &Path) -> Self {
        let metadata = match values::read(&folder.join("Chart.yaml")) {
            Ok(documents) => documents.into_iter().next().unwrap_or_default(),
            Err(error) => {
                let refusal = Some(format!("Chart.yaml: {error}"));
                return Self { name: String::new(), is_library: false, refusal };
            }
        };
        let refusal = missing_dependency(folder, &metadata).or_else(|| link_that_leads_out(folder, folder));
        Self {
            name: text(&metadata, &["name"]).unwrap_or_default().to_owned(),
            is_library: text(&metadata, &["type"]) == Some("library"),
            refusal,
        }
    }
}

/// helm renders no chart whose dependencies are not in `charts/`, and loading them needs the network.
fn missing_dependency(folder: &Path, metadata: &Value) -> Option<String> {
    // Charts of Helm 2 list them in a file of their own.
    let requirements = values::read(&folder.join("requirements.yaml")).unwrap_or_default();
    let declared = std::iter::once(metadata).chain(&requirements).flat_map(|from| items(from, &["dependencies"]));
    let names: Vec<&str> = declared.filter_map(|dependency| text(dependency, &["name"])).collect();
    let present = Dependencies::below(&folder.join("charts"));
    // An archive whose name does not begin with that of a chart contains any chart. helm then decides.
    if present.archives.iter().any(|archive| !names.iter().any(|name| is_archive_of(archive, name))) {
        return None;
    }
    let is_present = |name: &&str| {
        present.charts.contains(*name) || present.archives.iter().any(|archive| is_archive_of(archive, name))
    };
    let missing = names.iter().find(|name| !is_present(name))?;
    Some(format!("its dependency {missing:?} is not in charts/ (helm dependency build)"))
}

/// What the directory `charts` of a chart contains.
#[derive(Default)]
struct Dependencies {
    /// The names of the charts in directories, which may be called otherwise.
    charts: BTreeSet<String>,
    /// The file names of archives, without `.tgz`.
    archives: Vec<String>,
}

impl Dependencies {
    fn below(folder: &Path) -> Self {
        let mut found = Self::default();
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if let Some(archive) = file.strip_suffix(".tgz") {
                found.archives.push(archive.to_owned());
            } else if let Ok(metadata) = values::read(&path.join("Chart.yaml")) {
                found.charts.extend(metadata.first().and_then(|metadata| text(metadata, &["name"])).map(str::to_owned));
            }
        }
        found
    }
}

/// Whether helm gives the archive of a chart this name: that of the chart and its version.
fn is_archive_of(archive: &str, chart: &str) -> bool {
    archive.strip_prefix(chart).is_some_and(|version| version.is_empty() || version.starts_with('-'))
}

/// A chart can show the content of its files, also of those that links lead to.
fn link_that_leads_out(chart: &Path, folder: &Path) -> Option<String> {
    for entry in fs::read_dir(folder).ok()?.filter_map(Result::ok) {
        let kind = entry.file_type().ok()?;
        if kind.is_symlink() && !fs::canonicalize(entry.path()).is_ok_and(|real| real.starts_with(chart)) {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Some(format!("the symbolic link {name:?} leads out of the chart"));
        }
        if kind.is_dir()
            && let Some(reason) = link_that_leads_out(chart, &entry.path())
        {
            return Some(reason);
        }
    }
    None
}

/// The beginning of the comment that helm writes above each object: `# Source: NAME/templates/x.yaml`.
pub const SOURCE: &str = "# Source: ";

/// Returns the file of a template, from the comment above an object.
pub(super) fn template(folder: &Path, document: &str) -> Option<PathBuf> {
    let source = document.lines().find_map(|line| line.strip_prefix(SOURCE))?;
    Some(folder.join(source.split_once('/')?.1))
}
