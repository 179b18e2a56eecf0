//! Who acts: becoming another user.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The program that makes another user of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BecomeMethod {
    /// `sudo`.
    Sudo,
    /// `su`.
    Su,
    /// `doas`.
    Doas,
}

impl BecomeMethod {
    /// Reads the name, which may be a full one such as `ansible.builtin.sudo`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.rsplit('.').next()? {
            "sudo" => Self::Sudo,
            "su" => Self::Su,
            "doas" => Self::Doas,
            _ => return None,
        })
    }

    /// Returns the program's usual name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
            Self::Doas => "doas",
        }
    }
}

/// Who a module acts as, and how to become it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Become {
    /// The program.
    pub method: BecomeMethod,
    /// The user to become.
    pub user: String,
    /// Another path of the program.
    pub executable: Option<String>,
    /// Flags for the program, split into words; nothing means its usual ones.
    pub flags: Option<Vec<String>>,
    /// The password, a secret text, or null.
    pub password: Value,
}
