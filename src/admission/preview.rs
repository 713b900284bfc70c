//! The fields at the beginning of a review, read without its objects. They are enough to put a review into a queue, and to answer
//! one that could not be parsed.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

/// The bytes that are read. The API server writes the fields before the objects.
const HEAD: usize = 64 * 1024;

/// Fields of `request` that are known before a review is parsed. They are empty if they are not in the first 64 KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// `request.uid`.
    pub uid: String,
    /// `request.namespace`.
    pub namespace: String,
    /// `request.name`.
    pub name: String,
    /// `request.operation`.
    pub operation: String,
    /// `request.userInfo.username`.
    pub user: String,
}

impl Preview {
    /// Reads the beginning of a body. The work does not depend on the size of the body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        let mut preview = Self::default();
        let mut json = serde_json::Deserializer::from_slice(&body[..body.len().min(HEAD)]);
        // The end of the bytes and the objects end the reading with an error.
        let _ = Level::Review.within(&mut preview).deserialize(&mut json);
        preview
    }
}

/// The JSON objects that contain the fields.
#[derive(Clone, Copy)]
enum Level {
    Review,
    Request,
    UserInfo,
}

struct Fields<'p> {
    level: Level,
    preview: &'p mut Preview,
}

impl Level {
    fn within(self, preview: &mut Preview) -> Fields<'_> {
        Fields { level: self, preview }
    }
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { level, preview } = self;
        while let Some(key) = map.next_key::<String>()? {
            match (level, &*key) {
                (Level::Review, "request") => map.next_value_seed(Level::Request.within(preview))?,
                (Level::Request, "userInfo") => map.next_value_seed(Level::UserInfo.within(preview))?,
                (Level::Request, "uid") => preview.uid = map.next_value()?,
                (Level::Request, "namespace") => preview.namespace = map.next_value()?,
                (Level::Request, "name") => preview.name = map.next_value()?,
                (Level::Request, "operation") => preview.operation = map.next_value()?,
                (Level::UserInfo, "username") => preview.user = map.next_value()?,
                // The API server writes the objects last.
                (Level::Request, "object" | "oldObject") if !preview.user.is_empty() => {
                    return Err(A::Error::custom("the fields end here"));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
