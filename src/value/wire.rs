//! How a value travels: content, marks and origin, so that trust and secrecy survive the way to a host and back.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Kind, Marks, Value};
use crate::diag::Span;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let origin = self.origin.is_some().then_some(self.origin);
        (&self.kind, self.marks.bits(), origin).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, marks, origin) = <(Kind, u8, Option<Span>)>::deserialize(deserializer)?;
        Ok(Self {
            kind,
            marks: Marks::from_bits_truncate(marks),
            origin: origin.unwrap_or(Span::NONE),
        })
    }
}
