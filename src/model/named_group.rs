//! The named groups of an Ingress' regexes: nginx defines each as a variable for its whole configuration. The store, which is
//! below the rules of controllers, indexes their names.

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
    use super::group_names;

    #[test]
    fn groups_have_names_in_three_notations() {
        let names = |regex| group_names(regex).collect::<Vec<_>>();
        assert_eq!(names(r"/(?<a>x)/(?P<B_1>y)/(?'c'z)/(d)(?:e)"), ["a", "B_1", "c"]);
        assert_eq!(names(r"/a(?<=b)(?<!c)(?=d)(?#<e>)"), [""; 0]);
    }
}
