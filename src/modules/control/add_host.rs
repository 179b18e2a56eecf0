//! `add_host`: adds a host to the inventory of the run.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support,
};
use crate::value::{Dict, Kind, Value};

/// The host, its groups and its variables.
#[derive(Debug)]
pub(crate) struct AddHostArgs {
    name: String,
    groups: Vec<String>,
    variables: Vec<(String, Any)>,
}

const MANUAL: &str = "Add a host to the inventory of the run\n\n\
    Later plays can name it. Every other argument becomes a variable of the host, and so do `host` and `group`.\n\n\
    Runs once, however many hosts the play has.\n\n\
    ## Check mode\n\nAdds it as well: it is known to this run only.\n\n\
    ## Returns\n\n`add_host`: `host_name`, `groups` and `host_vars`.\n\n\
    ## Examples\n\n```yaml\n- ansible.builtin.add_host:\n    name: \"{{ new_vm.ip }}\"\n    groups: [agents]\n    ansible_user: debian\n```";

impl JsonSchema for AddHostArgs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AddHostArgs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": MANUAL,
            "required": ["name"],
            "properties": {
                "name": {
                    "type": "string",
                    "description": "The host's name, perhaps with `:PORT`. Also `hostname` or `host`."
                },
                "groups": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Groups that it joins; they are made if they do not exist. Also `group` or `groupname`."
                }
            },
            "additionalProperties": true
        })
    }
}

impl<'de> Deserialize<'de> for AddHostArgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Host;
        impl<'de> Visitor<'de> for Host {
            type Value = AddHostArgs;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a host's name, groups and variables")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AddHostArgs, A::Error> {
                // Of several names the first of these counts. `host` and `group` become variables as well.
                let (mut name_rank, mut groups_rank) = (None, None);
                let wrong = |name: &str, wanted: &str| {
                    A::Error::custom(format!("`{name}` must be {wanted}"))
                };
                let mut args = AddHostArgs {
                    name: String::new(),
                    groups: Vec::new(),
                    variables: Vec::new(),
                };
                while let Some(name) = map.next_key::<String>()? {
                    let rank =
                        |names: [&str; 3]| names.into_iter().rev().position(|known| known == name);
                    let as_name = rank(["name", "hostname", "host"]);
                    let as_groups = rank(["groupname", "groups", "group"]);
                    let given: Any = map.next_value()?;
                    if as_name > name_rank {
                        args.name = text(&given.0).ok_or_else(|| wrong("name", "text"))?;
                        name_rank = as_name;
                    }
                    if as_groups > groups_rank {
                        args.groups =
                            list(&given.0).ok_or_else(|| wrong("groups", "a list of names"))?;
                        groups_rank = as_groups;
                    }
                    if !matches!(name.as_str(), "name" | "hostname" | "groupname" | "groups") {
                        args.variables.push((name, given));
                    }
                }
                match name_rank {
                    Some(_) => Ok(args),
                    None => Err(A::Error::missing_field("name")),
                }
            }
        }
        deserializer.deserialize_map(Host)
    }
}

/// The module `ansible.builtin.add_host`.
pub(crate) struct AddHost;

impl Control for AddHost {
    type Args = AddHostArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.add_host",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;
    const ONCE: bool = true;

    fn run(args: &AddHostArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let mut variables: Dict = args
            .variables
            .iter()
            .map(|(name, Any(value))| (name.as_str().into(), value.clone()))
            .collect();
        let (name, port) = split_port(&args.name);
        if let Some(port) = port {
            variables.insert("ansible_port", port);
        }
        let groups: Vec<String> = args
            .groups
            .iter()
            .filter(|group| !group.is_empty())
            .cloned()
            .collect();
        let shown = Dict::new()
            .with("host_name", name)
            .with("groups", groups.clone())
            .with("host_vars", variables.clone());
        Ok(Outcome::changed()
            .with("add_host", Value::dict(shown))
            .request(ControllerRequest::AddHost {
                name: name.to_owned(),
                groups,
                variables,
            }))
    }
}

/// A name, which may be written as a number.
fn text(value: &Value) -> Option<String> {
    match value.kind() {
        Kind::Str(_) | Kind::Int(_) | Kind::Float(_) => Some(value.to_text()),
        _ => None,
    }
}

/// Names in a list, or with commas between them.
fn list(value: &Value) -> Option<Vec<String>> {
    let names: Vec<String> = match value.kind() {
        Kind::Null => Vec::new(),
        Kind::List(items) | Kind::Tuple(items) => {
            items.iter().map(text).collect::<Option<Vec<_>>>()?
        }
        _ => text(value)?.split(',').map(str::to_owned).collect(),
    };
    Some(names.iter().map(|name| name.trim().to_owned()).collect())
}

/// Splits `name:22`; an IPv6 address without brackets has no port.
fn split_port(name: &str) -> (&str, Option<u16>) {
    let port = |text: &str| text.parse::<u16>().ok();
    if let Some((address, rest)) = name
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
    {
        return (address, rest.strip_prefix(':').and_then(port));
    }
    match name.split_once(':') {
        Some((host, number)) if !number.contains(':') => match port(number) {
            Some(number) => (host, Some(number)),
            None => (name, None),
        },
        _ => (name, None),
    }
}
