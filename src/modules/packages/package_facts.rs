//! `ansible.builtin.package_facts`: what is installed, as facts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Applied, Command, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support};
use crate::value::{Dict, Value};

/// How many package managers are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Strategy {
    /// The first that knows a package.
    #[default]
    First,
    /// All of them.
    All,
}

/// Gather what is installed as facts
///
/// ## Check mode
///
/// It only reads.
///
/// ## Returns
///
/// - `ansible_facts.packages`: for each name a list of what is installed under it: `name`, `version`, `arch`, `category`, `origin`,
///   `source`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.package_facts:
/// - ansible.builtin.debug:
///     msg: "{{ ansible_facts.packages['openssh-server'][0].version }}"
///   when: "'openssh-server' in ansible_facts.packages"
/// ```
///
/// ## Differs from Ansible
///
/// apt is asked by its own programs: `python3-apt` is not needed on the host. Other package managers are not known.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackageFactsArgs {
    /// The package managers to ask: `auto` or `apt`.
    #[serde(default = "auto")]
    manager: Vec<String>,
    /// Whether the first that knows a package is enough.
    #[serde(default)]
    strategy: Strategy,
}

fn auto() -> Vec<String> {
    vec!["auto".to_owned()]
}

pub(super) struct PackageFacts;

impl Module for PackageFacts {
    type Args = PackageFactsArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.package_facts",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        // There is one manager here, so one strategy is as good as the other.
        let (Strategy::First | Strategy::All) = args.strategy;
        let names = args.manager.iter().map(|name| name.to_lowercase());
        let unknown: Vec<String> = names
            .filter(|name| !matches!(name.as_str(), "auto" | "apt"))
            .collect();
        if !unknown.is_empty() {
            return Err(Failure::new(format!(
                "Unsupported package managers requested: {}",
                unknown.join(", ")
            )));
        }
        if host.find_program("dpkg-query").is_none() {
            return Err(Failure::new(
                "Could not detect a supported package manager: dpkg-query is not on this host",
            ));
        }
        let facts = Dict::new().with("packages", Value::dict(packages(host)?));
        Ok(Plan::unchanged("it only reads").with("ansible_facts", facts))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

fn answer(argv: &[&str], host: &dyn Host) -> Result<String, Failure> {
    let output = host.run(&Command::new(argv.iter().copied()).in_c_locale())?;
    if output.success() {
        return Ok(output.stdout_text());
    }
    Err(Failure::new(format!(
        "`{}` failed: {}",
        argv.first().copied().unwrap_or_default(),
        output.stderr_text().trim()
    ))
    .with("rc", output.status))
}

fn packages(host: &dyn Host) -> Result<Dict, Failure> {
    const FORMAT: &str =
        "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${Section}\n";
    let native = answer(&["dpkg", "--print-architecture"], host)?;
    let text = answer(&["dpkg-query", "-W", "-f", FORMAT], host)?;
    let mut found: BTreeMap<String, Dict> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default();
        let (status, package, version, arch, section) = (next(), next(), next(), next(), next());
        // Files that a removed package left are no package; one that is half configured is.
        if matches!(status, "not-installed" | "config-files" | "half-installed") {
            continue;
        }
        let foreign = arch != "all" && arch != native.trim();
        let name = if foreign {
            format!("{package}:{arch}")
        } else {
            package.to_owned()
        };
        let facts = Dict::new()
            .with("name", name.as_str())
            .with("version", version)
            .with("arch", arch)
            .with("category", section);
        found.insert(name, facts);
    }
    let origins = origins(&found, host)?;
    Ok(found
        .into_iter()
        .map(|(name, facts)| {
            let origin = origins.get(&name).map_or("", String::as_str);
            let facts = facts.with("origin", origin).with("source", "apt");
            (name.as_str().into(), Value::from(vec![Value::dict(facts)]))
        })
        .collect())
}

/// Returns the origin of the repository that each installed version can be had from.
fn origins(
    found: &BTreeMap<String, Dict>,
    host: &dyn Host,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut repositories: BTreeMap<String, String> = BTreeMap::new();
    let mut place = String::new();
    for line in answer(&["apt-cache", "policy"], host)?
        .lines()
        .map(str::trim)
    {
        if let Some(release) = line.strip_prefix("release ") {
            let origin = release
                .split(',')
                .find_map(|field| field.trim().strip_prefix("o="));
            repositories.insert(place.clone(), origin.unwrap_or_default().to_owned());
        } else if let Some((_, rest)) = line.split_once(' ') {
            rest.clone_into(&mut place);
        }
    }
    let mut origins = BTreeMap::new();
    if found.is_empty() {
        return Ok(origins);
    }
    let mut argv = vec!["apt-cache", "policy", "--"];
    argv.extend(found.keys().map(String::as_str));
    let (mut name, mut installed) = (String::new(), false);
    for line in answer(&argv, host)?.lines() {
        if !line.starts_with(' ') {
            line.trim_end_matches(':').clone_into(&mut name);
            installed = false;
        } else if let Some(rest) = line.get(..5).map(|_| line.get(5..).unwrap_or_default())
            && !rest.starts_with(' ')
        {
            installed = line.starts_with(" *** ");
        } else if installed
            && let Some((_, place)) = line.trim().split_once(' ')
            && let Some(origin) = repositories.get(place)
        {
            origins
                .entry(name.clone())
                .or_insert_with(|| origin.clone());
        }
    }
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, failure, printed};

    const POLICY: &str = "Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n 500 http://deb/debian bookworm/main amd64 Packages\n     release v=12,o=Debian,a=stable,n=bookworm,l=Debian,c=main,b=amd64\n     origin deb\nPinned packages:\n";
    const TABLE: &str = "bash:\n  Installed: 5.2\n  Candidate: 5.3\n  Version table:\n     5.3 500\n        500 http://other bookworm/main amd64 Packages\n *** 5.2 500\n        500 http://deb/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\nmine:\n  Installed: 1\n  Version table:\n *** 1 100\n        100 /var/lib/dpkg/status\n";

    #[test]
    fn installed_packages_become_facts() {
        let host = FakeHost::new()
            .command(&["dpkg", "--print-architecture"], printed("amd64\n"))
            .command(
                &["dpkg-query"],
                printed("installed\tbash\t5.2\tamd64\tshells\nconfig-files\told\t1\tall\tmisc\ninstalled\tmine\t1\tall\t\ninstalled\tlibc6\t2\ti386\tlibs\n"),
            )
            .command(&["apt-cache", "policy"], printed(POLICY))
            .command(&["apt-cache", "policy", "--"], printed(TABLE));
        let outcome = assert_unchanged::<PackageFacts>(&Dict::new().into(), &host);
        let facts = outcome.values.get("ansible_facts").unwrap().to_text();
        for part in [
            "'origin': 'Debian'",
            "'version': '5.2'",
            "'libc6:i386'",
            "'category': ''",
        ] {
            assert!(facts.contains(part), "{part} in {facts}");
        }
        assert!(!facts.contains("'old'"));
    }

    #[test]
    fn another_manager_is_refused() {
        let args = Dict::new().with("manager", vec!["rpm"]);
        assert!(failure::<PackageFacts>(&args.into(), &FakeHost::new()).contains("rpm"));
        assert!(
            failure::<PackageFacts>(&Dict::new().into(), &FakeHost::new())
                .contains("dpkg-query is not on this host")
        );
    }
}
