//! `kubernetes.core.helm_repository`: the chart repositories that `helm` knows.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::{Program, strings, with_helm_access};
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::Value;

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The repository is not known.
    Absent,
    /// It is known.
    #[default]
    Present,
}

with_helm_access! {
    /// Manage chart repositories of Helm
    ///
    /// The host runs `helm`, version 3 or 4, as the user who acts: repositories are each user's own.
    ///
    /// ## Check mode
    ///
    /// Tells whether something would change.
    ///
    /// ## Returns
    ///
    /// - `command`, `stdout`, `stderr`: what was run, and what it said.
    /// - `repo_name`, `repo_url`: where nothing changed.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.helm_repository:
    ///     name: argo
    ///     repo_url: https://argoproj.github.io/argo-helm
    ///
    /// - kubernetes.core.helm_repository:
    ///     name: argo
    ///     state: absent
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// The password reaches `helm` on its standard input, not on its command line, which every user of the host can read.
    pub(super) struct HelmRepositoryArgs {
        /// The repository's name.
        #[serde(alias = "name")]
        repo_name: String,
        /// Its address.
        #[serde(default, alias = "url")]
        repo_url: Option<String>,
        /// The user that it asks for.
        #[serde(default, alias = "username")]
        repo_username: Option<String>,
        /// That user's password.
        #[serde(default, alias = "password")]
        repo_password: Option<String>,
        /// What there shall be.
        #[serde(default, alias = "state")]
        repo_state: State,
        /// Send user and password also to other hosts that the repository's charts lie on.
        #[serde(default)]
        pass_credentials: bool,
        /// Add it in any case, over one of the same name.
        #[serde(default, alias = "force")]
        force_update: bool,
        /// Do not ask who the repository's server is.
        #[serde(default, alias = "skip_tls_certs_check")]
        insecure_skip_tls_verify: bool,
    }
}

pub(super) struct HelmRepository;

impl Module for HelmRepository {
    type Args = HelmRepositoryArgs;
    type Change = Vec<String>;

    const META: Meta = Meta {
        name: "kubernetes.core.helm_repository",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let option = |text: &str| text.is_empty() || text.starts_with('-');
        if option(&args.repo_name) {
            return Err(ArgumentError::new("repo_name", "must be a name"));
        }
        if args.repo_url.as_deref().is_some_and(option) {
            return Err(ArgumentError::new("repo_url", "must be an address"));
        }
        if args.repo_username.is_some() != args.repo_password.is_some() {
            return Err(ArgumentError::general(
                "parameters are required together: repo_username, repo_password",
            ));
        }
        if args.repo_state == State::Present && args.repo_url.is_none() {
            return Err(ArgumentError::general(
                "repo_state is present but all of the following are missing: repo_url",
            ));
        }
        args.access().validate_strictly()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Vec<String>>, Failure> {
        let program = Program::new(&args.access(), None, host)?;
        let known = known(args, &program)?;
        let words = match args.repo_state {
            State::Absent => known.map(|_| strings(&["repo", "rm", &args.repo_name])),
            State::Present => match known {
                Some(url) if !args.force_update => {
                    if Some(&url) != args.repo_url.as_ref() {
                        return Err(Failure::new(format!(
                            "Repository already have a repository named {}; it is {url}: remove it first, or set `force_update`",
                            args.repo_name
                        )));
                    }
                    None
                }
                _ => Some(args.addition()),
            },
        };
        Ok(match words {
            Some(words) => Plan::change(words),
            None => Plan::unchanged("the repository is as it shall be")
                .with("repo_name", args.repo_name.as_str())
                .with(
                    "repo_url",
                    args.repo_url.clone().map_or(Value::NULL, Value::from),
                ),
        })
    }

    fn apply(args: &Self::Args, words: Vec<String>, host: &dyn Host) -> Result<Applied, Failure> {
        let program = Program::new(&args.access(), None, host)?;
        let password = args.repo_password.as_deref();
        let output = program.must(&words, password)?;
        Ok(Outcome::changed()
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text())
            .with("command", program.shown(&words))
            .into())
    }
}

impl HelmRepositoryArgs {
    fn addition(&self) -> Vec<String> {
        let url = self.repo_url.as_deref().unwrap_or_default();
        let mut words = strings(&["repo", "add", &self.repo_name, url]);
        if let Some(user) = &self.repo_username {
            words.push(format!("--username={user}"));
            words.push("--password-stdin".to_owned());
        }
        let flags = [
            (self.pass_credentials, "--pass-credentials"),
            (self.force_update, "--force-update"),
            (self.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
        ];
        let on = flags.into_iter().filter(|(on, _)| *on);
        words.extend(on.map(|(_, flag)| flag.to_owned()));
        words
    }
}

/// Returns the address of the repository, if it is known.
fn known(args: &HelmRepositoryArgs, program: &Program<'_>) -> Result<Option<String>, Failure> {
    let words = strings(&["repo", "list", "--output=json"]);
    let output = program.run(&words, None)?;
    if output.status == 1 && output.stderr_text().contains("no repositories to show") {
        return Ok(None);
    }
    if !output.success() {
        return Err(program.failed(&words, &output));
    }
    let list = Value::from_json(program.read(&words, &output.stdout)?);
    let text = |of: &Value, name: &str| of.get(name).map(Value::to_text);
    let found = list
        .as_list()
        .unwrap_or_default()
        .iter()
        .find(|repository| text(repository, "name").as_ref() == Some(&args.repo_name));
    Ok(found.and_then(|repository| text(repository, "url")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, check, exited, failure, printed};
    use crate::value::Dict;

    const URL: &str = "https://charts.example.com";

    fn args() -> Dict {
        Dict::new().with("name", "argo").with("repo_url", URL)
    }

    /// A host whose `helm` keeps its one repository in a file.
    fn host() -> FakeHost {
        FakeHost::new()
            .script(&["helm", "repo", "list"], |_, host| {
                if host.exists("/repositories") {
                    printed(&host.text("/repositories"))
                } else {
                    exited(1, "", "Error: no repositories to show")
                }
            })
            .script(&["helm", "repo", "add"], |command, host| {
                let (name, url) = (&command.argv[3], &command.argv[4]);
                let list = format!(r#"[{{"name":"{name}","url":"{url}"}}]"#);
                host.write("/repositories", list);
                printed("added\n")
            })
            .script(&["helm", "repo", "rm"], |_, host| {
                host.write("/repositories", "[]");
                printed("removed\n")
            })
    }

    #[test]
    fn a_repository_comes_and_goes() {
        let host = host();
        let outcome = assert_converges::<HelmRepository>(&args().into(), &host);
        assert_eq!(
            outcome.values.get("command"),
            Some(&Value::from(format!("helm repo add argo {URL}")))
        );
        assert_converges::<HelmRepository>(&args().with("state", "absent").into(), &host);
        let again = args().with("force_update", true);
        assert!(check::<HelmRepository>(&again.into(), &host).changed);
    }

    #[test]
    fn t05_the_password_is_on_no_command_line() {
        let host = host();
        let given = args()
            .with("repo_username", "me")
            .with("repo_password", "hunter2");
        let outcome = assert_converges::<HelmRepository>(&given.into(), &host);
        let commands = host.commands();
        let added = commands
            .iter()
            .find(|command| command.argv.contains(&"add".to_owned()));
        let added = added.unwrap();
        assert_eq!(added.stdin.as_deref(), Some(b"hunter2".as_slice()));
        assert!(!added.argv.join(" ").contains("hunter2"));
        assert!(!format!("{outcome:?}").contains("hunter2"));
    }

    #[test]
    fn another_address_of_the_same_name_is_refused() {
        let host = host();
        assert_converges::<HelmRepository>(&args().into(), &host);
        let other = args().with("repo_url", "https://other.example.com");
        let message = failure::<HelmRepository>(&other.into(), &host);
        assert!(
            message.contains("force_update") && message.contains(URL),
            "{message}"
        );
        let message = failure::<HelmRepository>(&Dict::new().with("name", "x").into(), &host);
        assert!(message.contains("missing: repo_url"), "{message}");
        let message = failure::<HelmRepository>(&args().with("username", "me").into(), &host);
        assert!(
            message.contains("repo_username, repo_password"),
            "{message}"
        );
    }
}
