//! Modules of the family `net`.

mod ufw;
mod wait_for;

family! {
    Entry::module::<ufw::Ufw>(),
    Entry::module::<wait_for::WaitFor>(),
}
