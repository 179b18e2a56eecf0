//! The words of ssh's own command line, as they stand in `ansible_ssh_common_args` and its kin.
//!
//! `-o`, `-J`, `-i`, `-p`, `-l`, `-F`, `-4`, `-6` and `-C` become settings; what only matters to an interactive ssh is
//! ignored; what would change the connection and cannot be honoured is reported.

use std::path::PathBuf;

use super::parser::{Line, Place, parse_line};
use super::{ConfigError, Warning};

/// The settings out of ssh's command line.
#[derive(Debug, Default)]
pub struct SshArguments {
    pub(super) lines: Vec<Line>,
    /// `-F`: read this instead of the configuration files; `none` for no file at all.
    pub(super) config_file: Option<PathBuf>,
    pub(super) warnings: Vec<Warning>,
}

impl SshArguments {
    /// Reads more words; earlier ones win.
    pub fn read(&mut self, text: &str) -> Result<(), ConfigError> {
        let words = split_words(text).map_err(|problem| syntax(problem.to_owned()))?;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut flags = match word.strip_prefix('-') {
                Some(flags) if !flags.is_empty() => flags.chars(),
                _ => return Err(syntax(format!("`{word}` is no option of ssh"))),
            };
            while let Some(flag) = flags.next() {
                if "BbcDEeFIiJLlmOoPpQRSWw".contains(flag) {
                    let attached: String = flags.by_ref().collect();
                    let value = if attached.is_empty() {
                        words.next()
                    } else {
                        Some(attached)
                    };
                    let value = value.ok_or_else(|| syntax(format!("`-{flag}` needs a value")))?;
                    self.option(flag, &value)?;
                } else {
                    self.switch(flag)?;
                }
            }
        }
        Ok(())
    }

    /// Adds one setting, as `-o` would.
    pub fn set(&mut self, keyword: &str, value: &str) -> Result<(), ConfigError> {
        let quoted = format!(
            "{keyword}=\"{}\"",
            value.replace('\\', "\\\\").replace('"', "\\\"")
        );
        self.lines.extend(parse_line(&quoted, Place::Arguments)?);
        Ok(())
    }

    /// Returns what `-F` named.
    pub fn config_file(&self) -> Option<&PathBuf> {
        self.config_file.as_ref()
    }

    /// Sets what `-F` would.
    pub fn set_config_file(&mut self, file: Option<PathBuf>) {
        self.config_file = file;
    }

    fn option(&mut self, flag: char, value: &str) -> Result<(), ConfigError> {
        match flag {
            'o' => self.lines.extend(parse_line(value, Place::Arguments)?),
            'F' => {
                self.config_file.get_or_insert_with(|| PathBuf::from(value));
            }
            'J' => self.set("ProxyJump", value)?,
            'i' => self.set("IdentityFile", value)?,
            'p' => self.set("Port", value)?,
            'l' => self.set("User", value)?,
            'c' => self.set("Ciphers", value)?,
            'm' => self.set("MACs", value)?,
            'B' | 'b' | 'I' | 'W' => self.not_honoured(flag),
            // The others name sessions, tunnels and logs, of which kplay has none.
            _ => {}
        }
        Ok(())
    }

    fn switch(&mut self, flag: char) -> Result<(), ConfigError> {
        match flag {
            '4' => self.set("AddressFamily", "inet"),
            '6' => self.set("AddressFamily", "inet6"),
            'C' => self.set("Compression", "yes"),
            'A' => self.set("ForwardAgent", "yes"),
            'K' => {
                self.not_honoured(flag);
                Ok(())
            }
            'a' | 'f' | 'G' | 'g' | 'k' | 'M' | 'N' | 'n' | 'q' | 's' | 'T' | 't' | 'V' | 'v'
            | 'X' | 'x' | 'Y' | 'y' => Ok(()),
            _ => Err(syntax(format!("`-{flag}` is no option of ssh"))),
        }
    }

    fn not_honoured(&mut self, flag: char) {
        self.warnings.push(Warning::NotHonoured {
            option: format!("-{flag}"),
            place: Place::Arguments,
        });
    }
}

fn syntax(problem: String) -> ConfigError {
    ConfigError::Syntax {
        place: Place::Arguments,
        problem,
    }
}

/// Splits text into words as a POSIX shell does, without any expansion.
pub fn split_words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let current = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(inside) => current.push(inside),
                        None => return Err("a single quote is never closed"),
                    }
                }
            }
            '"' => {
                let current = word.get_or_insert_default();
                loop {
                    match characters.next() {
                        Some('"') => break,
                        Some('\\') => match characters.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => current.push(escaped),
                            Some(other) => current.extend(['\\', other]),
                            None => return Err("a double quote is never closed"),
                        },
                        Some(inside) => current.push(inside),
                        None => return Err("a double quote is never closed"),
                    }
                }
            }
            '\\' => match characters.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("nothing follows the last backslash"),
            },
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SshArguments {
        let mut arguments = SshArguments::default();
        arguments.read(text).unwrap();
        arguments
    }

    fn settings(text: &str) -> Vec<(String, Vec<String>)> {
        read(text)
            .lines
            .into_iter()
            .map(|line| (line.keyword, line.arguments))
            .collect()
    }

    #[test]
    fn options_become_settings() {
        let found =
            settings("-o StrictHostKeyChecking=no -oUser=me -J 'a@b:23,c' -p2222 -4q -i '/my key'");
        let found: Vec<_> = found
            .iter()
            .map(|(keyword, values)| (keyword.as_str(), values[0].as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("stricthostkeychecking", "no"),
                ("user", "me"),
                ("proxyjump", "a@b:23,c"),
                ("port", "2222"),
                ("addressfamily", "inet"),
                ("identityfile", "/my key"),
            ]
        );
    }

    #[test]
    fn a_quoted_proxy_command_is_one_word() {
        let arguments = read(r#"-o ProxyCommand="ssh -W %h:%p -q jump""#);
        assert_eq!(arguments.lines[0].rest, "ssh -W %h:%p -q jump");
    }

    #[test]
    fn what_is_no_option_is_refused() {
        for text in ["host", "-Z", "-p", "-o 'x"] {
            assert!(SshArguments::default().read(text).is_err(), "{text}");
        }
    }
}
