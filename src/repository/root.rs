//! A root: objects that are applied together, and where they come from.

use std::path::PathBuf;

use super::helm::template;
use crate::cluster::Listed;

/// Objects that are applied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The directory below the given one, with the values file if one is used. It is the same on every machine.
    pub name: String,
    /// The directory as it is shown.
    pub folder: PathBuf,
    /// The directory without symbolic links.
    pub real: PathBuf,
    /// The objects, or how they are made.
    pub content: Content,
    /// The namespace of objects without one, if it is known.
    pub namespace: Option<String>,
    /// Whether something that changes the objects is not known, such as the values of a chart.
    pub is_sample: bool,
}

impl Root {
    /// The file from which an object is rendered: the template of a chart, or the kustomization. `document` is the rendered text.
    #[must_use]
    pub fn made_from(&self, document: &str) -> PathBuf {
        match &self.content {
            Content::Kustomization(file) => file.clone(),
            _ => template(&self.folder, document).unwrap_or_else(|| self.folder.clone()),
        }
    }
}

/// Where the objects of a root come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Files that are applied as they are.
    Files(Vec<Listed>),
    /// kustomize makes them from the directory with this file.
    Kustomization(PathBuf),
    /// helm makes them.
    Chart(Release),
    /// They cannot be made without the network or other programs, for this reason.
    Refused(String),
}

/// The rendering of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// The name of the release.
    pub name: String,
    /// Values files, the later ones first in precedence.
    pub files: Vec<PathBuf>,
    /// Values that the manifest of the release contains, as YAML.
    pub inline: Option<String>,
}
