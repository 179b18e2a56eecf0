//! `kubernetes.core.helm`: releases of charts, through the program `helm`.
//!
//! Here are the arguments and the decision; `command` says how a release is made, `difference` what that would change.

mod command;
mod difference;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::{ALL, Program, USUAL, Version, strings, with_helm_access};
use crate::kit::{
    Any, Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan,
    Support,
};
use crate::template::yaml_documents;
use crate::value::{Dict, Value};

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The release is not installed.
    Absent,
    /// It is installed, from that chart with those values.
    #[default]
    Present,
}

/// How a value of `set_values` is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ValueType {
    /// Helm guesses the type.
    #[default]
    Raw,
    /// Text.
    String,
    /// JSON.
    Json,
    /// The content of a file on the host.
    File,
}

/// A value for the chart.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetValue {
    /// `NAME=VALUE`, as `helm --set` takes it.
    value: String,
    /// How the value is meant.
    #[serde(default)]
    value_type: ValueType,
}

with_helm_access! {
    /// Install, upgrade and remove Helm charts
    ///
    /// The host runs `helm`, version 3.10 or later or version 4, which has to be installed there. A release is made anew where the
    /// chart's name, version or `appVersion`, or the values that the release was given, are others than what the task says.
    /// Where the plugin `diff` is installed, that decides instead.
    ///
    /// ## Check mode
    ///
    /// Tells what would change. `update_repo_cache` is done all the same: without it nobody knows what would change.
    ///
    /// ## Returns
    ///
    /// - `status`: `name`, `namespace`, `revision`, `updated`, `status`, `chart`, `app_version` of the release and the `values` that it
    ///   was given; nothing where there is none. In check mode `values` alone: `current` and `declared`.
    /// - `command`, `stdout`, `stderr`: what was run, and what it said.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.helm:
    ///     name: argocd
    ///     namespace: argocd
    ///     create_namespace: true
    ///     chart_ref: argo-cd
    ///     chart_repo_url: https://argoproj.github.io/argo-helm
    ///     chart_version: 9.1.0
    ///     values: "{{ lookup('ansible.builtin.template', 'argocd.yaml.j2') | from_yaml }}"
    ///     wait: true
    ///     timeout: 10m
    ///
    /// - kubernetes.core.helm:
    ///     name: argocd
    ///     namespace: argocd
    ///     state: absent
    ///     wait: true
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Helm 4 is supported: `atomic` and `force` become the arguments that it has for them. `values_files` together with `values`,
    /// and `set_values`, are no change where the release has them all already. `values` reach Helm on its standard input instead
    /// of a file, so `command` says `-f=-`. The difference is that of the manifests, Secrets left out; `helm` tells it without
    /// a plugin. `dependency_update` happens only where the release changes. A relative `kubeconfig` is looked for on the host
    /// only.
    pub(super) struct HelmArgs {
        /// The chart: `REPOSITORY/CHART`, its name with `chart_repo_url`, a directory or package on the host, or an address.
        #[serde(default)]
        chart_ref: Option<HostPath>,
        /// The chart's repository.
        #[serde(default)]
        chart_repo_url: Option<String>,
        /// The chart's version; without it the latest.
        #[serde(default)]
        chart_version: Option<String>,
        /// Fetch the charts that this one depends on first.
        #[serde(default, alias = "dep_up")]
        dependency_update: bool,
        /// The release's name.
        #[serde(alias = "name")]
        release_name: String,
        /// The release's namespace.
        #[serde(alias = "namespace")]
        release_namespace: String,
        /// What there shall be.
        #[serde(default, alias = "state")]
        release_state: State,
        /// Values for the chart.
        #[serde(default, alias = "values")]
        release_values: Option<Any>,
        /// Files on the host with values for the chart; later ones and `release_values` win.
        #[serde(default)]
        values_files: Vec<String>,
        /// Single values for the chart, as on Helm's command line; they win.
        #[serde(default)]
        set_values: Vec<SetValue>,
        /// Run `helm repo update` first.
        #[serde(default)]
        update_repo_cache: bool,
        /// Run no hooks.
        #[serde(default)]
        disable_hook: bool,
        /// Upgrade in any case, and replace what cannot be changed.
        #[serde(default)]
        force: bool,
        /// With `state: absent`: keep no history either.
        #[serde(default = "enabled")]
        purge: bool,
        /// Wait until all is ready, or gone.
        #[serde(default)]
        wait: bool,
        /// How long `wait` may take, such as `5m`.
        #[serde(default)]
        wait_timeout: Option<String>,
        /// How long each of Helm's operations may take, such as `5m`.
        #[serde(default)]
        timeout: Option<String>,
        /// Undo what failed.
        #[serde(default)]
        atomic: bool,
        /// Make the namespace if there is none.
        #[serde(default)]
        create_namespace: bool,
        /// What changes the manifests before they are applied: a program (Helm 3) or a plugin (Helm 4).
        #[serde(default)]
        post_renderer: Option<String>,
        /// Take the name of a removed release that is still in the history.
        #[serde(default)]
        replace: bool,
        /// Leave the chart's custom resource definitions out.
        #[serde(default)]
        skip_crds: bool,
        /// How many revisions of the release are kept.
        #[serde(default)]
        history_max: Option<i64>,
        /// Keep the values that the release was given before; `reset_values` wins.
        #[serde(default)]
        reuse_values: Option<bool>,
        /// Forget the values that the release was given before.
        #[serde(default = "enabled")]
        reset_values: bool,
        /// Take the chart's values anew and then those that the release was given before.
        #[serde(default)]
        reset_then_reuse_values: bool,
        /// Do not ask who the chart's server is.
        #[serde(default, alias = "skip_tls_certs_check")]
        insecure_skip_tls_verify: bool,
        /// Talk to the chart's registry without TLS.
        #[serde(default)]
        plain_http: bool,
        /// Take over objects that belong to nobody or to another release.
        #[serde(default)]
        take_ownership: bool,
        /// Do not check the values against the chart's schema.
        #[serde(default)]
        skip_schema_validation: bool,
    }
}

fn enabled() -> bool {
    true
}

impl HelmArgs {
    /// The chart; `validate` has seen to it that there is one.
    fn chart(&self) -> &str {
        self.chart_ref.as_ref().map_or("", HostPath::as_str)
    }

    /// The values that the task holds.
    fn given(&self) -> Value {
        let given = self.release_values.as_ref().map(|Any(value)| value.clone());
        given.unwrap_or_else(|| Value::dict(Dict::new()))
    }

    /// What Helm reads from its standard input, if anything.
    fn input(&self) -> Option<String> {
        let values = self.given();
        let any = values.as_dict().is_some_and(|values| !values.is_empty());
        any.then(|| values.to_json().to_string())
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    /// What is run first.
    before: Option<Vec<String>>,
    words: Vec<String>,
    input: Option<String>,
}

pub(super) struct Helm;

impl Module for Helm {
    type Args = HelmArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "kubernetes.core.helm",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        args.access().validate()?;
        if args.release_state == State::Present && args.chart_ref.is_none() {
            return Err(ArgumentError::general(
                "release_state is present but all of the following are missing: chart_ref",
            ));
        }
        if args.replace && args.release_state == State::Absent {
            return Err(ArgumentError::general(
                "replace is not applicable when state is absent",
            ));
        }
        if args.replace && args.history_max.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: replace|history_max",
            ));
        }
        if args.wait_timeout.is_some() && args.timeout.is_some() {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: wait_timeout|timeout",
            ));
        }
        // An option would begin so, and neither a release nor a chart does.
        let option = |text: &str| text.is_empty() || text.starts_with('-');
        if option(&args.release_name) {
            return Err(ArgumentError::new("release_name", "must be a name"));
        }
        if args.chart_ref.as_ref().is_some_and(|chart| option(chart)) {
            return Err(ArgumentError::new("chart_ref", "must name a chart"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let program = Program::new(&args.access(), Some(&args.release_namespace), host)?;
        if args.given().as_dict().is_none() {
            return Err(ArgumentError::new("release_values", "must be a dictionary").into());
        }
        let version = program.version()?;
        args.require(version)?;
        if args.update_repo_cache {
            program.must(&strings(&["repo", "update"]), None)?;
        }
        match args.release_state {
            State::Absent => args.plan_absent(&program),
            State::Present => args.plan_present(&program, version),
        }
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let program = Program::new(&args.access(), Some(&args.release_namespace), host)?;
        if let Some(words) = &change.before {
            program.must(words, None)?;
        }
        let output = program.must(&change.words, change.input.as_deref())?;
        let status = program.status(&args.release_name, ALL)?;
        Ok(Outcome::changed()
            .with("status", status.map_or(Value::NULL, Value::dict))
            .with("stdout", output.stdout_text())
            .with("stderr", output.stderr_text())
            .with("command", program.shown(&change.words))
            .into())
    }
}

impl HelmArgs {
    /// Refuses what this version of Helm cannot do.
    fn require(&self, version: Version) -> Result<(), Failure> {
        version.require("plain_http", self.plain_http, 13)?;
        version.require("take_ownership", self.take_ownership, 17)?;
        version.require("skip_schema_validation", self.skip_schema_validation, 16)?;
        let skip = self.insecure_skip_tls_verify;
        version.require("insecure_skip_tls_verify", skip, 16)?;
        let reset = self.reset_then_reuse_values;
        version.require("reset_then_reuse_values", reset, 14)
    }

    fn plan_absent(&self, program: &Program<'_>) -> Result<Plan<Change>, Failure> {
        let name = &self.release_name;
        let release = program.status(name, ALL)?;
        let gone = release.as_ref().is_none_or(|release| {
            let status = release.get("status").and_then(Value::as_str);
            status.is_some_and(|status| status.starts_with("uninstall"))
        });
        if gone {
            return Ok(unchanged(program, release, &[]));
        }
        let before = program.get("manifest", name)?;
        let words = self.removal();
        Ok(changing(program, release, words, None, None)
            .with_diff(difference::of_manifests(&before, "")))
    }

    fn plan_present(
        &self,
        program: &Program<'_>,
        version: Version,
    ) -> Result<Plan<Change>, Failure> {
        let mut warnings = Vec::new();
        let release = program.status(&self.release_name, USUAL)?;
        let chart = self.chart_info(program)?;
        let first = self.dependencies(&chart, &mut warnings)?;
        let inline = self.dependency_update && first.is_none();
        let words = self.deployment(version, release.is_some(), inline);
        let input = self.input();
        let foreseen = match &release {
            Some(release) => self.foresee(program, release, &chart, version, &words)?,
            None => difference::Foreseen::change(self.dry_run(program, None, version, &words)?),
        };
        let mut plan = if foreseen.changes || self.force {
            let mut plan = changing(program, release, words, input, first);
            plan.diff.extend(foreseen.diff);
            plan
        } else {
            unchanged(program, release, &self.origin())
        };
        plan.warnings.extend(warnings);
        plan.warnings_in_check.extend(foreseen.unknown);
        Ok(plan)
    }

    /// What the chart says of itself.
    fn chart_info(&self, program: &Program<'_>) -> Result<Value, Failure> {
        let words = self.question();
        let output = program.must(&words, None)?;
        let documents = yaml_documents(&output.stdout_text()).map_err(|error| {
            Failure::new(format!(
                "cannot read what `{}` wrote{error}",
                program.shown(&words)
            ))
        })?;
        let chart = documents.into_iter().next().unwrap_or_default();
        Ok(chart)
    }

    /// What has to be run first so that the charts are there that this one depends on.
    fn dependencies(
        &self,
        chart: &Value,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Vec<String>>, Failure> {
        if !self.dependency_update {
            return Ok(None);
        }
        if !chart.get("dependencies").is_some_and(Value::is_true) {
            warnings.push(
                "There is no dependencies block defined in Chart.yaml. Dependency update will not be performed. Please consider add dependencies block or disable dependency_update to remove this warning."
                    .to_owned(),
            );
            return Ok(None);
        }
        let elsewhere = self.chart_repo_url.is_some()
            || self.chart().starts_with("http://")
            || self.chart().starts_with("https://");
        if !elsewhere {
            return Ok(Some(strings(&["dependency", "update", self.chart()])));
        }
        if !self.replace {
            return Err(Failure::new(
                "'--dependency-update' hasn't been supported yet with 'helm upgrade'. Please use 'helm install' instead by adding 'replace' option",
            ));
        }
        warnings.push(
            "This is a not stable feature with 'chart_repo_url'. Please consider to use dependency update with on-disk charts"
                .to_owned(),
        );
        Ok(None)
    }
}

fn unchanged(program: &Program<'_>, release: Option<Dict>, words: &[String]) -> Plan<Change> {
    Plan::unchanged("the release is as it shall be")
        .with_all(told(program, words))
        .with("status", release.clone().map_or(Value::NULL, Value::dict))
        .with_in_check("status", status_in_check(release))
}

fn changing(
    program: &Program<'_>,
    release: Option<Dict>,
    words: Vec<String>,
    input: Option<String>,
    before: Option<Vec<String>>,
) -> Plan<Change> {
    let told = told(program, &words);
    Plan::change(Change {
        before,
        words,
        input,
    })
    .with_all_in_check(told)
    .with_in_check("status", status_in_check(release))
}

fn told(program: &Program<'_>, words: &[String]) -> Dict {
    Dict::new()
        .with("command", program.shown(words))
        .with("stdout", "")
        .with("stderr", "")
}

/// What check mode tells of a release.
fn status_in_check(release: Option<Dict>) -> Dict {
    let empty = || Value::dict(Dict::new());
    let current = release.as_ref().and_then(|release| release.get("values"));
    let values = Dict::new()
        .with("current", current.cloned().unwrap_or_else(empty))
        .with("declared", release.map_or_else(empty, Value::dict));
    Dict::new().with("values", values)
}
