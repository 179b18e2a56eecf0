//! libyaml's emitter: indentation, quoting and folding of lines.
//!
//! `yaml_dump` walks the values and calls this for every indicator and scalar.

use std::fmt::Write as _;

/// Text being written.
pub(super) struct Emitter {
    out: String,
    column: usize,
    /// The last thing written was white space.
    whitespace: bool,
    /// Nothing but indentation and indicators stand on the line.
    indention: bool,
    indents: Vec<usize>,
    current: Option<usize>,
    step: usize,
    width: usize,
    flow: usize,
}

/// What a text allows.
#[expect(
    clippy::struct_excessive_bools,
    reason = "libyaml's own findings, each used by itself"
)]
struct Analysis {
    flow_plain: bool,
    block_plain: bool,
    single: bool,
    multiline: bool,
}

fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(character: Option<char>) -> bool {
    character.is_none_or(|character| matches!(character, ' ' | '\t' | '\0') || is_break(character))
}

/// What libyaml takes for printable; characters beyond the first plane are not.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
}

impl Emitter {
    pub(super) fn new(step: usize, width: usize) -> Self {
        Self {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
            indents: Vec::new(),
            current: None,
            step,
            width,
            flow: 0,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    pub(super) fn in_flow(&self) -> bool {
        self.flow > 0
    }

    /// Tells whether the line is longer than it should be.
    pub(super) fn is_wide(&self) -> bool {
        self.column > self.width
    }

    fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    fn put_break(&mut self, character: char) {
        self.out.push(character);
        self.column = 0;
    }

    /// Writes `[`, `-`, `:` and the like.
    pub(super) fn indicator(
        &mut self,
        text: &str,
        after_space: bool,
        is_space: bool,
        is_indention: bool,
    ) {
        if after_space && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.chars().count();
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    /// Goes to the indentation, on a new line where something stands on this one.
    pub(super) fn new_line(&mut self) {
        let indent = self.current.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn push_indent(&mut self, next: usize) {
        self.indents
            .push(self.current.map_or(usize::MAX, |current| current));
        self.current = Some(next);
    }

    /// Indents for a block.
    pub(super) fn indent(&mut self) {
        self.push_indent(self.current.map_or(0, |current| current + self.step));
    }

    /// Indents for a block sequence; one under a key stands below the key itself.
    pub(super) fn indent_for_sequence(&mut self, in_mapping: bool) {
        match self.current {
            Some(current) if in_mapping && !self.indention => self.push_indent(current),
            _ => self.indent(),
        }
    }

    fn indent_flow(&mut self) {
        self.push_indent(
            self.current
                .map_or(self.step, |current| current + self.step),
        );
    }

    /// Takes the last indentation back.
    pub(super) fn dedent(&mut self) {
        self.current = self.indents.pop().filter(|indent| *indent != usize::MAX);
    }

    /// Opens a flow collection.
    pub(super) fn open(&mut self, sign: &str) {
        self.indicator(sign, true, true, false);
        self.indent_flow();
        self.flow += 1;
    }

    /// Goes to the next item of a flow collection.
    pub(super) fn flow_item(&mut self, first: bool) {
        if !first {
            self.indicator(",", false, false, false);
        }
        if self.is_wide() {
            self.new_line();
        }
    }

    /// Closes a flow collection.
    pub(super) fn close(&mut self, sign: &str) {
        self.flow = self.flow.saturating_sub(1);
        self.dedent();
        self.indicator(sign, false, false, false);
    }

    /// Writes a scalar; `plain`: unquoted it would be read back as what it is; `key`: it must stay on its line; `tagged`: quotes
    /// would make it text.
    pub(super) fn scalar(&mut self, text: &str, plain: bool, key: bool, tagged: bool) {
        let allowed = Self::analyze(text);
        self.indent_flow();
        let characters: Vec<char> = text.chars().collect();
        let fits = if self.flow > 0 {
            allowed.flow_plain
        } else {
            allowed.block_plain
        };
        let empty = text.is_empty() && (self.flow > 0 || key);
        let unquoted = plain && fits && !empty && !(key && allowed.multiline);
        if tagged && !unquoted {
            self.indicator("!", true, false, false);
        }
        if key && allowed.multiline {
            self.double(&characters, false);
        } else if unquoted {
            self.plain(&characters, !key);
        } else if allowed.single {
            self.single(&characters, !key);
        } else {
            self.double(&characters, !key);
        }
        self.dedent();
    }

    fn analyze(text: &str) -> Analysis {
        if text.is_empty() {
            return Analysis {
                flow_plain: false,
                block_plain: true,
                single: true,
                multiline: false,
            };
        }
        let marker = text.starts_with("---") || text.starts_with("...");
        let (mut in_flow, mut in_block) = (marker, marker);
        let (mut edge, mut break_space, mut space_break, mut special, mut lines) =
            (false, false, false, false, false);
        let mut previous: Option<char> = None;
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            let next = rest.peek().copied();
            match (previous, character) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                ) => {
                    in_flow = true;
                    in_block = true;
                }
                (None, '?') | (_, ':') => {
                    in_flow = true;
                    in_block |= is_blank(next);
                }
                (None, '-') if is_blank(next) => {
                    in_flow = true;
                    in_block = true;
                }
                (Some(_), ',' | '?' | '[' | ']' | '{' | '}') => in_flow = true,
                (Some(_), '#') if is_blank(previous) => {
                    in_flow = true;
                    in_block = true;
                }
                _ => {}
            }
            special |= !is_printable(character) && !is_break(character);
            lines |= is_break(character);
            let space = character == ' ';
            edge |= (space || is_break(character)) && (previous.is_none() || next.is_none());
            break_space |= space && previous.is_some_and(is_break);
            space_break |= is_break(character) && previous == Some(' ');
            previous = Some(character);
        }
        let quoted = edge || break_space || space_break || special || lines;
        Analysis {
            flow_plain: !quoted && !in_flow,
            block_plain: !quoted && !in_block,
            single: !(break_space || space_break || special),
            multiline: lines,
        }
    }

    fn plain(&mut self, text: &[char], fold: bool) {
        if !self.whitespace && (!text.is_empty() || self.flow > 0) {
            self.put(' ');
        }
        let mut spaces = false;
        for (index, character) in text.iter().enumerate() {
            let space = *character == ' ';
            if space && fold && !spaces && self.is_wide() && text.get(index + 1) != Some(&' ') {
                self.new_line();
            } else {
                self.put(*character);
            }
            if !space {
                self.indention = false;
            }
            spaces = space;
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &[char], fold: bool) {
        self.indicator("'", true, false, false);
        let (mut spaces, mut breaks) = (false, false);
        for (index, character) in text.iter().enumerate() {
            let inner = index > 0 && index + 1 < text.len();
            if *character == ' ' {
                if fold && !spaces && self.is_wide() && inner && text.get(index + 1) != Some(&' ') {
                    self.new_line();
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else if is_break(*character) {
                if !breaks && *character == '\n' {
                    self.put_break('\n');
                }
                self.put_break(*character);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.new_line();
                }
                if *character == '\'' {
                    self.put('\'');
                }
                self.put(*character);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        if breaks {
            self.new_line();
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double(&mut self, text: &[char], fold: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        for (index, character) in text.iter().enumerate() {
            let inner = index > 0 && index + 1 < text.len();
            let plain = is_printable(*character) && !is_break(*character);
            if *character == ' ' && fold && !spaces && self.is_wide() && inner {
                self.new_line();
                if text.get(index + 1) == Some(&' ') {
                    self.put('\\');
                }
            } else if plain && !matches!(character, '"' | '\\') {
                self.put(*character);
            } else {
                for letter in escaped(*character).chars() {
                    self.put(letter);
                }
            }
            spaces = *character == ' ';
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }
}

fn escaped(character: char) -> String {
    let short = match character {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(character);
            let mut text = String::new();
            let _ = match code {
                0..=0xff => write!(text, "\\x{code:02X}"),
                0x100..=0xffff => write!(text, "\\u{code:04X}"),
                _ => write!(text, "\\U{code:08X}"),
            };
            return text;
        }
    };
    format!("\\{short}")
}
