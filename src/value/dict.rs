//! Dictionaries: in the order they were written, with the keys that Python allows.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};
use serde::{Deserialize, Serialize};

use super::{Kind, Value};

/// A key of a [`Dict`]. As in Python, `1`, `1.0` and `True` are one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Key {
    /// `None`.
    Null,
    /// `True`, `False`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float, by its bits.
    Float(u64),
    /// Text.
    Str(Arc<str>),
    /// A tuple of keys.
    Tuple(#[serde(deserialize_with = "super::wire::nested_keys")] Arc<[Key]>),
}

impl Key {
    /// Returns the text of a text key.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the key as a value, without marks and origin.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::NULL,
            Self::Bool(value) => Value::new(Kind::Bool(*value)),
            Self::Int(value) => Value::new(Kind::Int(*value)),
            Self::Float(bits) => Value::new(Kind::Float(f64::from_bits(*bits))),
            Self::Str(text) => Value::new(Kind::Str(text.clone())),
            Self::Tuple(items) => Value::tuple(items.iter().map(Self::to_value)),
        }
    }

    /// Returns the value as a key, or nothing where Python could not hash it (lists, dictionaries) or kplay has no such key.
    pub fn from_value(value: &Value) -> Option<Self> {
        Some(match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool(value) => Self::Bool(*value),
            Kind::Int(value) => Self::Int(*value),
            Kind::Float(value) => Self::Float(value.to_bits()),
            Kind::Str(text) => Self::Str(text.clone()),
            Kind::Big(value) => Self::Str(value.to_string().into()),
            Kind::Moment(moment) => Self::Str(moment.to_string().into()),
            Kind::Tuple(items) => Self::Tuple(
                items
                    .iter()
                    .map(Self::from_value)
                    .collect::<Option<Vec<_>>>()?
                    .into(),
            ),
            Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_) | Kind::Undefined(_) => return None,
        })
    }

    /// The number that Python compares, for the kinds that are equal across types.
    fn number(&self) -> Option<Result<i64, u64>> {
        match self {
            Self::Bool(value) => Some(Ok(i64::from(*value))),
            Self::Int(value) => Some(Ok(*value)),
            Self::Float(bits) => {
                let float = f64::from_bits(*bits);
                #[expect(clippy::cast_possible_truncation, reason = "compared back below")]
                let whole = float as i64;
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::float_cmp,
                    reason = "exact integers only"
                )]
                let exact = whole as f64 == float;
                Some(if exact { Ok(whole) } else { Err(*bits) })
            }
            Self::Null | Self::Str(_) | Self::Tuple(_) => None,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Tuple(left), Self::Tuple(right)) => left == right,
            _ => self.number().is_some() && self.number() == other.number(),
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            // As `str` hashes, so that a `&str` finds its key.
            Self::Str(text) => text.hash(state),
            Self::Null => 0xffu8.hash(state),
            Self::Tuple(items) => items.hash(state),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => self.number().hash(state),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Arc<str>> for Key {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text)
    }
}

/// A dictionary in the order in which its keys were first set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Dict {
    items: IndexMap<Key, Value, foldhash::fast::RandomState>,
}

impl Dict {
    /// Returns an empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Tells whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the value of a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.items.get(key)
    }

    /// Returns the value of any key.
    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.items.get(key)
    }

    /// Tells whether there is a text key of that name.
    pub fn contains(&self, key: &str) -> bool {
        self.items.contains_key(key)
    }

    /// Sets a key; one that was there keeps its place. Returns what it had been.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.items.insert(key.into(), value.into())
    }

    /// Removes a text key and keeps the order of the others.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.items.shift_remove(key)
    }

    /// Removes any key and keeps the order of the others.
    pub fn remove_key(&mut self, key: &Key) -> Option<Value> {
        self.items.shift_remove(key)
    }

    /// Returns keys and values in order.
    pub fn iter(&self) -> indexmap::map::Iter<'_, Key, Value> {
        self.items.iter()
    }

    /// Returns the keys in order.
    pub fn keys(&self) -> indexmap::map::Keys<'_, Key, Value> {
        self.items.keys()
    }

    /// Returns the values in order of their keys.
    pub fn values(&self) -> indexmap::map::Values<'_, Key, Value> {
        self.items.values()
    }

    /// Returns the entry at that place in the order.
    pub fn get_index(&self, index: usize) -> Option<(&Key, &Value)> {
        self.items.get_index(index)
    }

    /// Adds the pair and returns the dictionary; for building one in a single expression.
    #[must_use]
    pub fn with(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }
}

impl FromIterator<(Key, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(items: I) -> Self {
        Self {
            items: items.into_iter().collect(),
        }
    }
}

impl Extend<(Key, Value)> for Dict {
    fn extend<I: IntoIterator<Item = (Key, Value)>>(&mut self, items: I) {
        self.items.extend(items);
    }
}

impl IntoIterator for Dict {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoIter<Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a> IntoIterator for &'a Dict {
    type Item = (&'a Key, &'a Value);
    type IntoIter = indexmap::map::Iter<'a, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
