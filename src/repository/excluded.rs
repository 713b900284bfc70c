//! Files that are not read: hidden directories, installed packages, and those that the user excludes.

use std::path::Path;

use anyhow::Context as _;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::file;

/// The file with patterns, in the format of `.gitignore`.
const PATTERNS: &str = ".ingress-guardignore";

/// The most bytes of a file with patterns.
const LARGEST: u64 = 1 << 20;

/// What is excluded below one given directory.
pub(super) struct Excluded {
    /// The later ones take precedence.
    patterns: Vec<Gitignore>,
}

impl Excluded {
    /// Reads the files with patterns in a directory and above it, up to the root of the Git repository, and adds `--exclude`.
    pub(super) fn below(folder: &Path, globs: &[String]) -> anyhow::Result<Self> {
        let mut patterns = Vec::new();
        for above in up_to_repository(folder) {
            let path = above.join(PATTERNS);
            if path.is_file() {
                let name = || path.display().to_string();
                let text = file::read_text(&path, LARGEST).with_context(name)?;
                patterns.push(matcher(above, text.lines()).with_context(name)?);
            }
        }
        patterns.reverse();
        patterns.push(matcher(folder, globs.iter().map(String::as_str)).context("--exclude")?);
        Ok(Self { patterns })
    }

    pub(super) fn contains(&self, path: &Path, is_directory: bool) -> bool {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if is_directory && (name.starts_with(b".") || name == b"node_modules") {
            return true;
        }
        let decided = self.patterns.iter().rev().map(|patterns| patterns.matched(path, is_directory));
        decided.into_iter().find(|decided| !decided.is_none()).is_some_and(|decided| decided.is_ignore())
    }
}

fn matcher<'a>(folder: &Path, lines: impl Iterator<Item = &'a str>) -> Result<Gitignore, ignore::Error> {
    let mut builder = GitignoreBuilder::new(folder);
    for line in lines {
        builder.add_line(None, line)?;
    }
    builder.build()
}

/// A directory and those above it, up to the root of its Git repository; only itself if there is none.
pub(super) fn up_to_repository(folder: &Path) -> Vec<&Path> {
    let above: Vec<&Path> = folder.ancestors().collect();
    match above.iter().position(|folder| folder.join(".git").exists()) {
        Some(last) => above[..=last].to_vec(),
        None => vec![folder],
    }
}
