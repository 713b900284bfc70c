//! Errors of manifest files.

use std::path::PathBuf;

use thiserror::Error;

/// An error while reading manifests.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// An error of the file system.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// There is no Kubernetes object.
    #[error("{}: no Kubernetes object found in .yaml, .yml and .json files", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file is too large.
    #[error("{}: larger than {} MiB, the limit for a manifest", path.display(), most >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The size limit in bytes.
        most: u64,
    },
    /// The file or directory is in too many others.
    #[error("{}: more than {most} directories deep", path.display())]
    TooDeep {
        /// The file or directory.
        path: PathBuf,
        /// The limit for the depth.
        most: usize,
    },
    /// The file is binary, or in an encoding that kubectl does not read.
    #[error("{}: neither UTF-8 nor UTF-16 text (byte {at}); convert the file to UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is not text, from 1.
        at: usize,
    },
    /// A document cannot be parsed.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The problem.
        message: String,
    },
    /// A document is a template.
    #[error(
        "{}:{line}:{column}: a template, not a manifest; render it first: helm template CHART | ingress-guard check -",
        path.display()
    )]
    Template {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
    },
}

impl ManifestError {
    /// Returns the problem without its position.
    #[must_use]
    pub fn reason(&self) -> String {
        let text = self.to_string();
        let place = match self {
            Self::Broken { path, line, column, .. } | Self::Template { path, line, column } => {
                format!("{}:{line}:{column}: ", path.display())
            }
            Self::Io { path, .. }
            | Self::Empty { path }
            | Self::TooLarge { path, .. }
            | Self::TooDeep { path, .. }
            | Self::NotText { path, .. } => format!("{}: ", path.display()),
        };
        text.strip_prefix(&place).map_or(text.clone(), str::to_owned)
    }
}
