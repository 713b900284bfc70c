//! The errors of a configuration file.

use std::path::PathBuf;

use thiserror::Error;

use crate::model::suggest;

/// The reason why a configuration is invalid.
#[derive(Debug, Error)]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text is not YAML, or has unknown keys or values.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// The error, with a suggestion.
        message: String,
    },
    /// A value has the right type and is not valid.
    #[error("{file}: {key}: {message}")]
    Value {
        /// The file's name.
        file: String,
        /// The place, such as `checks`.
        key: String,
        /// The error, with a suggestion.
        message: String,
    },
}

/// An invalid value, without the name of the file.
pub(super) struct ConfigFault {
    /// The place, such as `checks`.
    pub(super) key: String,
    /// The error, with a suggestion.
    pub(super) message: String,
}

impl ConfigFault {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

/// Converts an error of the parser. For an unknown key or value, a suggestion replaces the list of all valid ones.
pub(super) fn syntax(file: &str, error: &serde_saphyr::Error) -> ConfigFileError {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key {field:?}; {}", choose(field, expected))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            format!("unknown value {variant:?}; {}", choose(variant, expected))
        }
        other => {
            let text = other.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            // The place is part of the prefix.
            text.rsplit_once(" at line ").map_or(text.clone(), |(fault, _)| fault.to_owned())
        }
    };
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    ConfigFileError::Syntax { file: file.to_owned(), line, column, message }
}

fn choose(wanted: &str, expected: &[&'static str]) -> String {
    suggest::did_you_mean(wanted, expected.iter().copied())
        .unwrap_or_else(|| format!("use one of {}", expected.join(", ")))
}
