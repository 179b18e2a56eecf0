//! Ansible's colours.

/// What a line is about decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Something changed.
    Changed,
    /// Less important.
    Debug,
    /// A failure.
    Error,
    /// All is well.
    Ok,
    /// Not done.
    Skip,
    /// Out of reach.
    Unreachable,
    /// What `-v` adds.
    Verbose,
    /// A warning.
    Warn,
    /// A file was included.
    Included,
    /// A line that comes.
    DiffAdd,
    /// A line that goes.
    DiffRemove,
    /// Where in the file.
    DiffLines,
}

impl Color {
    fn code(self) -> &'static str {
        match self {
            Self::Changed => "0;33",
            Self::Debug => "1;30",
            Self::Error | Self::DiffRemove => "0;31",
            Self::Ok | Self::DiffAdd => "0;32",
            Self::Skip | Self::Included | Self::DiffLines => "0;36",
            Self::Unreachable => "1;31",
            Self::Verbose => "0;34",
            Self::Warn => "1;35",
        }
    }

    /// Returns the text in the colour, line by line.
    pub(super) fn paint(self, text: &str) -> String {
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| format!("\u{1b}[{}m{line}\u{1b}[0m", self.code()))
            .collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_own_colour() {
        assert_eq!(
            Color::Ok.paint("a\nb"),
            "\u{1b}[0;32ma\u{1b}[0m\n\u{1b}[0;32mb\u{1b}[0m"
        );
    }
}
