//! The `password` lookup: a random password, kept in a file of the controller so that it stays the same.

#![expect(
    clippy::needless_pass_by_value,
    reason = "all lookups have one signature"
)]

use std::path::Path;

use super::LookupCall;
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind_items;
use crate::template::filters::crypt;
use crate::template::filters::numbers::lenient_integer;
use crate::template::filters::python::{count, text};
use crate::template::filters::random::{Source, secure_below};
use crate::value::Value;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Returns a random number below `limit` (which is above 0).
pub(super) fn below(limit: usize) -> Result<usize, TemplateError> {
    secure_below(limit)
}

/// `password('path length=20 encrypt=sha512_crypt chars=ascii_letters,digits seed=...')` or the same as named arguments.
pub(super) fn password(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Result<Vec<Value>, TemplateError> {
    let names = ["length", "encrypt", "chars", "ident", "seed"];
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    terms
        .iter()
        .map(|term| one(&text(term)?, &names, bound.clone(), call))
        .collect()
}

fn one(
    term: &str,
    names: &[&str],
    mut options: Vec<Option<Value>>,
    call: &LookupCall<'_>,
) -> Result<Value, TemplateError> {
    let mut path = String::new();
    for (index, word) in term.split(' ').enumerate() {
        match word.split_once('=').filter(|_| index > 0) {
            Some((name, value)) => {
                let place = names
                    .iter()
                    .position(|known| *known == name)
                    .and_then(|index| options.get_mut(index));
                let place = place.ok_or_else(|| {
                    TemplateError::new(format!("the lookup `password` does not know `{name}`"))
                })?;
                *place = Some(Value::from(value.trim_matches(['\'', '"'])));
            }
            None if index == 0 => path.push_str(word),
            None => {
                path.push(' ');
                path.push_str(word);
            }
        }
    }
    let option = |index: usize| {
        options
            .get(index)
            .and_then(Option::as_ref)
            .filter(|value| !value.is_null())
    };
    let length = option(0).map_or(Ok(20), lenient_integer)?;
    let encrypt = option(1).map(text).transpose()?;
    let characters = characters(option(2))?;
    let wanted_ident = option(3).map(text).transpose()?;
    let outside = call.evaluator.outside("the lookup `password`")?;
    let path = expand(&path, outside.home(None).as_deref());
    let path = if path.starts_with('/') {
        path
    } else {
        outside.search_path().last().map_or(path.clone(), |folder| {
            folder.join(&path).display().to_string()
        })
    };
    let keep = path != "/dev/null";
    let path = Path::new(&path);
    let stored = if keep && outside.status(path).is_some() {
        let (content, _) = outside.read(path)?;
        let content = String::from_utf8(content)
            .map_err(|_| TemplateError::new("the password file is not UTF-8 text"))?;
        Some(content.trim_end().to_owned())
    } else {
        None
    };
    let mut changed = stored.is_none();
    let (plain, mut salt, mut ident) = match stored {
        Some(content) => parse(&content),
        None => (generate(length, &characters, option(4))?, None, None),
    };
    if let (Some(stored), Some(wanted)) = (&ident, &wanted_ident)
        && stored != wanted
    {
        return Err(TemplateError::new(format!(
            "the stored ident is `{stored}`, not `{wanted}`"
        )));
    }
    ident = ident.or(wanted_ident);
    if let Some(algorithm) = &encrypt {
        if salt.is_none() {
            changed = true;
            salt = Some(crypt::random_salt(crypt::salt_size(algorithm))?);
        }
        if ident.is_none() && crypt::implicit_ident(algorithm).is_some() {
            changed = true;
            ident = crypt::implicit_ident(algorithm).map(str::to_owned);
        }
    }
    if changed && keep {
        let mut content = plain.clone();
        if let Some(salt) = &salt {
            content.push_str(" salt=");
            content.push_str(salt);
            if let Some(ident) = &ident {
                content.push_str(" ident=");
                content.push_str(ident);
            }
        }
        content.push('\n');
        outside.write(path, content.as_bytes())?;
    }
    let shown = match &encrypt {
        Some(algorithm) => crypt::hash(
            &plain,
            algorithm,
            salt.as_deref(),
            None,
            None,
            ident.as_deref(),
        )?,
        None => plain,
    };
    Ok(Value::from(shown).secret())
}

fn expand(path: &str, home: Option<&Path>) -> String {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest).display().to_string(),
        _ => path.to_owned(),
    }
}

fn parse(content: &str) -> (String, Option<String>, Option<String>) {
    let Some((password, rest)) = content.rsplit_once(" salt=") else {
        return (content.to_owned(), None, None);
    };
    match rest.rsplit_once(" ident=") {
        Some((salt, ident)) => (
            password.to_owned(),
            Some(salt.to_owned()),
            Some(ident.to_owned()),
        ),
        None => (
            password.to_owned(),
            Some(rest.to_owned()).filter(|salt| !salt.is_empty()),
            None,
        ),
    }
}

fn characters(option: Option<&Value>) -> Result<Vec<char>, TemplateError> {
    let sets: Vec<String> = match option {
        None => ["ascii_letters", "digits", ".,:-_"]
            .map(str::to_owned)
            .to_vec(),
        Some(value) => {
            if let Some(items) = value.as_list() {
                items.iter().map(text).collect::<Result<_, _>>()?
            } else {
                let all = text(value)?;
                let comma = all.contains(",,").then(|| ",".to_owned());
                let rest = all.replace(",,", ",");
                comma
                    .into_iter()
                    .chain(
                        rest.split(',')
                            .filter(|set| !set.is_empty())
                            .map(str::to_owned),
                    )
                    .collect()
            }
        }
    };
    let mut characters = String::new();
    for set in &sets {
        match set.as_str() {
            "ascii_letters" => characters.extend([LOWER, UPPER]),
            "ascii_lowercase" => characters.push_str(LOWER),
            "ascii_uppercase" => characters.push_str(UPPER),
            "digits" => characters.push_str(DIGITS),
            "hexdigits" => characters.push_str("0123456789abcdefABCDEF"),
            "octdigits" => characters.push_str("01234567"),
            "punctuation" => characters.push_str(PUNCTUATION),
            "whitespace" => characters.push_str(" \t\n\r\x0b\x0c"),
            "printable" => {
                characters.extend([DIGITS, LOWER, UPPER, PUNCTUATION, " \t\n\r\x0b\x0c"]);
            }
            other => characters.push_str(other),
        }
    }
    let characters: Vec<char> = characters
        .chars()
        .filter(|character| !"\"'".contains(*character))
        .collect();
    if characters.is_empty() {
        return Err(TemplateError::new(
            "the lookup `password` needs characters to choose from",
        ));
    }
    Ok(characters)
}

fn generate(
    length: i64,
    characters: &[char],
    seed: Option<&Value>,
) -> Result<String, TemplateError> {
    let mut source = Source::new(seed)?;
    let mut password = String::new();
    for _ in 0..count(length) {
        password.extend(characters.get(source.below(characters.len())?));
    }
    Ok(password)
}
