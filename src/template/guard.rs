//! A bound on how deep an expression nests, checked before it is parsed.
//!
//! Parser, evaluator and the tree's own end all recurse, and a stack that overflows ends the whole program. `syntax` asks here
//! first. What is counted is what makes a tree deep: brackets within brackets, and operators in a row within one pair of them.

use super::settings::FileSettings;

/// The deepest expression that is read.
const DEEPEST: usize = 120;
/// The longest chain of `elif`, which nest as well.
const ELIFS: usize = 500;

/// Returns where a template's expressions nest too deep, if they do.
pub(super) fn template(text: &str, settings: &FileSettings) -> Option<usize> {
    if text.matches("elif").count() > ELIFS {
        return text.rfind("elif");
    }
    let mut position = 0;
    while let Some(rest) = text.get(position..) {
        let output = rest
            .find(&*settings.variable_start)
            .map(|start| (start, &settings.variable_start, &settings.variable_end));
        let block = rest
            .find(&*settings.block_start)
            .map(|start| (start, &settings.block_start, &settings.block_end));
        let (start, open, close) = [output, block]
            .into_iter()
            .flatten()
            .min_by_key(|(start, ..)| *start)?;
        let inside = position + start + open.len();
        let (length, deep) = scan(text.get(inside..).unwrap_or(""), Some(close));
        if let Some(offset) = deep {
            return Some(inside + offset);
        }
        position = inside + length;
    }
    None
}

/// Returns where an expression nests too deep, if it does.
pub(super) fn expression(text: &str) -> Option<usize> {
    scan(text, None).1
}

/// Goes through an expression up to its end and returns its length, and where it gets too deep.
fn scan(text: &str, end: Option<&str>) -> (usize, Option<usize>) {
    let mut levels = vec![0_usize];
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    let mut word_start = None;
    for (index, character) in text.char_indices() {
        if let Some(open) = quote {
            if !escaped && character == open {
                quote = None;
            }
            escaped = !escaped && character == '\\';
            continue;
        }
        if levels.len() == 1
            && end.is_some_and(|end| text.get(index..).is_some_and(|rest| rest.starts_with(end)))
        {
            return (index, None);
        }
        if character.is_alphanumeric() || character == '_' {
            word_start = word_start.or(Some(index));
            continue;
        }
        let word = word_start.take().and_then(|start| text.get(start..index));
        let mut more = usize::from(matches!(
            word,
            Some("not" | "if" | "and" | "or" | "is" | "in")
        ));
        match character {
            '\'' | '"' => quote = Some(character),
            '(' | '[' | '{' => {
                levels.push(0);
                depth += 1;
            }
            ')' | ']' | '}' if levels.len() > 1 => {
                depth -= 1 + levels.pop().unwrap_or(0);
                more += 1;
            }
            ',' => {
                if let Some(level) = levels.last_mut() {
                    depth -= std::mem::take(level);
                }
            }
            '+' | '-' | '*' | '/' | '%' | '~' | '.' | '|' | '<' | '>' | '=' => more += 1,
            _ => {}
        }
        if let Some(level) = levels.last_mut() {
            *level += more;
            depth += more;
        }
        if depth > DEEPEST {
            return (index, Some(index));
        }
    }
    (text.len(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_not_deep() {
        let list = format!(
            "[{}]",
            vec!["{'a': 1.5, 'b': x.y | f(1)}"; 2_000].join(", ")
        );
        assert_eq!(expression(&list), None);
        let output = format!(
            "{{{{ {list} }}}} {}",
            "prose. (with) brackets + ".repeat(1_000)
        );
        assert_eq!(template(&output, &FileSettings::default()), None);
    }

    #[test]
    fn chains_and_brackets_are_deep() {
        for text in ["1 + ", "not ", "(", "x.", "-", "f("] {
            assert!(expression(&text.repeat(400)).is_some(), "{text}");
        }
        assert!(expression(&"x | f ".repeat(400)).is_some());
    }

    #[test]
    fn quotes_hide_what_they_hold() {
        assert_eq!(expression(&format!("'{}'", "(".repeat(1_000))), None);
    }
}
