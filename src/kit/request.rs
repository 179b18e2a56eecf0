//! What a module asks of the engine, to complete its step.

use serde::{Deserialize, Serialize};

use crate::secrets::AgeSettings;
use crate::sops::{Content, Encryption};
use crate::value::Dict;

/// How long a fact that a task sets lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Persistence {
    /// For the run.
    Run,
    /// For the run and in the fact cache (`cacheable: true`).
    Cache,
}

/// What `pause` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausePrompt {
    /// The text to show, if one was given.
    pub prompt: Option<String>,
    /// Whether what is typed is shown.
    pub echo: bool,
    /// How long to wait; without it, until Enter.
    pub seconds: Option<u64>,
    /// Whether the result tells the time in minutes.
    pub in_minutes: bool,
}

/// What `reboot` asks for; all times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reboot {
    /// Prints something that changes with each boot.
    pub boot_time_command: String,
    /// For one try to connect; nothing means the connection's own.
    pub connect_timeout: Option<u64>,
    /// What users are told.
    pub message: String,
    /// After the reboot's command.
    pub post_delay: u64,
    /// Before it.
    pub pre_delay: u64,
    /// The command, where it is not the usual one.
    pub command: Option<String>,
    /// For the reboot, and again for the test.
    pub timeout: u64,
    /// Where the command is looked for.
    pub search_paths: Vec<String>,
    /// Succeeds when the host can be worked on.
    pub test_command: String,
}

/// What the engine does to complete a step, once for all hosts where the module bypasses the host loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ControllerRequest {
    /// `set_fact`: sets host variables.
    SetFacts(Dict, Persistence),
    /// `set_stats`: sets statistics of the run.
    SetStats {
        /// Names and values.
        data: Dict,
        /// For the host rather than the run.
        per_host: bool,
        /// Adds to what is there.
        aggregate: bool,
    },
    /// `include_vars`: sets what variable files hold.
    IncludeVars(Dict),
    /// `add_host`.
    AddHost {
        /// The name.
        name: String,
        /// Groups that it joins.
        groups: Vec<String>,
        /// Its variables.
        variables: Dict,
    },
    /// `group_by`.
    GroupBy {
        /// The group that the host joins.
        group: String,
        /// Parents of that group.
        parents: Vec<String>,
    },
    /// `meta`: the action's name.
    Meta(String),
    /// `pause`.
    Pause(PausePrompt),
    /// `fetch`: brings a file of the host to the controller.
    Fetch {
        /// The path on the host.
        source: String,
        /// `dest` as given.
        destination: String,
        /// `flat`.
        flat: bool,
        /// SHA-1 of the file on the host.
        sha1: String,
        /// Compare checksums after the transfer.
        validate: bool,
    },
    /// `reboot`.
    Reboot(Box<Reboot>),
    /// `sops_encrypt`: encrypts, and writes a file of the host.
    SopsEncrypt(Box<SopsEncrypt>),
    /// `wait_for_connection`: connects anew until it succeeds; all times in seconds.
    WaitForConnection {
        /// Before the first try.
        delay: f64,
        /// Between tries.
        sleep: f64,
        /// For one try.
        connect_timeout: f64,
        /// For all.
        timeout: f64,
    },
}

/// What `sops_encrypt` encrypts and writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SopsEncrypt {
    /// The file on the host.
    pub path: String,
    /// What it shall hold.
    pub content: Content,
    /// For whom and how.
    pub encryption: Encryption,
    /// Keys for reading the file that is there, beside the run's.
    /// They never leave the controller.
    #[serde(skip)]
    pub keys: AgeSettings,
    /// Write it even if it holds the same.
    pub force: bool,
    /// Only say whether it would change.
    pub check: bool,
    /// Mode, owner and the like, as `copy` takes them.
    pub attributes: Dict,
}
