//! Modules of the family `kubernetes`: what runs in a cluster, by its API or by Helm.

mod helm;
mod helm_info;
mod helm_repository;
mod program;

family! {
    Entry::module::<helm::Helm>(),
    Entry::module::<helm_info::HelmInfo>(),
    Entry::module::<helm_repository::HelmRepository>(),
}
