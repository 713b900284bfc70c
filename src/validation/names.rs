//! The forms of names: what is wrong with a text, in the words of the API server.

use std::borrow::Cow;

/// What is wrong with a text; nothing if it has the form.
pub(super) type Problems = Vec<Cow<'static, str>>;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const KEY_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// The longest DNS name.
const SUBDOMAIN_BYTES: usize = 253;
/// The longest label of a DNS name, and the longest part of a label's key and value.
const LABEL_BYTES: usize = 63;

/// A DNS name in lower case: names of objects, hosts.
pub(super) fn subdomain(text: &str) -> Problems {
    let mut problems = Problems::new();
    if text.len() > SUBDOMAIN_BYTES {
        problems.push("must be no more than 253 characters".into());
    }
    if !is_subdomain(text) {
        problems.push(SUBDOMAIN.into());
    }
    problems
}

/// A DNS name below `*.`.
pub(super) fn wildcard_subdomain(text: &str) -> Problems {
    let mut problems = Problems::new();
    if text.len() > SUBDOMAIN_BYTES {
        problems.push("must be no more than 253 characters".into());
    }
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        problems.push(WILDCARD.into());
    }
    problems
}

/// One label of a DNS name: names of Services and Namespaces.
pub(super) fn label(text: &str) -> Problems {
    let mut problems = too_long_label(text);
    if !is_label(text) {
        problems.push(if is_subdomain(text) { "must not contain dots".into() } else { LABEL.into() });
    }
    problems
}

/// One label that begins with a letter: names of Services before Kubernetes 1.36.
pub(super) fn label_1035(text: &str) -> Problems {
    let mut problems = too_long_label(text);
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        problems.push(LABEL_1035.into());
    }
    problems
}

fn too_long_label(text: &str) -> Problems {
    if text.len() > LABEL_BYTES { vec!["must be no more than 63 characters".into()] } else { Problems::new() }
}

/// The key of a label: a name with an optional domain before it.
pub(super) fn label_key(text: &str) -> Problems {
    let mut problems = Problems::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match *parts {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                problems.push("prefix part must be non-empty".into());
            } else {
                // The limit has another wording here.
                let of_prefix = |problem: Cow<'static, str>| {
                    let problem = problem.replace("253 characters", "253 bytes");
                    format!("prefix part {problem}").into()
                };
                problems.extend(subdomain(prefix).into_iter().map(of_prefix));
            }
            name
        }
        _ => {
            problems.push(
                format!("a valid label key {KEY_NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')").into(),
            );
            return problems;
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".into());
    } else if name.len() > LABEL_BYTES {
        problems.push("name part must be no more than 63 bytes".into());
    }
    if !is_key_name(name) {
        problems.push(format!("name part {KEY_NAME}").into());
    }
    problems
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Problems {
    let mut problems = Problems::new();
    if text.len() > LABEL_BYTES {
        problems.push("must be no more than 63 bytes".into());
    }
    if !text.is_empty() && !is_key_name(text) {
        problems.push(LABEL_VALUE.into());
    }
    problems
}

/// The name of a port.
pub(super) fn port_name(text: &str) -> Problems {
    let mut problems = Problems::new();
    if text.len() > 15 {
        problems.push("must be no more than 15 characters".into());
    }
    if !text.bytes().all(is_label_byte) {
        problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        problems.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        problems.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        problems.push("must not begin or end with a hyphen".into());
    }
    problems
}

/// A name that is one segment of a URL.
pub(super) fn path_segment(text: &str) -> Problems {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'").into()];
    }
    ["/", "%"]
        .into_iter()
        .filter(|part| text.contains(part))
        .map(|part| format!("may not contain '{part}'").into())
        .collect()
}

/// A path. Of `ImplementationSpecific` paths only the beginning is validated: they are not `is_strict`.
pub(super) fn path_text(path: &str, is_strict: bool) -> Problems {
    let mut problems = Problems::new();
    if !path.starts_with('/') && (is_strict || !path.is_empty()) {
        problems.push("must be an absolute path".into());
    }
    if is_strict {
        let contained = ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|part| path.contains(part));
        problems.extend(contained.map(|part| format!("must not contain '{part}'").into()));
        let endings = ["/..", "/."].into_iter().filter(|end| path.ends_with(end));
        problems.extend(endings.map(|end| format!("cannot end with '{end}'").into()));
    }
    problems
}

/// Whether a text is a DNS name in lower case of any length.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    let ends = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    ends(text.bytes().next()) && ends(text.bytes().last()) && text.bytes().all(is_label_byte)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn is_key_name(text: &str) -> bool {
    let ends = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends(text.bytes().next())
        && ends(text.bytes().last())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
