//! The program `helm`, versions 3 and 4: how it is reached, asked and told. What the modules `helm`, `helm_info` and
//! `helm_repository` share.
//!
//! Values and passwords go in on standard input and tokens by the environment, so that neither a process list nor a file holds them.
//! Only a kubeconfig that a task holds as a dictionary needs a file: a line of shell makes a private one that ends with the command.

use serde_json::Value as Json;

use crate::kit::{Any, ArgumentError, Command, Failure, Host, HostError, HostPath, Output};
use crate::modules::commands::words::quote;
use crate::value::{Dict, Kind, Value};

/// Declares a struct of arguments that ends in those that say which `helm` talks to which cluster, and `access()` that lends them.
macro_rules! with_helm_access {
    (
        $(#[$struct_meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident : $type:ty,)*
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $visibility struct $name {
            $($(#[$field_meta])* $field: $type,)*
            /// The program; without it `helm` is looked for in the search path.
            #[serde(default)]
            binary_path: Option<$crate::kit::HostPath>,
            /// The kubeconfig on the host, or its content as a dictionary. Environment: `K8S_AUTH_KUBECONFIG`.
            #[serde(default, alias = "kubeconfig_path")]
            kubeconfig: Option<$crate::kit::Any>,
            /// The context of the kubeconfig. Environment: `K8S_AUTH_CONTEXT`.
            #[serde(default, alias = "kube_context")]
            context: Option<String>,
            /// The address of the API. Environment: `K8S_AUTH_HOST`.
            #[serde(default)]
            host: Option<String>,
            /// The token for the API. Environment: `K8S_AUTH_API_KEY`.
            #[serde(default)]
            api_key: Option<String>,
            /// The certificate authority of the API, in PEM. Environment: `K8S_AUTH_SSL_CA_CERT`.
            #[serde(default, alias = "ssl_ca_cert")]
            ca_cert: Option<$crate::kit::HostPath>,
            /// The API must prove who it is. Environment: `K8S_AUTH_VERIFY_SSL`.
            #[serde(default, alias = "verify_ssl")]
            validate_certs: Option<bool>,
        }

        impl $name {
            fn access(&self) -> $crate::modules::kubernetes::program::Access<'_> {
                $crate::modules::kubernetes::program::Access {
                    binary: self.binary_path.as_ref(),
                    kubeconfig: self.kubeconfig.as_ref(),
                    context: self.context.as_deref(),
                    host: self.host.as_deref(),
                    api_key: self.api_key.as_deref(),
                    ca_cert: self.ca_cert.as_ref(),
                    validate_certs: self.validate_certs,
                }
            }
        }
    };
}
pub(super) use with_helm_access;

/// Which `helm` talks to which cluster: a task's arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) binary: Option<&'a HostPath>,
    pub(super) kubeconfig: Option<&'a Any>,
    pub(super) context: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) api_key: Option<&'a str>,
    pub(super) ca_cert: Option<&'a HostPath>,
    pub(super) validate_certs: Option<bool>,
}

impl Access<'_> {
    /// Refuses what cannot go together.
    pub(super) fn validate(&self) -> Result<(), ArgumentError> {
        if self.context.is_some() && self.ca_cert.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: context|ca_cert",
            ));
        }
        Ok(())
    }

    /// Refuses what the modules refuse that only ask.
    pub(super) fn validate_strictly(&self) -> Result<(), ArgumentError> {
        if self.context.is_some() && self.validate_certs.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: context|validate_certs",
            ));
        }
        self.validate()
    }
}

/// Runs a command with the kubeconfig that is the first line of its standard input, in a file that nobody else can read.
const WITH_KUBECONFIG: &str = r#"f=$(mktemp) || exit
trap 'rm -f "$f"' EXIT
trap 'exit 143' HUP INT TERM
IFS= read -r line && printf '%s\n' "$line" >"$f"
KUBECONFIG=$f "$@""#;

/// The states of releases that `helm list` shows unless it is told otherwise (version 3; version 4 shows all).
pub(super) const USUAL: &[&str] = &["deployed", "failed"];

/// All states of releases.
pub(super) const ALL: &[&str] = &[
    "deployed",
    "failed",
    "pending",
    "superseded",
    "uninstalled",
    "uninstalling",
];

/// The program, ready to run.
pub(super) struct Program<'a> {
    /// What it is called by.
    pub(super) binary: String,
    environment: Vec<(String, String)>,
    /// One line.
    kubeconfig: Option<String>,
    host: &'a dyn Host,
}

impl<'a> Program<'a> {
    pub(super) fn new(
        access: &Access<'_>,
        namespace: Option<&str>,
        host: &'a dyn Host,
    ) -> Result<Self, Failure> {
        let or_environment = |given: Option<&str>, name: &str| {
            given
                .map(str::to_owned)
                .or_else(|| host.environment(name))
                .filter(|text| !text.is_empty())
        };
        let ca_cert = access.ca_cert.map(HostPath::as_str);
        let mut environment: Vec<(String, String)> = [
            (
                "HELM_KUBECONTEXT",
                or_environment(access.context, "K8S_AUTH_CONTEXT"),
            ),
            ("HELM_NAMESPACE", namespace.map(str::to_owned)),
            (
                "HELM_KUBETOKEN",
                or_environment(access.api_key, "K8S_AUTH_API_KEY"),
            ),
            (
                "HELM_KUBEAPISERVER",
                or_environment(access.host, "K8S_AUTH_HOST"),
            ),
            (
                "HELM_KUBECAFILE",
                or_environment(ca_cert, "K8S_AUTH_SSL_CA_CERT"),
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
        let unchecked = match access.validate_certs {
            Some(validate) => !validate,
            None => host.environment("K8S_AUTH_VERIFY_SSL").is_some_and(|text| {
                ["no", "off", "false", "f", "n", "0"].contains(&text.to_lowercase().as_str())
            }),
        };
        if unchecked {
            let name = "HELM_KUBEINSECURE_SKIP_TLS_VERIFY".to_owned();
            environment.push((name, "true".to_owned()));
        }
        let given = access.kubeconfig.map(|Any(value)| value);
        if !matches!(
            given.map(Value::kind),
            None | Some(Kind::Str(_) | Kind::Dict(_))
        ) {
            let what = "must be the path of a file or a dictionary";
            return Err(ArgumentError::new("kubeconfig", what).into());
        }
        let kubeconfig = given
            .filter(|value| value.as_dict().is_some())
            .map(|value| value.to_json().to_string());
        let path = given.and_then(Value::as_str);
        if kubeconfig.is_none()
            && let Some(path) = or_environment(path, "K8S_AUTH_KUBECONFIG")
        {
            let path = crate::kit::expand_path(&path, host);
            environment.push(("KUBECONFIG".to_owned(), path));
        }
        let binary = access.binary.map_or("helm", HostPath::as_str).to_owned();
        Ok(Self {
            binary,
            environment,
            kubeconfig,
            host,
        })
    }

    /// Runs it to its end, whatever that is.
    pub(super) fn run(&self, words: &[String], input: Option<&str>) -> Result<Output, Failure> {
        let argv = std::iter::once(&self.binary).chain(words).cloned();
        let mut command = match &self.kubeconfig {
            None => Command::new(argv),
            Some(kubeconfig) => {
                let shell = ["sh", "-c", WITH_KUBECONFIG, "helm"].map(str::to_owned);
                let mut command = Command::new(shell.into_iter().chain(argv));
                command.stdin = Some(format!("{kubeconfig}\n").into_bytes());
                command
            }
        };
        if let Some(input) = input {
            command
                .stdin
                .get_or_insert_default()
                .extend_from_slice(input.as_bytes());
        }
        command.environment.clone_from(&self.environment);
        self.host.run(&command).map_err(|error| match error {
            HostError::NoProgram { .. } => Failure::new(format!(
                "{error}; install Helm, or name the program in `binary_path`"
            )),
            error => error.into(),
        })
    }

    /// Runs it; an end that is no success is a failure in Ansible's words.
    pub(super) fn must(&self, words: &[String], input: Option<&str>) -> Result<Output, Failure> {
        let output = self.run(words, input)?;
        if output.success() {
            return Ok(output);
        }
        Err(self.failed(words, &output))
    }

    /// The failure that an end means.
    pub(super) fn failed(&self, words: &[String], output: &Output) -> Failure {
        let (out, error) = (output.stdout_text(), output.stderr_text());
        Failure::new(format!(
            "Failure when executing Helm command. Exited {}.\nstdout: {out}\nstderr: {error}",
            output.status
        ))
        .with("stdout", out)
        .with("stderr", error)
        .with("command", self.shown(words))
    }

    /// A command as it is shown.
    pub(super) fn shown(&self, words: &[String]) -> String {
        std::iter::once(&self.binary)
            .chain(words)
            .map(|word| quote(word))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Asks for JSON.
    fn json(&self, words: &[String]) -> Result<Json, Failure> {
        let output = self.must(words, None)?;
        self.read(words, &output.stdout)
    }

    /// Reads the JSON that a command wrote.
    pub(super) fn read(&self, words: &[String], text: &[u8]) -> Result<Json, Failure> {
        serde_json::from_slice(text).map_err(|error| {
            Failure::new(format!(
                "cannot read what `{}` wrote ({error}); run it by hand to see what it says",
                self.shown(words)
            ))
        })
    }

    /// Returns the version, major and minor number.
    pub(super) fn version(&self) -> Result<Version, Failure> {
        let output = self.must(&strings(&["version", "--template={{.Version}}"]), None)?;
        let text = output.stdout_text();
        let mut numbers = text
            .trim()
            .trim_start_matches('v')
            .split(['.', '-', '+'])
            .map_while(|part| part.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) if (major, minor) >= (3, 10) => Ok(Version { major, minor }),
            _ => Err(Failure::new(format!(
                "helm 3.10 or later is needed, and `{}` is {}; install a later one, or name one in `binary_path`",
                self.binary,
                text.trim()
            ))),
        }
    }

    /// Returns the release of that name if it is in one of these states.
    pub(super) fn release(&self, name: &str, states: &[&str]) -> Result<Option<Dict>, Failure> {
        let mut words = strings(&["list", "--output=json", "--filter"]);
        words.push(format!("^{}$", name.replace('.', "\\.")));
        words.extend(states.iter().map(|state| format!("--{state}")));
        let list = Value::from_json(self.json(&words)?);
        let releases = list.as_list().unwrap_or_default();
        let found = releases
            .iter()
            .find(|release| release.get("name").and_then(Value::as_str) == Some(name));
        Ok(found.and_then(Value::as_dict).cloned())
    }

    /// Returns the values that a release was given, or all that it has.
    pub(super) fn values(&self, name: &str, all: bool) -> Result<Value, Failure> {
        let mut words = strings(&["get", "values", "--output=json", name]);
        words.extend(all.then(|| "--all".to_owned()));
        Ok(match self.json(&words)? {
            Json::Null => Value::dict(Dict::new()),
            values => Value::from_json(values),
        })
    }

    /// Returns what `helm get` tells of a release: `manifest`, `notes`, `hooks`.
    pub(super) fn get(&self, what: &str, name: &str) -> Result<String, Failure> {
        let output = self.must(&strings(&["get", what, name]), None)?;
        Ok(output.stdout_text())
    }

    /// Returns the release with its values as results show it.
    pub(super) fn status(&self, name: &str, states: &[&str]) -> Result<Option<Dict>, Failure> {
        let Some(mut release) = self.release(name, states)? else {
            return Ok(None);
        };
        release.insert("values", self.values(name, false)?);
        Ok(Some(release))
    }

    /// Returns the version of a plugin, if it is installed.
    pub(super) fn plugin(&self, name: &str) -> Result<Option<String>, Failure> {
        let output = self.must(&strings(&["plugin", "list"]), None)?;
        let text = output.stdout_text();
        let found = text.lines().find_map(|line| {
            let mut columns = line.split_whitespace();
            (columns.next() == Some(name)).then(|| columns.next().unwrap_or_default().to_owned())
        });
        Ok(found)
    }
}

/// A version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl Version {
    /// Refuses an argument that a later version brought.
    pub(super) fn require(self, argument: &str, wanted: bool, minor: u32) -> Result<(), Failure> {
        let Self { major, minor: is } = self;
        if wanted && (major, is) < (3, minor) {
            return Err(Failure::new(format!(
                "{argument} requires helm >= 3.{minor}.0, current version is {major}.{is}"
            )));
        }
        Ok(())
    }
}

/// Returns words of one's own.
pub(super) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
