//! The kinds of objects that a cluster knows: found by what a task calls them, as the API lists them.

use serde_json::Value as Json;

use super::{Cluster, Refusal};

/// A kind of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules::kubernetes) struct Resource {
    pub(in crate::modules::kubernetes) kind: String,
    /// `v1`, `apps/v1`.
    pub(in crate::modules::kubernetes) api_version: String,
    /// The plural, which stands in addresses.
    plural: String,
    pub(in crate::modules::kubernetes) namespaced: bool,
}

impl Resource {
    /// Reads an entry of the API's list.
    fn read(entry: &Json, api_version: &str) -> Option<Self> {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            kind: text("kind")?,
            api_version: api_version.to_owned(),
            plural: text("name")?,
            namespaced: entry.get("namespaced")?.as_bool()?,
        })
    }

    /// Returns the address of an object, or of the list of them.
    pub(in crate::modules::kubernetes) fn path(
        &self,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> String {
        let mut path = base(&self.api_version);
        if let Some(namespace) = namespace.filter(|_| self.namespaced) {
            path.push_str(&format!("/namespaces/{namespace}"));
        }
        path.push_str(&format!("/{}", self.plural));
        if let Some(name) = name {
            path.push_str(&format!("/{name}"));
        }
        path
    }
}

fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

impl Cluster<'_> {
    /// Finds what a task calls by its kind, plural, singular or short name; nothing where the API has no one thing of that name.
    /// A task that says `v1` may mean another group's kind of that version.
    pub(in crate::modules::kubernetes) fn resource(
        &self,
        kind: &str,
        api_version: &str,
    ) -> Result<Option<Resource>, Refusal> {
        if let Some(found) = self.in_list(kind, api_version)? {
            return Ok(Some(found));
        }
        if api_version.contains('/') {
            return Ok(None);
        }
        let groups = self.list("/apis")?.unwrap_or_default();
        let groups = groups.get("groups").and_then(Json::as_array);
        let mut found = Vec::new();
        for group in groups.into_iter().flatten() {
            let versions = group.get("versions").and_then(Json::as_array);
            let names = versions.into_iter().flatten().filter_map(|version| {
                let same = version.get("version")?.as_str()? == api_version;
                version.get("groupVersion")?.as_str().filter(|_| same)
            });
            for name in names {
                found.extend(self.in_list(kind, name)?);
            }
        }
        Ok(match found.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        })
    }

    fn in_list(&self, kind: &str, api_version: &str) -> Result<Option<Resource>, Refusal> {
        let list = self.list(&base(api_version))?.unwrap_or_default();
        let all = list.get("resources").and_then(Json::as_array);
        let all: Vec<&Json> = all
            .into_iter()
            .flatten()
            // Parts of objects (`pods/status`) are listed too.
            .filter(|entry| !said(entry, "name").contains('/'))
            .collect();
        let ways: [&dyn Fn(&Json) -> bool; 4] = [
            &|entry| said(entry, "kind") == kind,
            &|entry| said(entry, "name") == kind,
            &|entry| said(entry, "singularName") == kind,
            &|entry| {
                let short = entry.get("shortNames").and_then(Json::as_array);
                short.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(kind)))
            },
        ];
        let found = ways
            .iter()
            .find_map(|way| all.iter().find(|entry| way(entry)));
        Ok(found.and_then(|entry| Resource::read(entry, api_version)))
    }

    /// Returns what the API lists there, asked once; nothing where it lists nothing.
    fn list(&self, path: &str) -> Result<Option<Json>, Refusal> {
        let known = self.known.borrow();
        if let Some((_, list)) = known.iter().find(|(known, _)| known == path) {
            return Ok(list.clone());
        }
        drop(known);
        let list = match self.get(path, Vec::new()) {
            Ok(list) => Some(list),
            // A group's own server may be down, which is not the matter of others.
            Err(refusal) if refusal.is(404) || refusal.is(503) => None,
            Err(refusal) => return Err(refusal),
        };
        self.known
            .borrow_mut()
            .push((path.to_owned(), list.clone()));
        Ok(list)
    }

    /// Forgets what is not there: what was made since may have brought it.
    pub(in crate::modules::kubernetes) fn look_again(&self) {
        self.known.borrow_mut().clear();
    }
}

fn said<'e>(entry: &'e Json, name: &str) -> &'e str {
    entry.get(name).and_then(Json::as_str).unwrap_or_default()
}
