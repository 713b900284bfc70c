//! The values of the annotation `kubernetes.io/ingress.class` that a controller handles: section 1.1.2.

use super::instance::DEFAULT_CLASS;

/// The flag `--ingress-class` of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnnotationClass {
    /// The configured value, or those of the running controllers.
    Set(Vec<String>),
    /// The default of a controller whose configuration sets no other: `nginx`.
    Default,
    /// The default of a controller that is not configured: another value is as possible.
    Assumed,
    /// Unknown.
    Unknown,
}

impl AnnotationClass {
    /// Returns whether the controller handles the Ingresses with this value, as far as is known.
    #[must_use]
    pub fn includes(&self, value: &str) -> bool {
        match self {
            Self::Set(values) => values.iter().any(|own| own == value),
            Self::Default | Self::Assumed => value == DEFAULT_CLASS,
            Self::Unknown => false,
        }
    }

    /// Returns whether the controller certainly ignores the Ingresses with this value.
    #[must_use]
    pub fn excludes(&self, value: &str) -> bool {
        matches!(self, Self::Set(_) | Self::Default) && !self.includes(value)
    }

    /// Returns the values that the controller certainly handles.
    #[must_use]
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::Set(values) => values.iter().map(String::as_str).collect(),
            Self::Default => vec![DEFAULT_CLASS],
            Self::Assumed | Self::Unknown => Vec::new(),
        }
    }
}
