//! The way from the fields of an Ingress to lines and columns of its file.

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use crate::cluster::Origin;
use crate::document::{Document, Edit, Lines};
use crate::finding::{Finding, Patch};
use crate::report::{Change, Located, Place};

/// The places of one Ingress. Its document is parsed on first use and shared by all Ingresses in it.
pub(super) struct Places<'a> {
    name: String,
    text: &'a str,
    lines: &'a Lines<'a>,
    origin: &'a Origin,
    document: Rc<OnceCell<Option<Document<'a>>>>,
}

impl<'a> Places<'a> {
    /// The places of the Ingress at `origin` in the file `name`. `last` are those of the previous Ingress.
    pub(super) fn new(
        name: String,
        text: &'a str,
        lines: &'a Lines<'a>,
        origin: &'a Origin,
        last: Option<&Self>,
    ) -> Self {
        let same = |last: &&Self| last.origin.file == origin.file && last.origin.document == origin.document;
        let document = last.filter(same).map(|last| Rc::clone(&last.document)).unwrap_or_default();
        Self { name, text, lines, origin, document }
    }

    /// Returns the place of a finding, and the changes of the file by its fix.
    pub(super) fn locate(&self, finding: &Finding) -> Located {
        let start = self.origin.document.start;
        let bytes =
            self.document().map_or(start..start, |document| document.locate(&self.origin.items, &finding.field));
        let changes = finding.fix.as_ref().map(|fix| self.changes(fix)).unwrap_or_default();
        Located { place: self.place(&bytes), changes }
    }

    fn document(&self) -> Option<&Document<'a>> {
        self.document.get_or_init(|| Document::parse(self.text, self.origin.document.clone())).as_ref()
    }

    /// A fix as changes of the file; empty if it cannot be applied to the text.
    fn changes(&self, fix: &Patch) -> Vec<Change> {
        let object = self.document().and_then(|document| document.object(self.text, &self.origin.items).ok());
        let Some(mut object) = object else { return Vec::new() };
        let start = object.bytes().start;
        let change =
            |Edit { bytes, text }| Change { place: self.place(&(start + bytes.start..start + bytes.end)), text };
        object.fix(fix).unwrap_or_default().into_iter().map(change).collect()
    }

    fn place(&self, bytes: &Range<usize>) -> Place {
        let [(line, column), (end_line, end_column)] = [bytes.start, bytes.end].map(|byte| self.lines.position(byte));
        Place { file: self.name.clone(), line, column, end_line, end_column }
    }
}
