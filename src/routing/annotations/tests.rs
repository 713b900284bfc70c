//! The table's order, and single values against what Go makes of them.

use super::*;

#[test]
fn rows_are_in_the_order_of_their_names() {
    assert!(ALL.windows(2).all(|pair| pair[0].name < pair[1].name));
    assert!(ALL.iter().all(|row| std::ptr::eq(find(row.name).unwrap(), row)));
    assert!(find("rewrite").is_none() && find("").is_none());
}

#[test]
fn rows_name_rows_that_are_there() {
    for row in ALL {
        for other in [row.with, row.without, row.alias_of].into_iter().flatten() {
            assert!(find(other).is_some_and(|other| other.removed.is_none()), "{}: {other}", row.name);
        }
        assert!(row.removed.is_none() || (row.since.is_none() && row.with.is_none()), "{}", row.name);
    }
}

#[test]
fn values_are_taken_and_read_as_the_controller_does() {
    let table = include_str!("../../../tests/data/annotation-values.tsv");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut count = 0;
    for line in lines {
        let [name, value, validator, reader] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let row = find(name).unwrap_or_else(|| panic!("{line}"));
        let value: String = serde_json::from_str(value).unwrap();
        let taken = if row.accepts(&value) { "takes" } else { "refuses" };
        assert_eq!(taken, validator, "{line}");
        if reader != "-" {
            let read = if row.form.unread(&value).is_none() { "reads" } else { "trips" };
            assert_eq!(read, reader, "{line}");
        }
        count += 1;
    }
    assert!(count > 140, "the table has {count} lines");
}

#[test]
fn a_flaw_depends_on_the_validation_of_the_controller() {
    let fault = |name: &str, value: &str, validates: Option<bool>| {
        find(name).unwrap().value_error(value, validates).map(|fault| (fault.effect, fault.certain))
    };
    let each = |name, value| [Some(true), Some(false), None].map(|validates| fault(name, value, validates));
    // A value that cannot be parsed has the same effect with and without validation. A value that only the validator rejects is used without it.
    assert_eq!(each("use-regex", "yes"), [Some((Effect::Ignored, true)); 3]);
    assert_eq!(each("allowlist-source-range", "10.0.0.0/33"), [Some((Effect::Unavailable, true)); 3]);
    assert_eq!(each("custom-http-errors", "404 503"), [Some((Effect::Ignored, true)); 3]);
    assert_eq!(each("custom-http-errors", "404, 503"), [None; 3]);
    let refused = Some((Effect::NotLoaded, true));
    assert_eq!(each("auth-realm", "it's"), [refused, None, Some((Effect::NotLoaded, false))]);
    assert_eq!(each("limit-rps", "10/s"), [refused, Some((Effect::Ignored, true)), Some((Effect::NotLoaded, false))]);
    assert_eq!(each("auth-tls-secret", "ca"), [Some((Effect::Forbidden, true)); 3]);
    // An empty value is as none, but for the lists of addresses.
    assert_eq!(each("rewrite-target", ""), [None; 3]);
    assert_eq!(each("denylist-source-range", ""), [Some((Effect::Unavailable, true)); 3]);
    assert_eq!(each("whitelist-source-range", ""), [None; 3]);
}
