//! The requests that a path matches on controllers without a model of their own. docs/controllers.md has the sources.

/// How a controller matches the paths of one path type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathMatching {
    /// By path elements, as Kubernetes defines `Prefix`.
    Elements,
    /// Every request that begins with the path.
    Text,
    /// By path elements or by text: a setting of the controller decides.
    ElementsOrText,
    /// A glob for the whole path: `*` is any text, `?` any character (AWS).
    Glob,
    /// The path itself; with `/*` at the end, everything below it (GKE).
    StarBelow,
    /// The path itself; with `.*` or `/*` at the end, every request that begins with the rest (Istio).
    StarRest,
    /// The path itself; with `*` at the end, every request that begins with the rest (APISIX).
    StarText,
    /// As [`PathMatching::StarText`], in an order that is not documented: only `/` and `/*` are certain (AGIC).
    StarUnordered,
    /// A regex if it contains one of these characters, otherwise [`PathMatching::Text`].
    RegexIf(&'static str),
    /// A regex if it begins with this text, otherwise [`PathMatching::Text`].
    RegexAfter(&'static str),
    /// Unknown, or a regex in the syntax of the controller.
    Unknown,
}

/// The requests that one path matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathMeaning<'p> {
    /// The path itself.
    Exact(&'p str),
    /// The path, and every path below it.
    Elements(&'p str),
    /// Every path that begins with this text.
    Text(&'p str),
    /// The path and every path below it; whether also others that begin with this text is unknown.
    ElementsOrText(&'p str),
    /// The whole path by this glob.
    Glob(&'p str),
    /// Unknown; every path that it matches begins with this text.
    Unknown(&'p str),
}

impl PathMatching {
    /// Returns the requests that a path matches.
    #[must_use]
    pub(crate) fn of(self, path: &str) -> PathMeaning<'_> {
        let literal = |path| PathMeaning::Unknown(before_pattern(path));
        let star = |text: Option<_>| text.map_or(PathMeaning::Exact(path), PathMeaning::Text);
        match self {
            Self::Elements => PathMeaning::Elements(path),
            Self::ElementsOrText => PathMeaning::ElementsOrText(path),
            Self::Glob if path.contains(['*', '?']) => PathMeaning::Glob(path),
            Self::Glob => PathMeaning::Exact(path),
            Self::StarBelow => star(path.ends_with("/*").then(|| &path[..path.len() - 1])),
            Self::StarRest => star(path.strip_suffix(".*").or_else(|| path.strip_suffix("/*"))),
            Self::StarText => star(path.strip_suffix('*')),
            Self::StarUnordered => match path {
                "" | "/" | "/*" => PathMeaning::Elements("/"),
                _ => PathMeaning::Unknown(path.trim_end_matches('*')),
            },
            Self::RegexIf(characters) if path.contains(|c| characters.contains(c)) => literal(path),
            Self::RegexAfter(mark) if path.starts_with(mark) => literal(&path[mark.len()..]),
            Self::Text | Self::RegexIf(_) | Self::RegexAfter(_) => PathMeaning::Text(path),
            Self::Unknown => literal(path),
        }
    }
}

impl PathMeaning<'_> {
    /// Returns a request that the path matches, or may match if its meaning is unknown.
    #[must_use]
    pub fn sample(self) -> String {
        let (Self::Exact(text)
        | Self::Elements(text)
        | Self::Text(text)
        | Self::ElementsOrText(text)
        | Self::Glob(text)
        | Self::Unknown(text)) = self;
        let path = if matches!(self, Self::Glob(_)) {
            // A browser removes a segment of dots.
            text.replace(".*", ".x").replace('*', "").replace('?', "x")
        } else {
            text.to_owned()
        };
        if path.starts_with('/') { path } else { format!("/{path}") }
    }
}

/// Returns the text before the first character that may be special in a regex, without the character that a quantifier
/// may remove.
fn before_pattern(path: &str) -> &str {
    let Some(at) = path.find(|c| "\\^$|?*+()[]{}%".contains(c)) else { return path };
    let literal = &path[..at];
    let is_optional = path[at..].starts_with(['?', '*', '{']);
    let last = literal.char_indices().next_back().map_or(0, |(last, _)| last);
    // An alternative at the top may begin with anything.
    match () {
        () if path.contains('|') => "",
        () if is_optional => &literal[..last],
        () => literal,
    }
}

/// Returns whether a glob matches a whole path: `*` is any text, `?` any character. Takes steps of at most the product of
/// both lengths.
#[must_use]
pub(crate) fn glob_matches(glob: &[u8], path: &[u8]) -> bool {
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < path.len() {
        match glob.get(at.0) {
            Some(b'*') => {
                star = Some(at);
                at.0 += 1;
            }
            Some(byte) if *byte == b'?' || *byte == path[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => {
                let Some((of_star, taken)) = star else { return false };
                star = Some((of_star, taken + 1));
                at = (of_star + 1, taken + 1);
            }
        }
    }
    glob[at.0..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::PathMatching as By;
    use super::PathMeaning::{Elements, Exact, Glob, Text, Unknown};
    use super::*;

    #[test]
    fn a_path_means_what_the_controller_documents() {
        for (by, path, meaning) in [
            (By::Glob, "/api/*", Glob("/api/*")),
            (By::Glob, "/api", Exact("/api")),
            (By::StarBelow, "/", Exact("/")),
            (By::StarBelow, "/*", Text("/")),
            (By::StarBelow, "/shop/*", Text("/shop/")),
            (By::StarRest, "/*", Text("")),
            (By::StarRest, "/api/*", Text("/api")),
            (By::StarRest, "/api.*", Text("/api")),
            (By::StarRest, "/api*", Exact("/api*")),
            (By::StarText, "/api*", Text("/api")),
            (By::StarUnordered, "/*", Elements("/")),
            (By::StarUnordered, "/api/*", Unknown("/api/")),
            (By::StarUnordered, "/api", Unknown("/api")),
            (By::RegexIf("^+*[]%"), "/v[0-9]+/x", Unknown("/v")),
            (By::RegexIf("^+*[]%"), "/api", Text("/api")),
            (By::RegexAfter("/~"), "/~/api/\\d+", Unknown("/api/")),
            (By::RegexAfter("/~"), "/api", Text("/api")),
            (By::Unknown, "/api", Unknown("/api")),
            (By::Unknown, "/ap?i", Unknown("/a")),
            (By::Unknown, "/a|/b", Unknown("")),
        ] {
            assert_eq!(by.of(path), meaning, "{by:?} {path}");
        }
    }

    #[test]
    fn samples_are_paths() {
        assert_eq!(Glob("/a/*/b?").sample(), "/a//bx");
        assert_eq!(Glob("/a/.*").sample(), "/a/.x");
        assert_eq!(Text("").sample(), "/");
        assert_eq!(Exact("/a").sample(), "/a");
    }

    #[test]
    fn globs_match_whole_paths() {
        for (glob, path, matches) in [
            ("/api/*", "/api/x/y", true),
            ("/api/*", "/api/", true),
            ("/api/*", "/api", false),
            ("/*/b", "/a/c/b", true),
            ("/*/b", "/a/c/bb", false),
            ("/?", "/a", true),
            ("/?", "/", false),
            ("*", "", true),
            ("/a*b*c", "/abxbyc", true),
            ("/a", "/a/", false),
        ] {
            assert_eq!(glob_matches(glob.as_bytes(), path.as_bytes()), matches, "{glob} {path}");
        }
    }
}
