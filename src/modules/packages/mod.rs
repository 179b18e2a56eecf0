//! Modules of the family `packages`.

mod apt;
mod dpkg_selections;
mod package;
mod package_facts;

family! {
    Entry::module::<apt::Apt>(),
    Entry::module::<dpkg_selections::DpkgSelections>(),
    Entry::module::<package::Package>(),
    Entry::module::<package_facts::PackageFacts>(),
}
