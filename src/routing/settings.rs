//! What the controller's `ConfigMap` and flags say, as far as its answers depend on it, and what holds where they say
//! nothing: section 7.2, "Defaults that changed".

use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::annotation::Risk;
use super::version::Version;

/// Keys of the controller's `ConfigMap`, and flags, that change its answers; `None`: not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControllerSettings {
    /// Whether `*-snippet` annotations are taken.
    #[serde(deserialize_with = "switch")]
    pub allow_snippet_annotations: Option<bool>,
    /// The most dangerous annotations that are taken.
    pub annotations_risk_level: Option<Risk>,
    /// Whether annotations may name Secrets and `ConfigMap`s of other namespaces.
    #[serde(deserialize_with = "switch")]
    pub allow_cross_namespace_resources: Option<bool>,
    /// `--enable-annotation-validation`
    #[serde(deserialize_with = "switch")]
    pub enable_annotation_validation: Option<bool>,
    /// Whether Exact and Prefix paths may hold letters, digits, `-`, `.`, `_` and `/` only.
    #[serde(deserialize_with = "switch")]
    pub strict_validate_path_type: Option<bool>,
    /// `--disable-svc-external-name`
    #[serde(deserialize_with = "switch")]
    pub disable_svc_external_name: Option<bool>,
    /// Whether HTTP is redirected to HTTPS where an annotation says nothing.
    #[serde(deserialize_with = "switch")]
    pub ssl_redirect: Option<bool>,
}

impl ControllerSettings {
    /// With the defaults of a version; what is still `None` nobody can know.
    #[must_use]
    pub fn of(self, version: Option<Version>) -> Self {
        let since = |major, minor, patch| version.map(|version| version >= Version::new(major, minor, patch));
        let before = |major, minor, patch| since(major, minor, patch).map(|since| !since);
        let risk = since(1, 12, 0).map(|lowered| if lowered { Risk::High } else { Risk::Critical });
        Self {
            allow_snippet_annotations: self.allow_snippet_annotations.or(before(1, 9, 1)),
            annotations_risk_level: self.annotations_risk_level.or(risk),
            allow_cross_namespace_resources: self.allow_cross_namespace_resources.or(before(1, 12, 0)),
            enable_annotation_validation: self.enable_annotation_validation.or(since(1, 12, 0)),
            strict_validate_path_type: self.strict_validate_path_type.or(since(1, 12, 0)),
            disable_svc_external_name: self.disable_svc_external_name.or(Some(false)),
            ssl_redirect: self.ssl_redirect.or(Some(true)),
        }
    }
}

/// `true`, or `"true"` as it stands in a `ConfigMap`.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct Switch;
    impl Visitor<'_> for Switch {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("true or false")
        }
        fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Switch).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_the_defaults_of_the_version() {
        let unsaid = ControllerSettings::default();
        let always = ControllerSettings { disable_svc_external_name: Some(false), ssl_redirect: Some(true), ..unsaid };
        assert_eq!(unsaid.of(None), always);
        let last = unsaid.of(Some(Version::new(1, 15, 1)));
        assert_eq!((last.allow_snippet_annotations, last.annotations_risk_level), (Some(false), Some(Risk::High)));
        assert_eq!((last.enable_annotation_validation, last.strict_validate_path_type), (Some(true), Some(true)));
        assert_eq!(last.allow_cross_namespace_resources, Some(false));
        let old = unsaid.of(Some(Version::new(1, 9, 0)));
        assert_eq!((old.allow_snippet_annotations, old.annotations_risk_level), (Some(true), Some(Risk::Critical)));
        assert_eq!((old.enable_annotation_validation, old.strict_validate_path_type), (Some(false), Some(false)));
        assert_eq!(old.allow_cross_namespace_resources, Some(true));
        let said = ControllerSettings { allow_snippet_annotations: Some(true), ssl_redirect: Some(false), ..unsaid };
        let said = said.of(Some(Version::new(1, 15, 1)));
        assert_eq!((said.allow_snippet_annotations, said.ssl_redirect), (Some(true), Some(false)));
    }

    #[test]
    fn switches_are_booleans_or_the_text_of_a_config_map() {
        let read = |text: &str| serde_json::from_str::<ControllerSettings>(text);
        let both =
            read(r#"{"ssl-redirect": "false", "allow-snippet-annotations": true, "annotations-risk-level": "High"}"#);
        let both = both.unwrap();
        assert_eq!((both.ssl_redirect, both.allow_snippet_annotations), (Some(false), Some(true)));
        assert_eq!(both.annotations_risk_level, Some(Risk::High));
        assert!(read(r#"{"ssl-redirect": "yes"}"#).is_err() && read(r#"{"ssl-redirct": true}"#).is_err());
    }
}
