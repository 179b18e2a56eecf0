//! Modules of the family `packages`.

mod apt;
mod apt_key;
mod apt_repository;
mod deb822_repository;
mod dpkg_selections;
mod package;
mod package_facts;
mod snap;

family! {
    Entry::module::<apt::Apt>(),
    Entry::module::<apt_key::AptKey>(),
    Entry::module::<apt_repository::AptRepository>(),
    Entry::module::<deb822_repository::Deb822Repository>(),
    Entry::module::<dpkg_selections::DpkgSelections>(),
    Entry::module::<package::Package>(),
    Entry::module::<package_facts::PackageFacts>(),
    Entry::module::<snap::Snap>(),
}
