//! The `password` lookup: a random password, kept in a file of the controller so that it stays the same.

use std::path::Path;

use super::file::outside;
use super::options::{Options, inline, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::crypt;
use crate::template::filters::python::{count, text};
use crate::template::filters::random::Source;
use crate::template::filters::strings::is_space;
use crate::value::Value;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Names and defaults: `length=20`, `chars=ascii_letters,digits,".,:-_"`, `encrypt`, `ident`, `seed`.
const NAMES: &[&str] = &["length", "encrypt", "chars", "ident", "seed"];

/// `password('path length=20 encrypt=sha512_crypt chars=ascii_letters,digits seed=...')` or the same as named arguments.
pub(super) fn password(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let options = Options::new(call, named, NAMES);
    let one = |term: &Value| one(text_term(term, call)?, options.clone(), call);
    terms.iter().map(one).collect()
}

/// Splits a term into the path, which may hold spaces, and options behind it.
fn path_of(
    term: &str,
    options: &mut Options<'_>,
    call: &LookupCall<'_>,
) -> Result<String, TemplateError> {
    let Some((first, rest)) = term.split_once(' ') else {
        return Ok(term.to_owned());
    };
    let rest = inline(rest, call)?;
    let path = match rest.words {
        Some(words) => format!("{first} {words}"),
        None => first.to_owned(),
    };
    if !term.starts_with(&path) {
        return Err(options.error(format!("a word stands behind the options in `{term}`")));
    }
    for (name, value) in rest.options {
        let value = match name.as_str() {
            "chars" => Value::list(character_sets(&value)),
            _ => Value::from(value),
        };
        if !options.set(&name, value) {
            return Err(options.error(format!("it has no option `{name}`")));
        }
    }
    Ok(path)
}

/// Splits `chars` of a term at commas; two of them stand for the comma itself.
fn character_sets(text: &str) -> Vec<Value> {
    let comma = text.contains(",,").then(|| Value::text(","));
    let single = text.replace(",,", ",");
    let sets = single.split(',').filter(|set| !set.is_empty());
    comma.into_iter().chain(sets.map(Value::text)).collect()
}

fn one(
    term: &str,
    mut options: Options<'_>,
    call: &LookupCall<'_>,
) -> Result<Value, TemplateError> {
    let path = path_of(term, &mut options, call)?;
    let length = options.int("length")?.unwrap_or(20);
    let encrypt = Some(options.text("encrypt", "")?).filter(|name| !name.is_empty());
    let characters = characters(&options)?;
    // ansible-core makes text of a seed, so that 5 and "5" give the same password.
    let seed = options.get("seed").map(text).transpose()?.map(Value::from);
    let wanted_ident = Some(options.text("ident", "")?).filter(|ident| !ident.is_empty());
    let outside = outside(call)?;
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
            .map_err(|_| options.error("the password file is not UTF-8 text"))?;
        Some(content.trim_end_matches(is_space).to_owned())
    } else {
        None
    };
    let mut changed = stored.is_none();
    let (plain, mut salt, mut ident) = match stored {
        Some(content) => parse(&content),
        None => (generate(length, &characters, seed.as_ref())?, None, None),
    };
    if let (Some(stored), Some(wanted)) = (&ident, &wanted_ident)
        && stored != wanted
    {
        return Err(options.error(format!("the stored ident is `{stored}`, not `{wanted}`")));
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

fn characters(options: &Options<'_>) -> Result<Vec<char>, TemplateError> {
    let sets: Vec<String> = match options.get("chars") {
        None => ["ascii_letters", "digits", ".,:-_"]
            .map(str::to_owned)
            .to_vec(),
        Some(_) => options
            .list("chars")?
            .iter()
            .map(text)
            .collect::<Result<_, _>>()?,
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
        return Err(options.error("there are no characters to choose from"));
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
