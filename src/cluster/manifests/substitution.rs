//! Substitution of `${NAME}` in the text of a manifest, as Flux does after a build (`postBuild`): before it is parsed, so that a value
//! can be a number.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::placeholder::{Placeholder, placeholders};
use crate::yaml::{Tree, documents};

/// The values of variables.
#[derive(Debug, Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a variable.
    ///
    /// # Errors
    /// If the name is none that can be substituted.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(format!("{name:?} is not the name of a variable: letters, digits and underscores"));
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Sets the variables of a file with lines `NAME=VALUE`. Quotes around a value, `export` and lines with `#` are left out.
    ///
    /// # Errors
    /// If a line has another form.
    pub fn set_lines(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| format!("line {number}: expected NAME=VALUE"))?;
            let value = value.trim();
            let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
            self.set(name.trim(), quoted.unwrap_or(value)).map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(())
    }

    /// Sets the data of ConfigMaps in a manifest. Values of a Secret are refused: they would be in the report.
    ///
    /// # Errors
    /// If it is not YAML, contains a Secret, or no ConfigMap.
    pub fn set_config_maps(&mut self, text: &str) -> Result<(), String> {
        let mut has_any = false;
        for document in documents(text) {
            let tree = Tree::parse(&text[document]).map_err(|_| "not YAML".to_owned())?;
            let object = tree.as_ref().map(|tree| tree.root().to_json()).unwrap_or_default();
            match object.get("kind").and_then(Value::as_str) {
                Some("ConfigMap") => has_any = true,
                Some("Secret") => {
                    return Err(
                        "the values of a Secret would be in the report: write those that may be to a file with \
                        lines NAME=VALUE"
                            .to_owned(),
                    );
                }
                _ => continue,
            }
            for (name, value) in object.get("data").and_then(Value::as_object).into_iter().flatten() {
                let value = value.as_str().ok_or_else(|| format!("data[{name:?}] is not text"))?;
                // Other keys cannot be substituted.
                let _ = self.set(name, value);
            }
        }
        if has_any { Ok(()) } else { Err("no ConfigMap found".to_owned()) }
    }

    /// Substitutes the variables in a document. Variables without a value keep their place; defaults apply if there is any value.
    pub(super) fn substitute<'t>(&self, document: &'t str) -> Cow<'t, str> {
        if self.0.is_empty() || !document.contains("${") || is_disabled(document) {
            return Cow::Borrowed(document);
        }
        let mut out = String::with_capacity(document.len() + 64);
        let mut at = 0;
        for Placeholder { bytes, name } in placeholders(document) {
            let value = name.and_then(|name| self.value(name, &document[bytes.clone()]));
            if let Some(value) = value {
                out += &unescaped(&document[at..bytes.start]);
                out += &value;
                at = bytes.end;
            }
        }
        out += &unescaped(&document[at..]);
        Cow::Owned(out)
    }

    /// Returns the value of `${NAME}` and of the forms with a default or a change of case.
    fn value(&self, name: &str, placeholder: &str) -> Option<String> {
        let operator = placeholder.strip_prefix("${")?.strip_prefix(name)?.strip_suffix('}')?;
        let value = self.0.get(name);
        // A colon extends the default to an empty value.
        for (sign, counts) in [(":=", false), (":-", false), ("=", true), ("-", true)] {
            if let Some(default) = operator.strip_prefix(sign) {
                let set = value.filter(|value| counts || !value.is_empty()).cloned();
                return set.or_else(|| (!default.contains("${")).then(|| default.to_owned()));
            }
        }
        match operator {
            "" => value.cloned(),
            "^^" => value.map(|value| value.to_uppercase()),
            ",," => value.map(|value| value.to_lowercase()),
            _ => None,
        }
    }
}

/// `$${` is the escaped form of `${`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if text.contains("$${") { Cow::Owned(text.replace("$${", "${")) } else { Cow::Borrowed(text) }
}

/// Whether an object excludes itself by a label or annotation of Flux.
fn is_disabled(document: &str) -> bool {
    let value = |(at, key): (usize, &str)| document[at + key.len()..].trim_start_matches(['"', '\'', ':', ' ']);
    document.match_indices("kustomize.toolkit.fluxcd.io/substitute").any(|found| value(found).starts_with("disabled"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set_lines("# comment\nDOMAIN=example.com\nexport PORT='8080'\n\nEMPTY=\n").unwrap();
        variables
    }

    #[test]
    fn variables_are_substituted_as_flux_does() {
        for (text, wanted) in [
            ("host: app.${DOMAIN}", "host: app.example.com"),
            ("number: ${PORT}", "number: 8080"),
            ("${PORT}${DOMAIN}", "8080example.com"),
            ("${OTHER:=web}-${DOMAIN:=x}", "web-example.com"),
            ("${EMPTY:-web} ${EMPTY-web}", "web "),
            ("${DOMAIN^^}", "EXAMPLE.COM"),
            ("${OTHER} $${DOMAIN} $host $1", "${OTHER} ${DOMAIN} $host $1"),
            ("${OTHER:=${DOMAIN}}", "${OTHER:=${DOMAIN}}"),
            ("{{ .Values.x }} $(DOMAIN)", "{{ .Values.x }} $(DOMAIN)"),
            (
                "labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\nhost: ${DOMAIN}",
                "labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}\nhost: ${DOMAIN}",
            ),
        ] {
            assert_eq!(variables().substitute(text), wanted, "{text}");
        }
        assert_eq!(Variables::default().substitute("${A:=b} $${C}"), "${A:=b} $${C}", "nothing is substituted");
    }

    #[test]
    fn files_with_variables_are_config_maps_or_lines() {
        let mut variables = Variables::default();
        variables
            .set_config_maps("kind: Other\n---\nkind: ConfigMap\ndata:\n  DOMAIN: example.com\n  a.b: c\n")
            .unwrap();
        assert_eq!(variables.substitute("${DOMAIN}"), "example.com");
        for (text, wanted) in
            [("kind: Secret\ndata: {A: Yg==}", "Secret"), ("kind: Other", "no ConfigMap"), ("a: [", "not YAML")]
        {
            let error = variables.set_config_maps(text).unwrap_err();
            assert!(error.contains(wanted) && !error.contains("Yg=="), "{error}");
        }
        assert_eq!(variables.set_lines("A=1\nb").unwrap_err(), "line 2: expected NAME=VALUE");
        assert!(variables.set("a-b", "c").is_err());
    }
}
