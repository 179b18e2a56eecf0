//! What `uri` sends along: as it is, as JSON, or as a form.

use std::fmt::Write as _;
use std::io::Read as _;

use super::{BodyFormat, UriArgs, multipart};
use crate::kit::{Any, Failure, Host, expand_path};
use crate::modules::files::copy::python_json;
use crate::value::{Kind, Value};

/// The most that is read to be sent.
const MOST: u64 = 256 << 20;

/// A content and its type; the type wins over a header of the task's only where it must.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) content: Option<Vec<u8>>,
    pub(super) kind: Option<String>,
    /// The type holds whatever the task says.
    pub(super) fixed: bool,
}

/// Returns what is to be sent.
pub(super) fn prepare(args: &UriArgs, host: &dyn Host) -> Result<Sent, Failure> {
    let body = args.body.as_ref().map(|Any(value)| value);
    let kind = |text: &str| Some(text.to_owned());
    let sent = match args.body_format {
        // A task without a body sends `null`, as in Ansible.
        BodyFormat::Json => Sent {
            content: Some(match body {
                Some(value) if value.as_str().is_some() => value.to_text().into_bytes(),
                other => python_json(other.unwrap_or(&Value::NULL)).into_bytes(),
            }),
            kind: kind("application/json"),
            fixed: false,
        },
        BodyFormat::FormUrlencoded => Sent {
            content: body.map(form).transpose()?,
            kind: kind("application/x-www-form-urlencoded"),
            fixed: false,
        },
        BodyFormat::FormMultipart => {
            let (content, kind) = multipart::write(body, args.remote_src, host)?;
            Sent {
                content: Some(content),
                kind: Some(kind),
                fixed: true,
            }
        }
        BodyFormat::Raw => Sent {
            content: body.map(raw).transpose()?,
            ..Sent::default()
        },
    };
    let Some(src) = &args.src else {
        return Ok(sent);
    };
    let mut content = Vec::new();
    let opened = if args.remote_src {
        host.open(&expand_path(src, host)).ok()
    } else {
        multipart::supplied(src, host)?
    };
    opened
        .and_then(|reader| reader.take(MOST + 1).read_to_end(&mut content).ok())
        .ok_or_else(|| Failure::new(format!("Unable to open source file {src}")))?;
    if content.len() as u64 > MOST {
        return Err(Failure::new(format!(
            "{src} is larger than {} MiB, too much for a request",
            MOST >> 20
        )));
    }
    Ok(Sent {
        content: Some(content),
        ..sent
    })
}

fn raw(value: &Value) -> Result<Vec<u8>, Failure> {
    match value.kind() {
        Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_) => Err(Failure::new(
            "`body` holds several values: say with `body_format` how they are written",
        )),
        Kind::Bytes(bytes) => Ok(bytes.to_vec()),
        _ => Ok(value.to_text().into_bytes()),
    }
}

/// Writes a dictionary, or a list of pairs, as a form; text is one already.
fn form(value: &Value) -> Result<Vec<u8>, Failure> {
    let mut pairs: Vec<(String, &Value)> = Vec::new();
    match value.kind() {
        Kind::Dict(dict) => {
            pairs.extend(
                dict.iter()
                    .map(|(key, item)| (key.to_value().to_text(), item)),
            );
        }
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items.iter() {
                let Some([key, item]) = item.as_list() else {
                    return Err(Failure::new(format!(
                        "failed to parse body as form_urlencoded: {} is no pair",
                        item.type_name()
                    )));
                };
                pairs.push((key.to_text(), item));
            }
        }
        _ => return Ok(value.to_text().into_bytes()),
    }
    let mut out = String::new();
    for (key, item) in pairs {
        let alone = std::slice::from_ref(item);
        let nested: Vec<Value>;
        let items = match item.kind() {
            Kind::List(items) | Kind::Tuple(items) => items,
            Kind::Dict(dict) => {
                nested = dict.keys().map(crate::value::Key::to_value).collect();
                nested.as_slice()
            }
            _ => alone,
        };
        for item in items.iter().filter(|item| !item.is_null()) {
            if !out.is_empty() {
                out.push('&');
            }
            quote(&key, &mut out);
            out.push('=');
            quote(&item.to_text(), &mut out);
        }
    }
    Ok(out.into_bytes())
}

fn quote(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Dict;

    #[test]
    fn forms_are_quoted() {
        let text = |value: Value| String::from_utf8(form(&value).unwrap()).unwrap();
        let dict = Dict::new()
            .with("a b", "c&d/é")
            .with("list", Value::list(["x".into(), Value::from(2)]))
            .with("none", Value::NULL)
            .with("yes", true);
        assert_eq!(
            text(Value::dict(dict)),
            "a+b=c%26d%2F%C3%A9&list=x&list=2&yes=True"
        );
        let pair = |key: &str, value: &str| Value::list([key.into(), Value::from(value)]);
        assert_eq!(
            text(Value::list([pair("a", "1"), pair("a", "2")])),
            "a=1&a=2"
        );
        assert_eq!(text("a=b".into()), "a=b");
        assert!(form(&Value::list(["a".into()])).is_err());
    }
}
