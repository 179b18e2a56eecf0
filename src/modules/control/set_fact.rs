//! `set_fact`: sets variables of a host for the rest of the run.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, Meta, Outcome, Persistence, StepView, Support,
};
use crate::value::{Dict, is_variable_name};

/// Facts to set, and whether they outlive the run.
#[derive(Debug)]
pub(crate) struct SetFactArgs {
    facts: Vec<(String, Any)>,
    cacheable: bool,
}

/// The module's manual: its arguments are whatever names the playbook chooses, so the struct cannot carry it.
const MANUAL: &str = "Set variables of the host for the rest of the run\n\n\
    Every argument but `cacheable` becomes a variable with that name and value.\n\n\
    ## Check mode\n\nSets them as well.\n\n\
    ## Returns\n\n`ansible_facts`: the variables that were set.\n\n\
    ## Examples\n\n```yaml\n- ansible.builtin.set_fact:\n    api_endpoint: \"https://{{ api_host }}:6443\"\n```";

impl JsonSchema for SetFactArgs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SetFactArgs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": MANUAL,
            "properties": {
                "cacheable": {
                    "type": "boolean",
                    "default": false,
                    "description": "Keeps the variables in the fact cache as well, where they count as facts."
                }
            },
            "additionalProperties": true
        })
    }
}

impl<'de> Deserialize<'de> for SetFactArgs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Facts;
        impl<'de> Visitor<'de> for Facts {
            type Value = SetFactArgs;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("variables and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SetFactArgs, A::Error> {
                let mut args = SetFactArgs {
                    facts: Vec::new(),
                    cacheable: false,
                };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "cacheable" {
                        args.cacheable = map.next_value()?;
                    } else {
                        args.facts.push((name, map.next_value()?));
                    }
                }
                Ok(args)
            }
        }
        deserializer.deserialize_map(Facts)
    }
}

/// The module `ansible.builtin.set_fact`.
pub(crate) struct SetFact;

impl Control for SetFact {
    type Args = SetFactArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.set_fact",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn run(args: &SetFactArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        if args.facts.is_empty() {
            return Err(Failure::new(
                "No key/value pairs provided, at least one is required for this action to succeed",
            ));
        }
        let mut facts = Dict::new();
        for (name, Any(value)) in &args.facts {
            if !is_variable_name(name) {
                return Err(Failure::new(format!(
                    "the variable name `{name}` is not valid: it must begin with a letter or underscore and hold only letters, digits and underscores"
                )));
            }
            facts.insert(name.as_str(), value.clone());
        }
        let persistence = if args.cacheable {
            Persistence::Cache
        } else {
            Persistence::Run
        };
        Ok(Outcome::unchanged()
            .with("ansible_facts", facts.clone())
            .request(ControllerRequest::SetFacts(facts, persistence)))
    }
}
