//! Filters over paths: of POSIX, of Windows, and those that ask the controller.

use std::path::Path;

use super::bind::bind;
use super::python::iterate;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

fn subject(call: Call<'_>) -> Result<String, TemplateError> {
    path_of(&bind(call, &[], 0)?.value)
}

fn path_of(value: &Value) -> Result<String, TemplateError> {
    let path = super::python::used(value)?.as_str();
    path.map(str::to_owned)
        .ok_or_else(|| TemplateError::new(format!("a path is text, not {}", value.type_name())))
}

fn split(path: &str) -> (&str, &str) {
    let (head, tail) = path
        .rfind('/')
        .map_or(("", path), |slash| path.split_at(slash + 1));
    let bare = head.trim_end_matches('/');
    (if bare.is_empty() { head } else { bare }, tail)
}

/// `basename`.
pub(super) fn basename(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(split(&subject(call)?).1))
}

/// `dirname`.
pub(super) fn dirname(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(split(&subject(call)?).0))
}

/// `splitext`: a pair of name and extension.
pub(super) fn splitext(call: Call<'_>) -> Result<Value, TemplateError> {
    let path = subject(call)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let bare = name.trim_start_matches('.');
    let cut = bare
        .rfind('.')
        .map_or(path.len(), |dot| path.len() - bare.len() + dot);
    let (root, extension) = path.split_at(cut);
    Ok(Value::tuple([Value::from(root), Value::from(extension)]))
}

fn joined(parts: &[Value]) -> Result<String, TemplateError> {
    let mut path = String::new();
    for (index, part) in parts.iter().enumerate() {
        let part = part
            .as_str()
            .ok_or_else(|| TemplateError::new("`path_join` needs text"))?;
        if part.starts_with('/') {
            path.clear();
        } else if index > 0 && !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(part);
    }
    Ok(path)
}

/// `path_join`: the parts of a list, from the last absolute one on.
pub(super) fn path_join(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    match arguments.value.kind() {
        Kind::Str(_) => Ok(arguments.value),
        Kind::List(parts) | Kind::Tuple(parts) if !parts.is_empty() => {
            joined(parts).map(Value::from)
        }
        _ => Err(arguments.error("needs a list or text")),
    }
}

/// `normpath`.
pub(super) fn normpath(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(normalized(&subject(call)?)))
}

fn normalized(path: &str) -> String {
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        2 => "//",
        0 => "",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        let climbs = part == "..";
        if climbs && parts.last().is_some_and(|last| *last != "..") {
            parts.pop();
        } else if !climbs || slashes.is_empty() {
            parts.push(part);
        }
    }
    let path = format!("{slashes}{}", parts.join("/"));
    if path.is_empty() {
        ".".to_owned()
    } else {
        path
    }
}

/// `commonpath`.
pub(super) fn commonpath(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    if arguments.value.as_list().is_none_or(<[Value]>::is_empty) {
        return Err(arguments.error("needs a list of paths"));
    }
    let paths = iterate(&arguments.value)?
        .iter()
        .map(path_of)
        .collect::<Result<Vec<_>, _>>()?;
    let absolute = paths.iter().filter(|path| path.starts_with('/')).count();
    if absolute != 0 && absolute != paths.len() {
        return Err(arguments.error("cannot mix absolute and relative paths"));
    }
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect()
    };
    let mut common = paths.first().map(|path| parts(path)).unwrap_or_default();
    for path in &paths {
        let same = common
            .iter()
            .zip(parts(path))
            .take_while(|(one, two)| *one == two)
            .count();
        common.truncate(same);
    }
    Ok(Value::from(format!(
        "{}{}",
        if absolute > 0 { "/" } else { "" },
        common.join("/")
    )))
}

/// `relpath(start=None)`: relative to the working directory unless told.
pub(super) fn relpath(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["start"], 0)?;
    let path = path_of(&arguments.value)?;
    let start = arguments.optional_text(0)?;
    if path.is_empty() {
        return Err(arguments.error("needs a path"));
    }
    let absolute = |path: &str| -> Result<String, TemplateError> {
        if path.starts_with('/') {
            return Ok(normalized(path));
        }
        let outside = arguments.evaluator.outside("the filter `relpath`")?;
        Ok(normalized(&format!(
            "{}/{path}",
            outside.real_path(Path::new(".")).display()
        )))
    };
    let (path, start) = match start {
        // Two relative paths need no working directory.
        Some(start) if !start.starts_with('/') && !path.starts_with('/') => (
            normalized(&format!("/{path}")),
            normalized(&format!("/{start}")),
        ),
        start => (absolute(&path)?, absolute(start.as_deref().unwrap_or("."))?),
    };
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let same = path
        .iter()
        .zip(&start)
        .take_while(|(one, two)| one == two)
        .count();
    let up = std::iter::repeat_n("..", start.len() - same);
    let relative = up
        .chain(path.iter().skip(same).map(String::as_str))
        .collect::<Vec<_>>()
        .join("/");
    Ok(Value::from(if relative.is_empty() {
        ".".to_owned()
    } else {
        relative
    }))
}

/// `realpath`: on the controller.
pub(super) fn realpath(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let path = path_of(&arguments.value)?;
    let real = arguments
        .evaluator
        .outside("the filter `realpath`")?
        .real_path(Path::new(&path));
    Ok(Value::from(normalized(&real.display().to_string())))
}

/// `expanduser`: on the controller.
pub(super) fn expanduser(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let path = path_of(&arguments.value)?;
    let Some(rest) = path.strip_prefix('~') else {
        return Ok(Value::from(path));
    };
    let (user, rest) = rest
        .find('/')
        .map_or((rest, ""), |slash| rest.split_at(slash));
    let home = arguments
        .evaluator
        .outside("the filter `expanduser`")?
        .home(Some(user).filter(|user| !user.is_empty()));
    Ok(Value::from(match home {
        Some(home) => format!("{}{rest}", home.display().to_string().trim_end_matches('/')),
        None => path,
    }))
}

/// `expandvars`: `$NAME` and `${NAME}` of the controller's environment.
pub(super) fn expandvars(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let path = path_of(&arguments.value)?;
    if !path.contains('$') {
        return Ok(Value::from(path));
    }
    let outside = arguments.evaluator.outside("the filter `expandvars`")?;
    let mut out = String::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let braced = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let (name, written, tail) = if let Some((name, tail)) = braced {
            (name, format!("${{{name}}}"), tail)
        } else {
            let word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let end = after.find(|letter| !word(letter)).unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            (name, format!("${name}"), tail)
        };
        out.push_str(
            &outside
                .environment(name)
                .filter(|_| !name.is_empty())
                .unwrap_or(written),
        );
        rest = tail;
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

/// `fileglob`: regular files of the controller that fit a pattern.
pub(super) fn fileglob(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let path = path_of(&arguments.value)?;
    let outside = arguments.evaluator.outside("the filter `fileglob`")?;
    let mut found = vec![if path.starts_with('/') {
        "/".to_owned()
    } else {
        String::new()
    }];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in &found {
            let prefix = if folder.is_empty() || folder.ends_with('/') {
                folder.clone()
            } else {
                format!("{folder}/")
            };
            if part.contains(['*', '?', '[']) {
                let listed = outside
                    .list(Path::new(if prefix.is_empty() { "." } else { &prefix }))
                    .unwrap_or_default();
                next.extend(
                    listed
                        .iter()
                        .filter(|name| super::glob::matches(part, name))
                        .map(|name| format!("{prefix}{name}")),
                );
            } else {
                next.push(format!("{prefix}{part}"));
            }
        }
        found = next;
    }
    Ok(found
        .into_iter()
        .filter(|path| {
            outside
                .status(Path::new(path))
                .is_some_and(|status| status.file)
        })
        .map(Value::from)
        .collect())
}

fn drive(path: &str) -> (&str, &str) {
    let letter = path.as_bytes().get(1) == Some(&b':') && path.is_char_boundary(2);
    if letter {
        return path.split_at(2);
    }
    if path.starts_with("\\\\") || path.starts_with("//") {
        // A share: \\server\name.
        let ends: Vec<usize> = path
            .match_indices(['\\', '/'])
            .map(|(index, _)| index)
            .skip(2)
            .collect();
        return path.split_at(ends.get(1).copied().unwrap_or(path.len()));
    }
    ("", path)
}

fn win_split(path: &str) -> (String, &str) {
    let (drive, rest) = drive(path);
    let (head, tail) = rest
        .rfind(['\\', '/'])
        .map_or(("", rest), |slash| rest.split_at(slash + 1));
    let bare = head.trim_end_matches(['\\', '/']);
    (
        format!("{drive}{}", if bare.is_empty() { head } else { bare }),
        tail,
    )
}

/// `win_basename`.
pub(super) fn win_basename(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(win_split(&subject(call)?).1))
}

/// `win_dirname`.
pub(super) fn win_dirname(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(win_split(&subject(call)?).0))
}

/// `win_splitdrive`.
pub(super) fn win_splitdrive(call: Call<'_>) -> Result<Value, TemplateError> {
    let path = subject(call)?;
    let (drive, rest) = drive(&path);
    Ok(Value::tuple([Value::from(drive), Value::from(rest)]))
}
