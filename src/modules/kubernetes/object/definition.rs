//! Where descriptions of objects come from: the task, a file or an address, templates, or nothing but names in the arguments.

use serde_json::{Map, Value as Json, json};

use crate::kit::Failure;
use crate::template::yaml_documents;
use crate::value::{Kind, Value};

/// What the arguments say of an object for which its description does not say it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::modules::kubernetes) struct Names<'a> {
    pub(in crate::modules::kubernetes) kind: Option<&'a str>,
    pub(in crate::modules::kubernetes) api_version: &'a str,
    pub(in crate::modules::kubernetes) namespace: Option<&'a str>,
    pub(in crate::modules::kubernetes) name: Option<&'a str>,
    pub(in crate::modules::kubernetes) generate_name: Option<&'a str>,
}

/// Reads what a task holds: an object, a list of them, or text of several documents.
pub(in crate::modules::kubernetes) fn of_task(value: &Value) -> Result<Vec<Json>, Failure> {
    let mut all = Vec::new();
    match value.kind() {
        Kind::Str(text) => all.extend(of_text(text, "`definition`")?),
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items.iter() {
                match item.kind() {
                    Kind::Str(text) => all.extend(of_text(text, "`definition`")?),
                    _ => all.push(item.to_json()),
                }
            }
        }
        Kind::Dict(_) => all.push(value.to_json()),
        _ => {
            return Err(Failure::new(format!(
                "argument `definition`: must be an object, a list of them, or YAML text, not {}",
                value.type_name()
            )));
        }
    }
    checked(all, "`definition`")
}

/// Reads a text of documents.
pub(in crate::modules::kubernetes) fn of_text(
    text: &str,
    name: &str,
) -> Result<Vec<Json>, Failure> {
    let documents = yaml_documents(text).map_err(|error| {
        Failure::new(format!(
            "Failed to load resource definition: {name} is no YAML{error}"
        ))
    })?;
    checked(documents.iter().map(Value::to_json).collect(), name)
}

/// Leaves out what is empty, and refuses what is no object.
fn checked(all: Vec<Json>, name: &str) -> Result<Vec<Json>, Failure> {
    let mut objects = Vec::new();
    for (index, object) in all.into_iter().enumerate() {
        match object {
            Json::Null => {}
            Json::Object(object) if object.is_empty() => {}
            Json::Object(_) => objects.push(object),
            _ => {
                return Err(Failure::new(format!(
                    "Failed to load resource definition: document {} of {name} is no object",
                    index + 1
                )));
            }
        }
    }
    Ok(objects)
}

/// Fills in what the arguments say, and takes lists apart.
pub(in crate::modules::kubernetes) fn complete(
    descriptions: Vec<Json>,
    names: Names<'_>,
) -> Result<Vec<Json>, Failure> {
    let mut all = Vec::new();
    for mut object in descriptions {
        fill(&mut object, names);
        let kind = text(&object, "kind").map(str::to_owned);
        let Some(kind) = kind else {
            return Err(Failure::new(
                "Failed to load resource definition: an object has no `kind`; give it one, or set the argument `kind`",
            ));
        };
        let Some(item_kind) = kind.strip_suffix("List") else {
            all.push(object);
            continue;
        };
        let version = text(&object, "apiVersion").map(str::to_owned);
        let items = object.get_mut("items").and_then(Json::as_array_mut);
        for item in items.into_iter().flatten() {
            let mut item = item.take();
            default(&mut item, "kind", Some(item_kind));
            default(&mut item, "apiVersion", version.as_deref());
            fill(&mut item, names);
            all.push(item);
        }
    }
    Ok(all)
}

fn text<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
    object.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn default(object: &mut Json, name: &str, value: Option<&str>) {
    if let (Some(value), Some(object)) = (value, object.as_object_mut())
        && object.get(name).is_none_or(Json::is_null)
    {
        object.insert(name.to_owned(), json!(value));
    }
}

fn fill(object: &mut Json, names: Names<'_>) {
    default(object, "kind", names.kind);
    default(object, "apiVersion", Some(names.api_version));
    let Some(all) = object.as_object_mut() else {
        return;
    };
    let metadata = all
        .entry("metadata")
        .or_insert_with(|| Json::Object(Map::new()));
    if metadata.is_null() {
        *metadata = Json::Object(Map::new());
    }
    let given = |text: Option<&'_ str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    default(metadata, "namespace", given(names.namespace).as_deref());
    default(metadata, "name", given(names.name).as_deref());
    default(
        metadata,
        "generateName",
        given(names.generate_name).as_deref(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names<'_> = Names {
        kind: Some("ConfigMap"),
        api_version: "v1",
        namespace: Some("d"),
        name: Some("x"),
        generate_name: None,
    };

    #[test]
    fn arguments_fill_in_what_a_description_leaves_out() {
        let all = complete(of_text("data: {a: b}\n", "x").unwrap(), NAMES).unwrap();
        assert_eq!(
            all,
            [
                json!({"data": {"a": "b"}, "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"namespace": "d", "name": "x"}})
            ]
        );
        let own = "kind: Pod\napiVersion: v2\nmetadata: {name: y, namespace: e}\n";
        let all = complete(of_text(own, "x").unwrap(), NAMES).unwrap();
        assert_eq!(
            all,
            [
                json!({"kind": "Pod", "apiVersion": "v2", "metadata": {"name": "y", "namespace": "e"}})
            ]
        );
    }

    #[test]
    fn several_documents_and_lists_are_taken_apart() {
        let text = "---\nkind: A\n---\n# nothing\n---\nkind: BList\napiVersion: g/v1\nitems: [{metadata: {name: b}}, {kind: C}]\n";
        let all = complete(
            of_text(text, "x").unwrap(),
            Names {
                kind: None,
                ..NAMES
            },
        )
        .unwrap();
        let kinds: Vec<&str> = all.iter().filter_map(|one| text_of(one, "kind")).collect();
        assert_eq!(kinds, ["A", "B", "C"]);
        assert_eq!(text_of(&all[1], "apiVersion"), Some("g/v1"));
        let list = Value::list([
            Value::from("kind: A"),
            Value::from_json(json!({"kind": "B"})),
        ]);
        assert_eq!(of_task(&list).unwrap().len(), 2);
    }

    fn text_of<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
        text(object, name)
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        let message = |text: &str| of_text(text, "`x.yaml`").unwrap_err().message;
        assert!(
            message("kind: A\n---\njust text\n").contains("document 2 of `x.yaml` is no object")
        );
        assert!(message("a: [").contains("`x.yaml` is no YAML"));
        assert!(
            of_task(&Value::from(5))
                .unwrap_err()
                .message
                .contains("`definition`")
        );
        let unnamed = complete(
            vec![json!({"a": 1})],
            Names {
                kind: None,
                ..NAMES
            },
        );
        assert!(unnamed.unwrap_err().message.contains("no `kind`"));
    }
}
