//! From Python's regular expressions to those of fancy-regex.
//!
//! The two agree on most; this rewrites `$`, `\Z`, `{,n}`, literal braces, brackets inside of classes, comments and escapes
//! that mean something else or nothing there.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use super::regex::Flags;

/// Returns the pattern in fancy-regex's syntax, or what is wrong with it.
pub(super) fn translate(pattern: &str, flags: Flags) -> Result<String, String> {
    let mut translator = Translator {
        rest: pattern.chars().peekable(),
        out: String::new(),
        multiline: flags.multiline,
    };
    if flags.ignorecase {
        translator.out.push_str("(?i)");
    }
    if flags.multiline {
        translator.out.push_str("(?m)");
    }
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
    multiline: bool,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '$' if self.multiline => self.out.push('$'),
                '$' => self.out.push_str(r"(?=\n?\z)"),
                '{' => self.brace(),
                '}' => self.out.push_str(r"\}"),
                '(' => self.group()?,
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    /// A quantifier, or braces that Python takes literally.
    fn brace(&mut self) {
        let ahead: String = self.rest.clone().take_while(|next| *next != '}').collect();
        let closed = self.rest.clone().any(|next| next == '}');
        let (low, high) = ahead
            .split_once(',')
            .map_or((ahead.as_str(), None), |(low, high)| (low, Some(high)));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let quantifier =
            closed && digits(low) && high.is_none_or(digits) && !(low.is_empty() && high.is_none());
        if !quantifier {
            self.out.push_str(r"\{");
            return;
        }
        for _ in 0..=ahead.chars().count() {
            self.rest.next();
        }
        let low = if low.is_empty() { "0" } else { low };
        let _ = match high {
            None => write!(self.out, "{{{low}}}"),
            Some(high) => write!(self.out, "{{{low},{high}}}"),
        };
    }

    /// `(`: comments go, inline flags that Rust lacks go, the rest stays.
    fn group(&mut self) -> Result<(), String> {
        if self.rest.peek() != Some(&'?') {
            self.out.push('(');
            return Ok(());
        }
        let mut ahead = self.rest.clone();
        ahead.next();
        match ahead.peek() {
            Some('#') => {
                for next in self.rest.by_ref() {
                    if next == ')' {
                        return Ok(());
                    }
                }
                Err("a comment is not closed".to_owned())
            }
            Some(letter) if "aiLmsux-".contains(*letter) => {
                self.rest.next();
                let mut flags = String::new();
                while let Some(flag) = self.rest.next_if(|next| "aiLmsux-".contains(*next)) {
                    if flag == 'm' {
                        self.multiline = true;
                    }
                    if !matches!(flag, 'a' | 'L' | 'u') {
                        flags.push(flag);
                    }
                }
                let scoped = match self.rest.next() {
                    Some(')') => false,
                    Some(':') => true,
                    _ => return Err("unknown inline flag".to_owned()),
                };
                match (flags.is_empty(), scoped) {
                    (true, false) => {}
                    (true, true) => self.out.push_str("(?:"),
                    (false, false) => drop(write!(self.out, "(?{flags})")),
                    (false, true) => drop(write!(self.out, "(?{flags}:")),
                }
                Ok(())
            }
            _ => {
                self.out.push('(');
                Ok(())
            }
        }
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.rest.next() {
                None => return Err("a character class is not closed".to_owned()),
                Some(']') if !first => {
                    self.out.push(']');
                    return Ok(());
                }
                Some('\\') => self.escape(true)?,
                // Brackets and doubled signs have a meaning of their own in Rust's classes.
                Some(sign @ ('[' | ']' | '&' | '~' | '^' | '#' | ' ')) => {
                    self.out.push('\\');
                    if sign == ' ' {
                        self.out.push_str("x20");
                    } else {
                        self.out.push(sign);
                    }
                }
                Some('-') => {
                    let last = self.rest.peek() == Some(&']');
                    self.out.push_str(if first || last { r"\-" } else { "-" });
                }
                Some(other) => self.out.push(other),
            }
            first = false;
        }
    }

    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(character) = self.rest.next() else {
            return Err("it ends in a lone backslash".to_owned());
        };
        match character {
            'Z' if !in_class => self.out.push_str(r"\z"),
            'A' | 'B' if !in_class => self.push_escaped(character),
            'b' if in_class => self.out.push_str(r"\x08"),
            'b' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' | 'x'
            | 'u' | 'U' => {
                self.push_escaped(character);
            }
            '0' => {
                let mut digits = String::new();
                while let Some(digit) = self
                    .rest
                    .next_if(|next| digits.len() < 2 && ('0'..='7').contains(next))
                {
                    digits.push(digit);
                }
                let code = u32::from_str_radix(&digits, 8).unwrap_or(0);
                let _ = write!(self.out, "\\x{{{code:x}}}");
            }
            digit if digit.is_ascii_digit() && !in_class => {
                self.push_escaped(digit);
                if let Some(second) = self.rest.next_if(char::is_ascii_digit) {
                    self.out.push(second);
                } else if self.rest.peek().is_some_and(char::is_ascii_digit) {
                    self.out.push_str("(?:)");
                }
            }
            letter if letter.is_ascii_alphanumeric() => {
                return Err(format!("bad escape `\\{letter}`"));
            }
            sign if sign.is_ascii() => {
                let _ = write!(self.out, "\\x{:02x}", u32::from(sign));
            }
            other => self.out.push(other),
        }
        Ok(())
    }

    fn push_escaped(&mut self, character: char) {
        self.out.push('\\');
        self.out.push(character);
    }
}
