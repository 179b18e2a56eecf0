//! A part that many messages have in common: encoded once, however often it is sent.
//!
//! The steps of one task on a thousand hosts differ in little. The engine makes one `Shared` for a task and puts it into the step of
//! each host; on the wire it is a run of bytes, which the worker reads like any message.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::de::{DeserializeOwned, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is encoded once. Copies of it are the same value.
pub struct Shared<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    encoded: OnceLock<Vec<u8>>,
}

impl<T> Shared<T> {
    /// Returns a value to be shared.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner {
            value,
            encoded: OnceLock::new(),
        }))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(out)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.value == other.0.value
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = if let Some(encoded) = self.0.encoded.get() {
            encoded
        } else {
            let encoded = postcard::to_extend(&self.0.value, Vec::new());
            let encoded = encoded.map_err(S::Error::custom)?;
            self.0.encoded.get_or_init(|| encoded)
        };
        serializer.serialize_bytes(encoded)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_bytes(Reader(PhantomData))
            .map(Self::new)
    }
}

struct Reader<T>(PhantomData<T>);

impl<T: DeserializeOwned> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an encoded value")
    }

    fn visit_bytes<E: serde::de::Error>(self, encoded: &[u8]) -> Result<T, E> {
        postcard::from_bytes(encoded).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FrameError, decode, encode};

    #[test]
    fn what_is_shared_survives_the_way_however_often_it_is_sent() {
        let shared = Shared::new(vec!["a".to_owned(), "b".to_owned()]);
        let message = (1, shared.clone(), shared);
        for _ in 0..2 {
            let frame = encode(&message).unwrap();
            let read: (i32, Shared<Vec<String>>, Shared<Vec<String>>) =
                decode(frame.get(4..).unwrap()).unwrap();
            assert_eq!(read, message);
        }
    }

    #[test]
    fn t22_bytes_that_are_no_value_are_refused() {
        let frame = encode(&Shared::new(7_u8)).unwrap();
        let read = decode::<Shared<String>>(frame.get(4..).unwrap());
        assert!(matches!(read, Err(FrameError::Garbled(_))));
    }
}
