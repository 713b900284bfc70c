//! The trace of a request, from the header `traceparent` of W3C Trace Context. An API server with tracing sends it with each review.

/// The trace that a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The id of the trace: 32 hexadecimal digits.
    pub id: String,
    /// Whether the caller records the trace, so that its id leads somewhere.
    pub is_sampled: bool,
}

impl Trace {
    /// Parses the value of `traceparent`. Returns `None` if it is not valid: the request then has no trace, as the specification says.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = [(version, 2), (id, 32), (parent, 16), (flags, 2)];
        let is_valid = lengths.iter().all(|(part, length)| part.len() == *length && part.bytes().all(is_digit))
            && version != "ff"
            && [id, parent].iter().all(|part| part.bytes().any(|digit| digit != b'0'))
            // Only later versions may have more parts.
            && (version != "00" || parts.next().is_none());
        let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        is_valid.then(|| Self { id: id.to_owned(), is_sampled })
    }
}

/// Whether this is a hexadecimal digit in lower case.
const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
