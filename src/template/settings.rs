//! How a template's text is read: delimiters, whitespace, and what a backslash means.
//!
//! The `template` module and lookup fill it from their arguments; a `#jinja2:` header changes it for one file.

use std::borrow::Cow;

use super::error::TemplateError;
use super::literal::{self, Backslash};
use crate::diag::Span;

/// What a template file starts with to change its own settings.
pub(crate) const HEADER: &str = "#jinja2:";

/// The settings of a template file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileSettings {
    /// `{%`.
    pub block_start: Cow<'static, str>,
    /// `%}`.
    pub block_end: Cow<'static, str>,
    /// `{{`.
    pub variable_start: Cow<'static, str>,
    /// `}}`.
    pub variable_end: Cow<'static, str>,
    /// `{#`.
    pub comment_start: Cow<'static, str>,
    /// `#}`.
    pub comment_end: Cow<'static, str>,
    /// What makes a line a statement; empty for nothing.
    pub line_statement_prefix: Cow<'static, str>,
    /// What makes the rest of a line a comment; empty for nothing.
    pub line_comment_prefix: Cow<'static, str>,
    /// Removes the newline after a block.
    pub trim_blocks: bool,
    /// Removes the space before a block that begins its line.
    pub lstrip_blocks: bool,
    /// Keeps the newline at the end of the text even where the template renders to something else than text.
    pub keep_trailing_newline: bool,
    /// What a newline of the text becomes; nothing leaves `\n`.
    pub newline_sequence: Option<Cow<'static, str>>,
}

impl Default for FileSettings {
    fn default() -> Self {
        Self {
            block_start: "{%".into(),
            block_end: "%}".into(),
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            line_statement_prefix: "".into(),
            line_comment_prefix: "".into(),
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            newline_sequence: None,
        }
    }
}

impl FileSettings {
    /// Tells whether the text holds something to evaluate under these settings.
    pub(crate) fn is_template(&self, text: &str) -> bool {
        text.starts_with(HEADER)
            || text.contains(&*self.variable_start)
            || text.contains(&*self.block_start)
            || text.contains(&*self.comment_start)
    }

    /// Tells whether the text begins and ends with delimiters.
    pub(crate) fn is_wholly_template(&self, text: &str) -> bool {
        let starts = [&self.block_start, &self.variable_start, &self.comment_start];
        let ends = [&self.block_end, &self.variable_end, &self.comment_end];
        text.starts_with(HEADER)
            || starts.iter().any(|start| text.starts_with(&***start))
                && ends.iter().any(|end| text.ends_with(&***end))
    }

    /// Returns the settings with those of a `#jinja2:` header, and how many bytes the header takes.
    pub(crate) fn with_header(&self, text: &str) -> Result<(Self, usize), TemplateError> {
        let mut settings = self.clone();
        let Some(rest) = text.strip_prefix(HEADER) else {
            return Ok((settings, 0));
        };
        let fail = |message: String| TemplateError::Syntax {
            message,
            span: Span::NONE,
        };
        let Some((line, _)) = rest.split_once('\n') else {
            return Err(fail(format!("the `{HEADER}` header has no end of line")));
        };
        for pair in line.split(',') {
            let Some((key, value)) = pair.split_once(':') else {
                return Err(fail(format!(
                    "`{}` in the `{HEADER}` header has no `:`",
                    pair.trim()
                )));
            };
            let (key, value) = (key.trim(), value.trim());
            if !settings.set(key, value) {
                return Err(fail(format!(
                    "`{key}: {value}` is no setting of the `{HEADER}` header"
                )));
            }
        }
        Ok((settings, HEADER.len() + line.len() + 1))
    }

    fn set(&mut self, key: &str, value: &str) -> bool {
        let flag = match value {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        let switch = match key {
            "trim_blocks" => Some(&mut self.trim_blocks),
            "lstrip_blocks" => Some(&mut self.lstrip_blocks),
            "keep_trailing_newline" => Some(&mut self.keep_trailing_newline),
            _ => None,
        };
        if let Some(switch) = switch {
            return flag.map(|flag| *switch = flag).is_some();
        }
        let Some(text) = literal::text(value, Backslash::Escape) else {
            return value == "None" && key.starts_with("line_");
        };
        let place = match key {
            "block_start_string" => &mut self.block_start,
            "block_end_string" => &mut self.block_end,
            "variable_start_string" => &mut self.variable_start,
            "variable_end_string" => &mut self.variable_end,
            "comment_start_string" => &mut self.comment_start,
            "comment_end_string" => &mut self.comment_end,
            "line_statement_prefix" => &mut self.line_statement_prefix,
            "line_comment_prefix" => &mut self.line_comment_prefix,
            "newline_sequence" => {
                self.newline_sequence = Some(text.into());
                return true;
            }
            _ => return false,
        };
        *place = text.into();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_changes_settings() {
        let text = "#jinja2: variable_start_string:'[%', lstrip_blocks: True\nrest";
        let (settings, length) = FileSettings::default().with_header(text).unwrap();
        assert_eq!(settings.variable_start, "[%");
        assert!(settings.lstrip_blocks);
        assert_eq!(text.get(length..), Some("rest"));
    }

    #[test]
    fn an_unknown_key_of_a_header_is_an_error() {
        assert!(
            FileSettings::default()
                .with_header("#jinja2: trim: True\n")
                .is_err()
        );
    }
}
