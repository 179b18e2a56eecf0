//! What `kplay` ends with. The numbers are Ansible's.

use crate::diag::Diagnostic;
use crate::engine::RunEnd;

/// All is well.
pub const FINE: u8 = 0;
/// Something is wrong with what was asked for: a file that is not there, an inventory or password that cannot be read.
pub const ERROR: u8 = 1;
/// Hosts failed.
pub const FAILED: u8 = 2;
/// Hosts could not be reached, or a playbook is at fault.
pub const UNREACHABLE_OR_FAULTY: u8 = 4;
/// The command line cannot be read: an unknown option, options that exclude each other, a count that is no number. As with
/// Ansible, the number is that of failed hosts.
pub const UNREADABLE_OPTIONS: u8 = FAILED;
/// Options and settings can be read and make no sense.
pub const WRONG_OPTIONS: u8 = 5;
/// Ctrl-C, or TERM.
pub const INTERRUPTED: u8 = 99;
/// A bug in kplay.
pub const BUG: u8 = 250;

/// Every code with what it means, for the documentation.
pub const CODES: [(u8, &str); 7] = [
    (FINE, "all is well"),
    (
        ERROR,
        "something is missing or cannot be read: a file, an inventory, a password",
    ),
    (
        FAILED,
        "tasks failed on a host; or the command line cannot be read: an unknown option, a count that is no number",
    ),
    (
        UNREACHABLE_OR_FAULTY,
        "a host could not be reached, or the playbook is at fault",
    ),
    (
        WRONG_OPTIONS,
        "options or settings that make no sense: a value that a setting cannot have, `-e` without variables, nothing to do",
    ),
    (INTERRUPTED, "interrupted by Ctrl-C or TERM"),
    (BUG, "a bug in kplay"),
];

/// Codes of diagnostics about options and settings.
const OPTIONS: [&str; 5] = [
    "config-syntax",
    "config-unreadable",
    "config-unsupported",
    "config-value",
    "extra-vars",
];

/// Codes of diagnostics about what is not there rather than wrong in itself.
const MISSING: [&str; 8] = [
    "file-not-found",
    "file-unreadable",
    "role-not-found",
    "role-without-name",
    "vault",
    "vault-password",
    "password-file",
    "throttle",
];

/// Returns the code for errors that were found before anything ran.
pub fn of_errors(errors: &[Diagnostic]) -> u8 {
    match errors.iter().find(|error| error.is_error()) {
        None => FINE,
        Some(first) if OPTIONS.contains(&&*first.code) => WRONG_OPTIONS,
        Some(first)
            if MISSING.contains(&&*first.code)
                || first.code.starts_with("inventory")
                || first.code == "handler-missing"
                || crate::playbook::exit_code(errors) == ERROR =>
        {
            ERROR
        }
        Some(_) => UNREACHABLE_OR_FAULTY,
    }
}

/// Returns the code for a run's end.
pub fn of_end(end: &RunEnd) -> u8 {
    match end {
        RunEnd::Finished => FINE,
        RunEnd::Failed => FAILED,
        RunEnd::Unreachable => UNREACHABLE_OR_FAULTY,
        RunEnd::Interrupted => INTERRUPTED,
        RunEnd::Faulty(errors) => of_errors(errors).max(ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ansible-playbook ended in each case.
    #[test]
    fn what_is_missing_is_1_and_what_is_wrong_is_4() {
        let of = |code: &'static str| {
            of_errors(&[
                Diagnostic::warning("odd", "odd"),
                Diagnostic::error(code, ""),
            ])
        };
        assert_eq!(
            [
                of("file-not-found"),
                of("role-not-found"),
                of("inventory-syntax")
            ],
            [1, 1, 1]
        );
        assert_eq!(
            [
                of("yaml-syntax"),
                of("unknown-keyword"),
                of("empty-playbook"),
                of("unknown-module")
            ],
            [4, 4, 4, 4]
        );
        assert_eq!(
            [of("config-value"), of("config-syntax"), of("extra-vars")],
            [5, 5, 5]
        );
        assert_eq!(of_errors(&[Diagnostic::warning("odd", "odd")]), 0);
    }

    #[test]
    fn codes_are_listed_once_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
