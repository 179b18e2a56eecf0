//! What the cluster has: nodes, guests and pools, in the order in which the API names them.

use serde_json::{Map, Value as Json};

use super::api::{Api, ApiError, encoded};
use super::options::Wanted;
use crate::diag::Diagnostic;

/// An object of the API.
pub(super) type Object = Map<String, Json>;

/// Which sort of guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Qemu,
    Lxc,
}

impl Sort {
    /// As the API calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

/// A guest of a node that is online.
pub(super) struct Guest {
    pub(super) node: String,
    pub(super) sort: Sort,
    pub(super) name: String,
    /// As the API has it: a number, in older versions text.
    pub(super) number: Json,
    pub(super) status: String,
    /// All fields of the resource.
    pub(super) fields: Object,
}

impl Guest {
    /// The path below which everything about it lies.
    pub(super) fn path(&self) -> String {
        let number = match &self.number {
            Json::String(text) => encoded(text),
            other => encoded(&other.to_string()),
        };
        format!(
            "/nodes/{}/{}/{number}",
            encoded(&self.node),
            self.sort.name()
        )
    }

    pub(super) fn is_template(&self) -> bool {
        match self.fields.get("template") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(truth)) => *truth,
            Some(Json::Number(number)) => number.as_f64() != Some(0.0),
            Some(Json::String(text)) => !text.is_empty(),
            Some(Json::Array(_) | Json::Object(_)) => true,
        }
    }
}

/// A node.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) online: bool,
    pub(super) address: Option<String>,
    pub(super) fields: Object,
    /// Its guests; none where it is offline.
    pub(super) guests: Vec<Guest>,
}

/// Guests that somebody put together.
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) members: Vec<String>,
}

/// All of it.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    pub(super) pools: Vec<Pool>,
    /// Guests whose name the API does not tell.
    pub(super) nameless: Vec<String>,
    /// It showed not a single guest, not even of a node that is offline.
    pub(super) shows_nothing: bool,
}

fn text(object: &Object, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

/// Asks for the objects at the path.
fn objects(api: &Api, path: &str) -> Result<Vec<Object>, Diagnostic> {
    let answer = api.get(path).map_err(|error| api.told(path, &error))?;
    match answer {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => Ok(items
            .into_iter()
            .filter_map(|item| match item {
                Json::Object(object) => Some(object),
                _ => None,
            })
            .collect()),
        _ => Err(api.told(path, &ApiError::Odd("the answer is no list".to_owned()))),
    }
}

/// Asks for nodes, guests and pools.
pub(super) fn read(api: &Api, wanted: &Wanted) -> Result<Cluster, Diagnostic> {
    let mut guests = Vec::new();
    let mut nameless = Vec::new();
    let mut shows_nothing = false;
    if wanted.guests {
        let resources = objects(api, "/cluster/resources?type=vm")?;
        shows_nothing = resources.is_empty();
        for fields in resources {
            guests.extend(guest(fields, &mut nameless));
        }
    }
    let mut nodes = Vec::new();
    for fields in objects(api, "/cluster/status")? {
        if text(&fields, "type").as_deref() != Some("node") {
            continue;
        }
        let Some(name) = text(&fields, "name") else {
            continue;
        };
        let online = fields.get("online").and_then(Json::as_i64) == Some(1);
        let (own, others): (Vec<_>, Vec<_>) = guests
            .into_iter()
            .partition(|guest: &Guest| guest.node == name);
        guests = others;
        let (mut own, containers): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|guest| guest.sort == Sort::Qemu);
        own.extend(containers);
        nodes.push(Node {
            online,
            address: text(&fields, "ip"),
            fields,
            guests: if online { own } else { Vec::new() },
            name,
        });
    }
    let pools = if wanted.guests {
        pools(api)?
    } else {
        Vec::new()
    };
    Ok(Cluster {
        nodes,
        pools,
        nameless,
        shows_nothing,
    })
}

fn guest(fields: Object, nameless: &mut Vec<String>) -> Option<Guest> {
    let sort = match fields.get("type")?.as_str()? {
        "qemu" => Sort::Qemu,
        "lxc" => Sort::Lxc,
        _ => return None,
    };
    let node = text(&fields, "node")?;
    let number = fields.get("vmid")?.clone();
    let Some(name) = text(&fields, "name").filter(|name| !name.is_empty()) else {
        nameless.push(format!("{}/{number} on {node}", sort.name()));
        return None;
    };
    Some(Guest {
        node,
        sort,
        name,
        number,
        status: text(&fields, "status").unwrap_or_else(|| "unknown".to_owned()),
        fields,
    })
}

fn pools(api: &Api) -> Result<Vec<Pool>, Diagnostic> {
    let names: Vec<String> = objects(api, "/pools")?
        .iter()
        .filter_map(|pool| text(pool, "poolid"))
        .filter(|name| !name.is_empty())
        .collect();
    let mut pools = Vec::new();
    // A cluster has few pools, and a node that is slow to answer is asked for several at once.
    for group in names.chunks(8) {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = group
                .iter()
                .map(|name| {
                    scope.spawn(move || objects(api, &format!("/pools?poolid={}", encoded(name))))
                })
                .collect();
            asked
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        for (name, answer) in group.iter().zip(answers) {
            let broken = |_| {
                Err(api.told(
                    "/pools",
                    &ApiError::Odd("the answer cannot be read".to_owned()),
                ))
            };
            let pool = answer.unwrap_or_else(broken)?;
            let members = pool
                .first()
                .and_then(|pool| pool.get("members"))
                .and_then(Json::as_array);
            let named = |member: &Json| Some(member.get("name")?.as_str()?.to_owned());
            pools.push(Pool {
                name: name.clone(),
                members: members.into_iter().flatten().filter_map(named).collect(),
            });
        }
    }
    Ok(pools)
}
