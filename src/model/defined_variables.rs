//! The nginx variables that an Ingress may define for the whole configuration: the named groups of its regexes, and what its snippets
//! set. The store, which is below the rules of controllers, indexes their names.

use std::collections::BTreeSet;

use super::Ingress;

impl Ingress {
    /// Returns the group names in its paths and `server-alias`, in lower case because nginx variables are case-insensitive.
    #[must_use]
    pub fn group_names(&self) -> BTreeSet<Box<str>> {
        let aliases = self.meta.annotations.server_aliases();
        let regexes = self.paths().map(|at| &*at.path.path).chain(aliases);
        regexes.flat_map(group_names).map(|name| name.to_ascii_lowercase().into()).collect()
    }

    /// Returns the variables that its snippets set, in lower case.
    #[must_use]
    pub fn variables_of_snippets(&self) -> BTreeSet<Box<str>> {
        self.snippets().flat_map(variables_of_snippet).collect()
    }

    /// Returns the names of all variables and groups in its snippets, in lower case: those that a snippet may define in any way.
    #[must_use]
    pub fn names_in_snippets(&self) -> BTreeSet<Box<str>> {
        self.snippets().flat_map(names_in).collect()
    }

    fn snippets(&self) -> impl Iterator<Item = &str> {
        const SNIPPETS: [&str; 3] = ["auth-snippet", "configuration-snippet", "server-snippet"];
        SNIPPETS.iter().filter_map(|name| self.meta.annotations.nginx(name))
    }
}

/// Returns a snippet that defines the same variables and mentions the same names as another one, without its values.
#[must_use]
pub fn snippet_without_values(snippet: &str) -> String {
    let set = variables_of_snippet(snippet);
    let names = names_in(snippet);
    let defined = set.iter().map(|name| format!("set ${name} left_out;"));
    let mentioned = names.iter().filter(|name| !set.contains(*name)).map(|name| format!("left_out ${name};"));
    let reduced: Vec<String> = defined.chain(mentioned).collect();
    if reduced.is_empty() && !snippet.is_empty() { "left_out;".to_owned() } else { reduced.join(" ") }
}

/// Returns the names of all variables and groups in a snippet, in lower case.
fn names_in(snippet: &str) -> BTreeSet<Box<str>> {
    let variable = |rest: &str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest[..end].to_ascii_lowercase().into_boxed_str()
    };
    let variables = snippet.split('$').skip(1).map(variable);
    let groups = group_names(snippet).map(|name| name.to_ascii_lowercase().into());
    variables.chain(groups).filter(|name| !str::is_empty(name)).collect()
}

/// Returns the variables in statements of a snippet that set some.
fn variables_of_snippet(snippet: &str) -> BTreeSet<Box<str>> {
    let code: Vec<&str> = snippet.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let mut variables = BTreeSet::new();
    for statement in code.join("\n").split([';', '{']) {
        let mut words = statement.trim_start_matches(['}', ' ', '\n', '\t']).split_whitespace();
        let directive = words.next().unwrap_or_default();
        let is_setter = directive.contains("set") && !directive.contains("header");
        if is_setter || ["geo", "map", "split_clients"].contains(&directive) {
            let names = words.filter_map(|word| word.trim_matches(['"', '\'']).strip_prefix('$'));
            variables.extend(names.map(|name| name.to_ascii_lowercase().into_boxed_str()));
        }
    }
    variables
}

/// `(?<name>…)`, `(?P<name>…)` and `(?'name'…)`.
fn group_names(regex: &str) -> impl Iterator<Item = &str> {
    let starts = regex.split("(?").skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('P').unwrap_or(rest);
        rest.strip_prefix(['<', '\''])
    });
    let names = starts.filter_map(|rest| rest.split(['>', '\'']).next());
    // Any other `(?<` starts a lookbehind.
    names.filter(|name| name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::{group_names, variables_of_snippet};
    use crate::model::Ingress;

    #[test]
    fn groups_have_names_in_three_notations() {
        let names = |regex| group_names(regex).collect::<Vec<_>>();
        assert_eq!(names(r"/(?<a>x)/(?P<B_1>y)/(?'c'z)/(d)(?:e)"), ["a", "B_1", "c"]);
        assert_eq!(names(r"/a(?<=b)(?<!c)(?=d)(?#<e>)"), [""; 0]);
    }
    #[test]
    fn snippets_may_define_whatever_they_name() {
        let snippet = "if ($uri ~ (?<Kind>x)) { eval ${tenant} { } }\nreturn 200 \"$a $\";";
        let annotations = serde_json::json!({"nginx.ingress.kubernetes.io/server-snippet": snippet});
        let ingress: Ingress =
            serde_json::from_value(serde_json::json!({"metadata": {"annotations": annotations}, "spec": {}})).unwrap();
        assert_eq!(Vec::from_iter(ingress.names_in_snippets()).join(" "), "a kind tenant uri");
    }

    #[test]
    fn variables_of_snippets_are_those_that_are_set() {
        let of = |snippet| variables_of_snippet(snippet).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(of("auth_request_set $tenant $upstream_http_x_tenant;"), "tenant upstream_http_x_tenant");
        assert_eq!(of("set $a \"\";\nif ($host = x) {\n  set $B 1;\n}\n# set $c 1;"), "a b");
        assert_eq!(of("map $uri $kind {\n  default 0;\n}"), "kind uri");
        assert_eq!(of("proxy_set_header X $d; more_set_headers \"Y: $e\"; return 200 $f;"), "");
    }
}
