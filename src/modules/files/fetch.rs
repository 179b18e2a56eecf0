//! `ansible.builtin.fetch`: the host's half. It names the file and its checksum; the engine brings it to the controller.

use schemars::JsonSchema;
use serde::Deserialize;

use super::checksum::Algorithm;
use crate::kit::{
    Applied, ControllerRequest, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan,
    Support,
};

/// Bring a file of the host to the controller
///
/// It goes to `dest/HOST/PATH`, or with `flat` to `dest` itself. Nothing travels where the controller has the same content already.
///
/// ## Check mode
///
/// The task is skipped, as in Ansible.
///
/// ## Returns
///
/// - `dest`: where it lies on the controller.
/// - `checksum` (SHA-1), `md5sum`: of the file there; `remote_checksum`: of the file on the host, if it was brought.
/// - `file`: the path on the host, if nothing was brought.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.fetch:
///     src: /etc/kubernetes/admin.conf
///     dest: fetched/
/// - ansible.builtin.fetch:
///     src: /etc/rancher/k3s/k3s.yaml
///     dest: "{{ playbook_dir }}/kubeconfig"
///     flat: true
/// ```
///
/// ## Differs from Ansible
///
/// Without `flat`, a `src` with `..` in it is refused: it could lead out of the host's folder on the controller.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchArgs {
    /// The file on the host.
    src: HostPath,
    /// The directory on the controller; with `flat`, the file, or the directory if it ends with `/`.
    dest: String,
    /// Fail where there is no such file, or it cannot be read.
    #[serde(default = "enabled")]
    fail_on_missing: bool,
    /// Compare checksums after the transfer.
    #[serde(default = "enabled")]
    validate_checksum: bool,
    /// Do not make folders for the host and the path.
    #[serde(default)]
    flat: bool,
}

fn enabled() -> bool {
    true
}

pub(super) struct Fetch;

impl Module for Fetch {
    type Args = FetchArgs;
    /// The checksum of the file.
    type Change = String;

    const META: Meta = Meta {
        name: "ansible.builtin.fetch",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::None,
        diff: Support::None,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;

    const SKIPPED_IN_CHECK: Option<&'static str> =
        Some("check mode not (yet) supported for this module");

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<String>, Failure> {
        let path = args.src.as_str();
        if path.contains('\0') || !args.flat && path.split('/').any(|part| part == "..") {
            let message = format!(
                "Detected directory traversal, `{path}` could lead out of `{}`",
                args.dest
            );
            return Err(Failure::new(message).with("file", path));
        }
        let ignored = |message: String| {
            if args.fail_on_missing {
                Err(Failure::new(message))
            } else {
                Ok(Plan::unchanged(message.clone())
                    .with("msg", message)
                    .with("file", path))
            }
        };
        match host.status(path, true)? {
            None => {
                return ignored(
                    "the remote file does not exist, not transferring, ignored".to_owned(),
                );
            }
            Some(status) if status.is_directory() => {
                let message = "remote file is a directory, fetch cannot work on directories";
                let rest = if args.fail_on_missing {
                    ""
                } else {
                    ", not transferring, ignored"
                };
                return ignored(format!("{message}{rest}"));
            }
            Some(_) => {}
        }
        match Algorithm::Sha1.of_file(path, host) {
            Ok(sha1) => Ok(Plan::change(sha1)),
            Err(failure) => ignored(failure.message),
        }
    }

    fn apply(args: &Self::Args, sha1: String, _: &dyn Host) -> Result<Applied, Failure> {
        let request = ControllerRequest::Fetch {
            source: args.src.as_str().to_owned(),
            destination: args.dest.clone(),
            flat: args.flat,
            sha1,
            validate: args.validate_checksum,
        };
        // Whether anything changes is known on the controller.
        Ok(Outcome::unchanged().request(request).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, failure, run};
    use crate::value::{Dict, Value};

    fn args(src: &str) -> Dict {
        Dict::new().with("src", src).with("dest", "fetched/")
    }

    #[test]
    fn the_engine_is_asked_for_the_file() {
        let host = FakeHost::new().file("/etc/x", "abc");
        let outcome = run::<Fetch>(&args("/etc/x").with("flat", "yes").into(), &host);
        let request = ControllerRequest::Fetch {
            source: "/etc/x".to_owned(),
            destination: "fetched/".to_owned(),
            flat: true,
            sha1: "a9993e364706816aba3e25717850c26c9cd0d89d".to_owned(),
            validate: true,
        };
        assert_eq!(outcome.request, Some(request));
        assert!(!outcome.changed);
        assert!(check::<Fetch>(&args("/etc/x").into(), &host).skipped);
    }

    #[test]
    fn what_is_missing_fails_unless_told() {
        let host = FakeHost::new().directory("/srv");
        assert!(
            failure::<Fetch>(&args("/none").into(), &host)
                .starts_with("the remote file does not exist")
        );
        assert!(
            failure::<Fetch>(&args("/srv").into(), &host).contains("cannot work on directories")
        );
        let outcome = run::<Fetch>(&args("/none").with("fail_on_missing", false).into(), &host);
        assert!(!outcome.failed && outcome.request.is_none());
        assert_eq!(outcome.values.get("file"), Some(&Value::from("/none")));
        assert!(!run::<Fetch>(&args("/srv").with("fail_on_missing", false).into(), &host).failed);
    }

    #[test]
    fn t10_a_source_does_not_lead_out_of_the_destination() {
        let host = FakeHost::new().file("/etc/passwd", "");
        let message = failure::<Fetch>(&args("/srv/../../../etc/passwd").into(), &host);
        assert!(message.contains("directory traversal"));
        assert!(
            failure::<Fetch>(&args("/etc/pass\0wd").with("flat", true).into(), &host)
                .contains("directory traversal")
        );
    }
}
