//! What can be wrong with a key.

/// Why a key could not be read. The key itself is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not one.
    #[error("it is not an age key")]
    NotKey,
    /// A letter of it is wrong.
    #[error("the age key is misspelled")]
    Misspelled,
    /// The other half of the pair.
    #[error("it is a public key; a secret one begins with `AGE-SECRET-KEY-1`")]
    Public,
    /// The other half of the pair.
    #[error("it is a secret key, which must not stand here; a public one begins with `age1`")]
    Secret,
    /// A kind that kplay does not have.
    #[error("{0} are not supported")]
    Unsupported(&'static str),
    /// The private key's file has a passphrase.
    #[error("the SSH key has a passphrase; SOPS needs one without, or an age key")]
    Passphrase,
    /// An SSH key that cannot be read.
    #[error("the SSH key is damaged")]
    Ssh,
}
