//! Forms with files (`multipart/form-data`), part by part as Python's library writes them.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kit::{Any, Failure, Host, Reader, SuppliedContent, expand_path};
use crate::value::{Dict, Value};

/// The most that one file of a form may hold.
const MOST: u64 = 256 << 20;

/// How many characters of base64 stand in a line.
const LINE: usize = 76;

/// Types of files by the ending of their names, as far as they are common in requests.
const TYPES: [(&str, &str); 24] = [
    ("bin", "application/octet-stream"),
    ("bz2", "application/x-bzip2"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("pem", "application/x-pem-file"),
    ("png", "image/png"),
    ("py", "text/x-python"),
    ("sh", "application/x-sh"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("webp", "image/webp"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

fn text(fields: &Dict, name: &str) -> Option<String> {
    fields
        .get(name)
        .filter(|value| !value.is_null())
        .map(Value::to_text)
        .filter(|text| !text.is_empty())
}

/// Returns the files of the controller that a form names.
pub(super) fn files(body: Option<&Any>) -> Vec<String> {
    let Some(Any(body)) = body else {
        return Vec::new();
    };
    body.as_dict()
        .into_iter()
        .flatten()
        .filter_map(|(_, value)| {
            let fields = value.as_dict()?;
            text(fields, "filename").filter(|_| text(fields, "content").is_none())
        })
        .collect()
}

/// Opens a file that the controller has supplied: the one of that name.
pub(super) fn supplied(name: &str, host: &dyn Host) -> Result<Option<Reader>, Failure> {
    let wanted = name.trim_start_matches("./");
    let found = host
        .supplied()
        .iter()
        .find(|supplied| supplied.path == name || supplied.path.ends_with(&format!("/{wanted}")))
        .or_else(|| {
            // A path that was looked up may be written otherwise; the file's own name stays.
            let last = wanted.rsplit('/').next().unwrap_or(wanted);
            host.supplied()
                .iter()
                .find(|supplied| supplied.path.rsplit('/').next() == Some(last))
        });
    Ok(match found.map(|supplied| &supplied.content) {
        Some(SuppliedContent::Here(bytes)) => Some(Box::new(std::io::Cursor::new(bytes.clone()))),
        Some(SuppliedContent::Remote(number)) => Some(host.open_supplied(*number)?),
        Some(SuppliedContent::Tree(_)) | None => None,
    })
}

/// Writes a form; returns its content and its type.
pub(super) fn write(
    body: Option<&Value>,
    remote: bool,
    host: &dyn Host,
) -> Result<(Vec<u8>, String), Failure> {
    let wrong =
        |cause: String| Failure::new(format!("failed to parse body as form-multipart: {cause}"));
    let fields = body.and_then(Value::as_dict).ok_or_else(|| {
        let name = body.map_or("NoneType", Value::type_name);
        wrong(format!("Mapping is required, cannot be type {name}"))
    })?;
    let mut random = [0; 16];
    host.random(&mut random)?;
    let boundary = format!("==============={:032x}==", u128::from_be_bytes(random));
    let mut sorted: Vec<(String, &Value)> = fields
        .iter()
        .map(|(name, value)| (name.to_value().to_text(), value))
        .collect();
    sorted.sort_by(|one, two| one.0.cmp(&two.0));
    let mut out = Vec::new();
    for (name, value) in sorted {
        out.extend(format!("--{boundary}\r\n").into_bytes());
        let part = match (value.as_str(), value.as_dict()) {
            (Some(content), _) => Part {
                filename: None,
                kind: "text/plain".to_owned(),
                encoding: None,
                content: content.as_bytes().to_vec(),
            },
            (_, Some(fields)) => Part::read(fields, remote, host).map_err(|failure| Failure {
                message: wrong(failure.message.clone()).message,
                ..failure
            })?,
            _ => {
                return Err(wrong(format!(
                    "value must be a string, or mapping, cannot be type {}",
                    value.type_name()
                )));
            }
        };
        part.write(&name, &mut out);
    }
    out.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok((out, format!("multipart/form-data; boundary=\"{boundary}\"")))
}

/// One field of a form.
struct Part {
    filename: Option<String>,
    kind: String,
    /// How a file's content is written.
    encoding: Option<Encoding>,
    content: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Base64,
    Plain,
}

impl Part {
    fn read(fields: &Dict, remote: bool, host: &dyn Host) -> Result<Self, Failure> {
        let filename = text(fields, "filename");
        let content = text(fields, "content");
        let encoding = match text(fields, "multipart_encoding").as_deref() {
            None | Some("base64") => Encoding::Base64,
            Some("7or8bit") => Encoding::Plain,
            Some(other) => {
                return Err(Failure::new(format!(
                    "multipart_encoding must be one of base64, 7or8bit, not {other}"
                )));
            }
        };
        let kind = text(fields, "mime_type").unwrap_or_else(|| {
            let ending = filename.as_deref().and_then(|name| name.rsplit_once('.'));
            let known = ending.and_then(|(_, ending)| {
                TYPES
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(ending))
            });
            known
                .map_or("application/octet-stream", |(_, kind)| kind)
                .to_owned()
        });
        let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        match (filename, content) {
            (None, None) => Err(Failure::new(
                "at least one of filename or content must be provided",
            )),
            (filename, Some(content)) => Ok(Self {
                filename: filename.as_deref().map(base),
                kind,
                encoding: None,
                content: content.into_bytes(),
            }),
            (Some(filename), None) => {
                let reader = if remote {
                    host.open(&expand_path(&filename, host))?
                } else {
                    supplied(&filename, host)?.ok_or_else(|| {
                        Failure::new(format!("the controller has supplied no `{filename}`"))
                    })?
                };
                let mut content = Vec::new();
                let read = reader.take(MOST + 1).read_to_end(&mut content);
                read.map_err(|error| Failure::new(format!("cannot read `{filename}`: {error}")))?;
                if content.len() as u64 > MOST {
                    return Err(Failure::new(format!(
                        "`{filename}` is larger than {} MiB",
                        MOST >> 20
                    )));
                }
                Ok(Self {
                    filename: Some(base(&filename)),
                    kind,
                    encoding: Some(encoding),
                    content,
                })
            }
        }
    }

    fn write(&self, name: &str, out: &mut Vec<u8>) {
        let quoted = |text: &str| {
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace(['\r', '\n'], " ")
        };
        let plain = if self.content.is_ascii() {
            "7bit"
        } else {
            "8bit"
        };
        match self.encoding {
            Some(Encoding::Base64) => out.extend(b"Content-Transfer-Encoding: base64\r\n"),
            Some(Encoding::Plain) => {
                out.extend(format!("Content-Transfer-Encoding: {plain}\r\n").into_bytes());
            }
            None => {}
        }
        let kind = self.kind.replace(['\r', '\n'], " ");
        out.extend(format!("Content-Type: {kind}\r\n").into_bytes());
        let mut disposition = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(filename) = &self.filename {
            disposition.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        out.extend(format!("{disposition}\r\n\r\n").into_bytes());
        if matches!(self.encoding, Some(Encoding::Base64)) {
            let text = STANDARD.encode(&self.content);
            for line in text.as_bytes().chunks(LINE) {
                out.extend(line);
                out.extend(b"\r\n");
            }
        } else {
            with_crlf(&self.content, out);
        }
        out.extend(b"\r\n");
    }
}

/// Writes a content with the ends of lines that mails have, as Python's library does with all that is not base64.
fn with_crlf(content: &[u8], out: &mut Vec<u8>) {
    let mut before = 0;
    for byte in content.iter().copied() {
        match byte {
            b'\n' if before == b'\r' => {}
            b'\n' | b'\r' => out.extend(b"\r\n"),
            _ => out.push(byte),
        }
        before = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_mails() {
        let mut out = Vec::new();
        with_crlf(b"a\nb\r\nc\rd\n", &mut out);
        assert_eq!(out, b"a\r\nb\r\nc\r\nd\r\n");
    }
}
