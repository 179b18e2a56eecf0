//! Whether one network lies in another.

use super::network::Network;
use super::query::ask;
use super::subnets::recognised;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::python::{iterate, text};
use crate::value::{Kind, Value};

/// First and last address as numbers; what is no network counts as zero, as it does there.
fn ends(value: &Value, usable: bool) -> Result<(u128, u128), TemplateError> {
    let Some(network) = recognised(value)?.map(Network::cidr) else {
        return Ok((0, 0));
    };
    // A network of two addresses has no broadcast address to end with, so that only its first one counts.
    Ok(match (usable, network.usable()) {
        (true, Some(ends)) => ends,
        (false, Some(_)) if !network.has(2) => (network.first(), network.last()),
        _ => (network.first(), network.first()),
    })
}

fn lies_within(inner: (u128, u128), outer: (u128, u128)) -> bool {
    let outer = outer.0..=outer.1;
    outer.contains(&inner.0) && outer.contains(&inner.1)
}

fn tested(call: Call<'_>, usable: bool) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["test"], 1)?;
    let test = arguments.get(0).cloned().unwrap_or_default();
    Ok(Value::from(lies_within(
        ends(&test, false)?,
        ends(&arguments.value, usable)?,
    )))
}

/// `network_in_network(test)`.
pub(crate) fn network_in_network(call: Call<'_>) -> Result<Value, TemplateError> {
    tested(call, false)
}

/// `network_in_usable(test)`: without the network's own and the broadcast address.
pub(crate) fn network_in_usable(call: Call<'_>) -> Result<Value, TemplateError> {
    tested(call, true)
}

/// `reduce_on_network(network)`: those of a list that lie in the network.
pub(crate) fn reduce_on_network(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["network"], 1)?;
    let outer = ends(arguments.get(0).unwrap_or(&Value::NULL), false)?;
    let items = match arguments.value.kind() {
        Kind::Str(text) => text.split(',').map(Value::from).collect(),
        _ => iterate(&arguments.value)?,
    };
    let mut kept = Vec::new();
    for item in items {
        let item = Value::from(text(&item)?);
        let known = ask(&item, "type", None).is_ok_and(|kind| kind.is_true());
        if known && lies_within(ends(&item, false)?, outer) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}
