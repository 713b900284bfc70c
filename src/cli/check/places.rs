//! The way from the fields of an Ingress to lines and columns of its file.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::OnceLock;

use crate::cluster::Origin;
use crate::document::{Document, Edit, Lines};
use crate::finding::{Finding, Patch};
use crate::model::Ingress;
use crate::model::placeholder::without_braces;
use crate::report::{Change, Located, Place};
use crate::validation::ApiVersion;

/// The places of one Ingress. Its document is parsed on first use and shared by all Ingresses in it.
pub(super) struct Places<'a> {
    name: String,
    text: &'a str,
    /// For a text that can be parsed only with its placeholders substituted.
    without_braces: &'a OnceLock<String>,
    lines: &'a Lines<'a>,
    origin: &'a Origin,
    /// Whether `--fix` may change the file.
    is_fixable: bool,
    document: Rc<OnceCell<Option<Document<'a>>>>,
}

impl<'a> Places<'a> {
    /// The places of the Ingress at `origin` in the file `name`. `last` are those of the previous Ingress.
    pub(super) fn new(
        name: String,
        (text, without_braces): (&'a str, &'a OnceLock<String>),
        lines: &'a Lines<'a>,
        (origin, is_fixable): (&'a Origin, bool),
        last: Option<&Self>,
    ) -> Self {
        let same = |last: &&Self| last.origin.file == origin.file && last.origin.document == origin.document;
        let document = last.filter(same).map(|last| Rc::clone(&last.document)).unwrap_or_default();
        Self { name, text, without_braces, lines, origin, is_fixable, document }
    }

    /// Returns the place of a finding about an Ingress, and the changes of the file by its fix.
    pub(super) fn locate(&self, ingress: &Ingress, finding: &Finding) -> Located {
        let start = self.origin.document.start;
        let written = ingress.written.as_ref().and_then(|written| ApiVersion::of(&written.value));
        let field = written.map_or(Cow::Borrowed(&finding.field), |version| version.as_written(&finding.field));
        let bytes = self.document().map_or(start..start, |document| document.locate(&self.origin.items, &field));
        let fix = finding.fix.as_ref().filter(|_| self.is_fixable);
        let changes = fix.map(|fix| self.changes(fix)).unwrap_or_default();
        Located { place: self.place(&bytes), changes }
    }

    fn document(&self) -> Option<&Document<'a>> {
        let parse = |text: &'a str| Document::parse(text, self.origin.document.clone());
        let substituted = || self.without_braces.get_or_init(|| without_braces(self.text));
        self.document.get_or_init(|| parse(self.text).or_else(|| parse(substituted()))).as_ref()
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
