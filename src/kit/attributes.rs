//! Mode, owner and the like, which many modules take and set in the same way.

use super::mode::Mode;

/// The common file arguments of a task, borrowed from a module's struct.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileAttributes<'a> {
    /// `mode`.
    pub mode: Option<&'a Mode>,
    /// `owner`: a name, or a number as text.
    pub owner: Option<&'a str>,
    /// `group`: a name, or a number as text.
    pub group: Option<&'a str>,
    /// `attributes`: flags as `chattr` takes them.
    pub attributes: Option<&'a str>,
    /// `seuser`, `serole`, `setype`, `selevel`.
    pub selinux: [Option<&'a str>; 4],
    /// `unsafe_writes`.
    pub unsafe_writes: bool,
}
