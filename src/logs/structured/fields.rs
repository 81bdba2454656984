//! The fields of a line, in the order in which it was printed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Names and values. Of two fields of one name the last counts, as for every reader of JSON; it stands where the first
/// stood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(String, Value)>);

/// So many levels down a name with dots is looked for, and shown.
pub(super) const DEEPEST: usize = 8;

/// With more fields than these, a name that comes twice is not looked for: that would cost the square of their number.
const MANY: usize = 256;

impl Fields {
    /// Of an object, and nothing else. One without a field tells nothing.
    pub(super) fn from_json(text: &str) -> Option<Self> {
        Self::of_json(text, |_| true).filter(|fields| !fields.0.is_empty())
    }

    /// Those fields of an object whose names are wanted: the others cost no memory.
    pub(super) fn of_json(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(InOrder(is_wanted)).ok()?;
        reader.end().ok().map(|()| fields)
    }

    /// Adds a field.
    pub(super) fn push(&mut self, name: String, value: Value) {
        let known = if self.0.len() < MANY { self.0.iter_mut().find(|(known, _)| *known == name) } else { None };
        match known {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of a field: of the one with exactly this name, or else, for `a.b`, of `b` in the object `a`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let own = |name: &str| self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        own(path).or_else(|| {
            let splits = path.match_indices('.').take(DEEPEST);
            splits.into_iter().find_map(|(at, _)| within(own(path.get(..at)?)?, path.get(at + 1..)?, DEEPEST))
        })
    }

    /// In the order of the line.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All names, those in objects with dots: as [`Fields::get`] takes them.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.iter().for_each(|(name, value)| add_paths(name.to_owned(), value, DEEPEST, &mut paths));
        paths
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn add_paths(name: String, value: &Value, deepest: usize, paths: &mut Vec<String>) {
    if let (Some(object), Some(deepest)) = (value.as_object(), deepest.checked_sub(1)) {
        object.iter().for_each(|(inner, value)| add_paths(format!("{name}.{inner}"), value, deepest, paths));
    }
    paths.push(name);
}

/// The same in an object that is a value.
fn within<'a>(value: &'a Value, path: &str, deepest: usize) -> Option<&'a Value> {
    let object = value.as_object()?;
    if let Some(found) = object.get(path) {
        return Some(found);
    }
    let deepest = deepest.checked_sub(1)?;
    let mut splits = path.match_indices('.').take(DEEPEST);
    splits.find_map(|(at, _)| within(object.get(path.get(..at)?)?, path.get(at + 1..)?, deepest))
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder(|_: &str| true))
    }
}

/// Reads the fields that are wanted.
struct InOrder<F>(F);

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for InOrder<F> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(Name(name)) = map.next_key()? {
            if (self.0)(&name) {
                fields.push(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// A name, as it stands in the text if it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsItStands;
        impl<'de> Visitor<'de> for AsItStands {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(AsItStands)
    }
}

// A number in JSON is never NaN.
impl Eq for Fields {}
