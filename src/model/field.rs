//! Field paths, built only for findings and printed as the API server prints them.

use std::fmt;

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// `.field`
    Field(&'static str),
    /// `.field`, if the finding is about a field that the API does not have, whatever its value.
    Unknown(Box<str>),
    /// `[0]`
    Index(usize),
    /// `[key]` of a map such as `metadata.annotations`.
    Key(Box<str>),
    /// `[key]` of a map, if the finding is about the key itself and not its value.
    Name(Box<str>),
}

/// A place in an object, e.g. `spec.rules[0].http.paths[1].backend`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// `spec`
    #[must_use]
    pub fn spec() -> Self {
        Self::default().field("spec")
    }

    /// `metadata`
    #[must_use]
    pub fn metadata() -> Self {
        Self::default().field("metadata")
    }

    /// `metadata.annotations[key]`
    #[must_use]
    pub fn annotation(key: &str) -> Self {
        Self::metadata().field("annotations").key(key)
    }

    /// `metadata.annotations[key]`, if the finding is about the annotation's presence, whatever its value.
    #[must_use]
    pub fn annotation_name(key: &str) -> Self {
        Self::metadata().field("annotations").name(key)
    }

    /// `metadata.labels[key]`
    #[must_use]
    pub fn label(key: &str) -> Self {
        Self::metadata().field("labels").name(key)
    }

    /// This place's field.
    #[must_use]
    pub fn field(mut self, name: &'static str) -> Self {
        self.0.push(Segment::Field(name));
        self
    }

    /// A field of this place that the API does not have.
    #[must_use]
    pub fn unknown(mut self, name: &str) -> Self {
        self.0.push(Segment::Unknown(name.into()));
        self
    }

    /// This map's entry.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This map's entry, if the finding is about the key itself.
    #[must_use]
    pub fn name(mut self, key: &str) -> Self {
        self.0.push(Segment::Name(key.into()));
        self
    }

    /// This list's item.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// The place that a step leads to from this one.
    #[must_use]
    pub fn then(mut self, step: Segment) -> Self {
        self.0.push(step);
        self
    }

    /// The steps from the object's root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The RFC 6901 JSON pointer, e.g. `/spec/rules/0/host`.
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Field(name) => pointer.push_str(name),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
                Segment::Key(key) | Segment::Name(key) | Segment::Unknown(key) => {
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        pointer
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if position == 0 => f.write_str(name)?,
                Segment::Unknown(name) if position == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Unknown(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) | Segment::Name(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_the_api_server_and_as_a_pointer() {
        let field = FieldPath::spec().field("rules").index(0).field("http").field("paths").index(12).field("path");
        assert_eq!(field.to_string(), "spec.rules[0].http.paths[12].path");
        assert_eq!(field.pointer(), "/spec/rules/0/http/paths/12/path");
        let annotation = FieldPath::annotation("nginx.ingress.kubernetes.io/rewrite-target");
        assert_eq!(annotation.to_string(), "metadata.annotations[nginx.ingress.kubernetes.io/rewrite-target]");
        assert_eq!(annotation.pointer(), "/metadata/annotations/nginx.ingress.kubernetes.io~1rewrite-target");
    }
}
