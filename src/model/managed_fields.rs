//! The clients that have written an object (`metadata.managedFields`).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The fields of one client, without their names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    manager: Option<Box<str>>,
    time: Option<Timestamp>,
}

/// The time of the last write of one client.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WriteTime {
    time: Option<Timestamp>,
    subresource: Option<Box<str>>,
}

/// Returns the time of the last write by the clock of the API server. Writes of the status do not count. A write that only removes fields
/// does not change the time (structured-merge-diff drops an entry without fields), and a writer can set another one.
pub(super) fn last_write(entries: &[WriteTime]) -> Option<Timestamp> {
    let is_of_object = |entry: &&WriteTime| entry.subresource.as_deref().is_none_or(str::is_empty);
    entries.iter().filter(is_of_object).filter_map(|entry| entry.time).max()
}

/// Returns the client that wrote last; `None` if it is not certain, because two wrote within the same second. For a client that
/// names no field manager, the API server records the beginning of its user agent (`managerOrUserAgent` in
/// `apiserver/pkg/endpoints/handlers/create.go`).
pub(super) fn last_manager(raw: &RawValue) -> Option<Box<str>> {
    let mut entries: Vec<Entry> = serde_json::from_str(raw.get()).ok()?;
    let last = entries.iter().map(|entry| entry.time).max()?;
    entries.retain(|entry| entry.time == last);
    let manager = entries.first_mut()?.manager.take()?;
    entries.iter().skip(1).all(|other| other.manager.as_deref() == Some(&*manager)).then_some(manager)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(json: &str) -> Option<Box<str>> {
        last_manager(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn the_newest_entry_names_the_client() {
        let created = r#"[{"manager": "HashiCorp", "operation": "Update", "time": "2026-11-22T10:00:00Z", "fieldsV1": {"f:spec": {}}}]"#;
        assert_eq!(manager(created).as_deref(), Some("HashiCorp"));
        let updated = r#"[{"manager": "helm", "time": "2026-11-22T10:00:01Z"}, {"manager": "kubectl", "time": "2026-11-22T10:00:00Z"}]"#;
        assert_eq!(manager(updated).as_deref(), Some("helm"));
    }

    #[test]
    fn two_clients_within_one_second_are_not_told_apart() {
        let two = r#"[{"manager": "helm", "time": "2026-11-22T10:00:00Z"}, {"manager": "kubectl", "time": "2026-11-22T10:00:00Z"}]"#;
        assert_eq!(manager(two), None);
        for text in ["[]", "{}", "null", "[{}]", r#"[{"manager": 1}]"#, r#"[{"manager": "x", "time": "now"}]"#] {
            assert_eq!(manager(text), None, "{text}");
        }
    }
}
