//! Small changes to a text, of the same length, so that minijinja's parser reads what Jinja reads.

use minijinja::machinery;
use minijinja::syntax::SyntaxConfig;

use crate::template::settings::FileSettings;

/// Returns a text of the same length whose escapes all pass minijinja's lexer, if any would not; `literal` reads the
/// real ones.
pub(super) fn readable(text: &str, settings: &FileSettings) -> Option<String> {
    if !text.contains('\\')
        || settings.variable_start.contains('\\')
        || settings.block_start.contains('\\')
    {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    let mut escaped = false;
    for byte in &mut bytes {
        if escaped && matches!(*byte, b'u' | b'x' | b'0'..=b'7') {
            *byte = b'_';
        }
        escaped = !escaped && *byte == b'\\';
    }
    String::from_utf8(bytes).ok()
}

/// Returns the text with all its bare tuples in parentheses and without unary `+`, if that is what the parser stopped at.
pub(super) fn repaired(
    text: &str,
    error: &minijinja::Error,
    syntax: &SyntaxConfig,
    settings: &FileSettings,
) -> Option<String> {
    let mut better = repaired_once(text, error, settings)?;
    while let Err(error) = machinery::parse(&better, "template", syntax.clone()) {
        let Some(more) = repaired_once(&better, &error, settings) else {
            break;
        };
        better = more;
    }
    Some(better)
}

/// Returns a text of the same length without what the parser stopped at.
pub(super) fn repaired_once(
    text: &str,
    error: &minijinja::Error,
    settings: &FileSettings,
) -> Option<String> {
    let place = error.range()?.start;
    let token = text.get(place..=place)?;
    // At the end of the text the place is that of the last token, which is not to blame.
    if !error
        .detail()?
        .starts_with(&format!("unexpected `{token}`"))
    {
        return None;
    }
    match token {
        "," => parenthesized(text, place, settings),
        // A plus before a number changes nothing.
        "+" => {
            let mut bytes = text.as_bytes().to_vec();
            *bytes.get_mut(place)? = b' ';
            String::from_utf8(bytes).ok()
        }
        _ => None,
    }
}

/// Returns a text of the same length in which the tuple that the parser stopped at, as in `{{ 1, 2 }}` or `for x in 1, 2`, has
/// parentheses in place of the spaces around it.
fn parenthesized(text: &str, comma: usize, settings: &FileSettings) -> Option<String> {
    let before = text.get(..comma)?;
    let output = before.rfind(&*settings.variable_start);
    let block = before.rfind(&*settings.block_start);
    let (start, end) = if output > block {
        let open = output? + settings.variable_start.len();
        (
            open + usize::from(matches!(text.get(open..=open)?, "-" | "+")),
            &settings.variable_end,
        )
    } else {
        (
            before.rfind(" in ").filter(|index| Some(*index) > block)? + 3,
            &settings.block_end,
        )
    };
    let close = comma + text.get(comma..)?.find(&**end)?;
    let close = close - 1 - usize::from(text.get(close - 1..close)? == "-");
    let mut bytes = text.as_bytes().to_vec();
    for (index, parenthesis) in [(start, b'('), (close, b')')] {
        let space = bytes.get_mut(index)?;
        if *space != b' ' {
            return None;
        }
        *space = parenthesis;
    }
    String::from_utf8(bytes).ok()
}
