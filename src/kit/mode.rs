//! File modes as playbooks write them: `"0644"`, `0644`, `u=rw,g=r`, `preserve`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// A wanted file mode.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(
    with = "String",
    description = "an octal number such as `'0644'`, or changes such as `u+rwx,go-w`"
)]
pub enum Mode {
    /// Exactly these bits.
    Bits(u32),
    /// Changes to the bits that are there.
    Symbolic(Vec<Clause>),
    /// The bits of the source on the controller.
    Preserve,
}

/// One comma-separated part of a symbolic mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    who: u32,
    steps: Vec<(char, String)>,
}

const USER: u32 = 0o4700;
const GROUP: u32 = 0o2070;
const OTHER: u32 = 0o1007;

impl Mode {
    /// Reads a mode from text: octal digits, or clauses such as `u=rwX,go-w`. The error is a fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "preserve" {
            return Ok(Self::Preserve);
        }
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return u32::from_str_radix(digits, 8)
                .ok()
                .filter(|bits| *bits <= 0o7777)
                .map(Self::Bits)
                .ok_or_else(|| format!("`{text}` is not an octal mode"));
        }
        text.split(',')
            .map(Clause::parse)
            .collect::<Option<Vec<_>>>()
            .map(Self::Symbolic)
            .ok_or_else(|| {
                format!(
                    "`{text}` is neither an octal mode such as '0644' nor changes such as u=rw,go=r"
                )
            })
    }

    /// Returns the bits that a file of mode `current` shall have. `umask` counts where a clause names nobody.
    /// [`Mode::Preserve`] keeps `current`; who has a source asks for its bits before.
    pub fn resolve(&self, current: u32, directory: bool, umask: u32) -> u32 {
        match self {
            Self::Bits(bits) => *bits,
            Self::Preserve => current & 0o7777,
            Self::Symbolic(clauses) => clauses.iter().fold(current & 0o7777, |bits, clause| {
                clause.apply(bits, directory, umask)
            }),
        }
    }
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let start = text.find(['+', '-', '='])?;
        let (people, mut rest) = text.split_at(start);
        let mut who = 0;
        for person in people.chars() {
            who |= match person {
                'u' => USER,
                'g' => GROUP,
                'o' => OTHER,
                'a' => USER | GROUP | OTHER,
                _ => return None,
            };
        }
        let mut steps = Vec::new();
        while let Some(operator) = rest.chars().next() {
            let tail = rest.get(1..)?;
            let end = tail.find(['+', '-', '=']).unwrap_or(tail.len());
            let (permissions, next) = tail.split_at(end);
            if !permissions
                .chars()
                .all(|letter| "rwxXstugo".contains(letter))
            {
                return None;
            }
            steps.push((operator, permissions.to_owned()));
            rest = next;
        }
        Some(Self { who, steps })
    }

    fn apply(&self, bits: u32, directory: bool, umask: u32) -> u32 {
        let (who, mask) = if self.who == 0 {
            (USER | GROUP | OTHER, !umask)
        } else {
            (self.who, !0)
        };
        let mut result = bits;
        for (operator, permissions) in &self.steps {
            let mut wanted = 0;
            for letter in permissions.chars() {
                wanted |= match letter {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    'X' if directory || bits & 0o111 != 0 => 0o111,
                    's' => 0o6000,
                    't' => 0o1000,
                    'u' => (result >> 6 & 7) * 0o111,
                    'g' => (result >> 3 & 7) * 0o111,
                    'o' => (result & 7) * 0o111,
                    _ => 0,
                };
            }
            wanted &= who & mask;
            result = match operator {
                '+' => result | wanted,
                '-' => result & !wanted,
                _ => result & !who | wanted,
            };
        }
        result
    }
}

/// As a playbook writes it.
impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bits(bits) => write!(out, "{bits:04o}"),
            Self::Preserve => out.write_str("preserve"),
            Self::Symbolic(clauses) => {
                for (at, clause) in clauses.iter().enumerate() {
                    if at > 0 {
                        out.write_str(",")?;
                    }
                    for (people, letter) in [(USER, "u"), (GROUP, "g"), (OTHER, "o")] {
                        if clause.who & people == people {
                            out.write_str(letter)?;
                        }
                    }
                    for (operator, permissions) in &clause.steps {
                        write!(out, "{operator}{permissions}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Mode;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a mode such as '0644' or u=rw,go=r")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Mode, E> {
                Mode::parse(text).map_err(E::custom)
            }

            /// YAML has read `0644` as the number that it is.
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Mode, E> {
                u32::try_from(number)
                    .ok()
                    .filter(|bits| *bits <= 0o7777)
                    .map(Mode::Bits)
                    .ok_or_else(|| E::custom(format!("{number} is not a mode; write it as '0644'")))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_modes_change_what_they_name() {
        let resolve = |text: &str, current, directory| {
            Mode::parse(text)
                .unwrap()
                .resolve(current, directory, 0o022)
        };
        assert_eq!(resolve("u+x,g-w,o=r", 0o664, false), 0o744);
        assert_eq!(resolve("a+X", 0o644, false), 0o644);
        assert_eq!(resolve("a+X", 0o644, true), 0o755);
        assert_eq!(resolve("u=rwx,g=u-w", 0o600, false), 0o750);
        assert_eq!(resolve("+w", 0o444, false), 0o644);
        assert_eq!(resolve("u+s,+t", 0o755, true), 0o5755);
    }

    #[test]
    fn a_mode_is_written_as_it_is_read() {
        for text in [
            "0644",
            "u+x,g-w,o=r",
            "ugo+X",
            "+w",
            "u=rwx,g=u-w",
            "preserve",
        ] {
            assert_eq!(Mode::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Mode::parse("rw-r--r--x").is_err());
        assert!(Mode::parse("0999").is_err());
    }
}
