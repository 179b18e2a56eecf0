//! Between values and JSON: files, facts, API answers and `--json` output.

use num_bigint::BigInt;

use super::{Dict, Key, Kind, Value};

impl Value {
    /// Returns a value made from JSON, without marks and origin.
    pub fn from_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::NULL,
            serde_json::Value::Bool(value) => Self::from(value),
            serde_json::Value::Number(number) => {
                if let Some(int) = number.as_i64() {
                    Self::from(int)
                } else if let Some(int) = number.as_u64() {
                    Self::from(int)
                } else {
                    let text = number.to_string();
                    text.parse::<BigInt>().map_or_else(
                        |_| Self::from(number.as_f64().unwrap_or(f64::NAN)),
                        Self::integer,
                    )
                }
            }
            serde_json::Value::String(text) => Self::from(text),
            serde_json::Value::Array(items) => Self::list(items.into_iter().map(Self::from_json)),
            serde_json::Value::Object(items) => Self::dict(
                items
                    .into_iter()
                    .map(|(key, item)| (Key::from(key), Self::from_json(item)))
                    .collect::<Dict>(),
            ),
        }
    }

    /// Returns the value as JSON: tuples become lists, dates ISO text, keys text as Python's `json` writes them.
    /// Undefined becomes null; check for it before.
    pub fn to_json(&self) -> serde_json::Value {
        match self.kind() {
            Kind::Null | Kind::Undefined(_) => serde_json::Value::Null,
            Kind::Bool(value) => (*value).into(),
            Kind::Int(value) => (*value).into(),
            Kind::Big(value) => value
                .to_string()
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or(serde_json::Value::Null, serde_json::Value::Number),
            Kind::Float(value) => serde_json::Number::from_f64(*value)
                .map_or(serde_json::Value::Null, serde_json::Value::Number),
            Kind::Str(text) => serde_json::Value::String(text.to_string()),
            Kind::Bytes(bytes) => {
                serde_json::Value::String(String::from_utf8_lossy(bytes).into_owned())
            }
            Kind::List(items) | Kind::Tuple(items) => items.iter().map(Self::to_json).collect(),
            Kind::Dict(dict) => serde_json::Value::Object(
                dict.iter()
                    .map(|(key, item)| (key.to_json_key(), item.to_json()))
                    .collect(),
            ),
            Kind::Moment(moment) => serde_json::Value::String(moment.iso()),
        }
    }
}

impl Key {
    /// Returns the key as the text that Python's `json` writes for it.
    pub fn to_json_key(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(_) | Self::Float(_) | Self::Str(_) | Self::Tuple(_) => {
                self.to_value().to_text()
            }
        }
    }
}
