//! The findings that a format for people lists: levels, order and number.

use std::cmp::Reverse;

use super::{Entry, Report};
use crate::finding::Level;

/// The findings that a report lists. Formats for programs contain every finding.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// The lowest level that is listed. Lower levels are counted only.
    pub show: Level,
    /// The order of the text format.
    pub group: Grouping,
    /// The most findings of one check that the text format shows in full; 0: all.
    pub max_per_code: usize,
}

/// The order of findings in the text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// By level, then by check.
    Code,
    /// By Ingress.
    Object,
}

impl Default for Listing {
    fn default() -> Self {
        Self { show: Level::Warn, group: Grouping::Code, max_per_code: 5 }
    }
}

/// Findings that stand together: of one check at one level, or of one Ingress.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Those that are shown in full.
    pub(super) shown: Vec<&'a Entry>,
    /// Those of which only the place is listed.
    pub(super) rest: Vec<&'a Entry>,
}

impl Listing {
    /// The findings that count as problems at the listed levels, the highest level first.
    pub(super) fn entries<'a>(&self, report: &'a Report) -> Vec<&'a Entry> {
        let is_listed = |entry: &&Entry| entry.level >= self.show && entry.waived.is_none() && !entry.baseline;
        let mut entries: Vec<&Entry> = report.findings.iter().filter(is_listed).collect();
        entries.sort_by_key(|entry| (Reverse(entry.level), entry.code));
        entries
    }

    /// The same findings in blocks.
    pub(super) fn blocks<'a>(&self, report: &'a Report) -> Vec<Block<'a>> {
        let mut entries = self.entries(report);
        if self.group == Grouping::Object {
            entries.sort_by(|a, b| a.identity().cmp(&b.identity()));
        }
        let is_together = |a: &&Entry, b: &&Entry| match self.group {
            Grouping::Code => (a.level, a.code) == (b.level, b.code),
            Grouping::Object => a.identity() == b.identity(),
        };
        let most =
            if self.max_per_code == 0 || self.group == Grouping::Object { usize::MAX } else { self.max_per_code };
        let block = |together: &[&'a Entry]| {
            let (shown, rest) = together.split_at(most.min(together.len()));
            Block { shown: shown.to_vec(), rest: rest.to_vec() }
        };
        entries.chunk_by(is_together).map(block).collect()
    }
}

impl Entry {
    /// `file:line:column`, or the file from which the Ingress is rendered.
    pub(super) fn file_and_line(&self) -> Option<String> {
        let place = self.place.as_ref().map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
        place.or_else(|| self.rendered_from.clone())
    }

    /// The place in a file, or the Ingress if it is in none.
    pub(super) fn location(&self) -> String {
        self.file_and_line().unwrap_or_else(|| self.object())
    }
}
