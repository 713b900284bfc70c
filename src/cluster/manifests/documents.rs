//! The objects in the text of one manifest file: many YAML documents, JSON documents, lists and lists of lists. A broken
//! document is one error; the others are still read.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_saphyr::Spanned;

use crate::cluster::store::{Object, Source};
use crate::model::Kind;

/// An error of a document.
pub(super) struct Broken {
    /// Line, from 1.
    pub(super) line: u64,
    /// Column, from 1.
    pub(super) column: u64,
    /// The problem; `None`: the document is a template.
    pub(super) message: Option<String>,
}

/// An object and its position in the text.
pub(super) struct Found {
    /// The object; `None`: no check reads its kind.
    pub(super) object: Option<Object>,
    /// The bytes of its document.
    pub(super) bytes: Range<usize>,
    /// If its document is a list: the index of the item, then of the item in that one.
    pub(super) items: Vec<usize>,
}

/// The objects and errors of a text, in order.
pub(super) type Documents = Vec<Result<Found, Broken>>;

/// Reads the documents of a text. Objects without a namespace get the given one.
pub(super) fn read(text: &str, is_json: bool, namespace: &str) -> Documents {
    let mut reader = Reader { text, namespace, found: Vec::new() };
    if is_json {
        reader.json();
    } else {
        reader.yaml();
    }
    reader.found
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Header {
    api_version: Option<String>,
    kind: Option<String>,
    /// Only validated: the API server rejects annotations that are not strings, so they are rejected here too.
    metadata: Option<HeaderMeta>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct HeaderMeta {
    annotations: Option<BTreeMap<String, Option<String>>>,
}

impl Header {
    /// Whether this is a list: `List`, or a typed list such as `IngressList`, whose items may lack their kind. Other
    /// kinds can end in `List` without being lists.
    fn is_list(&self) -> bool {
        let item = self.kind.as_deref().and_then(|kind| kind.strip_suffix("List"));
        item.is_some_and(|item| item.is_empty() || Kind::ALL.iter().any(|kind| kind.name() == item))
    }

    fn or_item_of(self, list: &Self) -> Self {
        let item = list.kind.as_deref().and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        Self {
            kind: self.kind.or_else(|| item.map(str::to_owned)),
            api_version: self.api_version.or_else(|| list.api_version.clone()),
            metadata: self.metadata,
        }
    }

    /// Returns the problem without the values of a Secret.
    fn discreet(&self, (line, column, message): Fault) -> Fault {
        let is_secret = self.known_kind() == Some(Kind::Secret);
        (line, column, if is_secret { NO_SECRET.to_owned() } else { message })
    }

    fn known_kind(&self) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == self.kind.as_deref())?;
        let version = match kind.group() {
            "" => kind.version().to_owned(),
            group => format!("{group}/{}", kind.version()),
        };
        (self.api_version.as_deref() == Some(version.as_str())).then_some(kind)
    }
}

struct Yaml<'a>(&'a str);

impl Source for Yaml<'_> {
    type Error = serde_saphyr::Error;
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error> {
        // `no_schema`: an annotation `x: true` is not text, as in the API server.
        // The file size limits the number of nodes; the defaults of the parser limit the expansion of aliases.
        let mut options = serde_saphyr::options! { no_schema: true, with_snippet: false };
        if let Some(budget) = &mut options.budget {
            budget.max_events = usize::MAX;
            budget.max_nodes = usize::MAX;
        }
        serde_saphyr::from_str_with_options(self.0, options)
    }
}

#[derive(Deserialize)]
struct YamlItems {
    items: Option<Vec<Spanned<Value>>>,
}

#[derive(Deserialize)]
struct ValueItems {
    items: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct JsonItems<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// A position in a text and the problem there.
type Fault = (u64, u64, String);

/// The depth to which nested lists are read: kubectl writes one list, and a wrapper may add another.
const DEPTH: usize = 8;
const TOO_DEEP: &str = "lists are in lists more than 8 levels deep";
/// The error text for a Secret: the parser's text would repeat the value.
const NO_SECRET: &str = "not a valid Secret: type and every value of data and stringData must be text";

struct Reader<'a> {
    text: &'a str,
    namespace: &'a str,
    found: Documents,
}

impl<'a> Reader<'a> {
    /// A YAML stream is split at its markers: `---` at the beginning of a line, alone or before a blank. Directives
    /// (`%YAML 1.2`) belong to the marker below them.
    fn yaml(&mut self) {
        let (mut start, mut first_line, mut end) = (0, 0, 0);
        for (line, row) in (0..).zip(self.text.split_inclusive('\n')) {
            let is_marker =
                row.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
            if is_marker && !is_directives(&self.text[start..end]) {
                self.yaml_document(start..end, first_line);
                (start, first_line) = (end, line);
            }
            end += row.len();
        }
        self.yaml_document(start..end, first_line);
    }

    fn yaml_document(&mut self, bytes: Range<usize>, first_line: u64) {
        let text = &self.text[bytes.clone()];
        let fault = |error: serde_saphyr::Error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            (line, column, plain(&error))
        };
        let header = match Yaml(text).read::<Option<Header>>() {
            Ok(None) => return,
            Ok(Some(header)) => header,
            Err(_) if is_something_else(text) => return self.keep(bytes, Vec::new(), None),
            Err(error) => return self.broken(&bytes, first_line, fault(error)),
        };
        if !header.is_list() {
            return match self.object(&header, Yaml(text)) {
                Ok(object) => self.keep(bytes, Vec::new(), object),
                Err(error) => self.broken(&bytes, first_line, header.discreet(fault(error))),
            };
        }
        let items = match Yaml(text).read::<YamlItems>() {
            Ok(list) => list.items.unwrap_or_default(),
            Err(error) => return self.broken(&bytes, first_line, fault(error)),
        };
        for (index, Spanned { value, referenced, .. }) in items.into_iter().enumerate() {
            if let Err(message) = self.yaml_item(&header, value, &bytes, vec![index]) {
                self.broken(&bytes, first_line, (referenced.line(), referenced.column(), message));
            }
        }
    }

    /// An item of a list, which may be a list itself.
    fn yaml_item(
        &mut self,
        list: &Header,
        value: Value,
        bytes: &Range<usize>,
        items: Vec<usize>,
    ) -> Result<(), String> {
        let said = |error: serde_json::Error| error.to_string();
        let header = value.clone().read::<Header>().map_err(said)?.or_item_of(list);
        if !header.is_list() {
            let object = self.object(&header, value);
            let object = object.map_err(|error| header.discreet((0, 0, said(error))).2)?;
            self.keep(bytes.clone(), items, object);
            return Ok(());
        }
        if items.len() == DEPTH {
            return Err(TOO_DEEP.to_owned());
        }
        let list: ValueItems = value.read().map_err(said)?;
        let inner = list.items.unwrap_or_default().into_iter().enumerate();
        inner.into_iter().try_for_each(|(index, item)| self.yaml_item(&header, item, bytes, within(&items, index)))
    }

    /// Reads a sequence of JSON documents; the position of the next one is unknown after a broken one.
    fn json(&mut self) {
        let text = self.text;
        for document in serde_json::Deserializer::from_str(text).into_iter::<&'a RawValue>() {
            match document {
                Ok(document) => self.json_item(&Header::default(), document, &self.bytes(document.get()), Vec::new()),
                Err(error) => self.broken(&(0..text.len()), 0, self.json_fault(text, &error)),
            }
        }
    }

    /// A document or an item of a list, which may be a list itself.
    fn json_item(&mut self, list: &Header, item: &'a RawValue, document: &Range<usize>, items: Vec<usize>) {
        let header = match item.read::<Header>() {
            Ok(header) => header.or_item_of(list),
            Err(_) if is_something_else(item.get()) => return self.keep(document.clone(), items, None),
            Err(error) => return self.broken(document, 0, self.json_fault(item.get(), &error)),
        };
        if header.is_list() {
            if items.len() == DEPTH {
                let (lines, bytes) = self.before(item.get());
                return self.broken(document, 0, (lines as u64 + 1, bytes as u64 + 1, TOO_DEEP.to_owned()));
            }
            match serde_json::from_str::<JsonItems<'a>>(item.get()) {
                Ok(list) => list.items.unwrap_or_default().into_iter().enumerate().for_each(|(index, item)| {
                    self.json_item(&header, item, document, within(&items, index));
                }),
                Err(error) => self.broken(document, 0, self.json_fault(item.get(), &error)),
            }
        } else {
            match self.object(&header, item) {
                Ok(object) => self.keep(document.clone(), items, object),
                Err(error) => self.broken(document, 0, header.discreet(self.json_fault(item.get(), &error))),
            }
        }
    }

    /// Positions inside a raw slice count from its start, which its address gives.
    fn json_fault(&self, slice: &str, error: &serde_json::Error) -> Fault {
        let (lines, first_column) = self.before(slice);
        let column = if error.line() <= 1 { first_column + error.column() } else { error.column() };
        let message = error.to_string();
        let message = message.rfind(" at line ").map_or(message.clone(), |end| message[..end].to_owned());
        ((lines + error.line().max(1)) as u64, column.max(1) as u64, message)
    }

    /// Returns the number of lines before a slice of the text, and of bytes before it on its own line.
    fn before(&self, slice: &str) -> (usize, usize) {
        let before = &self.text[..self.bytes(slice).start];
        (before.matches('\n').count(), before.len() - before.rfind('\n').map_or(0, |newline| newline + 1))
    }

    /// Returns the byte range of a slice of the text.
    fn bytes(&self, slice: &str) -> Range<usize> {
        let start = slice.as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + slice.len()
    }

    /// Returns the object of a document or an item; `None` for a kind that no check reads.
    fn object<S: Source>(&self, header: &Header, source: S) -> Result<Option<Object>, S::Error> {
        let Some(kind) = header.known_kind() else { return Ok(None) };
        let mut object = Object::read(kind, source)?;
        object.default_namespace(self.namespace);
        Ok(Some(object))
    }

    fn keep(&mut self, bytes: Range<usize>, items: Vec<usize>, object: Option<Object>) {
        self.found.push(Ok(Found { object, bytes, items }));
    }

    fn broken(&mut self, bytes: &Range<usize>, first_line: u64, (line, column, message): Fault) {
        // An unrendered Helm template is not YAML, so a parser error would not help.
        let broken = match self.text[bytes.clone()].find("{{") {
            None => Broken { line: first_line + line, column, message: Some(message) },
            Some(brace) => {
                let before = &self.text[..bytes.start + brace];
                let line = before.split('\n').count() as u64;
                let column = before.rsplit('\n').next().map_or(0, |row| row.chars().count()) as u64 + 1;
                Broken { line, column, message: None }
            }
        };
        self.found.push(Err(broken));
    }
}

fn within(items: &[usize], index: usize) -> Vec<usize> {
    items.iter().copied().chain([index]).collect()
}

/// Whether a document that is not a valid manifest is other YAML: it can be parsed, and its kind is not known
/// here.
fn is_something_else(text: &str) -> bool {
    let Ok(value) = Yaml(text).read::<Value>() else { return false };
    let kind = value.get("kind").and_then(Value::as_str).map(str::to_owned);
    let header = Header { kind, ..Header::default() };
    let is_known = Kind::ALL.iter().any(|kind| Some(kind.name()) == header.kind.as_deref());
    !is_known && !header.is_list()
}

/// Whether a part of a stream contains only directives and comments, so that its document follows.
fn is_directives(text: &str) -> bool {
    let mut rows = text.lines().map(str::trim_end).filter(|row| !row.is_empty() && !row.starts_with('#')).peekable();
    rows.peek().is_some() && rows.all(|row| row.starts_with('%'))
}

/// Returns the message of the parser without the position, which is reported separately.
fn plain(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let place = text.rfind(" at line ").or_else(|| text.rfind('\n'));
    place.map_or(text.clone(), |end| text[..end].to_owned())
}
