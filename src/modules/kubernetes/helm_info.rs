//! `kubernetes.core.helm_info`: what is known of a release.

use super::program::{ALL, Program, USUAL, with_helm_access};
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::template::yaml_documents;
use crate::value::Value;

with_helm_access! {
    /// Tell what is known of a Helm release
    ///
    /// The host runs `helm`, version 3.10 or later or version 4.
    ///
    /// ## Check mode
    ///
    /// Reads only.
    ///
    /// ## Returns
    ///
    /// - `status`: `name`, `namespace`, `revision`, `updated`, `status`, `chart`, `app_version` of the release, the `values` that it was
    ///   given, `manifest` and `hooks` as lists, and `notes`; missing where there is no such release.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.helm_info:
    ///     name: argocd
    ///     namespace: argocd
    ///   register: argocd
    /// ```
    pub(super) struct HelmInfoArgs {
        /// The release's name.
        #[serde(alias = "name")]
        release_name: String,
        /// The release's namespace.
        #[serde(alias = "namespace")]
        release_namespace: String,
        /// States that the release may be in: `all`, `deployed`, `failed`, `pending`, `superseded`, `uninstalled`, `uninstalling`;
        /// without any `deployed` and `failed`.
        #[serde(default)]
        release_state: Vec<String>,
        /// Return all values, with those that come from the chart.
        #[serde(default)]
        get_all_values: bool,
    }
}

pub(super) struct HelmInfo;

impl Module for HelmInfo {
    type Args = HelmInfoArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "kubernetes.core.helm_info",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.release_name.is_empty() || args.release_name.starts_with('-') {
            return Err(ArgumentError::new("release_name", "must be a name"));
        }
        args.access().validate_strictly()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let program = Program::new(&args.access(), Some(&args.release_namespace), host)?;
        let name = &args.release_name;
        let plan = Plan::unchanged("it only reads");
        let Some(mut release) = program.release(name, &args.states())? else {
            return Ok(plan);
        };
        release.insert("values", program.values(name, args.get_all_values)?);
        for what in ["manifest", "notes", "hooks"] {
            let text = program.get(what, name)?;
            let value = if what == "notes" {
                Value::from(text)
            } else {
                let documents = yaml_documents(&text).map_err(|error| {
                    Failure::new(format!("cannot read the {what} of `{name}`{error}"))
                })?;
                Value::list(documents)
            };
            release.insert(what, value);
        }
        Ok(plan.with("status", release))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

impl HelmInfoArgs {
    fn states(&self) -> Vec<&str> {
        let given = |state: &str| self.release_state.iter().any(|given| given == state);
        if given("all") {
            return ALL.to_vec();
        }
        let chosen: Vec<&str> = ALL.iter().copied().filter(|state| given(state)).collect();
        if chosen.is_empty() {
            return USUAL.to_vec();
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, exited, failure, printed, run};
    use crate::value::Dict;

    const ONE: &str = r#"[{"name":"one","namespace":"d","revision":"2","status":"deployed"}]"#;

    fn args() -> Dict {
        Dict::new().with("name", "one").with("namespace", "d")
    }

    #[test]
    fn a_release_is_told_whole() {
        let host = FakeHost::new()
            .command(&["helm", "list"], printed(ONE))
            .command(&["helm", "get", "values"], printed("null\n"))
            .command(&["helm", "get", "notes"], printed("Use it.\n"))
            .command(&["helm", "get", "hooks"], printed(""))
            .command(
                &["helm", "get", "manifest"],
                printed("---\na: 1\n---\nb: 2\n"),
            );
        let outcome = run::<HelmInfo>(&args().into(), &host);
        let status = outcome.values.get("status").unwrap();
        assert_eq!(
            status.to_json(),
            serde_json::json!({"name": "one", "namespace": "d", "revision": "2", "status": "deployed", "values": {},
                "manifest": [{"a": 1}, {"b": 2}], "notes": "Use it.\n", "hooks": []})
        );
        assert!(!outcome.changed);
        let command = &host.commands()[0];
        assert_eq!(
            command.argv.join(" "),
            "helm list --output=json --filter ^one$ --deployed --failed"
        );
        assert_eq!(
            command.environment,
            [("HELM_NAMESPACE".to_owned(), "d".to_owned())]
        );
    }

    #[test]
    fn a_release_that_is_not_there_is_no_failure() {
        let host = FakeHost::new().command(&["helm", "list"], printed("[]"));
        let given = args().with("release_state", vec!["all"]);
        let outcome = check::<HelmInfo>(&given.into(), &host);
        assert!(!outcome.failed && outcome.values.get("status").is_none());
        assert!(host.commands()[0].argv.contains(&"--pending".to_owned()));
    }

    #[test]
    fn what_helm_refuses_is_told() {
        let host = FakeHost::new().command(&["helm", "list"], exited(1, "", "no route"));
        let message = failure::<HelmInfo>(&args().into(), &host);
        assert!(message.contains("Exited 1.") && message.contains("no route"));
        let given = args().with("context", "x").with("validate_certs", false);
        let message = failure::<HelmInfo>(&given.into(), &FakeHost::new());
        assert!(message.contains("context|validate_certs"), "{message}");
        let message = failure::<HelmInfo>(&args().into(), &FakeHost::new());
        assert!(message.contains("binary_path"), "{message}");
    }
}
