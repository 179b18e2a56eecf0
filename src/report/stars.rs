//! Secrets in what is shown.

use crate::value::{Kind, Value};

/// What a secret shows as.
pub(super) const STARS: &str = "********";

/// Returns the value with stars in the place of secrets.
pub(super) fn starred(value: &Value) -> Value {
    value.clone().map(&mut |leaf| {
        let whole = matches!(leaf.kind(), Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_));
        if leaf.is_secret() && !whole {
            Value::text(STARS)
        } else {
            leaf
        }
    })
}
