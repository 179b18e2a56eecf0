//! Rust sources as the architecture test reads them: text without comments and literals, and which lines are test code.
//!
//! No parser: the laws need only paths, declarations and macro names, which remain when comments, strings and characters are
//! blanked. Places stay what they were.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::repository;

/// A file of the repository.
pub(crate) struct SourceFile {
    /// Its path from the repository's root, with `/`.
    pub(crate) path: String,
    /// The text as it is.
    pub(crate) text: String,
    /// The text with comments and literals blanked, line for line.
    pub(crate) code: String,
    /// The whole file is compiled for tests only.
    pub(crate) test: bool,
    /// The lines (from 1) that stand inside `#[cfg(test)]` items.
    test_lines: BTreeSet<usize>,
}

impl SourceFile {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let code = blank(&text);
        Self {
            path: path
                .strip_prefix(repository(""))
                .unwrap()
                .to_string_lossy()
                .into_owned(),
            test_lines: test_lines(&code),
            test: false,
            text,
            code,
        }
    }

    /// Tells whether that line (from 1) is compiled for tests only.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test || self.test_lines.contains(&line)
    }

    /// Returns the first folder or file name below `src`, without `.rs`: the room that the file belongs to.
    pub(crate) fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below
            .split('/')
            .next()
            .unwrap_or(below)
            .trim_end_matches(".rs")
    }

    /// Returns the modules that the file declares in files of their own, and whether for tests only.
    pub(crate) fn declared(&self) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        let mut for_tests = false;
        for line in self.code.lines().map(str::trim) {
            if line.starts_with("#[") {
                for_tests |= is_test_attribute(line);
                continue;
            }
            let name = line
                .strip_suffix(';')
                .and_then(|rest| rest.rsplit_once("mod "))
                .filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
            if let Some((_, name)) = name {
                found.push((name.to_owned(), for_tests));
            }
            if !line.is_empty() {
                for_tests = false;
            }
        }
        found
    }

    /// Returns the first names of all paths that begin with `crate::`, groups included, each with its line.
    pub(crate) fn crate_paths(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("crate") {
            let before = self.code[..at].chars().next_back();
            let rest = &self.code[at + "crate".len()..];
            let Some(rest) = rest.trim_start().strip_prefix("::") else {
                continue;
            };
            if before.is_some_and(is_name) {
                continue;
            }
            let line = line_of(&self.code, at);
            match rest.trim_start().strip_prefix('{') {
                Some(group) => {
                    found.extend(group_names(group).into_iter().map(|name| (line, name)));
                }
                None => found.push((line, leading_name(rest.trim_start()))),
            }
        }
        found
    }

    /// Returns the lines where a path climbs with `super` up to the crate's root, past the law of floors.
    pub(crate) fn climbs_to_root(&self) -> Vec<usize> {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let depth = below.split('/').count() - usize::from(below.ends_with("/mod.rs"));
        let mut lines = Vec::new();
        for (at, _) in self.code.match_indices("super::") {
            let before = &self.code[..at];
            if before.ends_with("super::") || before.chars().next_back().is_some_and(is_name) {
                continue;
            }
            let mut climbs = 0;
            let mut rest = &self.code[at..];
            while let Some(shorter) = rest.strip_prefix("super::") {
                climbs += 1;
                rest = shorter;
            }
            if climbs >= depth + inline_depth(before) {
                lines.push(line_of(&self.code, at));
            }
        }
        lines
    }
}

/// Returns all Rust files below that folder of the repository, sorted by path, with the files that only tests compile marked.
pub(crate) fn rust_files(folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&repository(folder), &mut paths);
    paths.sort();
    let mut files: Vec<_> = paths.iter().map(|path| SourceFile::read(path)).collect();
    let marked: Vec<String> = files
        .iter()
        .flat_map(|file| {
            file.declared()
                .into_iter()
                .filter(|(_, for_tests)| *for_tests)
                .map(|(name, _)| format!("{}{name}", folder_of_children(&file.path)))
        })
        .collect();
    for file in &mut files {
        file.test = marked.iter().any(|module| {
            file.path
                .strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
    }
    files
}

/// Returns the folder where the modules that a file declares have their own files, with a closing `/`.
pub(crate) fn folder_of_children(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => format!("{folder}/"),
        _ => format!("{}/", path.trim_end_matches(".rs")),
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn leading_name(text: &str) -> String {
    text.chars().take_while(|c| is_name(*c)).collect()
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The first names of the members of a group, of which `text` begins behind the brace.
fn group_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut expected = true;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expected = true,
            c if expected && depth == 0 && is_name(c) => {
                names.push(leading_name(&text[at..]));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

fn is_test_attribute(line: &str) -> bool {
    line.replace(' ', "").contains("cfg(test)") || line.replace(' ', "").contains("cfg(all(test")
}

/// The lines of items under `#[cfg(test)]`: from the attribute to the brace that closes the item.
fn test_lines(code: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("#[cfg") {
        let end = code[at..].find(']').map_or(code.len(), |end| at + end);
        if !is_test_attribute(&code[at..end]) {
            continue;
        }
        let mut depth = 0_usize;
        let mut close = code.len();
        for (offset, character) in code[end..].char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => {
                    close = end + offset;
                    break;
                }
                _ => continue,
            }
            if depth == 0 {
                close = end + offset;
                break;
            }
        }
        found.extend(line_of(code, at)..=line_of(code, close));
    }
    found
}

/// How many inline modules are open at the end of this text.
fn inline_depth(code: &str) -> usize {
    let mut open = Vec::new();
    let mut words = String::new();
    for character in code.chars() {
        match character {
            '{' => {
                let mut parts = words.split_whitespace().rev();
                parts.next();
                open.push(parts.next() == Some("mod"));
                words.clear();
            }
            '}' => {
                open.pop();
                words.clear();
            }
            ';' | ')' | ']' => words.clear(),
            other => words.push(other),
        }
    }
    open.iter().filter(|module| **module).count()
}

/// Replaces comments, strings and characters by blanks.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let previous = out.chars().next_back();
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if character == '"' {
            quoted(rest, 1)
        } else if character == 'r' && !previous.is_some_and(is_name_but_prefix) {
            raw_string(rest).unwrap_or(0)
        } else if character == '\'' {
            character_literal(rest).unwrap_or(0)
        } else {
            0
        };
        if length == 0 {
            out.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            for blanked in rest[..length].chars() {
                // As many bytes as before, so that places in the code are places in the text.
                out.push_str(if blanked == '\n' {
                    "\n"
                } else {
                    &"    "[..blanked.len_utf8()]
                });
            }
            rest = &rest[length..];
        }
    }
    out
}

/// `br"..."` is a raw string too, `bar"` is none.
fn is_name_but_prefix(character: char) -> bool {
    is_name(character) && character != 'b'
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, character) in text[start..].char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(2 + hashes + body.find(&close).map_or(body.len(), |at| at + close.len()))
}

/// The length of `'x'` or `'\n'`; none for a lifetime.
fn character_literal(text: &str) -> Option<usize> {
    let body = &text[1..];
    if let Some(escape) = body.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return escape[first..].find('\'').map(|at| 2 + first + at + 1);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..]
        .starts_with('\'')
        .then_some(2 + first.len_utf8())
}

#[test]
fn comments_and_literals_are_blanked() {
    let code = blank(
        "use a; // crate::x\nlet s = \"crate::y\"; let c = '\"'; r#\"crate::\"z\"#; fn f<'a>() {}\n/* crate::q */ b",
    );
    assert!(!code.contains("crate"), "{code}");
    assert!(code.contains("fn f<'a>() {}"), "{code}");
    assert_eq!(code.lines().count(), 3);
}

#[test]
fn paths_are_found_in_groups_too() {
    let file = of(
        "use crate::{diag::Span, value::{Dict, Value}, yaml};\nfn f() { crate::kit::g() }\npub(crate) fn h() {}\n",
    );
    let names: Vec<_> = file.crate_paths();
    let expected = [(1, "diag"), (1, "value"), (1, "yaml"), (2, "kit")];
    assert_eq!(
        names,
        expected
            .map(|(line, name)| (line, name.to_owned()))
            .to_vec()
    );
}

#[test]
fn test_code_is_told_from_the_rest() {
    let file = of(
        "fn a() {}\n#[cfg(test)]\nmod tests {\n    use super::a;\n}\nfn b() {}\n#[cfg(test)]\nmod fake;\n",
    );
    let tests: Vec<_> = (1..=8).filter(|line| file.is_test(*line)).collect();
    assert_eq!(tests, [2, 3, 4, 5, 7, 8]);
    assert_eq!(file.declared(), [("fake".to_owned(), true)]);
}

#[test]
fn climbing_past_the_own_folder_is_noticed() {
    let mut file =
        of("use super::a;\nuse super::super::b;\nmod tests {\n    use super::super::c;\n}\n");
    file.path = "src/room/file.rs".to_owned();
    assert_eq!(file.climbs_to_root(), [2]);
}

#[cfg(test)]
fn of(text: &str) -> SourceFile {
    let code = blank(text);
    SourceFile {
        path: "src/x.rs".to_owned(),
        test_lines: test_lines(&code),
        text: text.to_owned(),
        code,
        test: false,
    }
}
