//! `kubernetes.core.k8s_info`: objects that a cluster has.

use super::cluster::wait::{Condition, Goal, Patience, exists, items, why};
use super::cluster::{Cluster, with_cluster_access};
use super::object::hidden;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::Value;

with_cluster_access! {
    /// Tell what objects a Kubernetes cluster has
    ///
    /// The host itself talks to the API. Objects that are not there are no failure.
    ///
    /// ## Check mode
    ///
    /// Reads only; waits too.
    ///
    /// ## Returns
    ///
    /// - `resources`: the objects.
    /// - `api_found`: whether the API knows that kind; `msg` where it does not.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.k8s_info:
    ///     kind: Node
    ///     wait: true
    ///     wait_condition:
    ///       type: Ready
    ///   register: nodes
    ///
    /// - kubernetes.core.k8s_info:
    ///     kind: Pod
    ///     namespace: kube-system
    ///     label_selectors: [k8s-app=kube-dns]
    ///     field_selectors: [status.phase=Running]
    /// ```
    pub(super) struct K8sInfoArgs {
        /// The kind of the objects.
        kind: String,
        /// The version of their API.
        #[serde(default = "first_version", alias = "api", alias = "version")]
        api_version: String,
        /// The name of one of them.
        #[serde(default)]
        name: Option<String>,
        /// Their namespace; all of them without it.
        #[serde(default)]
        namespace: Option<String>,
        /// Only objects with these labels.
        #[serde(default)]
        label_selectors: Vec<String>,
        /// Only objects with these fields.
        #[serde(default)]
        field_selectors: Vec<String>,
        /// Fields that results do not show.
        #[serde(default)]
        hidden_fields: Vec<String>,
        /// Wait until there are such objects, and all are ready.
        #[serde(default)]
        wait: bool,
        /// Seconds between two looks.
        #[serde(default = "five")]
        wait_sleep: u64,
        /// Seconds in all.
        #[serde(default = "two_minutes")]
        wait_timeout: u64,
        /// The condition to wait for, instead of the rules of the kind.
        #[serde(default)]
        wait_condition: Option<Condition>,
    }
}

fn first_version() -> String {
    "v1".to_owned()
}

fn five() -> u64 {
    5
}

fn two_minutes() -> u64 {
    120
}

pub(super) struct K8sInfo;

impl Module for K8sInfo {
    type Args = K8sInfoArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "kubernetes.core.k8s_info",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        args.cluster().validate()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let resource = cluster
            .resource(&args.kind, &args.api_version)
            .map_err(|refusal| refusal.failure("Failed to look up the API's resources"))?;
        let plan = Plan::unchanged("it only reads");
        let Some(resource) = resource else {
            let (version, kind) = (&args.api_version, &args.kind);
            return Ok(plan
                .with("resources", Value::list([]))
                .with("api_found", false)
                .with(
                    "msg",
                    format!("Failed to find API for resource with apiVersion \"{version}\" and kind \"{kind}\""),
                ));
        };
        let failure = |refusal: super::cluster::Refusal| {
            refusal.failure(&format!(
                "Failed to gather information about {}(s)",
                args.kind
            ))
        };
        let mut query = Vec::new();
        for (name, selectors) in [
            ("labelSelector", &args.label_selectors),
            ("fieldSelector", &args.field_selectors),
        ] {
            if !selectors.is_empty() {
                query.push((name, selectors.join(",")));
            }
        }
        let patience = Patience {
            timeout: if args.wait { args.wait_timeout } else { 0 },
            sleep: args.wait_sleep,
        };
        let path = resource.path(args.namespace.as_deref(), args.name.as_deref());
        let found = match cluster.wait(&path, &query, Goal::Exists, patience) {
            Ok(waited) => waited.object.filter(|object| exists(Some(object))),
            // Selectors that the API cannot read find nothing.
            Err(refusal) if refusal.is(400) => None,
            Err(refusal) => return Err(failure(refusal)),
        };
        let mut objects = Vec::new();
        for mut object in found.iter().flat_map(|found| match items(found) {
            Some(items) => items.clone(),
            None => vec![found.clone()],
        }) {
            // Items of a list do not say what they are.
            object["kind"] = resource.kind.as_str().into();
            object["apiVersion"] = resource.api_version.as_str().into();
            if args.wait {
                let goal = Goal::Ready(args.wait_condition.as_ref());
                let waited = cluster
                    .wait(&resource.place(&object), &[], goal, patience)
                    .map_err(failure)?;
                if !waited.reached {
                    return Err(Failure::new(format!(
                        "Failed to gather information about {}(s) even after waiting for {} seconds: {} {}",
                        resource.kind,
                        waited.duration,
                        super::object::metadata(&object, "name").unwrap_or_default(),
                        why(waited.object.as_ref())
                    )));
                }
                object = waited.object.unwrap_or(object);
            }
            let object = hidden::without(&object, &args.hidden_fields);
            objects.push(Value::from_json(object));
        }
        Ok(plan
            .with("resources", Value::list(objects))
            .with("api_found", true))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}
