//! The objects in the text of one manifest file: many YAML documents, JSON documents, lists and lists of lists. A broken
//! document is one error; the others are still read.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::custom::CustomResource;
use super::header::{Header, texts};
use super::options::ReadOptions;
use super::outside::Named;
use super::parts::{Part, values};
use super::unclear::{has_placeholder, is_unclear, may_be_unclear, named};
use crate::cluster::store::{Object, Source};
use crate::model::Kind;
use crate::model::placeholder::{with_numbers, without_braces};
use crate::validation;
use crate::yaml::{Invalid, Lines, Node, Scalar, Step, SyntaxError, Tree, directive, documents};

/// An error of a document.
pub(super) struct Broken {
    /// Line, from 1.
    pub(super) line: u64,
    /// Column, from 1.
    pub(super) column: u64,
    /// The problem; `None`: the document is a template.
    pub(super) message: Option<String>,
}

/// What a document contains, as far as it is read.
pub(super) enum Content {
    /// An object that checks read, and whether the file gives its namespace.
    Object { object: Object, has_namespace: bool },
    /// An object that exists, and whose contents are unknown.
    Unclear(Named),
    /// An object of another kind that creates others.
    Custom(CustomResource),
    /// Anything else.
    Other,
}

/// An object and its position in the text.
pub(super) struct Found {
    /// The object.
    pub(super) content: Content,
    /// The bytes of its document.
    pub(super) bytes: Range<usize>,
    /// If its document is a list: the index of the item, then of the item in that one.
    pub(super) items: Vec<usize>,
    /// An Ingress as JSON, with the fields that no check reads.
    pub(super) written: Option<Arc<Value>>,
    /// The error of a value of the Ingress that does not fit its field, and is left out of the object.
    pub(super) left_out: Option<Broken>,
}

impl Found {
    /// Whether checks know its kind.
    fn is_read(&self) -> bool {
        matches!(self.content, Content::Object { .. } | Content::Unclear(..))
    }

    /// Returns the object if all of its values fit their fields.
    pub(super) fn decodable(self) -> Result<Self, Broken> {
        let Self { left_out, .. } = self;
        left_out.map_or_else(|| Ok(Self { left_out: None, ..self }), Err)
    }
}

/// A document with a map that has a key twice.
pub(super) struct Repeated {
    /// The key.
    pub(super) key: String,
    /// The line of the key before, from 1.
    pub(super) before: usize,
    /// The line of the repeated key, from 1.
    pub(super) line: usize,
    /// Its column, from 1.
    pub(super) column: usize,
    /// The number of further repeated keys in the document.
    pub(super) others: usize,
}

/// The contents of a text, in order.
#[derive(Default)]
pub(super) struct Documents {
    /// The objects and errors.
    pub(super) objects: Vec<Result<Found, Broken>>,
    /// The documents with repeated keys.
    pub(super) repeated: Vec<Repeated>,
}

impl Documents {
    /// Adds those of the next part.
    pub(super) fn append(&mut self, mut next: Self) {
        self.objects.append(&mut next.objects);
        self.repeated.append(&mut next.repeated);
    }
}

/// Reads the documents of a part of a text. Objects without a namespace get the one of the options.
pub(super) fn read(text: &str, part: &Part, options: ReadOptions<'_>) -> Documents {
    let may_be_unclear = may_be_unclear(&text[part.bytes.clone()]);
    let mut reader = Reader { text, options, may_be_unclear, lines: OnceCell::new(), found: Documents::default() };
    if part.is_json {
        reader.json();
    } else {
        for document in documents(&text[part.bytes.clone()]) {
            reader.yaml_document(part.bytes.start + document.start..part.bytes.start + document.end);
        }
    }
    reader.found
}

impl Source for Node<'_> {
    type Error = Invalid;
    fn read<T: DeserializeOwned>(self) -> Result<T, Invalid> {
        T::deserialize(self)
    }
}

/// The depth to which nested lists are read: kubectl writes one list, and a wrapper may add another.
const DEPTH: usize = 8;
const TOO_DEEP: &str = "lists are in lists more than 8 levels deep";
const DIRECTIVE: &str = "a directive, which kubectl cannot decode; remove the line";
/// The error text for a Secret: the text of another error could repeat the value.
const NO_SECRET: &str = "not a valid Secret: type and every value of data and stringData must be text";

struct Reader<'a> {
    text: &'a str,
    options: ReadOptions<'a>,
    may_be_unclear: bool,
    lines: OnceCell<Lines<'a>>,
    found: Documents,
}

/// A document or item as it is read.
struct Parsed {
    content: Content,
    written: Option<Arc<Value>>,
    left_out: Option<Invalid>,
}

/// A document of the text.
struct Document<'t> {
    bytes: Range<usize>,
    /// The text that is parsed: that of the file, unless variables are substituted.
    text: &'t str,
    is_substituted: bool,
    tree: &'t Tree<'t>,
    /// The nodes with their places. A tree of JSON has none.
    places: OnceCell<Option<Tree<'t>>>,
    is_json: bool,
}

impl Reader<'_> {
    fn yaml_document(&mut self, bytes: Range<usize>) {
        let substituted = self.options.variables.substitute(&self.text[bytes.clone()]);
        let is_substituted = matches!(substituted, Cow::Owned(_));
        let (braceless, mut text) = (OnceCell::new(), &*substituted);
        if let Some(at) = directive(text) {
            return self.broken(bytes.start + at, &bytes, DIRECTIVE.to_owned());
        }
        let mut parsed = Tree::parse(text);
        if parsed.is_err() && self.may_be_unclear && text.contains("${") {
            let without = braceless.get_or_init(|| without_braces(text));
            if let Ok(tree) = Tree::parse(without) {
                (text, parsed) = (without, Ok(tree));
            }
        }
        match parsed {
            Ok(None) => {}
            Ok(Some(tree)) => {
                let (tree, places) = (&tree, OnceCell::new());
                self.document(&Document { bytes, text, is_substituted, tree, places, is_json: false });
            }
            Err(SyntaxError { at, reason }) => {
                let at = if is_substituted { self.line_of(&bytes, text, at) } else { bytes.start + at };
                self.broken(at, &bytes, reason);
            }
        }
    }

    fn json(&mut self) {
        let with_numbers = with_numbers(self.text);
        for value in values(&with_numbers) {
            match value.map(RawValue::get) {
                Ok(value) => {
                    let start = value.as_ptr() as usize - with_numbers.as_ptr() as usize;
                    self.json_document(start..start + value.len());
                }
                Err(error) => self.broken_json(0, self.text, &error),
            }
        }
    }

    fn json_document(&mut self, bytes: Range<usize>) {
        let text = &self.text[bytes.clone()];
        let substituted = self.options.variables.substitute(text);
        let is_substituted = matches!(substituted, Cow::Owned(_));
        match Tree::parse_json(&substituted) {
            Ok(tree) => {
                let (text, tree, places) = (&*substituted, &tree, OnceCell::new());
                self.document(&Document { bytes, text, is_substituted, tree, places, is_json: true });
            }
            // A placeholder in the place of a number is not JSON.
            Err(_) if text.contains("${") => self.yaml_document(bytes),
            Err(error) => self.broken_json(bytes.start, text, &error),
        }
    }

    fn broken_json(&mut self, start: usize, text: &str, error: &serde_json::Error) {
        let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (before + error.column().saturating_sub(1)).min(text.len());
        let message = error.to_string();
        let message = message.rfind(" at line ").map_or(message.clone(), |end| message[..end].to_owned());
        self.broken(start + at, &(start..start + text.len()), message);
    }

    fn document(&mut self, document: &Document<'_>) {
        let root = document.tree.root();
        if matches!(root.scalar(), Some(Scalar::Null)) {
            return;
        }
        let before = self.found.objects.len();
        self.item(Header::default(), root, document, Vec::new());
        let is_read = |found: &Result<Found, Broken>| found.as_ref().map_or(true, Found::is_read);
        if !document.tree.repeated().is_empty() && self.found.objects[before..].iter().any(is_read) {
            self.repeated(document);
        }
    }

    /// A document or an item of a list, which may be a list itself.
    fn item(&mut self, list: Header<'_>, node: Node<'_>, document: &Document<'_>, items: Vec<usize>) {
        let header = Header::of(node).or_item_of(list);
        let read = if header.is_list() {
            match node.get("items") {
                _ if items.len() == DEPTH => Err(Invalid::new(Vec::new(), TOO_DEEP)),
                Some(inner) if inner.items().is_some() => {
                    for (index, item) in inner.items().into_iter().flatten().enumerate() {
                        self.item(header, item, document, items.iter().copied().chain([index]).collect());
                    }
                    return;
                }
                Some(inner) if !matches!(inner.scalar(), Some(Scalar::Null)) => {
                    Err(Invalid::new(vec![Step::Key("items".to_owned())], "must be a list"))
                }
                _ => return,
            }
        } else if !node.is_map() && !items.is_empty() {
            Err(Invalid::new(Vec::new(), "must be a map"))
        } else if header.is_ingress() {
            self.ingress(header, node, document)
        } else {
            self.content(header, node).map(|content| Parsed { content, written: None, left_out: None })
        };
        let broken = |reader: &Self, invalid: Invalid| {
            let is_discreet = header.known_kind() == Some(Kind::Secret) && !invalid.is_type;
            let message = if is_discreet { NO_SECRET.to_owned() } else { invalid.to_string() };
            let steps = items.iter().flat_map(|index| [Step::Key("items".to_owned()), Step::Index(*index)]);
            let steps: Vec<Step> = steps.chain(invalid.steps).collect();
            let at = document.places().map_or(0, |tree| tree.root().at(&steps).head().start);
            reader.broken_at(reader.place(document, at), &document.bytes, message)
        };
        let found = match read {
            Ok(Parsed { content, written, left_out }) => {
                let left_out = left_out.map(|invalid| broken(self, invalid));
                Ok(Found { content, bytes: document.bytes.clone(), items, written, left_out })
            }
            Err(invalid) => Err(broken(self, invalid)),
        };
        self.found.objects.push(found);
    }

    /// An Ingress in any API version. Values that do not fit their fields are left out: a check reports them.
    fn ingress(&self, header: Header<'_>, node: Node<'_>, document: &Document<'_>) -> Result<Parsed, Invalid> {
        let written = header.completed(node.to_json());
        let left_out = match self.content(header, node) {
            Ok(Content::Object { mut object, has_namespace }) => {
                object.default_name(&written);
                let content = Content::Object { object, has_namespace };
                return Ok(Parsed { content, written: Some(Arc::new(written)), left_out: None });
            }
            Ok(_) => None,
            // The values of a template are not those of the Ingress.
            Err(invalid) if document.text.contains("{{") => return Err(invalid),
            Err(invalid) => Some(invalid),
        };
        let ingress = validation::read(&written).map_err(|error| Invalid::new(Vec::new(), &error.to_string()))?;
        let mut object = Object::Ingress(Box::new(ingress));
        object.default_name(&written);
        let has_namespace = object.default_namespace(self.options.namespace);
        Ok(Parsed { content: Content::Object { object, has_namespace }, written: Some(Arc::new(written)), left_out })
    }

    /// Returns the content of a document or an item.
    fn content(&self, header: Header<'_>, node: Node<'_>) -> Result<Content, Invalid> {
        let namespace = self.options.namespace;
        let Some(kind) = header.known_kind() else {
            let (Some(version), Some(kind)) = (header.api_version, header.kind) else { return Ok(Content::Other) };
            let custom = CustomResource::read(version, kind, || Some(node.to_json()), namespace);
            return Ok(custom.map_or(Content::Other, Content::Custom));
        };
        let mut object = match texts(node).and_then(|()| Object::read(kind, node)) {
            Ok(object) => object,
            Err(error) if !self.may_be_unclear || kind == Kind::Ingress => return Err(error),
            Err(error) => {
                let value = Some(node.to_json()).filter(has_placeholder);
                let named = value.and_then(|value| named(kind, &value, namespace));
                return named.map(Content::Unclear).ok_or(error);
            }
        };
        let has_namespace = object.default_namespace(namespace);
        if self.may_be_unclear && is_unclear(kind, &node.to_json()) {
            return Ok(Content::Unclear(Named { kind, key: object.key(), has_namespace }));
        }
        Ok(Content::Object { object, has_namespace })
    }

    fn broken(&mut self, at: usize, bytes: &Range<usize>, message: String) {
        let broken = self.broken_at(at, bytes, message);
        self.found.objects.push(Err(broken));
    }

    fn broken_at(&self, at: usize, bytes: &Range<usize>, message: String) -> Broken {
        // An unrendered Helm template is not YAML, so a parser error would not help.
        let brace = self.text[bytes.clone()].find("{{");
        let (line, column) = self.position(brace.map_or(at, |brace| bytes.start + brace));
        let message = if brace.is_some() { None } else { Some(message) };
        Broken { line: line as u64, column: column as u64, message }
    }

    fn repeated(&mut self, document: &Document<'_>) {
        let Some((first, others)) = document.places().and_then(|tree| tree.repeated().split_first()) else {
            return;
        };
        let [(before, _), (line, column)] = [first.before, first.at].map(|at| self.position(self.place(document, at)));
        let repeated = Repeated { key: first.name.clone(), before, line, column, others: others.len() };
        self.found.repeated.push(repeated);
    }

    /// The place in the file of a byte of a document.
    fn place(&self, document: &Document<'_>, at: usize) -> usize {
        let Document { bytes, text, is_substituted, .. } = document;
        if *is_substituted { self.line_of(bytes, text, at) } else { bytes.start + at }
    }

    /// The start of the line in the file of a byte of a substituted text. Its column is another one there.
    fn line_of(&self, bytes: &Range<usize>, substituted: &str, at: usize) -> usize {
        let line = substituted.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let before = self.text[bytes.clone()].split_inclusive('\n').take(line);
        bytes.start + before.map(str::len).sum::<usize>()
    }

    /// Line and column of a byte, from 1.
    fn position(&self, at: usize) -> (usize, usize) {
        self.lines.get_or_init(|| Lines::of(self.text)).position(at)
    }
}

impl<'t> Document<'t> {
    /// The tree with places.
    fn places(&self) -> Option<&Tree<'t>> {
        if self.is_json {
            self.places.get_or_init(|| Tree::parse(self.text).ok().flatten()).as_ref()
        } else {
            Some(self.tree)
        }
    }
}
