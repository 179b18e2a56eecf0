//! `ansible.builtin.package`: packages, whatever the host's package manager.

use schemars::JsonSchema;
use serde::Deserialize;

use super::apt::{Apt, AptArgs};
use crate::kit::{
    Any, Applied, Coercion, Effect, Failure, Host, Meta, Module, Plan, Support, from_value,
};
use crate::modules::system::setup::managers::package_manager;
use crate::value::Dict;

/// Install and remove packages with the host's own package manager
///
/// Names of packages differ between systems; the module does not translate them.
///
/// ## Check mode
///
/// As the package manager's module.
///
/// ## Returns
///
/// What the package manager's module returns.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.package:
///     name: rsync
///     state: present
/// ```
///
/// ## Differs from Ansible
///
/// It works where the package manager is apt; others are refused with their name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageArgs {
    /// Packages.
    name: Any,
    /// `present`, `absent` or `latest`; what else the package manager's module takes. Without it `present`.
    #[serde(default)]
    state: Option<String>,
    /// The package manager to use; `auto` finds the host's own.
    #[serde(rename = "use", default = "automatic")]
    manager: String,
}

fn automatic() -> String {
    "auto".to_owned()
}

pub(super) struct Package;

/// Returns the arguments for apt, or why it cannot be apt.
fn forwarded(args: &PackageArgs, host: &dyn Host) -> Result<AptArgs, Failure> {
    let manager = match args.manager.as_str() {
        "auto" => package_manager(host),
        named => named.rsplit('.').next().unwrap_or(named),
    };
    match manager {
        "apt" => {}
        "unknown" => {
            return Err(Failure::new(
                "Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.",
            ));
        }
        other => {
            return Err(Failure::new(format!(
                "this host's package manager is `{other}`, for which kplay has no module; it has apt"
            )));
        }
    }
    let mut arguments = Dict::new().with("name", args.name.0.clone());
    if let Some(state) = &args.state {
        arguments.insert("state", state.as_str());
    }
    let apt = from_value::<AptArgs>(&arguments.into(), &Coercion::default())?;
    Apt::validate(&apt)?;
    Ok(apt)
}

impl Module for Package {
    type Args = PackageArgs;
    type Change = <Apt as Module>::Change;

    const META: Meta = Meta {
        name: "ansible.builtin.package",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Self::Change>, Failure> {
        Apt::plan(&forwarded(args, host)?, host)
    }

    fn apply(args: &Self::Args, change: Self::Change, host: &dyn Host) -> Result<Applied, Failure> {
        Apt::apply(&forwarded(args, host)?, change, host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, failure};

    fn debian() -> FakeHost {
        FakeHost::new()
            .file("/etc/os-release", "ID=debian\n")
            .file("/usr/bin/apt-get", "")
            .file(
                "/var/lib/dpkg/status",
                "Package: curl\nStatus: install ok installed\nVersion: 1\n\n",
            )
    }

    #[test]
    fn apt_does_it_on_debian() {
        let args = Dict::new()
            .with("name", vec!["curl"])
            .with("state", "present");
        assert_unchanged::<Package>(&args.clone().into(), &debian());
        assert_unchanged::<Package>(
            &args.with("use", "ansible.builtin.apt").into(),
            &FakeHost::new().file(
                "/var/lib/dpkg/status",
                "Package: curl\nStatus: install ok installed\nVersion: 1\n\n",
            ),
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let fedora = FakeHost::new()
            .file("/etc/os-release", "ID=fedora\n")
            .file("/usr/bin/dnf", "")
            .file("/usr/bin/apt-get", "");
        let args = Dict::new().with("name", "curl").with("state", "present");
        assert!(failure::<Package>(&args.clone().into(), &fedora).contains("is `dnf`"));
        assert!(failure::<Package>(&args.into(), &FakeHost::new()).contains("Could not detect"));
        let wrong = Dict::new().with("name", "curl").with("state", "there");
        assert!(failure::<Package>(&wrong.into(), &debian()).contains("must be one of"));
    }
}
