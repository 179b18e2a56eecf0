//! Which pods leave a node, and what keeps the others from it.

use serde_json::Value as Json;

use super::super::object::metadata;
use super::DeleteOptions;

/// A pod that leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl Pod {
    fn of(object: &Json) -> Self {
        let text = |name: &str| metadata(object, name).unwrap_or_default().to_owned();
        Self {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
        }
    }

    pub(super) fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.name)
    }
}

/// The pods that leave, and what a person should know of the others.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) pods: Vec<Pod>,
    pub(super) warnings: Vec<String>,
}

/// Chooses; the errors say which pods stand in the way.
pub(super) fn choose(pods: &[Json], options: &DeleteOptions) -> Result<Chosen, Vec<String>> {
    let mut chosen = Chosen::default();
    let (mut mirrors, mut unmanaged, mut sets, mut local) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for object in pods {
        let pod = Pod::of(object);
        let field = |path: &str| object.pointer(path);
        let owners = field("/metadata/ownerReferences").and_then(Json::as_array);
        let owner = |kind: &str| {
            owners.is_some_and(|owners| owners.iter().any(|owner| owner["kind"] == kind))
        };
        let annotations = field("/metadata/annotations");
        let phase = field("/status/phase").and_then(Json::as_str);
        let volumes = field("/spec/volumes").and_then(Json::as_array);
        let volumes = volumes.into_iter().flatten();
        if annotations.is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some()) {
            mirrors.push(pod);
        } else if matches!(phase, Some("Succeeded" | "Failed")) {
            chosen.pods.push(pod);
        } else if owner("DaemonSet") {
            sets.push(pod);
        } else if volumes
            .into_iter()
            .any(|volume| volume.get("emptyDir").is_some())
        {
            local.push(pod);
        } else if owners.is_none_or(Vec::is_empty) {
            unmanaged.push(pod);
        } else {
            chosen.pods.push(pod);
        }
    }
    let names = |pods: &[Pod]| {
        let names: Vec<String> = pods
            .iter()
            .map(|pod| format!("{}/{}", pod.namespace, pod.name))
            .collect();
        names.join(",")
    };
    let mut errors = Vec::new();
    if !unmanaged.is_empty() {
        let names = names(&unmanaged);
        if options.force {
            chosen.warnings.push(format!("Deleting Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet: {names}."));
            chosen.pods.extend(unmanaged);
        } else {
            errors.push(format!("cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet (use option force set to yes): {names}."));
        }
    }
    if !mirrors.is_empty() {
        let names = names(&mirrors);
        chosen.warnings.push(format!(
            "cannot delete mirror Pods using API server: {names}."
        ));
    }
    if !local.is_empty() {
        let names = names(&local);
        if options.delete_emptydir_data {
            chosen
                .warnings
                .push(format!("Deleting Pods with local storage: {names}."));
            chosen.pods.extend(local);
        } else {
            errors.push(format!("cannot delete Pods with local storage: {names} (use option delete_emptydir_data set to yes)."));
        }
    }
    if !sets.is_empty() {
        let names = names(&sets);
        if options.ignore_daemonsets {
            chosen
                .warnings
                .push(format!("Ignoring DaemonSet-managed Pods: {names}."));
        } else {
            errors.push(format!("cannot delete DaemonSet-managed Pods (use option ignore_daemonsets set to yes): {names}."));
        }
    }
    if errors.is_empty() {
        Ok(chosen)
    } else {
        Err(errors)
    }
}
