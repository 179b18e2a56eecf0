//! The plugin's options, and kplay's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diag::Diagnostic;
use crate::inventory::constructed::{Construction, Evaluation, OptionReader};
use crate::secrets::Secret;
use crate::value::Value;
use crate::varfile::Reader;

/// All options but those of every constructing plugin. The last five are kplay's; the plugin itself passes over them.
pub(super) const OWN: &[&str] = &[
    "url",
    "user",
    "password",
    "token_id",
    "token_secret",
    "validate_certs",
    "group_prefix",
    "facts_prefix",
    "want_facts",
    "want_post_filter_facts",
    "facts_concurrency",
    "api_timeout",
    "qemu_extended_statuses",
    "want_proxmox_nodes_ansible_host",
    "exclude_nodes",
    "exclude_vms",
    "filters",
    "hostname",
    "qemu_hostname",
    "lxc_hostname",
    "ca_path",
    "node_concurrency",
    "agent_timeout",
    "retries",
    "want_guest_ansible_host",
];

/// What proves who asks.
pub(super) enum Credentials {
    /// A user's password, which gets a ticket.
    Password(Secret),
    /// An API token.
    Token { id: String, secret: Secret },
}

/// How the API is reached.
pub(super) struct Access {
    pub(super) url: String,
    pub(super) user: String,
    pub(super) credentials: Credentials,
    pub(super) validate: bool,
    pub(super) authority: Option<PathBuf>,
    pub(super) timeout: Duration,
    pub(super) agent_timeout: Duration,
    pub(super) retries: u32,
    /// How many requests there may be at once for one node.
    pub(super) per_node: usize,
}

/// When a guest's configuration is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facts {
    Never,
    /// For all guests: filters can use them.
    Always,
    /// For those that the filters leave.
    AfterFilters,
}

/// What is asked for, and what becomes of it.
pub(super) struct Wanted {
    pub(super) access: Access,
    pub(super) group_prefix: String,
    pub(super) facts_prefix: String,
    pub(super) facts: Facts,
    pub(super) extended_statuses: bool,
    pub(super) node_addresses: bool,
    pub(super) guest_addresses: bool,
    pub(super) nodes: bool,
    pub(super) guests: bool,
    pub(super) hostname: Option<Value>,
    pub(super) qemu_hostname: Option<Value>,
    pub(super) lxc_hostname: Option<Value>,
    pub(super) construction: Construction,
}

/// Reads them. All mistakes are found, not only the first.
pub(super) fn read(
    options: &OptionReader<'_>,
    path: &Path,
    evaluation: &Evaluation<'_>,
    reader: &Reader<'_>,
) -> Result<Wanted, Vec<Diagnostic>> {
    let mut mistakes = Mistakes(Vec::new());
    let access = access(options, path, evaluation, reader, &mut mistakes);
    let truth = |name: &str, mistakes: &mut Mistakes| {
        mistakes
            .keep(options.truth(name, None, false))
            .unwrap_or_default()
    };
    let want_facts = truth("want_facts", &mut mistakes);
    let after_filters = truth("want_post_filter_facts", &mut mistakes);
    let facts = match (want_facts, after_filters) {
        (true, _) => Facts::Always,
        (false, true) => Facts::AfterFilters,
        (false, false) => Facts::Never,
    };
    let extended_statuses = truth("qemu_extended_statuses", &mut mistakes);
    if extended_statuses && !want_facts {
        mistakes
            .0
            .push(options.wrong("qemu_extended_statuses", "needs `want_facts: true`"));
    }
    let guest_addresses = truth("want_guest_ansible_host", &mut mistakes);
    if guest_addresses && facts == Facts::Never {
        mistakes.0.push(options.wrong(
            "want_guest_ansible_host",
            "needs `want_facts: true` or `want_post_filter_facts: true`",
        ));
    }
    // The plugin checks it, and kplay asks as many guests at once as `node_concurrency` says.
    mistakes.keep(options.number("facts_concurrency", 1, 1));
    let prefix = |name: &str, mistakes: &mut Mistakes| {
        let given = mistakes.keep(options.text(name, None)).flatten();
        given.map_or_else(|| "proxmox_".to_owned(), |value| value.to_text())
    };
    let wanted = Wanted {
        group_prefix: prefix("group_prefix", &mut mistakes),
        facts_prefix: prefix("facts_prefix", &mut mistakes),
        facts,
        extended_statuses,
        node_addresses: truth("want_proxmox_nodes_ansible_host", &mut mistakes),
        guest_addresses,
        nodes: !truth("exclude_nodes", &mut mistakes),
        guests: !truth("exclude_vms", &mut mistakes),
        hostname: mistakes.keep(options.text("hostname", None)).flatten(),
        qemu_hostname: mistakes.keep(options.text("qemu_hostname", None)).flatten(),
        lxc_hostname: mistakes.keep(options.text("lxc_hostname", None)).flatten(),
        construction: mistakes.keep(options.construction()).unwrap_or_default(),
        access: match access {
            Some(access) if mistakes.0.is_empty() => access,
            _ => return Err(mistakes.0),
        },
    };
    if mistakes.0.is_empty() {
        Ok(wanted)
    } else {
        Err(mistakes.0)
    }
}

struct Mistakes(Vec<Diagnostic>);

impl Mistakes {
    fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|mistake| self.0.push(mistake)).ok()
    }
}

fn access(
    options: &OptionReader<'_>,
    path: &Path,
    evaluation: &Evaluation<'_>,
    reader: &Reader<'_>,
    mistakes: &mut Mistakes,
) -> Option<Access> {
    let before = mistakes.0.len();
    let mut text = |name: &str, variable: &str| {
        let found = options.text(name, Some(variable)).and_then(|value| {
            let Some(value) = value.filter(OptionReader::is_template) else {
                return options.text(name, Some(variable));
            };
            let rendered = evaluation.render(&value, evaluation.extra);
            rendered
                .map(|value| (!value.is_null()).then_some(value))
                .map_err(|error| options.wrong(name, format_args!("cannot be rendered: {error}")))
        });
        mistakes.keep(found).flatten().map(|value| value.to_text())
    };
    let url = text("url", "PROXMOX_URL").unwrap_or_else(|| "http://localhost:8006".to_owned());
    let user = text("user", "PROXMOX_USER");
    let token_id = text("token_id", "PROXMOX_TOKEN_ID");
    let mut secret = |name: &str, variable: &str| {
        // From here on it shows as stars, whoever might repeat it.
        text(name, variable).inspect(|text| reader.vault.revealed(text.trim()))
    };
    let password = secret("password", "PROXMOX_PASSWORD").filter(|password| !password.is_empty());
    let token_secret = secret("token_secret", "PROXMOX_TOKEN_SECRET");
    let authority = text("ca_path", "PROXMOX_CA_PATH")
        .filter(|path| !path.is_empty())
        .map(|authority| path.parent().unwrap_or(Path::new("")).join(authority));
    let credentials = match (password, token_id, token_secret) {
        (Some(password), ..) => Some(Credentials::Password(Secret::from(password))),
        (None, Some(id), Some(secret)) => Some(Credentials::Token {
            id: id.trim().to_owned(),
            secret: Secret::from(secret.trim()),
        }),
        // They are there, but what they lead to is not: that has been said.
        _ if mistakes.0.len() > before => None,
        _ => {
            let headline =
                "the Proxmox source needs `token_id` and `token_secret`, or a `password`";
            let mistake = Diagnostic::error("inventory-option", headline).at(options.place(), "");
            mistakes.0.push(mistake.help("make a token under Datacenter > Permissions > API Tokens; the variables PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET are read as well"));
            None
        }
    };
    if user.is_none() {
        let mistake = Diagnostic::error("inventory-option", "the Proxmox source needs a `user`")
            .at(options.place(), "");
        mistakes
            .0
            .push(mistake.help("it is the token's owner, with the realm: `user: kplay@pve`"));
    }
    let validate = mistakes.keep(options.truth("validate_certs", None, true));
    let number = |name: &str, default: u64, least: u64, mistakes: &mut Mistakes| {
        mistakes
            .keep(options.number(name, default, least))
            .unwrap_or(default)
    };
    let timeout = number("api_timeout", 5, 1, mistakes);
    let per_node = number("node_concurrency", 8, 1, mistakes);
    let agent_timeout = number("agent_timeout", 5, 1, mistakes);
    let retries = number("retries", 2, 0, mistakes);
    Some(Access {
        url: url.trim().trim_end_matches('/').to_owned(),
        user: user?.trim().to_owned(),
        credentials: credentials?,
        validate: validate?,
        authority,
        timeout: Duration::from_secs(timeout),
        agent_timeout: Duration::from_secs(agent_timeout),
        retries: u32::try_from(retries.min(10)).unwrap_or(0),
        per_node: usize::try_from(per_node.min(64)).unwrap_or(8),
    })
}
