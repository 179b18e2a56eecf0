//! How a value travels: content, marks and origin, so that trust and secrecy survive the way to a host and back.

use std::cell::Cell;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Key, Kind, Marks, Value};
use crate::diag::Span;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let origin = self.origin.is_some().then_some(self.origin);
        (&self.kind, self.marks.bits(), origin).serialize(serializer)
    }
}

/// How deep values may nest: deeper than any real one, and far from the end of the stack.
const DEEPEST: usize = 200;

thread_local! {
    /// How deep the value is that this thread reads just now. A decoder that recurses has no other place to count.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Counts one level while it lives.
struct Level;

impl Level {
    fn enter<E: de::Error>() -> Result<Self, E> {
        DEPTH.with(|depth| {
            if depth.get() >= DEEPEST {
                return Err(E::custom("a value nests too deep"));
            }
            depth.set(depth.get() + 1);
            Ok(Self)
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let _level = Level::enter::<D::Error>()?;
        let (kind, marks, origin) = <(Kind, u8, Option<Span>)>::deserialize(deserializer)?;
        Ok(Self {
            kind,
            marks: Marks::from_bits_truncate(marks),
            origin: origin.unwrap_or(Span::NONE),
        })
    }
}

/// Reads the keys of a tuple, which may nest only as deep as values.
pub(super) fn nested_keys<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<[Key]>, D::Error> {
    let _level = Level::enter::<D::Error>()?;
    Vec::<Key>::deserialize(deserializer).map(Arc::from)
}
