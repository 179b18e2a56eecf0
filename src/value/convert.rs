//! From Rust's own types into values, so that modules can write their return values without ceremony.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Dict, Kind, Moment, Value};

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::new(Kind::Bool(value))
    }
}

macro_rules! from_integer {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::integer(BigInt::from(value))
            }
        }
    )*};
}
from_integer!(u64, usize, i128, u128);

macro_rules! from_small {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::new(Kind::Int(i64::from(value)))
            }
        }
    )*};
}
from_small!(u8, u16, u32, i8, i16, i32, i64);

impl Value {
    /// Returns an integer of any size in the kind that fits it.
    pub fn integer(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(small) => Self::new(Kind::Int(small)),
            Err(_) => Self::new(Kind::Big(Arc::new(value))),
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::new(Kind::Float(value))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::text(text.as_str())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::new(Kind::Str(text))
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::dict(dict)
    }
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        Self::new(Kind::Moment(moment))
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items.into_iter().map(Into::into))
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::list(items)
    }
}
