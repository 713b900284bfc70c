//! Placeholders that another program replaces before an object is applied: `${NAME}` (Flux, envsubst), `$(NAME)` (Kustomize),
//! `{{ … }}` (Helm and other templates), `<path:…>` (Argo CD Vault plugin). What such a text becomes is unknown.

use std::borrow::Cow;
use std::ops::Range;

/// One placeholder in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder<'a> {
    /// Its bytes.
    pub bytes: Range<usize>,
    /// The variable of `${NAME}` and `$(NAME)`; `None` for another form.
    pub name: Option<&'a str>,
}

/// Returns whether a text contains a placeholder.
///
/// `$1`, `$host` and `${1}` are none: they belong to nginx and to regular expressions. `$${NAME}` is none either: it is the escaped
/// form, which becomes `${NAME}`.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    placeholders(text).next().is_some()
}

/// Returns the placeholders of a text in order.
pub fn placeholders(text: &str) -> impl Iterator<Item = Placeholder<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(next) = text.get(at..)?.find(['$', '{', '<']) {
            let start = at + next;
            let rest = &text[start..];
            if rest.starts_with("$${") {
                at = start + "$${".len();
                continue;
            }
            if let Some((length, name)) = starting(rest) {
                at = start + length;
                return Some(Placeholder { bytes: start..at, name });
            }
            at = start + 1;
        }
        None
    })
}

/// Returns a text of the same length with `$(NAME)` in the place of `${NAME}`. YAML does not accept braces in a value within braces:
/// `{number: ${PORT}}`.
#[must_use]
pub fn without_braces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Placeholder { bytes, name } in placeholders(text) {
        if let Some(name) = name.filter(|_| text[bytes.clone()].starts_with("${")) {
            out += &text[at..bytes.start];
            let inner = format!("{name:.<width$}", width = bytes.len() - "$()".len());
            out.extend(["$(", &inner, ")"]);
            at = bytes.end;
        }
    }
    out + &text[at..]
}

/// Returns a text of the same length with a number in the place of each `${NAME}`, which JSON accepts within a string and as a value.
#[must_use]
pub fn with_numbers(text: &str) -> Cow<'_, str> {
    if !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for Placeholder { bytes, .. } in placeholders(text).filter(|found| text[found.bytes.start..].starts_with("${")) {
        out += &text[at..bytes.start];
        out.extend(std::iter::repeat_n('1', bytes.len()));
        at = bytes.end;
    }
    Cow::Owned(out + &text[at..])
}

/// Returns the length and the variable of the placeholder at the start of a text.
fn starting(text: &str) -> Option<(usize, Option<&str>)> {
    if let Some(inner) = text.strip_prefix("${") {
        let end = closing(inner)?;
        let name = identifier(&inner[..end], |c| c == '_');
        // After the name: a default (`:=`, `:-`), or another operator of a shell.
        let follows = inner[name.len()..].starts_with(['}', ':', '=', '-', '+', '?', '#', '%', '/', '^', ',']);
        return (!name.is_empty() && follows).then_some(("${}".len() + end, Some(name)));
    }
    if let Some(inner) = text.strip_prefix("$(") {
        let name = identifier(inner, |c| matches!(c, '_' | '-' | '.'));
        let is_closed = !name.is_empty() && inner[name.len()..].starts_with(')');
        // Dots at the end: see [`without_braces`].
        return is_closed.then_some(("$()".len() + name.len(), Some(name.trim_end_matches('.'))));
    }
    if let Some(inner) = text.strip_prefix("{{") {
        // A table in the Lua code of a snippet begins with a value.
        let is_template =
            inner.starts_with(|c: char| c.is_whitespace() || c.is_ascii_alphabetic() || ".$-".contains(c));
        return inner.find("}}").filter(|_| is_template).map(|end| ("{{}}".len() + end, None));
    }
    let inner = text.strip_prefix("<path:")?;
    inner.find('>').map(|end| ("<path:>".len() + end, None))
}

/// Returns the place of the brace that ends `${`. A default may contain further variables.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' if inner[..at].ends_with('$') => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// Returns the identifier at the start of a text. It begins with a letter or an underscore.
fn identifier(text: &str, may_contain: impl Fn(char) -> bool) -> &str {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return "";
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !may_contain(c));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_with_their_variables() {
        for (text, name) in [
            ("${DOMAIN}", Some("DOMAIN")),
            ("web.${base_domain}", Some("base_domain")),
            ("${HOST:=app.example.com}", Some("HOST")),
            ("${HOST:-app.example.com}", Some("HOST")),
            ("${_A1^^}", Some("_A1")),
            ("$(SERVICE_NAME)", Some("SERVICE_NAME")),
            ("x-$(ingress-domain).y", Some("ingress-domain")),
            ("{{ .Values.host }}", None),
            ("{{- tpl .Values.host . -}}", None),
            ("a-{{name}}", None),
            ("<path:secret/data/web#host>", None),
            ("${A:=${B}}", Some("A")),
        ] {
            assert_eq!(placeholders(text).map(|found| found.name).collect::<Vec<_>>(), [name], "{text}");
        }
        let two: Vec<_> = placeholders("${A}.é.${B:-x}").map(|found| (found.bytes, found.name)).collect();
        assert_eq!(two, [(0..4, Some("A")), (8..15, Some("B"))]);
    }

    #[test]
    fn braces_are_replaced_without_a_change_of_length() {
        assert_eq!(without_braces("{a: ${A}, b: é${B:=x}, c: {{ d }}}"), "{a: $(A), b: é$(B...), c: {{ d }}}");
    }

    #[test]
    fn variables_of_nginx_and_of_regular_expressions_are_no_placeholders() {
        for text in [
            "",
            "/$1",
            "/${1}",
            "$host",
            "$scheme://$host$request_uri",
            "/api(/|$)(.*)",
            "^/a$(b|c)",
            "/x{2,3}",
            "{{1, 2}}",
            "${",
            "${}",
            "$()",
            "$(a",
            "${A",
            "$${ESCAPED}",
            "{{ open",
            "<host>",
            "{\"a\":{\"b\":1}}",
            "${A B}",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
