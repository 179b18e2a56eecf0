//! Modules of the family `kubernetes`: what runs in a cluster, by its API or by Helm.

mod cluster;
mod helm;
mod helm_info;
mod helm_repository;
mod k8s;
mod k8s_drain;
mod k8s_info;
mod k8s_taint;
mod object;
mod program;

family! {
    Entry::module::<helm::Helm>(),
    Entry::module::<helm_info::HelmInfo>(),
    Entry::module::<helm_repository::HelmRepository>(),
    Entry::module::<k8s::K8s>(),
    Entry::module::<k8s_drain::K8sDrain>(),
    Entry::module::<k8s_info::K8sInfo>(),
    Entry::module::<k8s_taint::K8sTaint>(),
}
