//! One exchange of `uri`: the request, and the answer as a result.

use std::io::Read as _;
use std::time::Instant;

use super::{UriArgs, body};
use crate::http::{anonymous, join};
use crate::kit::{Failure, Host, Outcome, path_info};
use crate::modules::files::checksum::Algorithm;
use crate::modules::files::trust;
use crate::modules::net::web::{Answer, Download, Place, Question, Unanswered, Watched, headers};
use crate::value::{Dict, Key, Kind, Value};

/// The most that an answer may hold which is not written to a file.
const MOST: u64 = 256 << 20;

/// The type of an answer's content.
struct ContentType {
    json: bool,
    charset: String,
}

impl ContentType {
    fn of(header: Option<&str>) -> Self {
        let header = header.unwrap_or("application/octet-stream");
        let mut parts = header.split(';').map(str::trim);
        let kind = parts
            .next()
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default();
        let subtype = kind.split_once('/').map_or("", |(_, subtype)| subtype);
        let last = subtype
            .rsplit_once('+')
            .map_or(subtype, |(_, suffix)| suffix);
        let charset = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map_or("utf-8", |(_, value)| value.trim());
        Self {
            json: ["json", "javascript"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(last)),
            charset: charset.trim_matches('"').to_lowercase(),
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        match self.charset.as_str() {
            "iso-8859-1" | "latin-1" | "latin1" | "iso8859-1" => {
                bytes.iter().map(|byte| char::from(*byte)).collect()
            }
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

pub(super) fn run(args: &UriArgs, host: &dyn Host) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let masked = anonymous(&args.url);
    let question = question(args, host)?;
    let mut answer = match args.access().ask(question, host) {
        Ok(answer) => answer,
        Err(Unanswered::Ended(error)) => return Err(error.into()),
        Err(Unanswered::Nobody(message)) => {
            return nobody(args, &message, &masked, started);
        }
    };
    let status = answer.status.map_or(-1, i64::from);
    let fine = args.status_code.contains(&status);
    let kind = ContentType::of(answer.header("content-type"));
    let read = kind.json || args.return_content || !fine;
    let mut values = values(&answer, &masked, started);
    let written = args.dest.as_ref().filter(|_| fine && status != 304);
    let mut changed = false;
    let mut content = None;
    if read {
        content = Some(take(&mut answer, args, &masked, host)?);
    }
    if let Some(dest) = written {
        changed = true;
        let path = write(args, dest, &mut answer, content.as_deref(), host)?;
        values.extend(path_info(&path, host)?);
        values.insert("path", path);
    } else {
        if let Some(dest) = &args.dest {
            let path = path(dest, &answer, host)?;
            values.extend(path_info(&path, host)?);
            values.insert("path", path);
        }
        if !read && !answer.is_fine() {
            // An error that was expected comes with its content, as it does in Ansible.
            let bytes = take(&mut answer, args, &masked, host)?;
            values.insert("body", kind.text(&bytes));
        }
    }
    if let Some(link) = values.get("location").map(Value::to_text) {
        values.insert("location", join(&masked, &link));
    }
    if let Some(bytes) = &content {
        let text = kind.text(bytes);
        if kind.json
            && let Ok(json) = serde_json::from_str(&text)
        {
            values.insert("json", Value::from_json(json));
        }
        if args.return_content {
            values.insert("content", text);
        }
    } else if args.return_content {
        values.insert("content", Value::NULL);
    }
    let mut values = hidden(values, args.url_password.as_deref());
    if !fine {
        values.remove("msg");
        let message = unexpected(args, status, &answer.message);
        return Err(Failure {
            values,
            changed,
            ..Failure::new(message)
        });
    }
    Ok(Outcome {
        changed,
        ..Outcome::default()
    }
    .with_all(values))
}

fn question(args: &UriArgs, host: &dyn Host) -> Result<Question, Failure> {
    let sent = body::prepare(args, host)?;
    let mut headers = headers(args.headers.as_ref());
    if let Some(kind) = sent.kind {
        let is_type = |name: &str| name.eq_ignore_ascii_case("content-type");
        if sent.fixed {
            headers.retain(|(name, _)| !is_type(name));
        }
        if !headers.iter().any(|(name, _)| is_type(name)) {
            headers.push(("Content-Type".to_owned(), kind));
        }
    }
    let existing = match &args.dest {
        Some(dest) => host.status(dest, true)?.filter(crate::kit::Status::is_file),
        None => None,
    };
    Ok(Question {
        method: args.method.to_uppercase(),
        url: args.url.clone(),
        headers,
        body: sent.content,
        newer_than: existing.map(|status| status.times.modified.0),
    })
}

fn unexpected(args: &UriArgs, status: i64, message: &str) -> String {
    let wanted: Vec<String> = args.status_code.iter().map(ToString::to_string).collect();
    format!(
        "Status code was {status} and not [{}]: {message}",
        wanted.join(", ")
    )
}

/// The result of a request that nobody has answered; a task can expect even that.
fn nobody(
    args: &UriArgs,
    message: &str,
    masked: &str,
    started: Instant,
) -> Result<Outcome, Failure> {
    let mut values = Dict::new()
        .with("redirected", false)
        .with("url", masked)
        .with("status", -1)
        .with("elapsed", started.elapsed().as_secs());
    if args.return_content {
        values.insert("content", "");
    }
    if args.status_code.contains(&-1) {
        return Ok(Outcome::unchanged().with("msg", message).with_all(values));
    }
    Err(Failure {
        values,
        ..Failure::new(unexpected(args, -1, message))
    })
}

/// What every answer is told with: its headers, and what is known besides.
fn values(answer: &Answer, masked: &str, started: Instant) -> Dict {
    let mut values = Dict::new()
        .with("redirected", answer.url != masked)
        .with("url", answer.url.as_str())
        .with("status", answer.status.map_or(-1, i64::from));
    for (name, value) in &answer.headers {
        values.insert(name.replace('-', "_"), value.as_str());
    }
    if answer.is_fine() {
        let shown: Vec<String> = answer
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("None")))
            .collect();
        let cookies: Dict = answer
            .cookies
            .iter()
            .map(|(name, value)| {
                let value = value.as_deref().map_or(Value::NULL, Value::from);
                (Key::from(name.as_str()), value)
            })
            .collect();
        values.insert("cookies_string", shown.join("; "));
        values.insert("cookies", Value::dict(cookies));
    }
    values
        .with("msg", answer.message.as_str())
        .with("url", answer.url.as_str())
        .with("elapsed", started.elapsed().as_secs())
}

fn take(
    answer: &mut Answer,
    args: &UriArgs,
    masked: &str,
    host: &dyn Host,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    Watched::new(&mut answer.body, host)
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("HTTP Error while fetching {masked}: {error}")))?;
    if bytes.len() as u64 > MOST {
        let help = if args.dest.is_none() {
            ": write it to a file with `dest`"
        } else {
            ""
        };
        return Err(Failure::new(format!(
            "{masked} answers with more than {} MiB{help}",
            MOST >> 20
        )));
    }
    Ok(bytes)
}

/// The file that an answer goes to.
fn path(dest: &str, answer: &Answer, host: &dyn Host) -> Result<String, Failure> {
    let directory = host
        .status(dest, true)?
        .is_some_and(|status| status.is_directory());
    if !directory {
        return Ok(dest.to_owned());
    }
    let name = answer.given_name().unwrap_or_else(|| answer.name_in_url());
    Ok(format!("{}/{name}", dest.trim_end_matches('/')))
}

/// Writes an answer to its file, unless that has the content already.
fn write(
    args: &UriArgs,
    dest: &str,
    answer: &mut Answer,
    content: Option<&[u8]>,
    host: &dyn Host,
) -> Result<String, Failure> {
    let path = path(dest, answer, host)?;
    trust::refuse_foreign_directory(&path, host)?;
    let attributes = args.file_attributes();
    let mut here;
    let body: &mut (dyn std::io::Read + Send) = match content {
        Some(bytes) => {
            here = bytes;
            &mut here
        }
        None => &mut answer.body,
    };
    let download = Download::receive(body, &path, None, None, &attributes, host)?;
    let same = host.status(&path, true)?.is_some()
        && Algorithm::Sha1.of_file(&path, host)? == download.sha1;
    if same {
        download.discard(host)?;
        attributes.compare(&path, host)?.apply(host)?;
    } else {
        let place = Place {
            path: &path,
            backup: false,
            attributes,
        };
        download.place(&place, host)?;
    }
    Ok(path)
}

/// Puts stars in the place of the password, wherever an answer repeats it.
fn hidden(values: Dict, password: Option<&str>) -> Dict {
    let Some(password) = password.filter(|password| !password.is_empty()) else {
        return values;
    };
    let mut star = |value: Value| match value.kind() {
        Kind::Str(text) if &**text == password => {
            Value::from("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
        }
        Kind::Str(text) if text.contains(password) => {
            Value::from(text.replace(password, "********"))
        }
        _ => value,
    };
    let hidden = Value::dict(values).map(&mut star);
    hidden.as_dict().cloned().unwrap_or_default()
}
