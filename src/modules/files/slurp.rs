//! `ansible.builtin.slurp`: the content of a file of the host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, Effect, Failure, Host, HostError, HostPath, Meta, Module, Outcome, Plan, Support,
};

/// Read a file of the host into a variable
///
/// The content comes in base64, so that any bytes survive: `{{ result.content | b64decode }}`. It is held in memory on both sides;
/// large files are better fetched.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `content`: the bytes in base64.
/// - `encoding`: `base64`.
/// - `source`: the path.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.slurp:
///     src: /etc/rancher/k3s/k3s.yaml
///   register: kubeconfig
/// - ansible.builtin.set_fact:
///     kubeconfig_text: "{{ kubeconfig.content | b64decode }}"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SlurpArgs {
    /// The file.
    #[serde(alias = "path")]
    src: HostPath,
}

pub(super) struct Slurp;

impl Module for Slurp {
    type Args = SlurpArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.slurp",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let path = args.src.as_str();
        let content = host.read(path).map_err(|error| match error {
            HostError::System { errno: 2, .. } => Failure::new(format!("File not found: {path}")),
            HostError::System { errno: 13, .. } => {
                Failure::new(format!("File is not readable: {path}"))
            }
            HostError::System { errno: 21, .. } => {
                Failure::new(format!("Source is a directory and must be a file: {path}"))
            }
            HostError::Deadline(_) | HostError::Cancelled => error.into(),
            error => Failure::new(format!("Unable to slurp file: {error}")),
        })?;
        Ok(Plan::unchanged("it only reads")
            .with("content", STANDARD.encode(content))
            .with("source", path)
            .with("encoding", "base64"))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, failure};
    use crate::value::{Dict, Value};

    #[test]
    fn any_bytes_come_in_base64() {
        let host = FakeHost::new().file("/x", b"\xff\0a");
        let outcome = assert_unchanged::<Slurp>(&Dict::new().with("path", "/x").into(), &host);
        let expected = Dict::new()
            .with("content", "/wBh")
            .with("source", "/x")
            .with("encoding", "base64");
        assert_eq!(outcome.values, expected);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let host = FakeHost::new()
            .user("app", 1000)
            .file("/x", "")
            .mode("/x", 0)
            .directory("/d")
            .acting_as("app");
        let message =
            |path: &str| failure::<Slurp>(&Value::from(Dict::new().with("src", path)), &host);
        assert_eq!(message("/none"), "File not found: /none");
        assert_eq!(message("/x"), "File is not readable: /x");
        assert_eq!(
            message("/d"),
            "Source is a directory and must be a file: /d"
        );
    }
}
