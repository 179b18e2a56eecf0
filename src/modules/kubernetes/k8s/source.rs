//! Where a task's descriptions come from: its own text, a file or an address, templates, or all objects of a kind.

use serde_json::{Value as Json, json};

use super::super::cluster::Cluster;
use super::super::cluster::wait::items;
use super::super::object::definition::{self, Names};
use super::perform::resource;
use super::{K8sArgs, State};
use crate::kit::{Any, Failure, Host, Need, NeedKind, SuppliedContent, TemplateSettings};
use crate::modules::net::web::{Access as Web, Question as WebQuestion, Unanswered, Watched};
use crate::template::FileKind;
use crate::value::{Kind, Value};

/// The template that a value names, with the settings of `template`.
pub(super) fn need(value: &Value) -> Option<Need> {
    let setting = |name: &str| value.get(name).filter(|value| !value.is_null());
    let text =
        |name: &str, usual: &str| setting(name).map_or_else(|| usual.to_owned(), Value::to_text);
    let flag = |name: &str, usual: bool| {
        setting(name).map_or(usual, |value| match value.as_bool() {
            Some(flag) => flag,
            None => ["yes", "on", "true", "1"].contains(&value.to_text().to_lowercase().as_str()),
        })
    };
    let name = match value.kind() {
        Kind::Str(path) => path.to_string(),
        _ => setting("path")?.to_text(),
    };
    let newline = text("newline_sequence", "\n");
    let settings = TemplateSettings {
        block_start: text("block_start_string", "{%"),
        block_end: text("block_end_string", "%}"),
        variable_start: text("variable_start_string", "{{"),
        variable_end: text("variable_end_string", "}}"),
        comment_start: "{#".to_owned(),
        comment_end: "#}".to_owned(),
        trim_blocks: flag("trim_blocks", true),
        lstrip_blocks: flag("lstrip_blocks", false),
        newline: newline.replace("\\r", "\r").replace("\\n", "\n"),
        destination: String::new(),
    };
    Some(Need {
        place: FileKind::Template,
        name,
        kind: NeedKind::Rendered(Box::new(settings)),
        decrypt: true,
    })
}

impl K8sArgs {
    fn names(&self) -> Names<'_> {
        Names {
            kind: self.kind.as_deref(),
            api_version: &self.api_version,
            namespace: self.namespace.as_deref(),
            name: self.name.as_deref(),
            generate_name: self.generate_name.as_deref(),
        }
    }

    /// Returns the descriptions of all objects that the task is about.
    pub(super) fn descriptions(&self, cluster: &Cluster<'_>) -> Result<Vec<Json>, Failure> {
        let host = cluster.host;
        let all = if let Some(Any(definition)) = &self.resource_definition {
            definition::of_task(definition)?
        } else if let Some(src) = &self.src {
            definition::of_text(&source(src, host)?, &format!("`{}`", src.as_str()))?
        } else if self.template.is_some() {
            let mut all = Vec::new();
            for supplied in host.supplied() {
                if let SuppliedContent::Here(text) = &supplied.content {
                    let text = String::from_utf8_lossy(text);
                    all.extend(definition::of_text(&text, &format!("`{}`", supplied.path))?);
                }
            }
            all
        } else if self.delete_all && self.state == State::Absent && self.name.is_none() {
            return self.all_of_a_kind(cluster);
        } else {
            vec![json!({})]
        };
        definition::complete(all, self.names())
    }

    /// Returns all objects of the kind in the namespace.
    fn all_of_a_kind(&self, cluster: &Cluster<'_>) -> Result<Vec<Json>, Failure> {
        let Some(kind) = &self.kind else {
            return Err(Failure::new(
                "'kind' option is required to specify the resource type.",
            ));
        };
        let resource = resource(cluster, kind, &self.api_version)?;
        if resource.namespaced && self.namespace.is_none() {
            return Err(Failure::new(format!(
                "`delete_all` needs the `namespace` whose objects of kind {kind} shall go"
            )));
        }
        let path = resource.path(self.namespace.as_deref(), None);
        let list = cluster
            .get(&path, self.selection())
            .map_err(|refusal| refusal.failure("Failed to retrieve requested object"))?;
        let items = items(&list).into_iter().flatten().map(|item| {
            let mut item = item.clone();
            item["kind"] = resource.kind.as_str().into();
            item["apiVersion"] = resource.api_version.as_str().into();
            item
        });
        Ok(items.collect())
    }

    /// The query for objects with the labels of the task.
    pub(super) fn selection(&self) -> Vec<(&'static str, String)> {
        if self.label_selectors.is_empty() {
            return Vec::new();
        }
        vec![("labelSelector", self.label_selectors.join(","))]
    }
}

/// Returns the text at a path of the host or at an address.
fn source(src: &str, host: &dyn Host) -> Result<String, Failure> {
    let elsewhere = ["http://", "https://", "ftp://"];
    let bytes = if elsewhere.iter().any(|scheme| src.starts_with(scheme)) {
        let mut answer = Web::default()
            .ask(WebQuestion::get(src), host)
            .map_err(Unanswered::failure)?;
        if !answer.is_fine() {
            return Err(Failure::new(format!(
                "Failed to load resource definition: `{src}`: {}",
                answer.message
            )));
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut Watched::new(&mut answer.body, host), &mut bytes)
            .map_err(|error| Failure::new(format!("`{src}`: {error}")))?;
        bytes
    } else {
        host.read(src)?
    };
    String::from_utf8(bytes).map_err(|_| {
        Failure::new(format!(
            "Failed to load resource definition: `{src}` is not UTF-8 text"
        ))
    })
}
