//! Modules of the family `net`.

mod get_url;
mod ufw;
mod uri;
mod wait_for;
pub(super) mod web;

family! {
    Entry::module::<get_url::GetUrl>(),
    Entry::module::<ufw::Ufw>(),
    Entry::module::<uri::Uri>(),
    Entry::module::<wait_for::WaitFor>(),
}
