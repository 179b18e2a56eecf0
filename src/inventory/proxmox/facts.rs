//! What a guest's configuration, status, snapshots and interfaces become: variables, by the plugin's rules.

use serde_json::Value as Json;

use super::listing::Object;
use super::names::prefixed;
use crate::value::{Dict, Value};

/// The names of a guest's variables.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) prefix: &'a str,
}

/// Kinds of disks: a key of the configuration that begins so is an image with options.
const DISKS: [&str; 4] = ["virtio", "sata", "ide", "scsi"];

impl Facts<'_> {
    pub(super) fn name(self, name: &str) -> String {
        prefixed(self.prefix, name)
    }

    /// Adds what the configuration says.
    pub(super) fn configuration(self, config: Object, into: &mut Dict) {
        for (key, value) in config {
            let name = self.name(&key);
            if key == "tags"
                && let Some(tags) = parsed_tags(&value)
            {
                into.insert(format!("{name}_parsed"), tags);
            }
            into.insert(name, setting(&key, value));
        }
    }

    /// Adds the state. Returns whether the guest runs, or what the answer lacks.
    pub(super) fn state(self, state: &Json, qemu: bool, into: &mut Dict) -> Result<bool, String> {
        let mut take = |field: &str| {
            let value = state
                .get(field)
                .ok_or_else(|| format!("there is no `{field}` in the answer"))?;
            into.insert(self.name(field), Value::from_json(value.clone()));
            Ok::<_, String>(value.as_str() == Some("running"))
        };
        let runs = take("status")?;
        if qemu {
            take("qmpstatus")?;
        }
        Ok(runs)
    }

    /// Adds the names of the snapshots.
    pub(super) fn snapshots(self, answer: &Json, into: &mut Dict) {
        let names = answer
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|snapshot| snapshot.get("name"))
            .filter(|name| name.as_str() != Some("current"));
        let names = Value::list(names.cloned().map(Value::from_json));
        into.insert(self.name("snapshots"), names);
    }

    /// Adds the interfaces of a container.
    pub(super) fn container_interfaces(self, answer: &Json, into: &mut Dict) {
        let interfaces = answer.as_array().into_iter().flatten().map(|interface| {
            let mut shown = Dict::new();
            for field in ["name", "hwaddr", "inet", "inet6"] {
                if let Some(value) = interface.get(field) {
                    shown.insert(field, Value::from_json(value.clone()));
                }
            }
            Value::dict(shown)
        });
        let interfaces = Value::list(interfaces);
        if interfaces.is_true() {
            into.insert(self.name("lxc_interfaces"), interfaces);
        }
    }

    /// Adds the interfaces that the agent tells, or says why it tells none.
    pub(super) fn agent_interfaces(self, answer: &Json, into: &mut Dict) -> Result<(), String> {
        let result = answer
            .get("result")
            .ok_or("there is no `result` in the agent's answer")?;
        if let Some(error) = result.get("error") {
            let said = error
                .get("desc")
                .or_else(|| error.get("class"))
                .and_then(Json::as_str);
            return Err(format!(
                "the agent refuses: {}",
                said.unwrap_or("no reason given")
            ));
        }
        let interfaces = result.as_array().ok_or("the agent's answer is no list")?;
        let shown = Value::list(interfaces.iter().map(interface));
        if shown.is_true() {
            into.insert(self.name("agent_interfaces"), shown);
        }
        Ok(())
    }
}

fn interface(interface: &Json) -> Value {
    let text = |name: &str| {
        interface
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
    };
    let addresses = interface
        .get("ip-addresses")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|address| {
            let prefix = address.get("prefix")?;
            Some(Value::from(format!(
                "{}/{prefix}",
                address.get("ip-address")?.as_str()?
            )))
        });
    Value::dict(
        Dict::new()
            .with("name", text("name"))
            .with("mac-address", text("hardware-address"))
            .with("ip-addresses", Value::list(addresses)),
    )
}

fn parsed_tags(tags: &Json) -> Option<Value> {
    let tags = tags.as_str()?.trim();
    (!tags.is_empty())
        .then(|| Value::list(tags.split([',', ';']).map(|tag| Value::from(tag.trim()))))
}

/// Returns one setting of the configuration: `a=1,b=2` becomes a mapping, a disk's image gets a name of its own.
fn setting(key: &str, value: Json) -> Value {
    if key == "lxc"
        && let Json::Array(pairs) = &value
    {
        let pair = |pair: &Json| {
            let name = pair.get(0)?.as_str()?;
            let value = Value::from_json(pair.get(1)?.clone());
            Some((name.strip_prefix("lxc.").unwrap_or(name).into(), value))
        };
        return Value::dict(pairs.iter().filter_map(pair).collect());
    }
    let disk = key == "rootfs" || DISKS.iter().any(|kind| key.starts_with(kind));
    let text = match value {
        Json::String(text) if disk => format!("disk_image={text}"),
        Json::String(text) => text,
        other if disk => format!("disk_image={}", Value::from_json(other).to_text()),
        other => return Value::from_json(other),
    };
    let parts: Option<Vec<_>> = text.split(',').map(|part| part.split_once('=')).collect();
    match parts {
        Some(parts) if key != "description" => Value::dict(
            parts
                .into_iter()
                .map(|(name, value)| (name.into(), Value::from(value)))
                .collect(),
        ),
        _ => Value::from(text),
    }
}

/// Tells whether a guest's configuration says that it has an agent.
pub(super) fn has_agent(config: &Object) -> bool {
    let first = |text: &str| text.split(',').next().unwrap_or_default().trim().to_owned();
    match config.get("agent") {
        Some(Json::String(text)) => {
            let first = first(text);
            first == "enabled=1" || first.parse::<i64>().is_ok_and(|number| number != 0)
        }
        Some(Json::Number(number)) => number.as_i64() != Some(0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(key: &str, value: Json) -> Json {
        setting(key, value).to_json()
    }

    #[test]
    fn settings_become_what_the_plugin_makes_of_them() {
        for (key, value, expected) in [
            (
                "net0",
                json!("virtio=BC:24,bridge=vmbr0"),
                json!({"virtio": "BC:24", "bridge": "vmbr0"}),
            ),
            (
                "scsi0",
                json!("local:vm-1,size=32G"),
                json!({"disk_image": "local:vm-1", "size": "32G"}),
            ),
            (
                "scsihw",
                json!("virtio-scsi-single"),
                json!({"disk_image": "virtio-scsi-single"}),
            ),
            ("description", json!("a=1,b=2"), json!("a=1,b=2")),
            ("agent", json!("1"), json!("1")),
            (
                "agent",
                json!("enabled=1,type=virtio"),
                json!({"enabled": "1", "type": "virtio"}),
            ),
            ("smbios1", json!("uuid=6b=x"), json!({"uuid": "6b=x"})),
            ("boot", json!(""), json!("")),
            ("vga", json!("a=1,b"), json!("a=1,b")),
            ("memory", json!(512), json!(512)),
            ("template", json!(1), json!(1)),
            (
                "lxc",
                json!([["lxc.apparmor.profile", "unconfined"], ["other", "x"]]),
                json!({"apparmor.profile": "unconfined", "other": "x"}),
            ),
        ] {
            assert_eq!(shown(key, value), expected, "{key}");
        }
    }

    #[test]
    fn text_of_the_api_is_never_a_template() {
        let value = setting("net0", json!("bridge={{ 7 * 7 }}"));
        let inner = value.get("bridge").unwrap();
        assert!(!inner.is_trusted() && inner.as_str() == Some("{{ 7 * 7 }}"));
    }

    #[test]
    fn an_agent_is_there_when_its_first_word_says_so() {
        for (text, expected) in [
            ("1", true),
            ("0", false),
            ("enabled=1,x=1", true),
            ("enabled=0", false),
            ("fstrim=1,enabled=1", false),
            ("2,x", true),
        ] {
            let config = json!({"agent": text});
            assert_eq!(has_agent(config.as_object().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn tags_are_parted_by_commas_and_semicolons() {
        assert_eq!(
            parsed_tags(&json!(" a;b , c ")).unwrap().to_json(),
            json!(["a", "b", "c"])
        );
        assert!(parsed_tags(&json!("  ")).is_none());
    }

    #[test]
    fn an_agent_that_refuses_is_told() {
        let facts = Facts { prefix: "p_" };
        let mut into = Dict::new();
        let answer = json!({"result": {"error": {"class": "CommandDisabled", "desc": "disabled"}}});
        assert_eq!(
            facts.agent_interfaces(&answer, &mut into).unwrap_err(),
            "the agent refuses: disabled"
        );
        assert!(into.is_empty());
    }
}
