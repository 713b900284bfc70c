//! `--values`: the values files with which charts are rendered.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use anyhow::bail;
use wildmatch::WildMatch;

/// The given patterns and files.
pub(super) struct ValuesFiles<'a> {
    given: Vec<Pattern<'a>>,
}

struct Pattern<'a> {
    text: &'a str,
    is_used: Cell<bool>,
}

impl<'a> ValuesFiles<'a> {
    pub(super) fn new(given: &'a [String]) -> Self {
        Self { given: given.iter().map(|text| Pattern { text, is_used: Cell::new(false) }).collect() }
    }

    /// Returns the files of a chart that a pattern selects, of those that are listed below it, by their name in the chart.
    pub(super) fn of_chart<'f>(&self, folder: &Path, listed: impl Iterator<Item = &'f Path>) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        if self.given.is_empty() {
            return found;
        }
        for real in listed {
            let Ok(name) = real.strip_prefix(folder) else { continue };
            let name = name.to_string_lossy().into_owned();
            for pattern in self.given.iter().filter(|pattern| WildMatch::new(pattern.text).matches(&name)) {
                pattern.is_used.set(true);
                found.push((name.clone(), real.to_owned()));
            }
        }
        found.dedup();
        found
    }

    /// Returns the files outside of charts, which apply to every chart.
    pub(super) fn of_every_chart(&self) -> Vec<PathBuf> {
        let files = self.given.iter().filter(|pattern| !pattern.is_used.get());
        files.filter_map(|pattern| Path::new(pattern.text).canonicalize().ok()).collect()
    }

    /// Fails if no chart has a file that a pattern selects, and no such file exists.
    pub(super) fn ensure_used(&self) -> anyhow::Result<()> {
        for Pattern { text, is_used } in &self.given {
            if !is_used.get() && !Path::new(text).is_file() {
                bail!("--values: no chart has the file {text:?}, and it does not exist");
            }
        }
        Ok(())
    }
}
