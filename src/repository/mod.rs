//! What a directory deploys: kustomizations, charts, folders that Flux or Argo CD apply, and plain files. Each root is applied on its
//! own, so that objects of one say nothing about another.

mod argo;
mod deployment;
mod deployments;
mod excluded;
mod flux;
mod helm;
mod kustomize;
mod root;
mod tree;
mod values;
mod values_files;

use std::fs;
use std::path::PathBuf;

use crate::cluster::{Files, ManifestError, ManifestFile};
use excluded::Excluded;
use tree::{Contents, Tree};
use values_files::ValuesFiles;

pub use helm::SOURCE;
pub use root::{Content, Release, Root};

/// The options of a search.
#[derive(Debug, Clone, Copy, Default)]
pub struct SearchOptions<'a> {
    /// Patterns of files and directories that are left out, as in `.gitignore`.
    pub exclude: &'a [String],
    /// Values files for charts: patterns below the chart's directory, or files.
    pub values: &'a [String],
    /// The most bytes of one file.
    pub largest: u64,
}

/// The roots below the given files and directories.
#[derive(Debug, Default)]
pub struct Repository {
    /// Files that no root contains. They are evaluated as they are.
    pub plain: Vec<Result<ManifestFile, ManifestError>>,
    /// The roots, by name.
    pub roots: Vec<Root>,
    /// Files beside a kustomization that does not name them: they are not applied.
    pub unnamed: Vec<PathBuf>,
}

impl Repository {
    /// Finds the roots below directories. Files that are given by name are plain.
    ///
    /// # Errors
    /// If a pattern or `.ingress-guardignore` is not valid, or no chart has a values file.
    pub fn find(paths: &[PathBuf], options: SearchOptions<'_>) -> anyhow::Result<Self> {
        let mut files = Files::default();
        let mut found = Self::default();
        let values = ValuesFiles::new(options.values);
        for path in paths {
            match fs::canonicalize(path) {
                Ok(real) if real.is_dir() => {
                    let excluded = Excluded::below(&real, options.exclude)?;
                    let listed = files.below(path, &|path, is_directory| excluded.contains(path, is_directory));
                    let path = path.strip_prefix(".").unwrap_or(path).to_owned();
                    let mut below = Vec::new();
                    for listed in listed {
                        match listed {
                            Ok(file) => below.push(file),
                            Err(fault) => found.plain.push(Err(fault)),
                        }
                    }
                    let Contents { plain, roots, unnamed } =
                        Tree::new(path, real, below).contents(&values, options.largest);
                    found.plain.extend(plain);
                    found.roots.extend(roots);
                    found.unnamed.extend(unnamed);
                }
                _ => {
                    let listed = files.below(path, &|_, _| false).into_iter();
                    found.plain.extend(listed.map(|listed| listed.and_then(|listed| listed.read(options.largest))));
                }
            }
        }
        values.ensure_used()?;
        found.roots.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}
