//! What the kinds of archives have in common: what their programs say, and names that match patterns.

use crate::kit::{Command, Failure, Host, Output};
use crate::value::{Dict, Value};

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// All is there.
    pub(super) unarchived: bool,
    /// One line for each member that changes; of a tar archive nothing is known line by line.
    pub(super) diff: String,
    /// What is to be left out besides what the task says.
    pub(super) newer: Vec<String>,
}

/// A program that ran.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    pub(super) argv: Vec<String>,
    pub(super) output: Output,
}

impl Ran {
    /// Returns it as `extract_results`.
    pub(super) fn value(&self) -> Value {
        let argv = Value::list(self.argv.iter().map(|word| Value::from(word.as_str())));
        Value::dict(
            Dict::new()
                .with("cmd", argv)
                .with("rc", self.output.status)
                .with("out", self.output.stdout_text())
                .with("err", self.output.stderr_text()),
        )
    }
}

/// Runs a program in a directory, with words that can be read.
pub(super) fn run(
    argv: Vec<String>,
    directory: Option<&str>,
    host: &dyn Host,
) -> Result<Ran, Failure> {
    let command = Command {
        directory: directory.map(str::to_owned),
        ..Command::new(argv.clone())
    };
    let mut command = command.in_c_locale();
    // Names that are no ASCII stay as they are.
    for (_, value) in &mut command.environment {
        "C.UTF-8".clone_into(value);
    }
    let output = host.run(&command)?;
    Ok(Ran { argv, output })
}

/// Tells whether a name matches a pattern of the shell; `*` stands for `/` too, as in Python's `fnmatch`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_from(&pattern, &name)
}

fn matches_from(pattern: &[char], name: &[char]) -> bool {
    // The place after the last star, and how much of the name that star has taken.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut here) = (0, 0);
    while here < name.len() || at < pattern.len() {
        if pattern.get(at) == Some(&'*') {
            at += 1;
            star = Some((at, here));
            continue;
        }
        let step = name
            .get(here)
            .and_then(|letter| one(pattern.get(at..).unwrap_or_default(), *letter));
        match (step, star) {
            (Some(length), _) => {
                at += length;
                here += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                at = after;
                here = taken + 1;
                star = Some((after, here));
            }
            _ => return false,
        }
    }
    true
}

/// How much of a pattern one letter takes, if it matches.
fn one(pattern: &[char], letter: char) -> Option<usize> {
    match pattern.split_first()? {
        ('?', _) => Some(1),
        ('[', rest) => {
            let negated = rest.first() == Some(&'!');
            let start = usize::from(negated);
            let body = rest.get(start..)?;
            let end = body
                .iter()
                .skip(1)
                .position(|c| *c == ']')
                .map(|end| end + 1);
            let Some(end) = end else {
                return (letter == '[').then_some(1);
            };
            let set = body.get(..end)?;
            let mut found = false;
            let mut index = 0;
            while let Some(low) = set.get(index) {
                if let (Some('-'), Some(high)) = (set.get(index + 1), set.get(index + 2)) {
                    found |= (*low..=*high).contains(&letter);
                    index += 3;
                } else {
                    found |= *low == letter;
                    index += 1;
                }
            }
            (found != negated).then_some(1 + start + end + 1)
        }
        (own, _) => (*own == letter).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_python() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "a/", false),
            ("*.txt", "dir/a.txt", true),
            ("d?r/*", "dir/", true),
            ("[ab]*", "beta", true),
            ("[!ab]*", "beta", false),
            ("[a-c]x", "bx", true),
            ("[x", "[x", true),
            ("*a*b", "xaxxab", true),
            ("*a*b", "xaxxac", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
