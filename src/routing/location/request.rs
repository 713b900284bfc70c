//! A request as nginx normalises it before it chooses a location: the path decoded, its dots resolved.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// The ASCII characters that nginx percent-encodes in a path that it writes itself (`ngx_escape_uri`).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Returns a path as nginx sends it after a rewrite or in a redirect: encoded again (section 3.2).
#[must_use]
pub fn escaped(path: &[u8]) -> String {
    percent_encode(path, ESCAPED).to_string()
}

/// Returns the path of a request as locations match it: percent-decoded, `.` and `..` resolved, `//` merged, without query
/// and fragment (section 2.7; nginx `ngx_http_parse_complex_uri`). `None`: nginx answers 400.
#[must_use]
pub fn normalized(path: &str) -> Option<Cow<'_, [u8]>> {
    if is_normal(path) {
        return Some(Cow::Borrowed(path.as_bytes()));
    }
    // A request line has neither, the query included (nginx `ngx_http_parse_request_line`, since 1.21.1).
    if path.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let decoded = decoded(path.strip_prefix('/')?)?;
    let mut segments: Vec<&[u8]> = Vec::new();
    // What ends in a slash, a dot or two stays a folder.
    let mut folder = true;
    for segment in decoded.split(|byte| *byte == b'/') {
        folder = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    let mut uri = vec![b'/'];
    uri.extend(segments.join(&b'/'));
    if folder && uri.len() > 1 {
        uri.push(b'/');
    }
    Some(Cow::Owned(uri))
}

/// Returns whether a path consists of letters, digits, `-` and `_` between single slashes, as most paths do: nginx does not
/// change it.
fn is_normal(path: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
    path.starts_with('/') && path.as_bytes().iter().all(is_plain) && path.as_bytes().windows(2).all(|two| two != b"//")
}

/// Percent-decodes a text; `None` where nginx rejects it: a `%` without two digits, or NUL.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = if byte == b'%' { digit(bytes.next())? << 4 | digit(bytes.next())? } else { byte };
        if byte == 0 {
            return None;
        }
        decoded.push(byte);
    }
    Some(decoded)
}

/// Returns the name in a `Host` header by which nginx chooses a server: lower case, without port and trailing dot
/// (section 2.3; nginx `ngx_http_validate_host`, which ignores everything after the colon).
#[must_use]
pub fn host_name(header: &str) -> String {
    // An IPv6 address has its colons in brackets.
    let end = header.find(']').filter(|_| header.starts_with('[')).map(|bracket| bracket + 1);
    let name = &header[..end.or_else(|| header.find(':')).unwrap_or(header.len())];
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_nginx_reads_them() {
        for (path, uri) in [
            ("/", Some("/")),
            ("/a-1/B_2/", Some("/a-1/B_2/")),
            ("/a//b", Some("/a/b")),
            ("//", Some("/")),
            ("/a/./b/", Some("/a/b/")),
            ("/a/b/..", Some("/a/")),
            ("/a/.", Some("/a/")),
            ("/a/../../b", None),
            ("/a%2Fb", Some("/a/b")),
            ("/a/%2e%2e/b", Some("/b")),
            ("/a%3Fb?c", Some("/a?b")),
            ("/a%23#x", Some("/a#")),
            ("/a%2", None),
            ("/a%zz", None),
            ("/a%00", None),
            ("/...", Some("/...")),
            ("/A+b", Some("/A+b")),
            ("a", None),
            ("/a b", None),
            ("/a?b c", None),
            ("/a\u{7f}", None),
            ("/\u{e9}", Some("/\u{e9}")),
        ] {
            assert_eq!(normalized(path).as_deref(), uri.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn host_headers_lose_port_dot_and_case() {
        for header in [
            "App.Example.com",
            "app.example.com.",
            "app.example.com:8443",
            "APP.example.com.:80",
            "app.example.com:http",
        ] {
            assert_eq!(host_name(header), "app.example.com", "{header}");
        }
        for header in ["[2001:DB8::1]", "[2001:db8::1]:8443"] {
            assert_eq!(host_name(header), "[2001:db8::1]", "{header}");
        }
    }
}
